//! A run of the program after its start: carries out requests and says what the kernel said.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Write};

use ipvs::{Ipvs, IpvsError};
use lvs_model::{IpvsOp, KernelInfo, SyncDaemon};

use crate::connections::{self, ConnectionsError};
use crate::error::{UsageError, status};
use crate::line::{Parsed, Surroundings};
use crate::list::Listing;
use crate::names::Names;
use crate::output::Output;
use crate::printed_name::Style;
use crate::refusal::{self, Asked};
use crate::request::{Request, resolve};
use crate::restore;
use crate::save;

/// Everything a run works with.
pub(crate) struct Session<'a, I> {
    pub(crate) kernel: I,
    pub(crate) info: KernelInfo,
    pub(crate) program: &'a OsStr,
    pub(crate) names: &'a dyn Names,
    pub(crate) words_end_options: bool,
    pub(crate) input: &'a mut dyn BufRead,
    pub(crate) out: Output<'a>,
    pub(crate) err: &'a mut dyn Write,
}

impl<'a, I: Ipvs> Session<'a, I> {
    /// Carries out a line of the command line itself and returns the exit status.
    pub(crate) fn run(&mut self, parsed: Result<Parsed<'_>, UsageError>) -> u8 {
        let request = match parsed {
            Ok(Parsed::Line(line)) => resolve(&line),
            Ok(Parsed::Help | Parsed::Version) => return status::OK,
            Err(error) => Err(error),
        };
        match request {
            Ok(Request::Restore) => restore::run(self),
            Ok(Request::Change(op)) => self.apply(&[op]),
            Ok(request) => self.show(&request),
            Err(error) => self.refuse(&error),
        }
    }

    /// What the program does without arguments.
    pub(crate) fn list_all(&mut self) -> u8 {
        self.show(&Request::List(Listing::ALL))
    }

    /// How lines of this run are read.
    pub(crate) fn surroundings(&self, is_restoring: bool) -> Surroundings<'a> {
        Surroundings {
            program: self.program,
            names: self.names,
            words_end_options: self.words_end_options,
            is_restoring,
        }
    }

    /// Prints what is wrong with a line and returns its status.
    pub(crate) fn refuse(&mut self, error: &UsageError) -> u8 {
        self.say(&error.to_string());
        error.status()
    }

    /// A line on standard error, behind what standard output has so far.
    fn say(&mut self, text: &str) {
        // A later flush says again that standard output is gone; standard error has no other.
        let _ = writeln!(self.err, "{text}");
    }

    /// Carries out changes in order. The status is that of the last one.
    pub(crate) fn apply(&mut self, ops: &[IpvsOp]) -> u8 {
        let refusals = match self.kernel.apply(ops) {
            Ok(refusals) => refusals,
            Err(error) => {
                self.say(&refusal::text(Asked::Other, refusal::errno(&error)));
                return status::REFUSED;
            }
        };
        let mut last = None;
        for refusal in refusals {
            let asked = ops.get(refusal.index).map_or(Asked::Other, Asked::of);
            self.say(&refusal::text(asked, refusal.errno));
            last = Some(refusal.index);
        }
        match last {
            Some(index) if index + 1 == ops.len() => status::REFUSED,
            _ => status::OK,
        }
    }

    /// Carries out a request that only reads.
    pub(crate) fn show(&mut self, request: &Request) -> u8 {
        let shown = match request {
            Request::List(listing) => self.list(*listing),
            Request::Save { numeric } => {
                save::print(&mut self.kernel, *numeric, self.names, &mut self.out)
            }
            Request::Connections {
                numeric,
                with_engine,
            } => return self.show_connections(*numeric, *with_engine),
            Request::Timeouts => return self.show_timeouts(),
            Request::Daemons => return self.show_daemons(),
            Request::Change(_) | Request::Restore => Ok(()),
        };
        match shown {
            Ok(()) => status::OK,
            Err(error) => {
                self.say(&refusal::text(Asked::FindService, refusal::errno(&error)));
                status::LIST_FAILED
            }
        }
    }

    fn list(&mut self, listing: Listing) -> Result<(), IpvsError> {
        listing.print(&mut self.kernel, self.info, self.names, &mut self.out)
    }

    fn show_connections(&mut self, numeric: bool, with_engine: bool) -> u8 {
        let Ok(file) = std::fs::File::open(connections::PATH) else {
            self.say(&format!("cannot open file {}", connections::PATH));
            return status::LIST_FAILED;
        };
        let style = Style::new(numeric, self.names);
        // The kernel gives at most a page a read.
        let file = BufReader::with_capacity(16 * 1024, file);
        match connections::print(file, with_engine, style, &mut self.out) {
            Ok(()) => status::OK,
            Err(ConnectionsError::Empty) => {
                self.say(&format!("unexpected input from {}", connections::PATH));
                status::LIST_FAILED
            }
            Err(ConnectionsError::Read(error)) => {
                self.say(&format!(
                    "{}: {}",
                    connections::PATH,
                    refusal::c_text(&error)
                ));
                status::LIST_FAILED
            }
        }
    }

    /// The original says nothing where the kernel refuses these two.
    fn show_timeouts(&mut self) -> u8 {
        let Ok(timeouts) = self.kernel.timeouts() else {
            return status::LIST_FAILED;
        };
        self.out
            .text("Timeout (tcp tcpfin udp): ")
            .number(timeouts.tcp)
            .text(" ")
            .number(timeouts.tcp_fin)
            .text(" ")
            .number(timeouts.udp)
            .end();
        status::OK
    }

    fn show_daemons(&mut self) -> u8 {
        let Ok(daemons) = self.kernel.daemons() else {
            return status::LIST_FAILED;
        };
        for daemon in &daemons {
            self.out.text(&daemon_line(daemon)).end();
        }
        status::OK
    }

    /// Ends the run.
    pub(crate) fn finish(self, status: u8) -> u8 {
        finish(self.out, self.err, status)
    }
}

/// Writes everything out; a failure takes the place of success. A closed pipe is not talked about.
pub(crate) fn finish(mut out: Output<'_>, err: &mut dyn Write, status: u8) -> u8 {
    let Err(error) = out.flush() else {
        return status;
    };
    if error.kind() != io::ErrorKind::BrokenPipe {
        let _ = writeln!(err, "standard output: {}", refusal::c_text(&error));
    }
    if status == status::OK {
        status::LIST_FAILED
    } else {
        status
    }
}

/// `master sync daemon (mcast=eth0, syncid=0, maxlen=1472, …)`: what the kernel reported.
fn daemon_line(daemon: &SyncDaemon) -> String {
    use std::fmt::Write as _;
    let mut line = format!(
        "{} sync daemon (mcast={}, syncid={}",
        daemon.role, daemon.interface, daemon.sync_id
    );
    // Writing to a string cannot fail.
    if let Some(length) = daemon.max_length.filter(|&it| it != 0) {
        let _ = write!(line, ", maxlen={length}");
    }
    if let Some(group) = daemon.group {
        let _ = write!(line, ", group={group}");
    }
    if let Some(port) = daemon.port.filter(|&it| it != 0) {
        let _ = write!(line, ", port={port}");
    }
    if let Some(ttl) = daemon.ttl.filter(|&it| it != 0) {
        let _ = write!(line, ", ttl={ttl}");
    }
    line.push(')');
    line
}
