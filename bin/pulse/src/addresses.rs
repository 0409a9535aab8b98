//! The addresses that follow the active director: raised, announced, watched, dropped.

use std::collections::HashSet;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};

use control::AddressStatus;
use heartbeat::Links as LinkReport;
use link::{
    Advertisement, Announcer, Answers, Assignment, Change, Event, Found, Held, LinkError, Links,
    Outcome, Trouble, Troubles, Watch,
};
use lvs_config::Config;

use crate::guardian::Guardian;
use crate::setup::{self, Setup};

/// The addresses of this director.
pub struct Addresses {
    links: Links,
    watch: Watch,
    announcer: Announcer,
    /// Who else has our addresses; none without IPv6.
    answers: Option<Answers>,
    guardian: Guardian,
    held: Held,
    troubles: Troubles,
    /// Raised, and not in the log yet.
    unsaid: Vec<Outcome>,
}

impl Addresses {
    /// Opens the sockets, starts the guardian, and takes down what a killed predecessor left: the partner may
    /// have it. Without a partner it is held where it is.
    ///
    /// # Errors
    /// No right to the sockets, no guardian.
    pub fn open(setup: &Setup) -> io::Result<Self> {
        let mut links = Links::open().map_err(io::Error::other)?;
        // Before anything is read: no change is missed.
        let watch = Watch::open().map_err(io::Error::other)?;
        let has_partner = setup.settings.has_partner;
        if has_partner {
            let left_over = links.drop(&setup.addresses).map_err(io::Error::other)?;
            say(&left_over);
        }
        let known = links.links().map_err(io::Error::other)?;
        let mut held = Held::new(known.clone(), &setup.own());
        if !has_partner {
            let found = links.addresses().map_err(io::Error::other)?;
            held.adopt(&setup.addresses, &found, &known);
        }
        let addresses = Self {
            links,
            watch,
            announcer: Announcer::open().map_err(io::Error::other)?,
            answers: Answers::open().ok(),
            guardian: Guardian::start()?,
            held,
            troubles: Troubles::default(),
            unsaid: Vec::new(),
        };
        for adopted in addresses.held.assignments() {
            let (ip, prefix, label) = (adopted.address, adopted.prefix, &adopted.label);
            log::info!("address {ip}/{prefix} {label} is up already");
        }
        addresses.tell_guardian(addresses.held.assignments());
        Ok(addresses)
    }

    /// Readable when something changed, or somebody said what addresses it has.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        [self.watch.as_fd()]
            .into_iter()
            .chain(self.answers.as_ref().map(AsFd::as_fd))
    }

    /// Whether [`Addresses::look`] is to be called again soon, with or without a change.
    pub const fn is_unsure(&self) -> bool {
        self.held.is_unsure()
    }

    /// Brings up what is missing of `wanted`, takes down what is held and no longer wanted. What
    /// was raised is said behind [`Addresses::announce`].
    pub fn raise(&mut self, wanted: &[Assignment]) {
        let wanted = &self.held.place(wanted);
        let unwanted = self.held.replace(wanted);
        // Killed in between, all go.
        self.tell_guardian(&[wanted, &unwanted[..]].concat());
        match self.links.raise(wanted) {
            // A log line for each of a hundred addresses takes longer than to announce them.
            Ok(raised) => self.unsaid.extend(raised),
            Err(error) => log::error!("addresses: {error}"),
        }
        // An address that moves to another interface is there first, and gone here then.
        if !unwanted.is_empty() {
            report(self.links.drop(&unwanted));
            self.tell_guardian(wanted);
        }
    }

    /// Takes down everything held.
    pub fn drop_all(&mut self) {
        say(&std::mem::take(&mut self.unsaid));
        let held = self.held.replace(&[]);
        report(self.links.drop(&held));
        self.tell_guardian(&[]);
    }

    /// Announces everything held.
    pub fn announce(&mut self) {
        for error in self.announcer.announce(self.held.assignments(), false) {
            log::error!("announcement: {error}");
        }
        say(&std::mem::take(&mut self.unsaid));
    }

    /// Asks who has the IPv6 ones of `wanted`.
    pub fn ask(&mut self, wanted: &[Assignment]) {
        let wanted = self.held.place(wanted);
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
        let mut heard = answers.drain(&six.collect());
        heard.retain(|said| !said.mac.is_some_and(|mac| self.held.is_own(mac)));
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
            removed: self.held.is_unsure(),
            own_changed: self.held.is_unsure(),
            ..Found::default()
        };
        for event in events {
            if let Event::Duplicate(address) = &event {
                log::error!("{} is in use by another machine", address.address);
            }
            found |= self.held.hear(event);
        }
        if let (true, Ok(links)) = (found.lost, self.links.links()) {
            found.interface_changed |= self.held.read_links(links);
        }
        // Told is not the same as true: it may be back already, or be our own doing.
        if found.own_changed || found.removed {
            self.compare(&mut found);
        }
        found.interface_changed &= !self.held.assignments().is_empty();
        found
    }

    /// Finds out which of the addresses are there that heartbeats are sent from; whether one is not.
    pub fn look_for_own(&mut self) -> bool {
        let mut found = Found {
            own_changed: true,
            ..Found::default()
        };
        self.compare(&mut found);
        found.own_changed
    }

    /// Compares what was told with what is there.
    fn compare(&mut self, found: &mut Found) {
        let (addresses, links) = (self.links.addresses(), self.links.links());
        let there = addresses.as_ref().ok().zip(links.as_ref().ok());
        let there = there.map(|(found, links)| (&found[..], &links[..]));
        let changes = self.held.look_for_own(there);
        found.removed = self.held.lacks(there) && found.removed;
        for change in &changes {
            if change.is_there {
                log::info!("{change}");
            } else {
                log::error!("{change}");
            }
        }
        if found.own_changed && !self.held.assignments().is_empty() {
            let (held, own) = (self.held.assignments(), self.held.own().addresses());
            report(self.links.give_precedence(held, &own));
        }
        found.own_changed = !changes.is_empty();
    }

    /// Whether the addresses are there that the heartbeats of the public and of the private path are sent from.
    pub fn own_are_there(&self) -> (bool, bool) {
        self.held.own().are_there()
    }

    /// Which of `wanted` could not be served from here, if that has changed; said in the log.
    pub fn troubles(&mut self, wanted: &[Assignment], monitors_links: bool) -> Option<&[Trouble]> {
        let found = self.held.troubles(wanted, monitors_links);
        for news in self.troubles.update(found)? {
            if news.what.is_some() {
                log::error!("{news}");
            } else {
                log::info!("{news}");
            }
        }
        Some(self.troubles.all())
    }

    /// Where each of `wanted` is now; an address that `is_unused` another machine has, too.
    pub fn status(
        &mut self,
        wanted: &[Assignment],
        is_unused: impl Fn(IpAddr) -> bool,
    ) -> Vec<AddressStatus> {
        let found = self.links.addresses().ok();
        let there = found.map(|found| found.iter().map(|it| it.address).collect::<HashSet<_>>());
        let held: HashSet<IpAddr> = self
            .held
            .assignments()
            .iter()
            .map(|it| it.address)
            .collect();
        let state = |address| {
            let is_there = there.as_ref().map(|there| there.contains(&address));
            match (is_there, held.contains(&address)) {
                _ if is_unused(address) => "not used: another machine has it",
                (None, _) => "unknown",
                (Some(true), true) => "up",
                (Some(false), true) => "missing",
                (Some(true), false) => "stray",
                (Some(false), false) => "down",
            }
        };
        let placed = self.held.place(wanted).into_iter();
        placed
            .map(|it| AddressStatus {
                address: it.address.to_string(),
                prefix: it.prefix,
                state: state(it.address).into(),
                device: it.interface,
                label: it.label,
                rivals: Vec::new(),
            })
            .collect()
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
        self.tell_guardian(self.held.assignments());
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
        if !self.held.assignments().is_empty() {
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

/// Which of lvs.cf's addresses could not be served from here, a line for each device.
///
/// # Errors
/// The interfaces are not known.
pub fn troubles(config: &Config) -> io::Result<Vec<String>> {
    let links = Links::open().and_then(|mut links| links.links());
    let mut held = Held::new(links.map_err(io::Error::other)?, &[]);
    let monitors_links = config.heartbeat.monitor_links;
    let found = held.troubles(&setup::addresses(config), monitors_links);
    let news = link::trouble::news(&found);
    Ok(news.iter().map(ToString::to_string).collect())
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
            Change::Promote(..) => {
                if let Err(errno) = result {
                    let reason = errno.desc();
                    log::error!("other addresses of a subnet may have gone: {reason}");
                }
                continue;
            }
        };
        let label = address.label.as_deref().unwrap_or("-");
        let (ip, prefix) = (address.address, address.prefix);
        match result {
            Ok(()) => log::info!("address {ip}/{prefix} {label} {what}"),
            Err(errno) => log::error!("address {ip}/{prefix} {label} not {what}: {}", errno.desc()),
        }
    }
}
