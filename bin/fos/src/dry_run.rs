//! `fos -t`: what is wrong with lvs.cf or odd about it, and what a start would run.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use config_file::Program;
use director::failover::{Action, Fos, Input, Mode, Site};
use director::shell_words;
use lvs_model::{ChildExit, Mono};

use crate::load;
use crate::options::Options;

/// Prints findings to `err` and the commands to `out`. The status is 1 for a file that is refused,
/// that asks nothing of fos, or of which something was left out.
pub fn run(options: &Options, out: &mut impl Write, err: &mut impl Write) -> ExitCode {
    let file = match config_file::check(&options.config_file) {
        Ok(file) => file,
        Err(fault) => {
            // A reader that has gone away does not matter: the status says it too.
            let _ = write_lines(err, &fault.lines_with_notes(Program::Fos));
            return ExitCode::FAILURE;
        }
    };
    let site = load::site(&file, options);
    let is_good = site.is_ok() && !file.has_faults();
    let written = write_lines(err, &file.remarks(true)).and_then(|()| match site {
        Ok(site) => write_lines(out, &plan(site, options.mode)),
        Err(lines) => write_lines(err, &lines),
    });
    if is_good && written.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The program is the one that would be run, also where it lies elsewhere than usual.
fn line(mut argv: Vec<OsString>) -> String {
    if let Some(program) = argv.first_mut() {
        *program = daemon::installed(program.as_ref()).into_os_string();
    }
    shell_words(&argv)
}

/// The command lines of a start in which everything succeeds at once.
fn plan(site: Site, mode: Mode) -> Vec<String> {
    let mut machine = Fos::new(site, mode);
    let mut inputs = VecDeque::from([Input::Start]);
    let mut lines = Vec::new();
    while let Some(input) = inputs.pop_front() {
        let mut actions = Vec::new();
        machine.handle(Mono::ZERO, input, &mut actions);
        for action in actions {
            match action {
                Action::RunCommand(argv) => {
                    lines.push(line(argv));
                    inputs.push_back(Input::CommandEnded(Ok(ChildExit::Status(0))));
                }
                Action::StartMonitor(monitor, argv, _) => {
                    lines.push(line(argv));
                    // No pid is 0: nothing is signalled by it.
                    inputs.push_back(Input::MonitorStarted(monitor, Ok(0)));
                }
                _ => {}
            }
        }
    }
    lines
}

fn write_lines(out: &mut impl Write, lines: &[String]) -> io::Result<()> {
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))?;
    out.flush()
}
