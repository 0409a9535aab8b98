//! `pulse --status`, `pulse --order`: what the running pulse is asked, and how its answer is shown.

use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use control::{LVSD_SOCKET, PULSE_SOCKET as SOCKET, PulseLine, PulseOrder, PulseReport, Request};
use log::Level;

/// No pulse runs; the number of the Linux Standard Base for a service's `status`.
const NOT_RUNNING: u8 = 3;
/// Longest answer that is read.
const LONGEST: u64 = 16 << 20;
/// Neither daemon waits for anything before it says how it is.
const WITHIN: Duration = Duration::from_secs(5);
/// A partner has its time to take over, and hooks and the sync daemon may take theirs before.
const ORDER_WITHIN: Duration = Duration::from_secs(300);

/// Prints how the running pulse is; as its lines of JSON if `json`.
pub fn status(json: bool, out: &mut impl Write, err: &mut impl Write) -> ExitCode {
    let answer = match ask(Request::Status, err) {
        Ok(answer) => answer,
        Err(status) => return status,
    };
    let Some(mut report) = PulseReport::decode(&answer) else {
        return not_understood(&answer, err);
    };
    if has_lvsd(&report) {
        match daemon::read_status(Path::new(LVSD_SOCKET), LONGEST, WITHIN) {
            Ok(text) => report.add_lvsd(&text),
            Err(error) => tell(
                err,
                &format!("{}: services not known: {error}", place(LVSD_SOCKET)),
            ),
        }
    }
    let text = if json {
        report.encode()
    } else {
        report.screen()
    };
    said(&out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// How the pulse that runs here is; nothing if none does, or it does not say.
pub fn running() -> Option<PulseReport> {
    let request = Request::Status.to_string();
    let answer = daemon::ask(Path::new(SOCKET), &request, LONGEST, WITHIN).ok()?;
    PulseReport::decode(&answer)
}

/// Whether an lvsd serves that knows of services what pulse does not; pulse does not wait for it, so it
/// is asked from here.
fn has_lvsd(report: &PulseReport) -> bool {
    let child = &report.pulse.child;
    child.program == "lvsd" && ["serving", "checked"].contains(&child.state.as_str())
}

/// Gives an order: one line on `out` if it was accepted, else the reasons on `err`.
pub fn order(order: PulseOrder, out: &mut impl Write, err: &mut impl Write) -> ExitCode {
    let answer = match ask(Request::Order { order }, err) {
        Ok(answer) => answer,
        Err(status) => return status,
    };
    // As its unit orders it: pulse has logged what is wrong with the file, and the journal has it once.
    let is_logged = order == PulseOrder::Reload && daemon::log::is_stderr_journal();
    match PulseLine::decode(&answer) {
        Some(PulseLine::Done { text, findings }) => {
            for finding in findings.iter().filter(|_| !is_logged) {
                say(err, Level::Warn, finding);
            }
            said(&writeln!(out, "{text}").and_then(|()| out.flush()))
        }
        Some(PulseLine::Refused { .. }) if is_logged => {
            tell(err, "the reload failed, as pulse has logged");
            ExitCode::FAILURE
        }
        Some(PulseLine::Refused { reasons }) => {
            for reason in reasons {
                tell(err, &reason);
            }
            ExitCode::FAILURE
        }
        _ => not_understood(&answer, err),
    }
}

fn ask(request: Request, err: &mut impl Write) -> Result<String, ExitCode> {
    let within = match request {
        Request::Status => WITHIN,
        Request::Order { .. } => ORDER_WITHIN,
    };
    let asked = daemon::ask(Path::new(SOCKET), &request.to_string(), LONGEST, within);
    asked.map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
            tell(err, "pulse does not run here");
            ExitCode::from(NOT_RUNNING)
        }
        _ => {
            tell(err, &format!("{}: {error}", place(SOCKET)));
            ExitCode::FAILURE
        }
    })
}

/// Where it is in this network namespace.
fn place(socket: &str) -> String {
    let own = daemon::own_name(Path::new(socket));
    own.display().to_string()
}

fn not_understood(answer: &str, err: &mut impl Write) -> ExitCode {
    let what = if answer.is_empty() {
        "closed without an answer"
    } else {
        "an answer that is not understood"
    };
    tell(err, &format!("{}: {what}", place(SOCKET)));
    ExitCode::FAILURE
}

/// Tells why something was not done, in one line.
pub fn tell(err: &mut impl Write, text: &str) {
    say(err, Level::Error, text);
}

/// A line about lvs.cf that begins with the program's name gets no second one.
fn say(err: &mut impl Write, level: Level, text: &str) {
    let severity = daemon::log::severity_on_stderr(level);
    let text = text.strip_prefix("pulse: ").unwrap_or(text);
    // A reader that has gone away does not matter: the status says it too.
    let _ = writeln!(err, "{severity}pulse: {text}");
}

fn said(written: &io::Result<()>) -> ExitCode {
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_stands_once_before_a_line() {
        let mut err = Vec::new();
        tell(&mut err, "pulse: error parsing /etc/lvs.cf at line 1: x");
        tell(&mut err, "/etc/lvs.cf:1:1: x");
        let wanted = "pulse: error parsing /etc/lvs.cf at line 1: x\npulse: /etc/lvs.cf:1:1: x\n";
        assert_eq!(String::from_utf8(err).unwrap(), wanted);
    }
}
