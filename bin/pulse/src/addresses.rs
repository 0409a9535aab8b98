//! The addresses that follow the active director: raised, announced, watched, dropped.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};

use heartbeat::Links as LinkReport;
use link::{
    Advertisement, Announcer, Answers, Assignment, Change, Event, Link, LinkError, Links, Outcome,
    Watch,
};

use crate::guardian::Guardian;

/// What the watch found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// An address of ours is missing.
    pub removed: bool,
    /// An interface came back or has another hardware address.
    pub interface_changed: bool,
    /// State of some interface may have changed.
    pub link_changed: bool,
}

/// The addresses of this director.
pub struct Addresses {
    links: Links,
    watch: Watch,
    announcer: Announcer,
    /// Who else has our addresses; none without IPv6.
    answers: Option<Answers>,
    guardian: Guardian,
    /// Raised by us.
    held: Vec<Assignment>,
    /// Raised, and not in the log yet.
    unsaid: Vec<Outcome>,
    known: Vec<Link>,
    /// What is held could not be compared with what is there.
    unsure: bool,
    /// Names in lvs.cf and the interfaces that had them: a renamed one is followed.
    homes: Vec<(String, u32)>,
}

impl Addresses {
    /// Opens the sockets, starts the guardian, and takes down what a killed predecessor left.
    ///
    /// # Errors
    /// No right to the sockets, no guardian.
    pub fn open(wanted: &[Assignment]) -> io::Result<Self> {
        let mut links = Links::open().map_err(io::Error::other)?;
        let left_over = links.drop(wanted).map_err(io::Error::other)?;
        say(&left_over);
        let known = links.links().map_err(io::Error::other)?;
        Ok(Self {
            links,
            watch: Watch::open().map_err(io::Error::other)?,
            announcer: Announcer::open().map_err(io::Error::other)?,
            answers: Answers::open().ok(),
            guardian: Guardian::start()?,
            held: Vec::new(),
            unsaid: Vec::new(),
            known,
            unsure: false,
            homes: Vec::new(),
        })
    }

    /// Readable when something changed, or somebody said what addresses it has.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        [self.watch.as_fd()]
            .into_iter()
            .chain(self.answers.as_ref().map(AsFd::as_fd))
    }

    /// Whether [`Addresses::look`] is to be called again soon, with or without a change.
    pub const fn is_unsure(&self) -> bool {
        self.unsure
    }

    /// Brings up what is missing of `wanted`, takes down what is held and no longer wanted. What
    /// was raised is said behind [`Addresses::announce`].
    pub fn raise(&mut self, wanted: &[Assignment]) {
        let wanted = &self.place(wanted);
        self.tell_guardian(wanted);
        let same =
            |a: &Assignment, b: &Assignment| (a.address, &a.interface) == (b.address, &b.interface);
        let mut unwanted = std::mem::replace(&mut self.held, wanted.to_vec());
        unwanted.retain(|old| !wanted.iter().any(|new| same(old, new)));
        if !unwanted.is_empty() {
            report(self.links.drop(&unwanted));
        }
        match self.links.raise(wanted) {
            // A log line for each of a hundred addresses takes longer than to announce them.
            Ok(raised) => self.unsaid.extend(raised),
            Err(error) => log::error!("addresses: {error}"),
        }
    }

    /// `wanted` with the present names of interfaces that were renamed since they were found. An
    /// interface that has the name of lvs.cf comes first.
    fn place(&mut self, wanted: &[Assignment]) -> Vec<Assignment> {
        let mut placed = wanted.to_vec();
        for assignment in &mut placed {
            let name = &mut assignment.interface;
            if let Some(link) = self.known.iter().find(|link| link.name == *name) {
                self.homes.retain(|(home, _)| home != name);
                self.homes.push((name.clone(), link.index));
                continue;
            }
            let home = self.homes.iter().find(|(home, _)| home == name);
            let link = home.and_then(|(_, index)| self.known.iter().find(|l| l.index == *index));
            if let Some(link) = link {
                name.clone_from(&link.name);
            }
        }
        placed
    }

    /// Takes down everything held.
    pub fn drop_all(&mut self) {
        say(&std::mem::take(&mut self.unsaid));
        let held = std::mem::take(&mut self.held);
        report(self.links.drop(&held));
        self.tell_guardian(&[]);
    }

    /// Announces everything held.
    pub fn announce(&mut self) {
        for error in self.announcer.announce(&self.held, false) {
            log::error!("announcement: {error}");
        }
        say(&std::mem::take(&mut self.unsaid));
    }

    /// Asks who has the IPv6 ones of `wanted`.
    pub fn ask(&mut self, wanted: &[Assignment]) {
        let wanted = self.place(wanted);
        for error in self.announcer.ask(&wanted) {
            log::error!("question for an address: {error}");
        }
    }

    /// What other machines have said of `wanted`.
    pub fn answers(&self, wanted: &[Assignment]) -> Vec<Advertisement> {
        let Some(answers) = &self.answers else {
            return Vec::new();
        };
        let six = wanted.iter().filter_map(|it| match it.address {
            IpAddr::V6(address) => Some(address),
            IpAddr::V4(_) => None,
        });
        let mut heard = answers.drain(&six.collect::<Vec<_>>());
        heard.retain(|said| {
            !self
                .known
                .iter()
                .any(|own| own.mac.is_some() && own.mac == said.mac)
        });
        heard
    }

    /// Takes what the kernel told and compares it with what is held.
    pub fn look(&mut self) -> Found {
        let events = match self.watch.drain() {
            Ok(events) => events,
            Err(error) => {
                log::error!("{error}");
                vec![Event::Lost]
            }
        };
        let mut found = Found {
            removed: std::mem::take(&mut self.unsure),
            ..Found::default()
        };
        for event in events {
            match event {
                Event::Link(link) => {
                    found.link_changed = true;
                    found.interface_changed |= self.note(link);
                }
                Event::LinkGone(gone) => {
                    found.link_changed = true;
                    self.known.retain(|known| known.index != gone.index);
                }
                Event::AddressGone(gone) => {
                    found.removed |= self.held.iter().any(|held| held.address == gone.address);
                }
                Event::Lost => {
                    found.removed = true;
                    found.link_changed = true;
                    found.interface_changed |= self.read_links();
                }
                Event::Duplicate(address) => {
                    log::error!("{} is in use by another machine", address.address);
                }
            }
        }
        // Told is not the same as true: it may be back already, or be our own doing.
        found.removed = found.removed && self.is_incomplete();
        found.interface_changed = found.interface_changed && !self.held.is_empty();
        found
    }

    /// Reads every interface anew; whether one is new or another than it was.
    fn read_links(&mut self) -> bool {
        let Ok(links) = self.links.links() else {
            return false;
        };
        let there = |known: &Link| links.iter().any(|link| link.index == known.index);
        self.known.retain(there);
        let changed = links.into_iter().map(|link| self.note(link));
        changed.fold(false, |any, one| any | one)
    }

    fn note(&mut self, link: Link) -> bool {
        self.follow(&link);
        let before = self
            .known
            .iter_mut()
            .find(|known| known.index == link.index);
        let Some(before) = before else {
            self.known.push(link);
            return true;
        };
        let changed =
            before.mac != link.mac || before.name != link.name || (link.running && !before.running);
        *before = link;
        changed
    }

    /// What is held on a renamed interface is held under its new name.
    fn follow(&mut self, link: &Link) {
        let mut known = self.known.iter();
        let before = known.find(|known| known.index == link.index && known.name != link.name);
        let Some(before) = before else { return };
        let moved = self
            .held
            .iter_mut()
            .filter(|held| held.interface == before.name);
        moved.for_each(|held| held.interface.clone_from(&link.name));
    }

    fn is_incomplete(&mut self) -> bool {
        let state = (self.links.addresses(), self.links.links());
        let (Ok(found), Ok(links)) = state else {
            // Nothing is known to be missing. The next turn looks again.
            self.unsure = true;
            return false;
        };
        !link::plan::plan_raise(&self.held, &found, &links).is_empty()
    }

    /// State of the links under two addresses; one that no interface has counts as up.
    pub fn report(&mut self, public: IpAddr, private: IpAddr) -> LinkReport {
        let mut up = |address| match self.links.link_of(address) {
            Ok(link) => link.is_none_or(|link| link.running),
            Err(_) => true,
        };
        LinkReport {
            public_up: up(public),
            private_up: up(private),
        }
    }

    /// If `pid` was the guardian, starts another one.
    pub fn replace_guardian(&mut self, pid: i32) -> bool {
        if self.guardian.pid() != pid {
            return false;
        }
        log::error!("guardian {pid} ended, starting another");
        match Guardian::start() {
            Ok(guardian) => self.guardian = guardian,
            Err(error) => log::error!("no guardian: {error}"),
        }
        let held = self.held.clone();
        self.tell_guardian(&held);
        true
    }

    fn tell_guardian(&self, held: &[Assignment]) {
        if let Err(error) = self.guardian.tell(held) {
            log::error!("guardian: {error}");
        }
    }
}

impl Drop for Addresses {
    /// Whatever ends the program, panic and error included, the addresses go first.
    fn drop(&mut self) {
        if !self.held.is_empty() {
            self.drop_all();
        }
    }
}

/// Takes down what is up of `wanted`: no pulse runs that would.
///
/// # Errors
/// No right to.
pub fn drop_left(wanted: &[Assignment]) -> io::Result<()> {
    let mut links = Links::open().map_err(io::Error::other)?;
    say(&links.drop(wanted).map_err(io::Error::other)?);
    Ok(())
}

fn report(result: Result<Vec<Outcome>, LinkError>) {
    match result {
        Ok(done) => say(&done),
        Err(error) => log::error!("addresses: {error}"),
    }
}

fn say(outcomes: &[Outcome]) {
    for (change, result) in outcomes {
        let (what, address) = match change {
            Change::Add(address) => ("up", address),
            Change::Remove(address) => ("down", address),
        };
        let label = address.label.as_deref().unwrap_or("-");
        let (ip, prefix) = (address.address, address.prefix);
        match result {
            Ok(()) => log::info!("address {ip}/{prefix} {label} {what}"),
            Err(errno) => log::error!("address {ip}/{prefix} {label} not {what}: {}", errno.desc()),
        }
    }
}
