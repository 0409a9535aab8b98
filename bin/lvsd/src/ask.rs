//! `lvsd --status`: what the running lvsd reports of itself, and on a director without one what pulse
//! reports.

use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::time::Duration;

use control::{
    LVSD_SOCKET as STATUS_SOCKET, PULSE_SOCKET, PulseLine, PulseReport, PulseStatus, Request,
};

use crate::options::NAME;

/// Neither runs; the number of the Linux Standard Base for a service's `status`.
const NOT_RUNNING: u8 = 3;
/// Time for each part of an answer.
const WITHIN: Duration = Duration::from_secs(5);
/// Longest answer that is read.
const LONGEST: u64 = 64 << 20;

/// What is printed, and the exit status.
#[derive(Debug, Default, PartialEq)]
struct Told {
    status: u8,
    out: String,
    err: Vec<String>,
}

/// Prints the status.
pub fn status(out: &mut dyn Write, err: &mut dyn Write) -> (u8, io::Result<()>) {
    let pulse = daemon::ask(
        Path::new(PULSE_SOCKET),
        &Request::Status.to_string(),
        LONGEST,
        WITHIN,
    );
    let lvsd = daemon::read_status(Path::new(STATUS_SOCKET), LONGEST, WITHIN);
    let pulse = pulse.ok().and_then(|text| PulseReport::decode(&text));
    let told = tell(lvsd, pulse.map(|report| report.pulse));
    let written = out.write_all(told.out.as_bytes());
    let written = written.and_then(|()| out.flush());
    let mut lines = told.err.iter();
    let said = lines.try_for_each(|line| writeln!(err, "{NAME}: {line}"));
    (told.status, written.and(said))
}

fn tell(lvsd: io::Result<String>, pulse: Option<PulseStatus>) -> Told {
    let line = |pulse: &PulseStatus| PulseLine::Pulse(Box::new(pulse.clone())).encode();
    let out = pulse.as_ref().map(line).unwrap_or_default();
    match (lvsd, pulse) {
        (Ok(text), _) if text.is_empty() => Told {
            status: 1,
            out,
            err: vec![format!("{}: too many ask at once", place())],
        },
        (Ok(text), pulse) => Told {
            out: text + &out,
            err: pulse.map(|pulse| refused_file(&pulse)).unwrap_or_default(),
            ..Told::default()
        },
        (Err(error), _) if !is_gone(&error) => Told {
            status: 1,
            out,
            err: vec![format!("{}: {error}", place())],
        },
        (Err(_), Some(pulse)) => Told {
            status: u8::from(!is_meant(&pulse)),
            out,
            err: [vec![absence(&pulse)], refused_file(&pulse)].concat(),
        },
        (Err(_), None) => Told {
            status: NOT_RUNNING,
            err: vec!["neither lvsd nor pulse runs here".to_owned()],
            ..Told::default()
        },
    }
}

/// Where it is in this network namespace.
fn place() -> String {
    let own = daemon::own_name(Path::new(STATUS_SOCKET));
    own.display().to_string()
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::ConnectionRefused
    )
}

/// Whether pulse wants no lvsd now.
fn is_meant(pulse: &PulseStatus) -> bool {
    pulse.service != "lvs" || pulse.child.state == "absent"
}

fn absence(pulse: &PulseStatus) -> String {
    let why = match (pulse.service.as_str(), is_meant(pulse)) {
        ("lvs", true) => format!("this director is {}", pulse.phase),
        ("lvs", false) => {
            let state = &pulse.child.state;
            format!("this director is {}, and its lvsd {state}", pulse.phase)
        }
        (service, _) => format!("this director serves {service}"),
    };
    format!("lvsd does not run here: {why}")
}

/// A file that pulse has refused never came to lvsd.
fn refused_file(pulse: &PulseStatus) -> Vec<String> {
    let head = pulse
        .reload_failed
        .then(|| "pulse has not taken the last lvs.cf, the one before is in force:".to_owned());
    head.into_iter()
        .chain(pulse.reload_failure.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gone() -> io::Result<String> {
        Err(ErrorKind::ConnectionRefused.into())
    }

    fn pulse(phase: &str, child: &str) -> PulseStatus {
        let mut pulse = PulseStatus {
            service: "lvs".into(),
            phase: phase.into(),
            ..PulseStatus::default()
        };
        pulse.child.state = child.into();
        pulse
    }

    #[test]
    fn a_cold_standby_is_no_error_and_an_active_director_without_lvsd_is() {
        for (phase, child, status, said) in [
            ("standby", "absent", 0, "this director is standby"),
            ("waiting", "absent", 0, "this director is waiting"),
            (
                "active",
                "failed",
                1,
                "this director is active, and its lvsd failed",
            ),
            (
                "standby",
                "starting",
                1,
                "this director is standby, and its lvsd starting",
            ),
        ] {
            let told = tell(gone(), Some(pulse(phase, child)));
            assert_eq!(told.status, status, "{told:?}");
            assert_eq!(told.err, [format!("lvsd does not run here: {said}")]);
            assert!(told.out.starts_with("{\"kind\":\"pulse\","), "{told:?}");
        }
        let mut fos = pulse("active", "serving");
        fos.service = "fos".into();
        let told = tell(gone(), Some(fos));
        let said = "lvsd does not run here: this director serves fos";
        assert_eq!((told.status, told.err), (0, vec![said.to_owned()]));
    }

    #[test]
    fn where_nothing_runs_or_nothing_is_said_the_status_is_no_success() {
        let told = tell(gone(), None);
        assert_eq!((told.status, told.out.as_str()), (3, ""));
        assert_eq!(told.err, ["neither lvsd nor pulse runs here"]);
        assert_eq!(tell(Ok(String::new()), None).status, 1);
        let denied = tell(Err(ErrorKind::PermissionDenied.into()), None);
        assert_eq!(denied.status, 1);
    }

    #[test]
    fn a_file_that_pulse_refused_is_told_of_beside_lvsds_lines() {
        let lvsd = "{\"kind\":\"lvsd\"}\n";
        let told = tell(Ok(lvsd.into()), None);
        assert_eq!((told.status, told.out.as_str()), (0, lvsd));
        let mut pulse = pulse("active", "checked");
        pulse.reload_failed = true;
        pulse.reload_failure = vec!["lvs.cf:1:1: bad".into()];
        let told = tell(Ok(lvsd.into()), Some(pulse));
        assert_eq!(told.status, 0);
        let (first, rest) = told.out.split_once('\n').unwrap();
        assert_eq!(first, lvsd.trim_end());
        assert!(rest.contains("\"reload_failed\":true"), "{rest}");
        assert_eq!(
            told.err,
            [
                "pulse has not taken the last lvs.cf, the one before is in force:",
                "lvs.cf:1:1: bad"
            ]
        );
    }
}
