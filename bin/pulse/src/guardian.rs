//! The process that takes the addresses away when pulse is killed.
//!
//! pulse starts its own program again as a guardian and tells it over its standard input which
//! addresses it is about to hold, one a line. When that input ends and addresses were told last,
//! pulse has died holding them, and the guardian removes them. It does nothing else.

use std::ffi::OsString;
use std::io::{self, BufRead};
use std::process::ExitCode;

use daemon::{Child, Program, Signal, Signals, Stdin};
use link::{Assignment, Change, Links};

/// The argument that makes pulse a guardian; only with a lifeline.
const ARGUMENT: &str = "--guardian";
/// What `ps` shows.
const NAME: &str = "pulse-guardian";
/// Ends a list of addresses, which then replaces the one before.
const END_OF_LIST: &str = ".";

/// pulse's end of its guardian.
pub struct Guardian {
    child: Child,
}

impl Guardian {
    /// Starts the guardian.
    ///
    /// # Errors
    /// Those of starting a program.
    pub fn start() -> io::Result<Self> {
        // The file that runs, even if an upgrade has put another in its place.
        let mut program = Program::new("/proc/self/exe");
        program.name = Some(NAME);
        program.args = vec![ARGUMENT.into()];
        program.stdin = Stdin::Lifeline;
        program.parent_name = "pulse";
        program.own_group = true;
        Ok(Self {
            child: program.start()?,
        })
    }

    /// Its process id.
    pub const fn pid(&self) -> i32 {
        self.child.pid()
    }

    /// Tells it what pulse holds from now on; nothing is the empty list.
    ///
    /// # Errors
    /// It has ended.
    pub fn tell(&self, held: &[Assignment]) -> io::Result<()> {
        let mut text: String = held.iter().map(print_line).collect();
        text.push_str(END_OF_LIST);
        text.push('\n');
        let mut rest = text.as_bytes();
        while let (Some(link), false) = (self.child.link(), rest.is_empty()) {
            let written = nix::unistd::write(link, rest)?;
            rest = rest.get(written..).unwrap_or_default();
        }
        Ok(())
    }
}

fn print_line(held: &Assignment) -> String {
    format!(
        "{} {} {} {}\n",
        held.address, held.prefix, held.interface, held.label
    )
}

fn parse_line(line: &str) -> Option<Assignment> {
    let mut words = line.split(' ');
    Some(Assignment {
        address: words.next()?.parse().ok()?,
        prefix: words.next()?.parse().ok()?,
        interface: words.next()?.to_owned(),
        label: words.next()?.to_owned(),
    })
}

/// Whether the command line asks for a guardian.
pub fn is_asked_for(args: &[OsString]) -> bool {
    let has_parent = std::env::var_os(daemon::PARENT_VARIABLE).is_some();
    matches!(args, [only] if only == ARGUMENT) && has_parent
}

/// Waits for pulse's end and cleans up after it.
pub fn run() -> ExitCode {
    daemon::show_name(NAME);
    // What ends pulse in order must not end its guardian first.
    let ignored = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP];
    let _signals = Signals::new(&ignored);
    let held = last_told(io::stdin().lock());
    if held.is_empty() {
        return ExitCode::SUCCESS;
    }
    daemon::log::start("pulse", daemon::log::Target::Syslog, false);
    match Links::open().and_then(|mut links| links.drop(&held)) {
        Ok(done) => {
            let removed = done
                .iter()
                .filter(|it| matches!(it, (Change::Remove(_), Ok(()))));
            log::error!("pulse was killed: {} addresses removed", removed.count());
            ExitCode::SUCCESS
        }
        Err(error) => {
            log::error!("pulse was killed, its addresses stay: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The last complete list before the end.
fn last_told(input: impl BufRead) -> Vec<Assignment> {
    let (mut held, mut list) = (Vec::new(), Vec::new());
    for line in input.lines().map_while(Result::ok) {
        if line == END_OF_LIST {
            held = std::mem::take(&mut list);
        } else {
            list.extend(parse_line(&line));
        }
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_complete_list_counts() {
        let text = "10.1.0.50 24 eth0 eth0:1\n.\n10.1.0.51 32 eth0 eth0:2\n2001:db8::1 128 eth0 eth0\n.\n10.9";
        let held = last_told(text.as_bytes());
        let lines: String = held.iter().map(print_line).collect();
        assert_eq!(
            lines,
            "10.1.0.51 32 eth0 eth0:2\n2001:db8::1 128 eth0 eth0\n"
        );
        assert!(last_told("10.1.0.50 24 eth0 eth0:1\n.\n.\n".as_bytes()).is_empty());
    }
}
