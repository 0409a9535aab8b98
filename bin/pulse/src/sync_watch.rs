//! Whether the kernel's sync daemon does what lvs.cf wants: decided from what the kernel shows.
//!
//! That a daemon is listed does not mean that it synchronises: it stays bound to an interface that was
//! deleted, and to an address that the interface has no more. So the interface is looked at as well, and
//! a daemon whose interface came back, or is another one now, is started anew.

use std::net::IpAddr;
use std::time::Duration;

use lvs_model::{Backoff, IpvsOp, Mono, SyncDaemon, SyncRole};

/// Two looks are so far apart if nothing is heard of the interface.
const AUDIT: Duration = Duration::from_secs(5);
/// What was just started is looked at after so long.
const PROOF: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What lvs.cf and the node's role ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The active director sends, the standby listens.
    pub role: SyncRole,
    /// lvs.cf: `syncd_iface`.
    pub interface: String,
    /// lvs.cf: `syncd_id`.
    pub id: u8,
}

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its name now.
    pub name: String,
    /// What it keeps when it is renamed.
    pub index: u32,
    /// It is up and has a carrier.
    pub running: bool,
    /// Its first IPv4 address, from which a master sends.
    pub address: Option<IpAddr>,
}

/// What the kernel shows.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The sync daemons, or why they are not known.
    pub daemons: Result<Vec<SyncDaemon>, String>,
    /// Every interface, or why they are not known.
    pub devices: Result<Vec<Device>, String>,
}

/// The state of the sync daemon, for a status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncStatus {
    /// Master or backup.
    pub role: SyncRole,
    /// Its interface in lvs.cf.
    pub interface: String,
    /// Its id.
    pub id: u8,
    /// Why connections are not synchronised; `None` if they are, as far as one end can know.
    pub problem: Option<String>,
}

/// A line for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Connections are not synchronised.
    Problem(String),
    /// They are, again or from now on.
    Good(String),
}

/// What a look finds.
enum Health {
    Good,
    /// It runs, and nothing passes its interface.
    Cut(String),
    /// A new start could mend it.
    Broken(String),
}

impl Health {
    fn problem(&self) -> Option<String> {
        match self {
            Self::Good => None,
            Self::Cut(problem) | Self::Broken(problem) => Some(problem.clone()),
        }
    }
}

/// The wanted daemon and what became of it.
#[derive(Clone, Debug)]
pub struct SyncWatch {
    wanted: Option<Wanted>,
    /// The order has not been carried out.
    is_new: bool,
    /// The interface as it was when the daemon was started on it.
    started_on: Option<Device>,
    /// As it was at the last attempt: a change is worth another one.
    tried_on: Option<Device>,
    /// It was seen without a carrier since.
    was_down: bool,
    /// What was said last; `None` if nothing was.
    said: Option<Option<String>>,
    /// What could not be read at the last look, and why.
    unread: Option<String>,
    next_try: Mono,
    pause: Backoff,
    look_at: Mono,
}

impl Default for SyncWatch {
    fn default() -> Self {
        Self {
            wanted: None,
            is_new: false,
            started_on: None,
            tried_on: None,
            was_down: false,
            said: None,
            unread: None,
            next_try: Mono::ZERO,
            pause: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
            look_at: Mono::ZERO,
        }
    }
}

impl SyncWatch {
    /// Another daemon is wanted, or none. The old one is stopped in any case: one that a killed
    /// predecessor left may have other settings.
    pub fn order(&mut self, now: Mono, wanted: Option<Wanted>) {
        let is_same = |old: &Wanted| {
            wanted
                .as_ref()
                .is_some_and(|it| it.interface == old.interface)
        };
        let is_known = self.wanted.as_ref().is_some_and(is_same);
        *self = Self {
            wanted,
            is_new: true,
            // Known by its index, if it has been renamed.
            tried_on: self.tried_on.take().filter(|_| is_known),
            look_at: now,
            ..Self::default()
        };
    }

    /// When to [look](Self::look) again; `None` if nothing is wanted.
    pub fn next_look(&self) -> Option<Mono> {
        (self.is_new || self.wanted.is_some()).then_some(self.look_at)
    }

    /// Something was heard of an interface; looked at soon.
    pub fn hear(&mut self, now: Mono, index: u32, running: bool) {
        let known = self.started_on.as_ref();
        let is_ours = known.is_some_and(|device| device.index == index);
        self.was_down |= is_ours && !running;
        self.look_at = self.look_at.min(now + PROOF / 2);
    }

    /// For a status; `None` if lvs.cf wants none.
    pub fn status(&self) -> Option<SyncStatus> {
        let wanted = self.wanted.clone()?;
        let starting = Some("not started yet".to_owned());
        Some(SyncStatus {
            role: wanted.role,
            interface: wanted.interface,
            id: wanted.id,
            problem: self.said.clone().unwrap_or(starting),
        })
    }

    /// What is to be done about what the kernel shows, in order.
    pub fn look(&mut self, now: Mono, facts: &Facts, said: &mut Vec<Line>) -> Vec<IpvsOp> {
        self.look_at = now + AUDIT;
        let is_new = std::mem::take(&mut self.is_new);
        let Some(wanted) = self.wanted.clone() else {
            let roles = [SyncRole::Master, SyncRole::Backup].map(IpvsOp::StopDaemon);
            return if is_new { roles.to_vec() } else { Vec::new() };
        };
        let devices = match &facts.devices {
            Ok(devices) => devices,
            Err(reason) => {
                self.is_new = is_new;
                self.leave_alone(now, "the interfaces", reason, said);
                return Vec::new();
            }
        };
        let Some(device) = self.find(&wanted, devices) else {
            self.was_down = true;
            self.say(
                Some(format!("there is no interface {}", wanted.interface)),
                said,
            );
            let roles = [wanted.role, other(wanted.role)].map(IpvsOp::StopDaemon);
            return if is_new { roles.to_vec() } else { Vec::new() };
        };
        if is_new {
            let mut ops = self.start(now, &wanted, device);
            // The new one starts before the other one stops, which may take seconds: until then
            // connections would neither be told nor learnt.
            ops.push(IpvsOp::StopDaemon(other(wanted.role)));
            return ops;
        }
        let health = match (&self.started_on, &facts.daemons) {
            // There is nothing to lose.
            (None, _) => Health::Broken(self.said.clone().flatten().unwrap_or_default()),
            (Some(_), Err(reason)) => {
                self.leave_alone(now, "the kernel's sync daemons", reason, said);
                return Vec::new();
            }
            (Some(started), Ok(daemons)) => judge(&wanted, started, daemons, &device),
        };
        self.unread = None;
        self.say(health.problem(), said);
        match health {
            Health::Good if !self.was_down => self.pause.reset(),
            Health::Good | Health::Broken(_) => return self.restart(now, &wanted, device),
            Health::Cut(_) => self.was_down = true,
        }
        Vec::new()
    }

    /// A daemon could not be started.
    pub fn refused(&mut self, now: Mono, reason: &str, said: &mut Vec<Line>) {
        self.started_on = None;
        self.look_at = self.next_try.max(now);
        self.say(Some(reason.to_owned()), said);
    }

    /// By its name, or by the index that it had under that name.
    fn find(&self, wanted: &Wanted, devices: &[Device]) -> Option<Device> {
        let known = self.started_on.as_ref().or(self.tried_on.as_ref());
        let named = devices.iter().find(|it| it.name == wanted.interface);
        let renamed = || {
            let index = known.map(|device| device.index)?;
            devices.iter().find(|it| it.index == index)
        };
        named.or_else(renamed).cloned()
    }

    /// Starts it anew, but not without a pause where nothing has changed since the last attempt.
    fn restart(&mut self, now: Mono, wanted: &Wanted, device: Device) -> Vec<IpvsOp> {
        let is_changed = self.tried_on.as_ref() != Some(&device);
        if now < self.next_try && !is_changed {
            self.look_at = self.look_at.min(self.next_try);
            return Vec::new();
        }
        self.start(now, wanted, device)
    }

    fn start(&mut self, now: Mono, wanted: &Wanted, device: Device) -> Vec<IpvsOp> {
        self.was_down = !device.running;
        self.next_try = now + self.pause.pause();
        self.look_at = now + PROOF;
        let daemon = SyncDaemon {
            role: wanted.role,
            interface: device.name.clone(),
            sync_id: u32::from(wanted.id),
            max_length: None,
            group: None,
            port: None,
            ttl: None,
        };
        self.tried_on = Some(device.clone());
        self.started_on = Some(device);
        vec![IpvsOp::StopDaemon(wanted.role), IpvsOp::StartDaemon(daemon)]
    }

    /// What is not known is not gone: the daemon stays as it is, and is looked at again soon.
    fn leave_alone(&mut self, now: Mono, what: &str, reason: &str, said: &mut Vec<Line>) {
        self.look_at = now + PROOF;
        let text = format!("sync daemon: {what} could not be read: {reason}");
        if self.unread.as_ref() != Some(&text) {
            said.push(Line::Problem(text.clone()));
            self.unread = Some(text);
        }
    }

    /// Each state once.
    fn say(&mut self, problem: Option<String>, said: &mut Vec<Line>) {
        let Some(wanted) = &self.wanted else { return };
        if self.said.as_ref() == Some(&problem) {
            return;
        }
        let Wanted {
            role,
            interface,
            id,
        } = wanted;
        let whom = format!("sync daemon ({role} on {interface}, id {id})");
        said.push(match &problem {
            Some(problem) => Line::Problem(format!(
                "{whom}: connections are not synchronised: {problem}"
            )),
            None => Line::Good(format!("{whom} runs")),
        });
        self.said = Some(problem);
    }
}

/// What is to be thought of the daemon that was started on `started`.
fn judge(wanted: &Wanted, started: &Device, daemons: &[SyncDaemon], device: &Device) -> Health {
    let name = &wanted.interface;
    let is_listed = daemons.iter().any(|it| {
        let is_same = it.role == wanted.role && it.sync_id == u32::from(wanted.id);
        is_same && it.interface == started.name
    });
    if !is_listed {
        Health::Broken("somebody else stopped it".into())
    } else if started.index != device.index {
        Health::Broken(format!("{name} is another interface now"))
    } else if started.address != device.address {
        Health::Broken(format!("{name} has another address now"))
    } else if device.running {
        Health::Good
    } else {
        Health::Cut(format!("{} is down or has no carrier", device.name))
    }
}

const fn other(role: SyncRole) -> SyncRole {
    match role {
        SyncRole::Master => SyncRole::Backup,
        SyncRole::Backup => SyncRole::Master,
    }
}

#[cfg(test)]
mod tests;
