//! A run of the program after its start: carries out requests and prints the kernel's answers.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Write};
use std::time::Duration;

use ipvs::{Ipvs, IpvsError};
use lvs_model::{IpvsOp, KernelInfo, SyncDaemon};

use crate::connections::{self, Columns, ConnectionsError};
use crate::ensure;
use crate::error::{UsageError, status};
use crate::list_json;
use crate::listing::Listing;
use crate::names::Names;
use crate::output::Output;
use crate::parse::Surroundings;
use crate::refusal::{self, Asked};
use crate::request::Request;
use crate::save;
use crate::watch::{Pace, Rated};

/// To the upper left corner, and nothing stays below.
const CLEAR_SCREEN: &str = "\x1b[H\x1b[J";

/// Everything a run works with.
pub(crate) struct Session<'a, I> {
    pub(crate) kernel: I,
    pub(crate) info: KernelInfo,
    pub(crate) program: &'a OsStr,
    pub(crate) names: &'a dyn Names,
    pub(crate) pace: &'a dyn Pace,
    pub(crate) words_end_options: bool,
    pub(crate) input: &'a mut dyn BufRead,
    pub(crate) out: Output<'a>,
    pub(crate) err: &'a mut dyn Write,
}

impl<'a, I: Ipvs> Session<'a, I> {
    /// What the program does without arguments.
    pub(crate) fn list_all(&mut self) -> u8 {
        self.show(&Request::List(Listing::ALL))
    }

    /// How lines of this run are read.
    pub(crate) fn surroundings(&self) -> Surroundings<'a> {
        Surroundings {
            program: self.program,
            names: self.names,
            words_end_options: self.words_end_options,
        }
    }

    /// Prints what is wrong with a line and returns its status.
    pub(crate) fn refuse(&mut self, error: &UsageError) -> u8 {
        self.say_bytes(&error.message());
        error.status()
    }

    /// A line on standard error, behind what standard output has so far.
    pub(crate) fn say(&mut self, text: &str) {
        self.say_bytes(text.as_bytes());
    }

    fn say_bytes(&mut self, text: &[u8]) {
        // A later flush reports again that standard output is gone. For standard error there is no other
        // place to report.
        let _ = self.err.write_all(&[text, b"\n"].concat());
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

    /// Carries out an addition, or the edit that it turns into.
    pub(crate) fn ensure(&mut self, op: IpvsOp) -> u8 {
        let (asked, errno) = match ensure::apply(&mut self.kernel, op) {
            Ok(None) => return status::OK,
            Ok(Some((op, errno))) => (Asked::of(&op), errno),
            Err(error) => (Asked::Other, refusal::errno(&error)),
        };
        self.say(&refusal::text(asked, errno));
        status::REFUSED
    }

    /// Lists again and again until nobody reads any more, or the kernel refuses.
    pub(crate) fn watch(&mut self, listing: Listing, seconds: u32) -> u8 {
        let interval = Duration::from_secs(seconds.into());
        let mut table = Rated::new(&mut self.kernel);
        let mut nowhere = io::sink();
        let mut first = Output::new(&mut nowhere);
        let mut shown = listing.print(&mut table, self.info, self.names, &mut first);
        while let (Ok(()), Some(elapsed)) = (&shown, self.pace.wait(interval)) {
            table.passed(elapsed);
            if self.pace.is_screen() {
                self.out.text(CLEAR_SCREEN);
            }
            shown = listing.print(&mut table, self.info, self.names, &mut self.out);
            if !(listing.json || self.pace.is_screen()) {
                self.out.end();
            }
            if !self.out.push() {
                return status::LIST_FAILED;
            }
        }
        match shown {
            Ok(()) => status::OK,
            Err(error) => {
                self.say(&refusal::text(Asked::FindService, refusal::errno(&error)));
                status::LIST_FAILED
            }
        }
    }

    /// Carries out a request that only reads.
    pub(crate) fn show(&mut self, request: &Request) -> u8 {
        let shown = match request {
            Request::List(listing) => self.list(*listing),
            Request::Save { numeric } => {
                save::print(&mut self.kernel, *numeric, self.names, &mut self.out)
            }
            Request::Connections(columns) => return self.show_connections(*columns),
            Request::Timeouts { json } => return self.show_timeouts(*json),
            Request::Daemons { json } => return self.show_daemons(*json),
            Request::Change(_)
            | Request::Ensure(_)
            | Request::Watch(..)
            | Request::Restore
            | Request::Replace { .. } => Ok(()),
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

    fn show_connections(&mut self, columns: Columns) -> u8 {
        let Ok(file) = std::fs::File::open(connections::PATH) else {
            self.say(&format!("cannot open file {}", connections::PATH));
            return status::LIST_FAILED;
        };
        // The kernel gives at most a page a read.
        let file = BufReader::with_capacity(16 * 1024, file);
        match connections::print(file, columns, self.names, &mut self.out) {
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
    fn show_timeouts(&mut self, json: bool) -> u8 {
        let Ok(timeouts) = self.kernel.timeouts() else {
            return status::LIST_FAILED;
        };
        if json {
            list_json::print_timeouts(timeouts, &mut self.out);
            return status::OK;
        }
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

    fn show_daemons(&mut self, json: bool) -> u8 {
        let Ok(daemons) = self.kernel.daemons() else {
            return status::LIST_FAILED;
        };
        if json {
            list_json::print_daemons(&daemons, &mut self.out);
            return status::OK;
        }
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

/// Writes everything out; a failure takes the place of success. A closed pipe gets no message.
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
