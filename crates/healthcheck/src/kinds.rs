//! The kinds of check. A kind is a file below with its [`Kind`], and a row here.

mod program;
mod send_expect;
mod web;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use lvs_model::{CheckSpec, unescape};

use program::Program;
use send_expect::SendExpect;
use web::Web;

use crate::check::{Asked, Check, CheckError, Kind, Target};

/// The first kind that is asked for is made; if none is, [`SendExpect`].
static KINDS: &[&dyn Kind] = &[&Program, &Web];

impl Check {
    /// The check that `spec` asks for, and a line to log about it.
    ///
    /// # Errors
    /// [`CheckError`] for settings that make no check.
    pub fn new(spec: &CheckSpec, target: Target) -> Result<(Self, Option<String>), CheckError> {
        let asked = Asked {
            spec,
            target,
            send: text("-s", spec, spec.send.as_deref())?,
            expect: text("-x", spec, spec.expect.as_deref())?,
        };
        let mut kinds = KINDS.iter();
        let kind = kinds.find(|kind| kind.is_asked(&asked));
        let kind = kind.copied().unwrap_or(&SendExpect);
        let remark = kind.remark(&asked);
        Ok((kind.make(asked)?, remark))
    }
}

/// The bytes that `option` means.
fn text(
    option: &'static str,
    spec: &CheckSpec,
    written: Option<&OsStr>,
) -> Result<Option<Vec<u8>>, CheckError> {
    let undone = written.map(OsStrExt::as_bytes).map(|bytes| {
        // One byte alone is no escape, as in the original.
        if spec.keeps_backslashes || bytes.len() < 2 {
            Ok(bytes.to_vec())
        } else {
            unescape(bytes)
        }
    });
    undone
        .transpose()
        .map_err(|error| CheckError::Escape(option, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Transport;

    /// The check of `spec` on this port; and its remark.
    fn check(spec: &CheckSpec, port: u16) -> Result<(Check, Option<String>), String> {
        let target = Target {
            real: ([192, 0, 2, 1], port).into(),
            service_port: port,
            transport: Transport::Tcp,
        };
        Check::new(spec, target).map_err(|error| error.to_string())
    }

    #[test]
    fn a_program_comes_before_a_text_and_a_text_before_the_page() {
        let mut spec = CheckSpec::default();
        let (page, remark) = check(&spec, 80).unwrap();
        assert!(matches!(page, Check::Network(page) if page.send.is_some()));
        assert!(remark.is_some());
        let (connection, remark) = check(&spec, 25).unwrap();
        assert!(matches!(connection, Check::Network(it) if it.send.is_none()));
        assert_eq!(remark, None);
        spec.send = Some("x".into());
        let (text, remark) = check(&spec, 80).unwrap();
        assert!(matches!(text, Check::Network(it) if it.send.as_deref() == Some(b"x")));
        assert_eq!(remark, None);
        spec.send_program = Some("/bin/check".into());
        let (program, remark) = check(&spec, 80).unwrap();
        assert!(matches!(program, Check::Program(_)));
        let ignored =
            "External program use requested: (/bin/check), IGNORING send string option ((null))";
        assert_eq!(remark.as_deref(), Some(ignored));
    }

    #[test]
    fn what_no_check_can_be_made_of_is_refused_with_the_option() {
        let refused = |change: fn(&mut CheckSpec)| {
            let mut spec = CheckSpec::default();
            change(&mut spec);
            check(&spec, 80).map(|_| ()).unwrap_err()
        };
        // Of a text that is not used too.
        let unused = refused(|spec| {
            spec.send = Some("\\d".into());
            spec.send_program = Some("x".into());
        });
        assert_eq!(unused, r"-s: unknown escape \d at byte 0");
        assert_eq!(
            refused(|spec| spec.send_program = Some(" ".into())),
            "-e: no program"
        );
        let expression = refused(|spec| {
            spec.expect = Some("(".into());
            spec.use_regex = true;
        });
        assert!(
            expression.starts_with("-x: regular expression: "),
            "{expression}"
        );
    }
}
