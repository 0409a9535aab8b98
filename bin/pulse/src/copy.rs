//! The command that copies lvs.cf to the partner: `copy_config = 1`, SIGUSR1.
//!
//! One ssh, run by the runner, with the file as its input. What it does over there keeps the old
//! file's owner and mode, lets the partner's own pulse check the new one, puts it in place at once or
//! not at all, and has pulse read it again.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Where `rsh_command = ssh` is found: nothing is searched for in PATH.
const SSH: &str = "/usr/bin/ssh";

/// Why the file is not copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyError {
    /// `rsh_command` is another program.
    NotSsh(OsString),
    /// There is no second director.
    NoPartner,
    /// The file's path has more than letters, digits and `/._-`, or does not begin at the root.
    OddPath,
}

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSsh(program) => write!(
                f,
                "rsh_command = {}, which protects nothing; it has to be ssh",
                program.to_string_lossy()
            ),
            Self::NoPartner => f.write_str("there is no partner"),
            Self::OddPath => {
                f.write_str("its path has to be a whole one of letters, digits and /._-")
            }
        }
    }
}

impl std::error::Error for CopyError {}

/// The words of the command; it wants the file as standard input.
///
/// # Errors
/// [`CopyError`].
pub fn command(
    rsh_command: &OsStr,
    file: &Path,
    partner: Option<SocketAddr>,
) -> Result<Vec<OsString>, CopyError> {
    let program = PathBuf::from(rsh_command);
    if program.file_name() != Some(OsStr::new("ssh")) {
        return Err(CopyError::NotSsh(rsh_command.to_owned()));
    }
    let program = if program.is_absolute() {
        program
    } else {
        SSH.into()
    };
    let partner = partner.ok_or(CopyError::NoPartner)?.ip();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    let path = file.to_str().filter(|path| path.bytes().all(plain));
    let path = path.filter(|path| path.starts_with('/'));
    let order = order(path.ok_or(CopyError::OddPath)?);
    // Nobody is there to be asked for a password or about a key.
    let options = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=10"];
    let words = [program.into()]
        .into_iter()
        .chain(options.map(OsString::from))
        .chain([partner.to_string().into(), order.into()]);
    Ok(words.collect())
}

/// What the partner's shell does.
fn order(path: &str) -> String {
    let new = format!("{path}.new");
    format!(
        "umask 077; cp -p {path} {new} 2>/dev/null; \
         cat >{new} && /usr/sbin/pulse -t -c {new} >/dev/null && mv {new} {path} || \
         {{ rm -f {new}; exit 1; }}; \
         read -r pid </var/run/pulse.pid && kill -HUP $pid"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(rsh: &str, file: &str, partner: &str) -> Result<Vec<OsString>, CopyError> {
        command(rsh.as_ref(), file.as_ref(), partner.parse().ok())
    }

    #[test]
    fn the_partner_is_asked_by_its_address_without_questions() {
        let words = asked("ssh", "/etc/lvs.cf", "192.0.2.12:539").unwrap();
        let head = [
            "/usr/bin/ssh",
            "-o",
            "BatchMode=yes",
            "-o",
            "ConnectTimeout=10",
        ];
        assert_eq!(words[..5], head);
        assert_eq!(words[5], "192.0.2.12");
        assert_eq!(words.len(), 7);
        let own = asked("/opt/bin/ssh", "/etc/lvs.cf", "[2001:db8::12]:539").unwrap();
        assert_eq!(
            (&*own[0], &*own[5]),
            ("/opt/bin/ssh".as_ref(), "2001:db8::12".as_ref())
        );
    }

    #[test]
    fn what_would_reach_a_shell_or_the_network_unprotected_is_refused() {
        let partner = "192.0.2.12:539";
        let rsh = CopyError::NotSsh("rsh".into());
        assert_eq!(asked("rsh", "/etc/lvs.cf", partner), Err(rsh));
        assert_eq!(asked("ssh", "/etc/lvs.cf", ""), Err(CopyError::NoPartner));
        for path in ["/etc/a b", "/etc/$(id)", "/etc/a;b", "lvs.cf", "-c", ""] {
            assert_eq!(
                asked("ssh", path, partner),
                Err(CopyError::OddPath),
                "{path}"
            );
        }
    }
}
