//! `lvsd -t`: what a start would do, as command lines.

use std::io::{self, Write};

use director::{Action, Input, Lvsd, Site, Table, shell_words};
use lvs_model::Mono;

/// Prints the operations and the monitors of a start on `found`, one a line, in their order.
///
/// # Errors
/// Those of writing to `out`.
pub fn print(site: &Site, clear: bool, found: Table, out: &mut dyn Write) -> io::Result<()> {
    let mut machine = Lvsd::new(site.clone(), clear);
    let mut actions = Vec::new();
    machine.handle(Mono::ZERO, Input::Start, &mut actions);
    machine.handle(Mono::ZERO, Input::Table(Ok(found)), &mut actions);
    for action in actions {
        match action {
            Action::Apply(ops) => {
                for op in ops {
                    writeln!(out, "{} {op}", site.ipvsadm.display())?;
                }
            }
            Action::StartNanny(_, options) => writeln!(out, "{}", shell_words(&options.argv()))?,
            _ => {}
        }
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::load;

    /// Each sample file of the configuration against `golden/NAME.plan`; `UPDATE_GOLDEN=1` rewrites
    /// those, and the difference is read.
    #[test]
    fn each_sample_gives_the_recorded_plan() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let samples = here.join("../../crates/lvs-config/tests/samples");
        let mut count = 0;
        for entry in fs::read_dir(samples).unwrap() {
            let path = entry.unwrap().path();
            let loaded = load::load(&path).unwrap();
            let site = Site::new(&loaded.config, false, false);
            let mut plan = Vec::new();
            print(&site, false, Table::new(), &mut plan).unwrap();
            let plan = String::from_utf8(plan).unwrap();
            let name = path.file_stem().unwrap().to_str().unwrap();
            let golden = here.join(format!("golden/{name}.plan"));
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                fs::write(&golden, &plan).unwrap();
            }
            assert_eq!(plan, fs::read_to_string(golden).unwrap(), "{name}");
            count += 1;
        }
        assert!(count >= 10, "{count} samples");
    }
}
