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
