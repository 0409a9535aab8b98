//! Where a server's load average comes from (`-U`), and how it is read from a program's output.

use crate::Command;

/// Who is asked for the load of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadSource {
    /// A program.
    Program(Command),
    /// `rup`: the server's rstatd, over the network ([`RstatQuery`](crate::RstatQuery)).
    Rstatd,
    /// `ruptime`: the director's rwhod, which keeps what the server broadcasts.
    Rwhod,
}

impl LoadSource {
    /// What `word` means for the server at `rip`; `None` for `none`.
    ///
    /// `rup` and `ruptime` need no program; with a path they name one.
    #[must_use]
    pub fn new(word: &str, rip: &str) -> Option<Self> {
        match word {
            "rup" => Some(Self::Rstatd),
            "ruptime" => Some(Self::Rwhod),
            _ => Command::load(word, rip).map(Self::Program),
        }
    }
}

/// Age in seconds from which on rwhod's report does not count: ruptime(1) then calls the host down.
pub const OLDEST_BROADCAST: u32 = 11 * 60;

/// The names of `address` in the text of a hosts file, without their domains, as rwhod broadcasts
/// them.
pub fn host_names(hosts: &str, address: std::net::IpAddr) -> impl Iterator<Item = &str> {
    let names = hosts.lines().flat_map(move |line| {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_ascii_whitespace();
        let its = words.next().and_then(|word| word.parse().ok());
        let is_its = its == Some(address);
        words.filter(move |_| is_its)
    });
    names.filter_map(|name| {
        let name = name.split('.').next().unwrap_or_default();
        // It becomes the end of a file's name.
        (!name.is_empty() && !name.contains('/')).then_some(name)
    })
}

/// The one-minute load average in the output of `uptime`, `rup` or `ruptime`.
///
/// The first number behind the last `load`, with a point or a comma before its decimals. `None` if
/// there is none.
#[must_use]
pub fn load_average(output: &[u8]) -> Option<f64> {
    const WORD: &[u8] = b"load";
    let at = output
        .windows(WORD.len())
        .rposition(|bytes| bytes == WORD)?;
    let behind = output.get(at + WORD.len()..)?;
    let start = behind.iter().position(u8::is_ascii_digit)?;
    let mut number = String::new();
    let mut bytes = behind.get(start..)?.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let decimals_follow = bytes.peek().is_some_and(u8::is_ascii_digit);
        match byte {
            b'0'..=b'9' => number.push(char::from(byte)),
            b'.' | b',' if decimals_follow && !number.contains('.') => number.push('.'),
            _ => break,
        }
    }
    number.parse().ok().filter(|load: &f64| load.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rup_and_ruptime_are_programs_only_with_a_path() {
        let source = |word| LoadSource::new(word, "192.0.2.1");
        assert_eq!(source("none"), None);
        assert_eq!(source("rup"), Some(LoadSource::Rstatd));
        assert_eq!(source("ruptime"), Some(LoadSource::Rwhod));
        for word in ["/usr/bin/rup", "/usr/bin/ruptime", "ssh", "other"] {
            assert!(
                matches!(source(word), Some(LoadSource::Program(_))),
                "{word}"
            );
        }
    }

    #[test]
    fn names_come_from_every_line_of_the_address_without_domain() {
        let hosts = "127.0.0.1 localhost\n192.0.2.1\treal1.example.org real1 # r9\n\
                     192.0.2.11 real11\n#192.0.2.1 old\n192.0.2.1 ../../x .y web\n::1 six\n";
        let names =
            |address: &str| -> Vec<&str> { host_names(hosts, address.parse().unwrap()).collect() };
        assert_eq!(names("192.0.2.1"), ["real1", "real1", "web"]);
        assert_eq!(names("::1"), ["six"]);
        assert!(names("192.0.2.2").is_empty());
    }

    #[test]
    fn every_known_form_is_understood() {
        let vectors: [(&str, Option<f64>); 10] = [
            (
                " 12:04 up 3 days, 1 user, load average: 0.50, 0.40, 0.30",
                Some(0.5),
            ),
            (
                "12:04PM up 3 days, load averages: 0.75 0.40 0.30",
                Some(0.75),
            ),
            (
                "real1 up 3+12:04, 2 users, load 0.50, 0.40, 0.30",
                Some(0.5),
            ),
            (
                "download1 up 3 days, 12:04, load average: 0.60, 0.40",
                Some(0.6),
            ),
            ("load average: 0,50, 0,40, 0,30", Some(0.5)),
            ("load average: 12, 3", Some(12.0)),
            ("load average: 1.25,0.50", Some(1.25)),
            ("load", None),
            ("load average: none", None),
            ("ssh: connect to host: Connection refused", None),
        ];
        for (output, load) in vectors {
            assert_eq!(load_average(output.as_bytes()), load, "{output}");
        }
    }
}
