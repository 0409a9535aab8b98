//! The addresses that follow the active director: raised, announced, watched, dropped.

pub mod said;
mod status;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use link::{
    Advertisement, Announcer, Assignment, Change, Event, Found, Held, LinkError, Links, Outcome,
    Trouble, TroubleNews, Troubles, Watch, left,
};
use lvs_config::Config;
use lvs_model::Mono;

use self::said::{gone, report, say, still_there};
use crate::again::Again;
use crate::guardian::Guardian;
use crate::held_file::HeldFile;
use crate::neighbours::Neighbours;
use crate::send_arp;
use crate::setup::{self, Setup};

/// What is to be known of it until there is one.
const NO_GUARDIAN: &str = "no guardian, addresses stay if pulse is killed";

/// The addresses of this director.
pub struct Addresses {
    links: Links,
    watch: Watch,
    announcer: Announcer,
    neighbours: Neighbours,
    guardian: Option<Guardian>,
    again: Again,
    held_file: HeldFile,
    held: Held,
    troubles: Troubles,
    /// What was wrong with the last announcement.
    failures: BTreeSet<String>,
    /// Why who has an IPv4, or an IPv6, address could not be asked last.
    unasked_four: BTreeSet<String>,
    unasked_six: BTreeSet<String>,
    /// Why nothing could be raised, as it was said.
    unraised: Option<String>,
    /// Raised, and not in the log yet.
    unsaid: Vec<Outcome>,
    /// There is no partner.
    is_alone: bool,
    is_foreground: bool,
}

impl Addresses {
    /// Opens the sockets, starts the guardian, and takes down what a killed predecessor left: the partner may
    /// have it. Without a partner it is held where it is.
    ///
    /// # Errors
    /// No right to the sockets, no guardian.
    pub fn open(setup: &Setup, foreground: bool) -> io::Result<Self> {
        let mut links = Links::open().map_err(io::Error::other)?;
        // Before anything is read: no change is missed.
        let watch = Watch::open().map_err(io::Error::other)?;
        let has_partner = setup.settings.has_partner;
        let held_file = HeldFile::find();
        // lvs.cf may have changed since.
        let mut unwanted = held_file.read();
        let is_wanted =
            |it: &Assignment| setup.addresses.iter().any(|own| own.address == it.address);
        unwanted.retain(|it| !is_wanted(it));
        if has_partner {
            unwanted.extend_from_slice(&setup.addresses);
        }
        let dropped = links.drop(&unwanted).map_err(io::Error::other)?;
        let known = links.links().ok();
        let mut held = Held::new(known.clone(), &setup.own());
        held.want(&setup.addresses);
        if has_partner {
            held.watch_partners(&setup.settings.partner);
        } else {
            let found = links.addresses().map_err(io::Error::other)?;
            held.adopt(&setup.addresses, &found, &known.unwrap_or_default());
        }
        let mut neighbours = Neighbours::open(setup.own()).map_err(io::Error::other)?;
        neighbours.listen_to(setup.addresses.iter().map(|it| it.address));
        let mut addresses = Self {
            links,
            watch,
            announcer: Announcer::open().map_err(io::Error::other)?,
            neighbours,
            guardian: Some(Guardian::start(foreground)?),
            again: Again::default(),
            held_file,
            is_foreground: foreground,
            held,
            troubles: Troubles::default(),
            failures: BTreeSet::new(),
            unasked_four: BTreeSet::new(),
            unasked_six: BTreeSet::new(),
            unraised: None,
            unsaid: Vec::new(),
            is_alone: !has_partner,
        };
        for adopted in addresses.held.assignments() {
            let (ip, prefix, label) = (adopted.address, adopted.prefix, &adopted.label);
            log::info!("address {ip}/{prefix} {label} is up already");
        }
        addresses.note_dropped(Mono::ZERO, &unwanted, Ok(dropped));
        addresses.tell_guardian(&[]);
        Ok(addresses)
    }

    /// Readable when something changed, or somebody said what addresses it has.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        [self.watch.as_fd()]
            .into_iter()
            .chain(self.neighbours.fds())
    }

    /// Whether [`Addresses::look`] is to be called again soon, with or without a change.
    pub const fn is_unsure(&self) -> bool {
        self.held.is_unsure()
    }

    /// When [`Addresses::look`], [`Addresses::hear`] or [`Addresses::start_guardian`] has something to do at the latest, with or without a change.
    pub fn next_deadline(&self) -> Option<Mono> {
        let times = [self.held.next(), self.neighbours.next(), self.again.next()];
        times.into_iter().flatten().min()
    }

    /// Brings up what is missing of `wanted`, takes down what is held and no longer wanted. What
    /// was raised is said behind [`Addresses::announce`].
    pub fn raise(&mut self, now: Mono, wanted: &[Assignment]) {
        let wanted = &self.held.place(wanted);
        let unwanted = self.held.replace(wanted);
        // Killed in between, all go.
        self.tell_guardian(&unwanted);
        let known = self.held.links().map_or_else(|| self.links.links(), Ok);
        match known.and_then(|links| self.links.raise(wanted, &links)) {
            // A log line for each of a hundred addresses takes longer than to announce them.
            Ok(raised) => {
                let outcomes = raised.iter().filter_map(|(change, result)| match change {
                    Change::Add(it) => Some((it.address, result.is_ok())),
                    _ => None,
                });
                self.held.raised(now, outcomes);
                self.unraised = None;
                self.unsaid.extend(raised);
            }
            Err(error) => {
                self.held.not_raised();
                let error = Some(error.to_string());
                if let (Some(error), true) = (&error, self.unraised != error) {
                    log::error!("addresses are not up, tried again: {error}");
                }
                self.unraised = error;
            }
        }
        // An address that moves to another interface is there first, and gone here then.
        if !unwanted.is_empty() {
            self.take_down(now, &unwanted);
        }
    }

    /// Takes down everything held.
    pub fn drop_all(&mut self, now: Mono) {
        say(&std::mem::take(&mut self.unsaid));
        let held = self.held.replace(&[]);
        self.take_down(now, &held);
    }

    /// What cannot be taken down is tried again, and the guardian's in the end.
    fn take_down(&mut self, now: Mono, unwanted: &[Assignment]) {
        let result = self.links.drop(unwanted);
        self.note_dropped(now, unwanted, result);
        self.tell_guardian(&[]);
    }

    fn note_dropped(
        &mut self,
        now: Mono,
        unwanted: &[Assignment],
        result: Result<Vec<Outcome>, LinkError>,
    ) {
        let (done, failed, why) = match result {
            Ok(outcomes) => {
                let (failed, why) = left::refused(unwanted, &outcomes);
                let is_done = |(change, result): &Outcome| {
                    result.is_ok() || matches!(change, Change::Promote(..))
                };
                let done = outcomes.into_iter().filter(is_done).collect();
                (done, failed, why.unwrap_or_default())
            }
            Err(error) => (Vec::new(), unwanted.to_vec(), error.to_string()),
        };
        // Behind what was raised before it: the log has the kernel's order.
        let is_next = self.unsaid.is_empty();
        self.unsaid.extend(done);
        if is_next {
            say(&std::mem::take(&mut self.unsaid));
        }
        let news = self.held.dropped(now, unwanted, &failed);
        for line in still_there(&news, &why) {
            log::error!("{line}");
        }
    }

    /// The commands of `program` for what is held, if interfaces and addresses can be read.
    pub fn send_arp(&mut self, program: &Path) -> Vec<Vec<OsString>> {
        let links = self.links.links();
        match links.and_then(|links| Ok((links, self.links.addresses()?))) {
            Ok((links, addresses)) => {
                let held = self.held.assignments();
                send_arp::commands(program, held, &links, &addresses)
            }
            Err(error) => {
                log::error!("{} is not run: {error}", program.display());
                Vec::new()
            }
        }
    }

    /// Announces everything held.
    pub fn announce(&mut self) {
        let held = self.held.assignments();
        let failures = self.announcer.announce(held, false);
        say_new("announcement", &failures, &mut self.failures);
        // Not in a takeover's way, which waits for every millisecond, and in which the partner may still have
        // the address by right: with the next announcement, a second later.
        if self.unsaid.is_empty() {
            self.ask_four();
        }
        say(&std::mem::take(&mut self.unsaid));
    }

    /// Asks who else has the IPv4 ones that are held, and those of our own. Real servers that answer by mistake are told of, like a
    /// second director, and no more.
    fn ask_four(&mut self) {
        let own = self.held.own().places();
        let all = self.held.assignments().iter().chain(&own);
        let four = all.filter(|it| it.address.is_ipv4());
        let failures = self.announcer.ask(four);
        say_new("question for an address", &failures, &mut self.unasked_four);
    }

    /// Asks who has the IPv6 ones of `wanted`.
    pub fn ask(&mut self, wanted: &[Assignment]) {
        let wanted = self.held.place(wanted);
        let six = wanted.iter().filter(|it| it.address.is_ipv6());
        let failures = self.announcer.ask(six);
        say_new("question for an address", &failures, &mut self.unasked_six);
    }

    /// Listens for what lvs.cf names now.
    pub fn want(&mut self, wanted: &[Assignment]) {
        self.held.want(wanted);
        let addresses = wanted.iter().map(|it| it.address);
        self.neighbours.listen_to(addresses);
    }

    /// What other machines have said of IPv6 addresses; who is one too many is in the log.
    pub fn hear(&mut self, now: Mono) -> Vec<Advertisement> {
        let said = self.neighbours.hear(now, &mut self.held);
        if self.neighbours.is_due(now) {
            self.ask_four();
        }
        said
    }

    /// Takes what the kernel told and compares it with what is held.
    pub fn look(&mut self, now: Mono) -> Found {
        let left = self.held.left_due(now);
        if !left.is_empty() {
            self.take_down(now, &left);
        }
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
            stray: self.held.is_unsure(),
            ..self.held.tick(now)
        };
        for event in events {
            if let Event::Duplicate(address) = &event {
                log::error!("{} is in use by another machine", address.address);
            }
            found |= self.held.hear(event);
        }
        if found.lost {
            found.link_changed = true;
            let links = self.links.links().ok();
            found.interface_changed |= self.held.read_links(links);
        }
        if found.link_changed {
            self.announcer.read_interfaces();
        }
        // Told is not the same as true: it may be back already, or be our own doing.
        if found.own_changed || found.removed || found.stray || found.retry {
            self.compare(&mut found);
        }
        // Raised again, and nobody is to blame.
        found.interface_changed |= found.retry;
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
        let partners = self.held.look_for_partners(there);
        let strays = self.held.look_for_strays(there);
        let missing = self.held.missing(there);
        found.removed &= !missing.removed.is_empty();
        found.retry &= !missing.retried.is_empty();
        if found.removed && !found.interface_changed {
            for line in gone(&missing.removed) {
                log::warn!("{line}");
            }
        }
        for stray in &strays {
            if stray.is_there {
                log::error!("{stray}");
            } else {
                log::info!("{stray}");
            }
        }
        for change in &changes {
            if change.is_there {
                log::info!("{change}");
            } else {
                log::error!("{change}");
            }
        }
        for change in &partners {
            if change.is_here {
                log::error!("{change}");
            } else {
                log::info!("{change}");
            }
        }
        if found.own_changed && !self.held.assignments().is_empty() {
            let (held, own) = (self.held.assignments(), self.held.own().addresses());
            report(self.links.give_precedence(held, &own));
        }
        found.own_changed = !changes.is_empty() || !partners.is_empty();
    }

    /// Whether the addresses are there that the heartbeats of the public and of the private path are sent from.
    pub fn own_are_there(&self) -> (bool, bool) {
        self.held.own().are_there()
    }

    /// Whether they can be used: the partner's end of the path is not here as well.
    pub fn own_are_usable(&self) -> (bool, bool) {
        let there = self.held.own().are_there();
        let mixed = self.held.partners().are_here();
        (there.0 && !mixed.0, there.1 && !mixed.1)
    }

    /// Which of `wanted` could not be served from here, if that has changed; said in the log.
    pub fn troubles(&mut self, wanted: &[Assignment], monitors_links: bool) -> Option<&[Trouble]> {
        let found = self.held.troubles(wanted, monitors_links)?;
        for news in self.troubles.update(found)? {
            if news.what.is_some() {
                log::error!("{news}");
            } else {
                log::info!("{news}");
            }
        }
        Some(self.troubles.all())
    }

    /// What of `after` could not be served from here, and comes with that lvs.cf where `before` is in force.
    pub fn brought(&mut self, before: &Setup, after: &Setup) -> Vec<TroubleNews> {
        let monitors_links = after.config.heartbeat.monitor_links;
        let found = self.held.troubles(&after.addresses, monitors_links);
        let known = self.troubles.all();
        let brought = link::trouble::brought(&found.unwrap_or_default(), &before.addresses, known);
        link::trouble::news(&brought)
    }

    /// Which of them could not be served when that was looked at last, a line for each device.
    pub fn trouble_lines(&self) -> Vec<String> {
        let news = link::trouble::news(self.troubles.all());
        news.iter().map(ToString::to_string).collect()
    }

    /// Whether nobody takes the addresses over when pulse is killed; returns whether that is new.
    pub fn be_alone(&mut self, is_alone: bool) -> bool {
        let is_new = std::mem::replace(&mut self.is_alone, is_alone) != is_alone;
        if is_new {
            self.tell_guardian(&[]);
        }
        is_new
    }

    /// If `pid` was the guardian, starts another one.
    pub fn replace_guardian(&mut self, now: Mono, pid: i32) -> bool {
        let ended = self.guardian.take_if(|guardian| guardian.pid() == pid);
        if ended.is_none() {
            return false;
        }
        log::error!("guardian {pid} ended, starting another");
        self.again.ended(now);
        self.start_guardian(now);
        true
    }

    /// Starts a guardian if one is lacking and it is time to try.
    pub fn start_guardian(&mut self, now: Mono) {
        if !self.again.is_due(now) {
            return;
        }
        match Guardian::start(self.is_foreground) {
            Ok(guardian) => {
                self.guardian = Some(guardian);
                if self.again.started() {
                    log::info!("there is a guardian again");
                }
                self.tell_guardian(&[]);
            }
            Err(error) => {
                let line = format!("{NO_GUARDIAN}: {error}");
                if self.again.failed(now, &line) {
                    log::error!("{line}");
                }
            }
        }
    }

    /// Why nobody takes the addresses down if pulse is killed.
    pub fn guardian_fault(&self) -> Option<&str> {
        let is_lacking = self.guardian.is_none();
        is_lacking.then(|| self.again.fault().unwrap_or(NO_GUARDIAN))
    }

    /// Somebody may have removed the file of what is held.
    pub fn look_at_held_file(&mut self) {
        self.held_file.look();
    }

    /// Why nobody would know what is held if both are killed.
    pub fn held_file_fault(&self) -> Option<&str> {
        self.held_file.fault()
    }

    /// Tells the guardian what it was too slow for. One that has ended is replaced in any case.
    pub fn tell_guardian_the_rest(&self) {
        if let Some(guardian) = &self.guardian {
            let _ = guardian.go_on();
        }
    }

    /// What is to go when pulse is killed: what is held or left, and `besides`; for the guardian, and in a file
    /// for who cleans up if both are killed, and for the next start.
    fn tell_guardian(&mut self, besides: &[Assignment]) {
        let mut all = self.held.all_here();
        all.extend_from_slice(besides);
        self.held_file.write(&all);
        let guardian = self.guardian.as_ref();
        let told = guardian.map(|guardian| guardian.tell(&all, self.is_alone));
        if let Some(Err(error)) = told {
            log::error!("guardian: {error}");
        }
    }
}

impl Addresses {
    /// At a clean stop: takes down what is still up, such as what was adopted and never served.
    pub fn end(&mut self) {
        let left = self.held.left().to_vec();
        if !left.is_empty() {
            self.take_down(Mono::ZERO, &left);
        }
        if !self.held.assignments().is_empty() {
            self.drop_all(Mono::ZERO);
        }
    }
}

impl Drop for Addresses {
    /// When an error ends the program, the addresses go first. A panic ends it at once: then they are the guardian's.
    /// Without a partner they stay, for the next start to adopt.
    fn drop(&mut self) {
        if !self.is_alone {
            self.end();
        }
    }
}

/// Says what fails now and did not last time: a device that is missing fails for each of its addresses, each minute.
fn say_new(what: &str, failures: &[impl ToString], last: &mut BTreeSet<String>) {
    let failures: BTreeSet<String> = failures.iter().map(ToString::to_string).collect();
    for error in failures.difference(last) {
        log::error!("{what}: {error}");
    }
    *last = failures;
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

/// Which of lvs.cf's addresses could not be served from here, device by device.
///
/// # Errors
/// The interfaces are not known.
pub fn troubles(config: &Config) -> io::Result<Vec<TroubleNews>> {
    let links = Links::open().and_then(|mut links| links.links());
    let mut held = Held::new(Some(links.map_err(io::Error::other)?), &[]);
    let monitors_links = config.heartbeat.monitor_links;
    let found = held.troubles(&setup::addresses(config), monitors_links);
    let found = found.unwrap_or_default();
    Ok(link::trouble::news(&found))
}
