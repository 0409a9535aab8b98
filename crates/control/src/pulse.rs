//! What pulse says of itself and its pair on its control socket: one JSON object a line.
//!
//! The first line has `"kind":"pulse"`; then come the paths to the partner (`"kind":"path"`), the
//! addresses (`"kind":"address"`) and the last changes, oldest first (`"kind":"transition"`). Members
//! and kinds may be added; those that are there keep their name and meaning. What does not apply or is
//! not known is left out. Times are seconds with decimals, and ages, not times of day.
//!
//! `pulse --status` asks lvsd, too, and puts its lines `"kind":"lvsd"` and `"kind":"service"` behind.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::service_summary::{LvsdSummary, ServiceSummary};

/// pulse and its pair at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PulseReport {
    /// pulse itself.
    pub pulse: PulseStatus,
    /// The paths to the partner, public first.
    pub paths: Vec<PathStatus>,
    /// The virtual and NAT router addresses, in lvs.cf's order.
    pub addresses: Vec<AddressStatus>,
    /// The last changes, oldest first.
    pub transitions: Vec<TransitionStatus>,
    /// lvsd, where it was asked too.
    pub lvsd: Option<LvsdSummary>,
    /// Its services.
    pub services: Vec<ServiceSummary>,
}

/// One line of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum PulseLine {
    /// Of a report.
    Pulse(Box<PulseStatus>),
    /// Of a report.
    Path(PathStatus),
    /// Of a report.
    Address(AddressStatus),
    /// Of a report.
    Transition(TransitionStatus),
    /// Of lvsd's status.
    Lvsd(LvsdSummary),
    /// Of lvsd's status.
    Service(ServiceSummary),
    /// An order was accepted.
    Done {
        /// What came of it, in words.
        text: String,
        /// What is not as it should be all the same: after a reload, what was found in lvs.cf.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        findings: Vec<String>,
    },
    /// Nothing is done.
    Refused {
        /// Why, one text or several.
        reasons: Vec<String>,
    },
    /// Of a later version.
    #[serde(other)]
    Unknown,
}

/// pulse itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PulseStatus {
    /// Its process id.
    pub pid: u32,
    /// `primary` or `backup`, as lvs.cf says; `unknown` while it waits.
    pub role: String,
    /// `lvs` or `fos`.
    pub service: String,
    /// `waiting`, `standby`, `starting`, `active`, `handing-over`, `releasing`.
    pub phase: String,
    /// Seconds since it is in this phase.
    pub age: f64,
    /// Whether its addresses are, or may be, up.
    pub holding: bool,
    /// Whether it could take over from a living partner.
    pub fit: bool,
    /// Why it is not fit.
    pub unfit: Vec<String>,
    /// What pulse cannot do here, or does with less than it should, until somebody mends it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub impaired: Vec<String>,
    /// Orders in force: `standby`, `freeze`.
    pub orders: Vec<String>,
    /// The ownership term.
    pub term: u64,
    /// The partner, if lvs.cf has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner: Option<PartnerStatus>,
    /// Whether lvs.cf has a `backup` and switches it off with `backup_active = 0`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub partner_switched_off: bool,
    /// How heartbeats are signed.
    pub signatures: SignatureStatus,
    /// The lvs.cf that it goes by.
    pub file: String,
    /// Its `serial_no`.
    pub serial_no: u32,
    /// Hash of its content, as in the log.
    pub content: String,
    /// What of it does not work, such as a block whose name does not resolve; in the words of the log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
    /// Whether the last reading of lvs.cf failed, and the one before is in force.
    pub reload_failed: bool,
    /// What was wrong then, in the words of the log.
    pub reload_failure: Vec<String>,
    /// lvsd or fos.
    pub child: ChildStatus,
    /// The kernel's sync daemon, if lvs.cf has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync_daemon: Option<SyncStatus>,
    /// The last order that was given, if one was since the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_order: Option<OrderStatus>,
}

/// An order, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OrderStatus {
    /// Its words.
    pub order: String,
    /// Seconds since it was given.
    pub age: f64,
    /// `accepted` while the end is open; then `done`, `refused` or `failed`.
    pub outcome: String,
    /// What came of it, or why nothing did.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// What is known of the partner.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PartnerStatus {
    /// Whether it was heard within the dead time.
    pub alive: bool,
    /// What it said last: `running`, `stopped`, `stopme`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub says: Option<String>,
    /// The same, finer; only signed heartbeats say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Whether it says that it could take over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fit: Option<bool>,
    /// How many addresses it could not serve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unserved: Option<u16>,
    /// Orders in force there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orders: Option<Vec<String>>,
    /// Hash of its lvs.cf, or `unknown`.
    pub content: String,
    /// Whether its lvs.cf is ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_content: Option<bool>,
}

/// How heartbeats are signed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SignatureStatus {
    /// `off`, `accept`, `sign`, `require`.
    pub mode: String,
    /// The partner's: `unsigned`, `version 1` …; left out before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner: Option<String>,
    /// Heartbeats that counted, since the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<u64>,
    /// Datagrams from the partner's address that did not count, by the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, u64>,
}

/// lvsd or fos.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChildStatus {
    /// `lvsd` or `fos`.
    pub program: String,
    /// `absent`, `starting`, `serving`, `checked`, `ending`, `failed`.
    pub state: String,
    /// Its process id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<i32>,
    /// Why the last one did not start, in the words of the log; empty once one has served.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failure: Vec<String>,
}

/// The kernel's sync daemon.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SyncStatus {
    /// Where it sends or listens.
    pub interface: String,
    /// Its id.
    pub id: u32,
    /// What it should be: `master` or `backup`.
    pub role: String,
    /// What is known of it.
    pub state: String,
}

/// One way to the partner.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PathStatus {
    /// `public` or `private`.
    pub path: String,
    /// Our end.
    pub own: String,
    /// Whether our address is on this machine.
    pub own_present: bool,
    /// The partner's end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner: Option<String>,
    /// Seconds since the last heartbeat that counted; left out if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age: Option<f64>,
    /// Why no heartbeat can be sent; left out if they can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_failure: Option<String>,
}

/// One virtual or NAT router address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AddressStatus {
    /// The address.
    pub address: String,
    /// Length of its prefix.
    pub prefix: u8,
    /// The interface.
    pub device: String,
    /// The label on it.
    pub label: String,
    /// `up`; `missing` if this node holds it and it is not there; `down` if it does not hold it;
    /// `stray` if it is there though this node does not hold it; `left` if it could not be taken down.
    pub state: String,
    /// Hardware addresses of others that were heard to have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rivals: Vec<String>,
}

/// A change of the phase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TransitionStatus {
    /// Seconds ago.
    pub age: f64,
    /// The phase before.
    pub from: String,
    /// The phase since.
    pub to: String,
    /// Why.
    pub reason: String,
    /// For how long each path had been silent, at a takeover from a silent partner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silence: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_false(it: &bool) -> bool {
    !*it
}

/// A time as the lines have it: seconds, to the millisecond.
#[must_use]
pub fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e3).round() / 1e3
}

impl PulseLine {
    /// Reads one line; `None` if it is none of pulse's.
    #[must_use]
    pub fn decode(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    /// The line with its end.
    #[must_use]
    pub fn encode(&self) -> String {
        // Serialising these types does not fail: no maps but of text, no numbers but finite ones.
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }
}

impl PulseReport {
    /// The lines, each with its end.
    #[must_use]
    pub fn encode(&self) -> String {
        let pulse = PulseLine::Pulse(Box::new(self.pulse.clone()));
        let paths = self.paths.iter().cloned().map(PulseLine::Path);
        let addresses = self.addresses.iter().cloned().map(PulseLine::Address);
        let transitions = self.transitions.iter().cloned().map(PulseLine::Transition);
        let lvsd = self.lvsd.iter().cloned().map(PulseLine::Lvsd);
        let services = self.services.iter().cloned().map(PulseLine::Service);
        let rest = paths.chain(addresses).chain(transitions);
        let rest = rest.chain(lvsd).chain(services);
        std::iter::once(pulse)
            .chain(rest)
            .map(|line| line.encode())
            .collect()
    }

    /// Reads an answer; `None` if there is no pulse in it. Lines of a later version are passed over.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let mut report = Self::default();
        let mut is_there = false;
        for line in text.lines() {
            match PulseLine::decode(line)? {
                PulseLine::Pulse(pulse) => {
                    report.pulse = *pulse;
                    is_there = true;
                }
                PulseLine::Path(path) => report.paths.push(path),
                PulseLine::Address(address) => report.addresses.push(address),
                PulseLine::Transition(transition) => report.transitions.push(transition),
                PulseLine::Lvsd(lvsd) => report.lvsd = Some(lvsd),
                PulseLine::Service(service) => report.services.push(service),
                PulseLine::Done { .. } | PulseLine::Refused { .. } | PulseLine::Unknown => {}
            }
        }
        is_there.then_some(report)
    }
}
