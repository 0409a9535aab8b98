//! Asks for the load of a server: with a program, from its rstatd, or from the director's rwhod.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use daemon::{PollFd, PollFlags};
use healthcheck::rstat::LONGEST_ANSWER;
use healthcheck::rwho::{LONGEST_FILE, Status};
use healthcheck::{
    LoadAnswer, LoadSource, OLDEST_BROADCAST, ProgramEnd, Request, RstatQuery, host_names,
};
use lvs_model::Mono;

use crate::runner::Run;
use crate::setup::Setup;

/// Where rwhod keeps what it has heard.
const SPOOL: &str = "/var/spool/rwho";

/// Where the server's name is looked up: a question to a name server could hold the checks up.
const HOSTS: &str = "/etc/hosts";

/// Most bytes of [`HOSTS`] that are read.
const LONGEST_HOSTS: usize = 1 << 20;

/// A question on its way.
pub enum LoadRun {
    /// To a program.
    Program(Run),
    /// To an rstatd.
    Rstatd(Rstatd),
}

/// What became of a question at once.
pub enum Asked {
    /// It is on its way.
    Runs(LoadRun),
    /// It is answered.
    Answered(LoadAnswer),
    /// The program does not run.
    NotStarted(ProgramEnd),
}

/// Asks `source`.
pub fn ask(source: &LoadSource, setup: &Setup, now: Mono) -> Asked {
    let settings = &setup.settings;
    let rip = settings.subject.real.ip();
    match source {
        LoadSource::Program(command) => match Run::start(command, &setup.programs, now) {
            Ok(run) => Asked::Runs(LoadRun::Program(run)),
            Err(end) => Asked::NotStarted(end),
        },
        LoadSource::Rstatd => {
            let query = RstatQuery::new(xid(settings.seed), now, settings.interval);
            match Rstatd::ask(query, rip) {
                Ok(question) => Asked::Runs(LoadRun::Rstatd(question)),
                Err(error) => {
                    log::warn!("rstatd of {rip}: {error}");
                    Asked::Answered(LoadAnswer::Failed)
                }
            }
        }
        LoadSource::Rwhod => {
            let found = rwhod_load(Path::new(SPOOL), Path::new(HOSTS), rip, seconds());
            Asked::Answered(match found {
                Some(load) => LoadAnswer::Average(load),
                None => LoadAnswer::Failed,
            })
        }
    }
}

impl LoadRun {
    /// The program that was asked.
    pub fn program(&self) -> Option<&Run> {
        match self {
            Self::Program(run) => Some(run),
            Self::Rstatd(_) => None,
        }
    }

    /// What to wait for.
    pub fn poll_fd(&self) -> Option<PollFd<'_>> {
        match self {
            Self::Program(run) => run.poll_fd(),
            Self::Rstatd(question) => Some(PollFd::new(question.socket.as_fd(), PollFlags::POLLIN)),
        }
    }

    /// When to call [`advance`](Self::advance) at the latest.
    pub fn deadline(&self) -> Option<Mono> {
        match self {
            Self::Program(run) => run.deadline(),
            Self::Rstatd(question) => Some(question.query.deadline()),
        }
    }

    /// Does all that can be done now; `is_ready` if the wait said so.
    pub fn advance(&mut self, now: Mono, is_ready: bool) {
        match self {
            Self::Program(run) => run.advance(now),
            Self::Rstatd(question) => question.advance(now, is_ready),
        }
    }

    /// The answer of an rstatd, once it is there. A program's comes when it is reaped.
    pub fn answer(&self) -> Option<LoadAnswer> {
        match self {
            Self::Program(_) => None,
            Self::Rstatd(question) => question.query.answer().cloned(),
        }
    }
}

/// A question to the rstatd of a server.
pub struct Rstatd {
    query: RstatQuery,
    server: IpAddr,
    socket: UdpSocket,
}

impl Rstatd {
    fn ask(query: RstatQuery, server: IpAddr) -> io::Result<Self> {
        let any: IpAddr = match server {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0))?;
        socket.set_nonblocking(true)?;
        let mut question = Self {
            query,
            server,
            socket,
        };
        question.send();
        Ok(question)
    }

    fn advance(&mut self, now: Mono, is_ready: bool) {
        if is_ready {
            self.receive(now);
        }
        self.query.expire(now);
        self.send();
    }

    fn receive(&mut self, now: Mono) {
        let mut buffer = [0; LONGEST_ANSWER];
        match self.socket.recv(&mut buffer) {
            Ok(length) => {
                let datagram = buffer.get(..length).unwrap_or_default();
                self.query.received(now, datagram);
            }
            Err(error) => self.broken(&error),
        }
    }

    fn send(&mut self) {
        let Some(Request { port, datagram }) = self.query.request() else {
            return;
        };
        // Connected, so that only its answers come, and the news that nobody listens there.
        let connected = self.socket.connect((self.server, port));
        if let Err(error) = connected.and_then(|()| self.socket.send(&datagram)) {
            self.broken(&error);
        }
    }

    fn broken(&mut self, error: &io::Error) {
        if !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) {
            log::warn!("rstatd of {}: {error}", self.server);
            self.query.failed();
        }
    }
}

/// A number that differs from question to question.
fn xid(seed: u64) -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = now.map_or(0, |now| now.subsec_nanos());
    let [a, b, c, d, e, f, g, h] = seed.to_ne_bytes();
    u32::from_ne_bytes([a, b, c, d]) ^ u32::from_ne_bytes([e, f, g, h]) ^ nanos
}

/// Seconds since 1970, as many as 32 bits hold.
fn seconds() -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = now.as_ref().map_or(0, Duration::as_secs);
    u32::try_from(seconds & u64::from(u32::MAX)).unwrap_or(0)
}

/// The load that the host at `rip` broadcast last, unless that is too long ago at `now`.
fn rwhod_load(spool: &Path, hosts: &Path, rip: IpAddr, now: u32) -> Option<f64> {
    let hosts = read(hosts, LONGEST_HOSTS)
        .map_err(|error| log::warn!("{}: {error}", hosts.display()))
        .ok()?;
    let hosts = String::from_utf8_lossy(&hosts);
    let mut names = host_names(&hosts, rip).peekable();
    if names.peek().is_none() {
        log::warn!("no name of {rip} in {HOSTS}, so none for rwhod");
        return None;
    }
    let status = names.find_map(|name| {
        let bytes = read(&spool.join(format!("whod.{name}")), LONGEST_FILE).ok()?;
        Status::decode_file(&bytes)
    });
    status
        .filter(|status| status.age(now) <= OLDEST_BROADCAST)
        .map(|status| status.load)
}

fn read(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broadcast_counts_for_eleven_minutes() {
        let dir = std::env::temp_dir().join(format!("caribe-rwho-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let hosts = dir.join("hosts");
        std::fs::write(&hosts, "192.0.2.1 other.example real1.example\n").unwrap();
        let mut record = [0; 60];
        record[..2].copy_from_slice(&[1, 1]);
        record[8..12].copy_from_slice(&1_000_u32.to_ne_bytes());
        record[44..48].copy_from_slice(&25_i32.to_ne_bytes());
        std::fs::write(dir.join("whod.real1"), record).unwrap();

        let load = |rip: &str, now| rwhod_load(&dir, &hosts, rip.parse().unwrap(), now);
        assert_eq!(load("192.0.2.1", 1_660), Some(0.25));
        assert_eq!(load("192.0.2.1", 1_661), None);
        assert_eq!(load("192.0.2.2", 1_000), None);
        std::fs::remove_dir_all(&dir).unwrap();
        assert_eq!(load("192.0.2.1", 1_000), None);
    }
}
