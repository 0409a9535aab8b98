//! The command line of a nanny: operators and scripts read it with `ps`, so its order is fixed.
//!
//! Made by [`Site`](crate::Site), printed by `lvsd -t`, run by the shell of lvsd.

use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use control::check_options::{self, CheckOption};
use lvs_model::{Account, CheckSpec, ForwardingMethod, FwMark, Protocol, Weight};

/// What a nanny is told when it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NannyOptions {
    /// The program, also its argument 0. lvs.cf: `client_monitor`.
    pub program: PathBuf,
    /// Real server (RIP), `-h`.
    pub rip: IpAddr,
    /// Port of the virtual service, `-p`.
    pub port: u16,
    /// `-f`.
    pub fwmark: Option<FwMark>,
    /// `-u` for UDP, `--sctp` for SCTP.
    pub protocol: Protocol,
    /// What [`check_options`] writes.
    pub check: CheckSpec,
    /// `-q`.
    pub quiesce: bool,
    /// `-v`.
    pub verbose: bool,
    /// `-I`.
    pub ipvsadm: PathBuf,
    /// `-w`.
    pub weight: Weight,
    /// Virtual address (VIP), `-V`.
    pub vip: IpAddr,
    /// `-M`.
    pub forwarding: ForwardingMethod,
    /// `-U`.
    pub load_program: Option<OsString>,
    /// `--nodaemon`.
    pub foreground: bool,
    /// Whether it shares a process with others. *Extension*, lvs.cf: `nannies`.
    pub shared: bool,
    /// How often the nannies of this monitor have died within the last minute. One that dies again shares a
    /// process with fewer others, in the end with none.
    pub deaths: usize,
    /// Whom it and its programs run as; `None`: as the nannies that start no program. *Extension*, lvs.cf:
    /// `check_user`.
    pub account: Option<Account>,
}

impl NannyOptions {
    /// Whether it may start a program, or reads what rwhod keeps. A nanny that does neither is confined.
    #[must_use]
    pub fn needs_files(&self) -> bool {
        let asks = |word: &OsString| !["", "none", "rup"].map(OsStr::new).contains(&&**word);
        self.check.send_program.is_some() || self.load_program.as_ref().is_some_and(asks)
    }

    /// Port that is checked.
    #[must_use]
    pub fn check_port(&self) -> u16 {
        self.check.port.unwrap_or(self.port)
    }

    /// Program and arguments, in the original's order; options that it did not have stand near the end.
    #[must_use]
    pub fn argv(&self) -> Vec<OsString> {
        let mut argv = Argv(vec![self.program.clone().into_os_string()]);
        argv.flag("-c");
        argv.value("-h", self.rip.to_string());
        argv.value("-p", self.port.to_string());
        argv.check(&check_options::PORT, &self.check);
        if let Some(mark) = self.fwmark {
            argv.value("-f", mark.to_string());
        }
        argv.flag_if(self.protocol == Protocol::Udp, "-u");
        argv.check(&check_options::SEND_PROGRAM, &self.check);
        argv.check(&check_options::SEND, &self.check);
        argv.check(&check_options::EXPECT, &self.check);
        argv.flag_if(self.quiesce, "-q");
        argv.check(&check_options::REGEX, &self.check);
        argv.flag_if(self.verbose, "-v");
        argv.check(&check_options::REENTRY, &self.check);
        argv.value("-I", &self.ipvsadm);
        argv.check(&check_options::INTERVAL, &self.check);
        argv.value("-w", self.weight.to_string());
        argv.value("-V", self.vip.to_string());
        argv.value("-M", self.forwarding.option().trim_start_matches('-'));
        argv.optional("-U", self.load_program.as_ref());
        argv.flag_if(self.protocol == Protocol::Sctp, "--sctp");
        for option in check_options::EXTENSIONS {
            argv.check(option, &self.check);
        }
        argv.flag_if(self.foreground, "--nodaemon");
        argv.flag("--lvs");
        argv.0
    }

    /// Arguments of the process that this nanny and others share.
    #[must_use]
    pub fn pool_args(&self, foreground: bool) -> Vec<OsString> {
        let mut argv = Argv(Vec::new());
        argv.flag("-c");
        argv.flag_if(self.verbose, "-v");
        argv.flag_if(foreground, "--nodaemon");
        argv.flag("--shared");
        argv.flag_if(self.needs_files(), "--programs");
        argv.flag("--lvs");
        argv.0
    }

    /// The highest weight that it may want for its server: the configured one, or with a load program a
    /// multiple of it, as nanny(8) says. A hijacked nanny must not draw all clients to its server.
    #[must_use]
    pub fn most_weight(&self) -> Weight {
        const SCALE: u32 = 10;
        let times = self.load_program.as_ref().map_or(1, |_| SCALE);
        Weight::new(self.weight.get().saturating_mul(times)).unwrap_or(Weight::MAX)
    }

    /// Whether `other` differs at most in the weight, so that a running nanny can be told.
    #[must_use]
    pub fn differs_in_weight_only(&self, other: &Self) -> bool {
        let same_weight = Self {
            weight: other.weight,
            ..self.clone()
        };
        same_weight == *other
    }
}

struct Argv(Vec<OsString>);

impl Argv {
    fn flag(&mut self, option: &str) {
        self.0.push(option.into());
    }

    fn flag_if(&mut self, condition: bool, option: &str) {
        if condition {
            self.flag(option);
        }
    }

    fn value(&mut self, option: &str, value: impl Into<OsString>) {
        self.flag(option);
        self.0.push(value.into());
    }

    fn check(&mut self, option: &CheckOption, check: &CheckSpec) {
        option.write(check, &mut self.0);
    }

    fn optional(&mut self, option: &str, value: Option<&OsString>) {
        if let Some(value) = value {
            self.value(option, value);
        }
    }
}

/// A command line that a shell splits into the same words.
#[must_use]
pub fn shell_words<S: AsRef<OsStr>>(words: &[S]) -> String {
    let quoted: Vec<String> = words.iter().map(|w| quote(w.as_ref())).collect();
    quoted.join(" ")
}

fn quote(word: &OsStr) -> String {
    let Some(text) = word.to_str() else {
        return printed(word.as_bytes());
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+%@".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Bytes that are no text, for a line of text: the shell's printf writes them.
fn printed(bytes: &[u8]) -> String {
    let mut line = String::from("\"$(printf '");
    for byte in bytes {
        match byte {
            b'_' | b'.' | b'/' | b' ' => line.push(char::from(*byte)),
            _ if byte.is_ascii_alphanumeric() => line.push(char::from(*byte)),
            // Writing to a string does not fail.
            _ => drop(write!(line, "\\{byte:03o}")),
        }
    }
    line + "')\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_a_shell_would_change_are_quoted() {
        let words = ["nanny", "-s", "GET / HTTP/1.0\\r\\n", "-x", "it's", ""];
        assert_eq!(
            shell_words(&words),
            r"nanny -s 'GET / HTTP/1.0\r\n' -x 'it'\''s' ''"
        );
        let bytes = OsStr::from_bytes(b"-a \xe4%'");
        assert_eq!(shell_words(&[bytes]), r#""$(printf '\055a \344\045\047')""#);
    }

    fn plain() -> NannyOptions {
        NannyOptions {
            program: "/usr/sbin/nanny".into(),
            rip: IpAddr::from([192, 0, 2, 11]),
            port: 80,
            fwmark: None,
            protocol: Protocol::Tcp,
            check: CheckSpec {
                port: Some(80),
                ..CheckSpec::default()
            },
            quiesce: false,
            verbose: false,
            ipvsadm: "/sbin/ipvsadm".into(),
            weight: Weight::ONE,
            vip: IpAddr::from([192, 0, 2, 1]),
            forwarding: ForwardingMethod::Masquerading,
            load_program: None,
            foreground: false,
            shared: false,
            deaths: 0,
            account: None,
        }
    }

    #[test]
    fn who_starts_no_program_and_reads_nothing_of_rwhod_needs_no_files() {
        let needs = |program: Option<&str>, load: Option<&str>| {
            let mut options = plain();
            options.check.send_program = program.map(OsString::from);
            options.load_program = load.map(OsString::from);
            options.needs_files()
        };
        assert!(!needs(None, None));
        assert!(!needs(None, Some("none")));
        assert!(!needs(None, Some("rup")));
        assert!(needs(None, Some("ruptime")));
        assert!(needs(None, Some("/bin/load")));
        assert!(needs(Some("/bin/check"), None));
    }

    #[test]
    fn extensions_stand_near_the_end_and_only_where_lvs_cf_has_them() {
        let plain = plain();
        assert!(shell_words(&plain.argv()).ends_with(" -V 192.0.2.1 -M m --lvs"));
        let extended = NannyOptions {
            protocol: Protocol::Sctp,
            check: CheckSpec {
                fall: 3,
                rise: Some(2),
                ..CheckSpec::default()
            },
            ..plain
        };
        let end = " -V 192.0.2.1 -M m --sctp --fall 3 --rise 2 --lvs";
        assert!(shell_words(&extended.argv()).ends_with(end));
    }
}
