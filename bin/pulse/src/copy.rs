//! lvs.cf to the partner, and what came of it: `pulse --copy-config`, which SIGUSR1 has the runner run.
//!
//! One ssh with the file as its input. What it does over there keeps the old file's owner and mode, lets
//! the partner's own pulse check the new one, which has to be there as a whole, puts it in place at once or not at all, and orders the
//! pulse that runs there to read it. The answer names the content that is then in force.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};

use config_file::Program;
use daemon::log::Target;
use lvs_config::Config;

use crate::ask::tell;
use crate::setup;

/// Where `rsh_command = ssh` is found: nothing is searched for in PATH.
const SSH: &str = "/usr/bin/ssh";
/// Nobody is there to be asked for a password or about a key, and a partner that goes away meanwhile is not
/// waited for.
const OPTIONS: [&str; 4] = [
    "BatchMode=yes",
    "ConnectTimeout=10",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
];
/// Where pulse is installed, usually.
const USUAL: &str = "/usr/sbin/pulse";
/// Lines of the partner that are told at most.
const MOST_LINES: usize = 20;

/// How ssh itself ends.
const NO_CONNECTION: i32 = 255;
// How the partner's shell ends.
const TAKES_NO_ORDERS: i32 = 60;
const REFUSED: i32 = 61;
const NOT_READ: i32 = 62;
const NO_PULSE: i32 = 63;
const CUT: i32 = 64;

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

/// The pulse that is installed here, even if an upgrade has just put it there.
fn installed() -> PathBuf {
    let own = std::env::current_exe().ok();
    let own = own.and_then(|own| Some(own.parent()?.join("pulse")));
    own.unwrap_or_else(|| USUAL.into())
}

/// The words with which the runner runs this.
pub fn own_words(file: &Path) -> Vec<OsString> {
    vec![
        installed().into(),
        "--copy-config".into(),
        "-c".into(),
        file.as_os_str().to_owned(),
    ]
}

/// Copies the file, and says what came of it in the log and to who has called.
pub fn run(file: &Path, out: &mut impl Write, err: &mut impl Write) -> ExitCode {
    daemon::log::start("pulse", Target::Syslog, false);
    match copy(file) {
        Ok(text) => {
            log::info!("{text}");
            // A reader that has gone away does not matter.
            let _ = writeln!(out, "{text}");
            ExitCode::SUCCESS
        }
        Err(lines) => {
            for line in lines {
                log::error!("{line}");
                tell(err, &line);
            }
            ExitCode::FAILURE
        }
    }
}

fn copy(path: &Path) -> Result<String, Vec<String>> {
    let file = config_file::read(path).map_err(|fault| fault.lines(Program::Pulse))?;
    let config = &file.loaded.config;
    let because =
        |error: &dyn fmt::Display| vec![format!("{} is not copied: {error}", path.display())];
    let own = setup::own_addresses().map_err(|error| because(&error))?;
    let role = setup::role(config, &own).map_err(|error| because(&error))?;
    let [public, private] = partners(config, role);
    let by = |partner| -> Result<Output, Vec<String>> {
        let words = command(&config.rsh_command, path, file.text().len(), partner);
        let words = words.map_err(|error| because(&error))?;
        ask_over_there(&words, file.text()).map_err(|error| because(&error))
    };
    let content = file.loaded.hash.to_string();
    let judge = |partner: Option<IpAddr>, done| judge(path, &shown(partner), &content, done);
    let done = by(public)?;
    if done.status.code() != Some(NO_CONNECTION) || private.is_none() {
        return judge(public, &done);
    }
    // Over there nothing may have been done, or all: doing it again makes no difference.
    let first = judge(public, &done);
    judge(private, &by(private)?).map_err(|lines| match first {
        Err(first) => [first, lines].concat(),
        Ok(_) => lines,
    })
}

/// Runs ssh with what was judged as its input: somebody may edit the file meanwhile.
fn ask_over_there(words: &[OsString], text: &[u8]) -> io::Result<Output> {
    let (program, arguments) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped());
    let mut ssh = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let input = ssh.stdin.take();
    std::thread::scope(|scope| {
        // Beside the reading: ssh may have much to say before it takes all.
        scope.spawn(|| {
            // One that has ended says why by its status.
            let _ = input.map(|mut input| input.write_all(text));
        });
        ssh.wait_with_output()
    })
}

fn shown(partner: Option<IpAddr>) -> String {
    partner
        .map(|partner| partner.to_string())
        .unwrap_or_default()
}

/// The partner's ends of the public and of the private path.
fn partners(config: &Config, role: heartbeat::ConfiguredRole) -> [Option<IpAddr>; 2] {
    let pair = &config.heartbeat;
    let private = pair.private.as_ref();
    match role {
        heartbeat::ConfiguredRole::Primary => [pair.backup, private.map(|path| path.backup)],
        heartbeat::ConfiguredRole::Backup => [pair.primary, private.map(|path| path.primary)],
    }
}

/// What came of it, from how ssh ended and what was said over there.
fn judge(path: &Path, to: &str, content: &str, done: &Output) -> Result<String, Vec<String>> {
    let path = path.display();
    let said = [&done.stdout, &done.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    let is_in_force = said
        .iter()
        .any(|text| text.contains(&format!("content {content}")));
    let what = match done.status.code() {
        Some(0) if is_in_force => {
            return Ok(format!(
                "{path} copied to {to}: content {content} is in force there"
            ));
        }
        Some(0) => "is copied, but not what is in force there",
        Some(TAKES_NO_ORDERS) => {
            "is not copied: the pulse there takes no orders, it is the original or an older one"
        }
        Some(CUT) => "is not copied: only a part of it has arrived there, and the old one stays",
        Some(REFUSED) => "is not copied: it is refused there, and the old one stays",
        Some(NOT_READ) => "is copied, but not taken there",
        Some(NO_PULSE) => "is copied, but no pulse runs there to read it",
        _ => "is not copied",
    };
    let lines = said
        .iter()
        .flat_map(|text| text.lines())
        .filter(|line| !line.is_empty());
    let lines = lines.take(MOST_LINES).map(|line| format!("{to}: {line}"));
    let status = match done.status.code() {
        Some(0 | TAKES_NO_ORDERS | REFUSED | NOT_READ | NO_PULSE | CUT) => String::new(),
        _ => format!(" ({})", done.status),
    };
    let head = format!("{path} {what}, partner {to}{status}");
    Err(std::iter::once(head).chain(lines).collect())
}

/// The words of the command; it wants the file as standard input.
fn command(
    rsh_command: &OsStr,
    file: &Path,
    length: usize,
    partner: Option<IpAddr>,
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
    let partner = partner.ok_or(CopyError::NoPartner)?;
    let path = plain(file).ok_or(CopyError::OddPath)?;
    let order = order(path, length, &installed());
    let options = OPTIONS.into_iter().flat_map(|option| ["-o", option]);
    let words = [program.into()]
        .into_iter()
        .chain(options.map(OsString::from))
        .chain([partner.to_string().into(), order.into()]);
    Ok(words.collect())
}

/// A whole path of which a shell makes nothing else.
fn plain(path: &Path) -> Option<&str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    let path = path.to_str().filter(|path| path.bytes().all(is_plain));
    path.filter(|path| path.starts_with('/'))
}

/// What the partner's shell does. An original knows no `--order`, and its `-t` takes addresses: so it is
/// asked first, by what every version answers without doing anything.
///
/// The partner is installed as we are, or in the usual place. An ssh that breaks off is an end of the file
/// over there: what has not this length is not the file.
fn order(path: &str, length: usize, own: &Path) -> String {
    let own = plain(own).unwrap_or(USUAL);
    format!(
        "p={own}; [ -x $p ] || p={USUAL}; \
         $p --help 2>/dev/null | grep -q -e --order || exit {TAKES_NO_ORDERS}; \
         umask 077; n={path}.new.$$; trap 'rm -f $n' EXIT; trap 'exit {CUT}' HUP INT PIPE TERM; \
         cp -p {path} $n 2>/dev/null; \
         cat >$n && [ $(wc -c <$n) -eq {length} ] || exit {CUT}; \
         $p -t -c $n >/dev/null || exit {REFUSED}; \
         sync $n 2>/dev/null || sync; mv $n {path} || exit {REFUSED}; \
         $p --order reload; \
         case $? in 0) ;; 3) exit {NO_PULSE};; *) exit {NOT_READ};; esac"
    )
}

#[cfg(test)]
mod tests {
    use testkit::Place;

    use super::*;

    fn asked(rsh: &str, file: &str, partner: &str) -> Result<Vec<OsString>, CopyError> {
        command(rsh.as_ref(), file.as_ref(), 7, partner.parse().ok())
    }

    #[test]
    fn the_partner_is_asked_by_its_address_without_questions() {
        let words = asked("ssh", "/etc/lvs.cf", "192.0.2.12").unwrap();
        let head = "/usr/bin/ssh -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=5 \
                    -o ServerAliveCountMax=3 192.0.2.12";
        let (_, head_of_words) = words.split_last().unwrap();
        assert_eq!(head_of_words.join(" ".as_ref()), head);
        let own = asked("/opt/bin/ssh", "/etc/lvs.cf", "2001:db8::12").unwrap();
        assert_eq!(
            (&*own[0], &*own[own.len() - 2]),
            ("/opt/bin/ssh".as_ref(), "2001:db8::12".as_ref())
        );
    }

    #[test]
    fn what_would_reach_a_shell_or_the_network_unprotected_is_refused() {
        let partner = "192.0.2.12";
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

    #[test]
    fn the_partners_pulse_is_where_ours_is_or_in_the_usual_place() {
        let begins = |own: &str| order("/etc/lvs.cf", 7, own.as_ref());
        let usual = "[ -x $p ] || p=/usr/sbin/pulse; $p --help";
        assert!(
            begins("/usr/local/sbin/pulse")
                .starts_with(&format!("p=/usr/local/sbin/pulse; {usual}"))
        );
        assert!(begins("/opt/$(id)/pulse").starts_with(&format!("p=/usr/sbin/pulse; {usual}")));
    }

    /// The connection breaks off, or the disk over there is full: the half that is left passes `-t`.
    #[test]
    fn r_a_half_of_the_file_never_replaces_a_whole_one() {
        let place = Place::new("copy-half");
        let file = place.file("old\n");
        let stand_in = place.path().join("pulse");
        let says = "#!/bin/sh\ncase $* in --help) echo --order;; esac\n";
        testkit::write_script(&stand_in, says);
        let order = order(plain(&file).unwrap(), "new and whole\n".len(), &stand_in);
        let run = |input: &str| {
            let words = ["/bin/sh", "-c", &order].map(OsString::from);
            let done = ask_over_there(&words, input.as_bytes()).unwrap();
            let left = std::fs::read_dir(file.parent().unwrap()).unwrap();
            let odd = left.filter(|it| {
                it.as_ref()
                    .unwrap()
                    .path()
                    .display()
                    .to_string()
                    .contains(".new")
            });
            assert_eq!(odd.count(), 0, "{done:?}");
            (done.status.code(), std::fs::read_to_string(&file).unwrap())
        };
        assert_eq!(run("new and "), (Some(CUT), "old\n".to_owned()));
        assert_eq!(run(""), (Some(CUT), "old\n".to_owned()));
        assert_eq!(
            run("new and whole\n"),
            (Some(0), "new and whole\n".to_owned())
        );
    }

    fn judged(status: i32, out: &str, err: &str) -> Result<String, Vec<String>> {
        use std::os::unix::process::ExitStatusExt;
        let done = Output {
            status: std::process::ExitStatus::from_raw(status << 8),
            stdout: out.into(),
            stderr: err.into(),
        };
        judge(
            "/etc/lvs.cf".as_ref(),
            "192.0.2.12",
            "85944171f73967e8",
            &done,
        )
    }

    #[test]
    fn it_is_copied_when_the_partner_names_its_content_and_not_otherwise() {
        let same = "/etc/lvs.cf: serial_no 1, content 85944171f73967e8\n";
        let done = "/etc/lvs.cf copied to 192.0.2.12: content 85944171f73967e8 is in force there";
        assert_eq!(judged(0, same, ""), Ok(done.to_owned()));
        let other = "/etc/lvs.cf: serial_no 1, content 00944171f73967e8\n";
        for (status, out, err, said) in [
            (
                0,
                other,
                "",
                "is copied, but not what is in force there, partner 192.0.2.12",
            ),
            (
                0,
                "",
                "",
                "is copied, but not what is in force there, partner 192.0.2.12",
            ),
            (
                60,
                "",
                "",
                "takes no orders, it is the original or an older one, partner 192",
            ),
            (
                61,
                "",
                "no",
                "is not copied: it is refused there, and the old one stays, partner",
            ),
            (
                64,
                "",
                "",
                "is not copied: only a part of it has arrived there, and the old one stays, partner",
            ),
            (
                62,
                "",
                "port",
                "is copied, but not taken there, partner 192.0.2.12",
            ),
            (
                63,
                "",
                "",
                "is copied, but no pulse runs there to read it, partner 192.0.2.12",
            ),
            (
                255,
                same,
                "denied",
                "is not copied, partner 192.0.2.12 (exit status: 255)",
            ),
        ] {
            let lines = judged(status, out, err).unwrap_err();
            assert!(
                lines[0].starts_with("/etc/lvs.cf ") && lines[0].contains(said),
                "{lines:?}"
            );
            let told = out.lines().chain(err.lines()).count();
            assert_eq!(lines.len(), 1 + told, "{lines:?}");
        }
        let endless = judged(61, "", &"x\n".repeat(1000)).unwrap_err();
        assert_eq!(endless.len(), 1 + MOST_LINES);
    }
}
