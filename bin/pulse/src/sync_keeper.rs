//! The process that keeps the kernel's sync daemon as lvs.cf wants it.
//!
//! Stopping a sync daemon waits for kernel threads, up to seconds, and so does whoever asks about one
//! meanwhile. So pulse starts its own program again as a keeper and tells it over its standard input which
//! daemon is wanted; the keeper switches it, watches it and its interface as [`SyncWatch`] says, logs what
//! is wrong and sends the state back. Each message is one datagram of words with a NUL behind every one. When
//! pulse is gone it carries out what it was told last, and ends; the daemon stays.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use daemon::{Awaited, Clock, EventHandler};
use ipvs::{ExternalIpvs, Ipvs, IpvsError, NetlinkIpvs};
use link::{Links, Watch};
use lvs_config::Config;
use lvs_model::{IpvsOp, SyncRole};
use nix::errno::Errno;

use crate::helper::{self, Helper, LONGEST, Part, Received, decode, encode};
use crate::sync_watch::{Device, Facts, Line, SyncStatus, SyncWatch, Wanted};

/// The process.
pub const PART: Part = Part {
    argument: "--sync-keeper",
    name: "pulse-sync",
};
/// In the place of a role: none is wanted.
const NONE: &str = "none";
/// The usual `ipvsadm`, which could do nothing that we cannot.
const USUAL: [&str; 2] = ["/sbin/ipvsadm", "/usr/sbin/ipvsadm"];
/// Time that another program has for one change: a stop waits for a kernel thread.
const LIMIT: Duration = Duration::from_secs(15);
const MODPROBE: &str = "/sbin/modprobe";

/// pulse's end of its keeper.
pub struct SyncKeeper {
    helper: Helper,
    order: Vec<u8>,
}

impl SyncKeeper {
    /// Starts the keeper and tells it what is wanted.
    ///
    /// # Errors
    /// Those of starting a program.
    pub fn start(foreground: bool, config: &Config, role: SyncRole) -> io::Result<Self> {
        let mut keeper = Self {
            helper: Helper::start(&PART, foreground)?,
            order: Vec::new(),
        };
        keeper.order(config, role)?;
        Ok(keeper)
    }

    /// Its process id.
    pub const fn pid(&self) -> i32 {
        self.helper.pid()
    }

    /// Another daemon is wanted, or none; the same as before is not told again.
    ///
    /// # Errors
    /// It has ended, or does not keep up.
    pub fn order(&mut self, config: &Config, role: SyncRole) -> io::Result<()> {
        let order = encode(&order_words(config, role));
        if order == self.order {
            return Ok(());
        }
        self.helper.send(&order)?;
        self.order = order;
        Ok(())
    }

    /// What it said last of the daemon; `None` if it has said nothing since the last call.
    pub fn hear(&self) -> Option<Option<SyncStatus>> {
        let mut bytes = [0; LONGEST];
        let mut heard = None;
        while let Some(message) = self.helper.hear(&mut bytes) {
            heard = Some(decode_status(message));
        }
        heard
    }

    /// Readable when it said something.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.helper.fd()
    }

    /// No more orders: it ends when it has carried out the last one.
    pub fn finish(&self) {
        self.helper.finish();
    }
}

fn order_words(config: &Config, role: SyncRole) -> Vec<OsString> {
    let program = config.ipvsadm.clone().into_os_string();
    match &config.sync_daemon {
        Some(sync) => vec![
            role.to_string().into(),
            sync.interface.label().into(),
            sync.id.to_string().into(),
            program,
        ],
        None => vec![NONE.into(), "".into(), "0".into(), program],
    }
}

fn decode_order(message: &[u8]) -> Option<(Option<Wanted>, PathBuf)> {
    let words = decode(message);
    let [role, interface, id, program] = words.as_slice() else {
        return None;
    };
    let wanted = match role.to_str()? {
        NONE => None,
        role => Some(Wanted {
            role: role_named(role)?,
            interface: interface.to_str()?.to_owned(),
            id: id.to_str()?.parse().ok()?,
        }),
    };
    Some((wanted, program.into()))
}

fn encode_status(status: Option<&SyncStatus>) -> Vec<u8> {
    let Some(status) = status else {
        return encode(&[NONE.into()]);
    };
    let mut words = vec![
        status.role.to_string().into(),
        status.interface.clone().into(),
        status.id.to_string().into(),
    ];
    words.extend(status.problem.clone().map(Into::into));
    encode(&words)
}

fn decode_status(message: &[u8]) -> Option<SyncStatus> {
    let words = decode(message);
    let mut words = words.iter().map(|word| word.to_string_lossy());
    Some(SyncStatus {
        role: role_named(&words.next()?)?,
        interface: words.next()?.into_owned(),
        id: words.next()?.parse().ok()?,
        problem: words.next().map(std::borrow::Cow::into_owned),
    })
}

fn role_named(name: &str) -> Option<SyncRole> {
    let all = [SyncRole::Master, SyncRole::Backup];
    all.into_iter().find(|role| role.to_string() == name)
}

/// Keeps the daemon until pulse is gone.
pub fn run(args: &[OsString]) -> ExitCode {
    PART.work(args, Keeper::open)
}

struct Keeper {
    clock: Clock,
    pulse: io::Stdin,
    watch: SyncWatch,
    /// Tells that an interface changed; none if that is not to be had.
    changes: Option<Watch>,
    /// Changes go through this one, unless it is the usual.
    program: PathBuf,
    told: Option<Vec<u8>>,
    is_open: bool,
}

/// What the keeper waits for.
#[derive(Clone, Copy)]
enum Source {
    Pulse,
    Changes,
}

impl EventHandler for Keeper {
    type Source = Source;
    type End = ();

    fn work(&mut self) -> Option<()> {
        (!self.is_open).then_some(())
    }

    fn await_on<'h>(&'h self, awaited: &mut Awaited<'h, Source>) {
        awaited.reading(Source::Pulse, self.pulse.as_fd());
        if let Some(changes) = &self.changes {
            awaited.reading(Source::Changes, changes.as_fd());
        }
        awaited.until(self.watch.next_look());
    }

    fn take(&mut self, event: daemon::Event<Source>) {
        match event {
            daemon::Event::Ready(Source::Pulse) => self.read(),
            daemon::Event::Ready(Source::Changes) => self.hear(),
            daemon::Event::Signal(_) | daemon::Event::Ended(..) => {}
            daemon::Event::Time => self.turn(),
        }
    }
}

impl Keeper {
    fn open(clock: Clock) -> Self {
        Self {
            clock,
            pulse: io::stdin(),
            watch: SyncWatch::default(),
            changes: Watch::open()
                .inspect_err(|error| log::warn!("sync daemon: {error}"))
                .ok(),
            program: PathBuf::from(USUAL[0]),
            told: None,
            is_open: true,
        }
    }

    /// The last order counts.
    fn read(&mut self) {
        let mut message = [0; LONGEST];
        while self.is_open {
            match helper::receive(&mut message) {
                Received::Message(message) => {
                    let Some((wanted, program)) = decode_order(message) else {
                        continue;
                    };
                    self.program = program;
                    self.watch.order(self.clock.now(), wanted);
                }
                Received::Nothing => return,
                Received::End => self.is_open = false,
            }
        }
    }

    fn hear(&mut self) {
        let now = self.clock.now();
        let Some(changes) = &mut self.changes else {
            return;
        };
        for change in changes.drain().unwrap_or_default() {
            match change {
                link::Event::Link(link) => self.watch.hear(now, link.index, link.running),
                link::Event::LinkGone(link) => self.watch.hear(now, link.index, false),
                link::Event::Address(address) | link::Event::AddressGone(address) => {
                    self.watch.hear(now, address.interface, true);
                }
                link::Event::Duplicate(_) => {}
                link::Event::Lost => self.watch.hear(now, 0, false),
            }
        }
    }

    fn turn(&mut self) {
        let now = self.clock.now();
        if self.watch.next_look().is_none_or(|at| now < at) {
            return;
        }
        let mut said = Vec::new();
        let facts = Facts {
            daemons: daemons(),
            devices: devices().map_err(|error| error.to_string()),
        };
        let ops = self.watch.look(now, &facts, &mut said);
        for op in ops {
            if let Some(reason) = self.apply(&op)
                && matches!(op, IpvsOp::StartDaemon(_))
            {
                let now = self.clock.now();
                self.watch.refused(now, &reason, &mut said);
            }
        }
        for said in said {
            match said {
                Line::Problem(text) => log::error!("{text}"),
                Line::Good(text) => log::info!("{text}"),
            }
        }
        self.tell();
    }

    /// Does it, whatever it takes; why it could not be done.
    fn apply(&self, op: &IpvsOp) -> Option<String> {
        log::debug!("DEBUG -- Executing '{} {op}'", self.program.display());
        let is_usual = USUAL.iter().any(|usual| self.program == Path::new(usual));
        let table = NetlinkIpvs::open_or_load(Path::new(MODPROBE));
        let result = table.and_then(|mut table| match is_usual {
            true => table.apply(std::slice::from_ref(op)),
            false => ExternalIpvs::new(self.program.clone(), LIMIT, &mut table)
                .apply(std::slice::from_ref(op)),
        });
        match result {
            Ok(refusals) => refusals.first().map(|refusal| match refusal.errno {
                Errno::UnknownErrno => format!("{} failed", self.program.display()),
                errno => errno.desc().to_owned(),
            }),
            Err(error) => Some(error.to_string()),
        }
    }

    /// The state, if it has changed.
    fn tell(&mut self) {
        let message = encode_status(self.watch.status().as_ref());
        if self.told.as_ref() == Some(&message) {
            return;
        }
        if helper::say(self.pulse.as_fd(), &message).is_ok() {
            self.told = Some(message);
        }
    }
}

fn daemons() -> Result<Vec<lvs_model::SyncDaemon>, String> {
    match NetlinkIpvs::open().and_then(|mut table| table.daemons()) {
        // Then it has no daemon either.
        Err(IpvsError::NoIpvs) => Ok(Vec::new()),
        daemons => daemons.map_err(|error| error.to_string()),
    }
}

/// Every interface with its first IPv4 address.
fn devices() -> Result<Vec<Device>, link::LinkError> {
    let mut links = Links::open()?;
    let found = links.links()?;
    let addresses = links.addresses()?;
    let device = |link: kernel_wire::rtnetlink::Link| {
        let mut own = addresses.iter().filter(|it| it.interface == link.index);
        Device {
            address: own.find(|it| it.address.is_ipv4()).map(|it| it.address),
            name: link.name,
            index: link.index,
            running: link.running,
        }
    };
    Ok(found.into_iter().map(device).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_and_states_arrive_as_they_were_sent() {
        let wanted = Wanted {
            role: SyncRole::Backup,
            interface: "eth1".into(),
            id: 7,
        };
        let words = ["backup", "eth1", "7", "/opt/ipvsadm"].map(OsString::from);
        let expected = (Some(wanted), PathBuf::from("/opt/ipvsadm"));
        assert_eq!(decode_order(&encode(&words)), Some(expected));
        let none = ["none", "", "0", "/sbin/ipvsadm"].map(OsString::from);
        let expected = (None, PathBuf::from("/sbin/ipvsadm"));
        assert_eq!(decode_order(&encode(&none)), Some(expected));
        assert_eq!(decode_order(b"backup\0eth1\0"), None);
        for problem in [None, Some("no interface".to_owned())] {
            let status = SyncStatus {
                role: SyncRole::Master,
                interface: "eth1".into(),
                id: 7,
                problem,
            };
            assert_eq!(decode_status(&encode_status(Some(&status))), Some(status));
        }
        assert_eq!(decode_status(&encode_status(None)), None);
    }
}
