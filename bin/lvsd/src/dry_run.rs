//! `lvsd -t`: what a start would do, as command lines.
//!
//! A process that many nannies share is printed once, before the first of them; another one for those that
//! may start programs. The nannies are comments, since none is started by itself.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, Write};

use director::{Action, Input, Lvsd, NannyOptions, Site, Table, shell_words};
use lvs_model::Mono;

/// Prints the operations and the processes of a start on `found`, one a line, in their order.
/// `foreground`: as [`Site::new`] was told.
///
/// # Errors
/// Those of writing to `out`.
pub fn print(
    site: &Site,
    (clear, foreground): (bool, bool),
    found: Table,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut machine = Lvsd::new(site.clone(), clear);
    let mut actions = Vec::new();
    machine.handle(Mono::ZERO, Input::Start, &mut actions);
    machine.handle(Mono::ZERO, Input::Table(Ok(found)), &mut actions);
    let mut pools = BTreeSet::new();
    for action in actions {
        match action {
            Action::Apply(ops) => {
                let program = shell_words(&[daemon::installed(&site.ipvsadm)]);
                for op in ops {
                    writeln!(out, "{program} {op}")?;
                }
            }
            Action::StartNanny(_, options) if options.shared => {
                let pool = pool_line(&options, foreground);
                let user = options.account.as_ref().map(|account| account.uid);
                if pools.insert((pool.clone(), user)) {
                    writeln!(out, "{pool}")?;
                }
                writeln!(out, "# {}", line(options.argv()))?;
            }
            Action::StartNanny(_, options) => writeln!(out, "{}", line(options.argv()))?,
            _ => {}
        }
    }
    out.flush()
}

fn pool_line(options: &NannyOptions, foreground: bool) -> String {
    let mut argv = vec![options.program.clone().into_os_string()];
    argv.extend(options.pool_args(foreground));
    line(argv)
}

/// The program is the one that would be run, also where it lies elsewhere than usual.
fn line(mut argv: Vec<OsString>) -> String {
    if let Some(program) = argv.first_mut() {
        *program = daemon::installed(program.as_ref()).into_os_string();
    }
    shell_words(&argv)
}
