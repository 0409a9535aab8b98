//! What the control socket tells, made of what the parts of pulse know.

use std::fmt;
use std::time::Duration;

use config_file::ConfigFile;
use control::{
    AddressStatus, ChildStatus, OrderStatus, PartnerStatus, PathStatus, PulseReport, PulseStatus,
    SignatureStatus, SyncStatus, TransitionStatus, seconds,
};
use heartbeat::datagram::Value;
use heartbeat::datagram::signed::State;
use heartbeat::supervise::State as ServiceState;
use heartbeat::{ConfiguredRole, Form, Orders, PairPath, PartnerView, Transition, View};
use lvs_config::{Heartbeat, ServiceKind};
use lvs_model::{Mono, SyncRole};

use crate::setup::{HeartbeatPath, Setup, has_partner};
use crate::signing::name;
use crate::tally::Tally;

/// The form of a partner's heartbeats that are not signed, or in no way that counts.
pub const UNSIGNED: &str = "unsigned";

/// The lvs.cf that is in force, and what was wrong with the last one.
#[derive(Clone, Debug, Default)]
pub struct FileState {
    /// Where it was read.
    pub path: String,
    /// Its `serial_no`.
    pub serial: u32,
    /// Hash of its content.
    pub content: String,
    /// What of it does not work, in the words of the log.
    pub faults: Vec<String>,
    /// Why a later one is not in force; empty if there is none.
    pub failure: Vec<String>,
}

impl FileState {
    /// A file that is in force from now on.
    pub fn of(file: &ConfigFile) -> Self {
        Self {
            path: file.path.display().to_string(),
            serial: file.loaded.config.serial,
            content: file.loaded.hash.to_string(),
            faults: file.faults(),
            failure: Vec::new(),
        }
    }
}

impl fmt::Display for FileState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            serial,
            content,
            ..
        } = self;
        write!(f, "{path}: serial_no {serial}, content {content}")
    }
}

/// What a report is made of.
pub struct Parts<'a> {
    /// Now.
    pub now: Mono,
    /// The machine's.
    pub view: View,
    /// Whether the own addresses of the public and of the private path are on this machine.
    pub own_are_there: (bool, bool),
    /// What pulse runs with.
    pub setup: &'a Setup,
    /// lvs.cf.
    pub file: &'a FileState,
    /// The partner's datagrams.
    pub tally: &'a Tally,
    /// Process id of lvsd or fos.
    pub child: Option<i32>,
    /// Why the last one did not start.
    pub child_failure: &'a [String],
    /// What the sync daemon was switched to last, and what is known of it.
    pub sync: Option<(SyncRole, String)>,
    /// The addresses on their interfaces.
    pub addresses: Vec<AddressStatus>,
    /// The paths on which no heartbeat can be sent, and why.
    pub send_failures: Vec<(HeartbeatPath, String)>,
    /// What pulse cannot do here.
    pub impaired: Vec<String>,
    /// The last order.
    pub last_order: Option<OrderStatus>,
}

/// The report of this moment.
pub fn report(parts: Parts<'_>) -> PulseReport {
    let paths = parts.setup.paths.iter();
    let transitions = parts.view.transitions.iter();
    PulseReport {
        pulse: pulse(&parts),
        paths: paths.map(|path| path_status(path, &parts)).collect(),
        transitions: transitions.map(|it| transition(it, parts.now)).collect(),
        addresses: parts.addresses,
        ..PulseReport::default()
    }
}

/// The report of a pulse whose machine has been no director for `age`, and is none yet.
pub fn waiting(file: &ConfigFile, age: Duration, failure: &[String], why: String) -> PulseReport {
    let (kind, state) = (file.loaded.config.service, FileState::of(file));
    let pulse = PulseStatus {
        pid: std::process::id(),
        role: "unknown".into(),
        service: service(kind).into(),
        phase: "waiting".into(),
        age: seconds(age),
        unfit: vec![why],
        file: state.path,
        serial_no: state.serial,
        content: state.content,
        faults: state.faults,
        reload_failed: !failure.is_empty(),
        reload_failure: failure.to_vec(),
        signatures: SignatureStatus {
            mode: name(file.loaded.config.heartbeat.authentication).into(),
            ..SignatureStatus::default()
        },
        child: ChildStatus {
            program: program(kind).into(),
            state: "absent".into(),
            ..ChildStatus::default()
        },
        partner_switched_off: is_switched_off(&file.loaded.config.heartbeat),
        partner: has_partner(&file.loaded.config.heartbeat).then(|| PartnerStatus {
            content: "unknown".into(),
            ..PartnerStatus::default()
        }),
        ..PulseStatus::default()
    };
    PulseReport {
        pulse,
        ..PulseReport::default()
    }
}

fn pulse(parts: &Parts<'_>) -> PulseStatus {
    let Parts {
        view, setup, file, ..
    } = parts;
    let since = view.transitions.last().map_or(Mono::ZERO, |last| last.at);
    PulseStatus {
        pid: std::process::id(),
        service: service(setup.config.service).into(),
        age: seconds(parts.now - since),
        holding: view.holding,
        term: view.term,
        partner: view.partner.as_ref().map(|it| partner(it, view.content)),
        partner_switched_off: view.partner.is_none() && is_switched_off(&setup.config.heartbeat),
        signatures: signatures(setup, view, parts.tally),
        file: file.path.clone(),
        serial_no: file.serial,
        content: file.content.clone(),
        faults: file.faults.clone(),
        reload_failed: !file.failure.is_empty(),
        reload_failure: file.failure.clone(),
        child: child(parts),
        sync_daemon: sync_daemon(parts),
        impaired: impaired(parts),
        last_order: parts.last_order.clone(),
        ..standing(view)
    }
}

/// What the machine knows to be wrong between the directors goes first.
fn impaired(parts: &Parts<'_>) -> Vec<String> {
    let unsent = parts.send_failures.iter();
    let unsent =
        unsent.map(|(path, why)| format!("no heartbeat can be sent {}: {why}", path.place()));
    let same_role = parts.view.same_role.as_ref().map(ToString::to_string);
    let two_owners = parts.view.two_owners.as_ref().map(ToString::to_string);
    let uninvited = parts.view.uninvited.as_ref().map(ToString::to_string);
    let between = uninvited.into_iter().chain(two_owners).chain(same_role);
    between
        .chain(unsent)
        .chain(parts.impaired.iter().cloned())
        .collect()
}

/// lvs.cf names a partner, and says that it is none.
fn is_switched_off(pair: &Heartbeat) -> bool {
    pair.backup.is_some() && !has_partner(pair)
}

/// What of it stands in one line, too.
fn standing(view: &View) -> PulseStatus {
    PulseStatus {
        role: role(view.role).into(),
        phase: view.phase.name().into(),
        fit: view.unfit.is_empty(),
        unfit: view.unfit.iter().map(ToString::to_string).collect(),
        orders: orders(view.orders),
        ..PulseStatus::default()
    }
}

/// For the service manager and whoever has one line.
pub fn summary(view: &View) -> String {
    standing(view).summary()
}

const fn role(role: ConfiguredRole) -> &'static str {
    match role {
        ConfiguredRole::Primary => "primary",
        ConfiguredRole::Backup => "backup",
    }
}

const fn service(service: ServiceKind) -> &'static str {
    match service {
        ServiceKind::Lvs => "lvs",
        ServiceKind::Fos => "fos",
    }
}

/// The words of the orders in force.
pub fn orders(orders: Orders) -> Vec<String> {
    let words = [(orders.standby, "standby"), (orders.frozen, "freeze")];
    let given = words.into_iter().filter(|(is_given, _)| *is_given);
    given.map(|(_, word)| word.to_owned()).collect()
}

fn partner(view: &PartnerView, own: u64) -> PartnerStatus {
    let content = view.content.map(|content| format!("{content:016x}"));
    PartnerStatus {
        alive: view.alive,
        says: view.value.map(|value| said(value).to_owned()),
        state: view.state.map(|state| state_name(state).to_owned()),
        fit: view.fit,
        unserved: view.unserved,
        orders: view.orders.map(orders),
        content: content.unwrap_or_else(|| "unknown".into()),
        same_content: view.has_content(own),
    }
}

const fn said(value: Value) -> &'static str {
    match value {
        Value::Running => "running",
        Value::Stopped => "stopped",
        Value::StopMe => "stopme",
        Value::Hold => "hold",
        Value::Held => "held",
    }
}

const fn state_name(state: State) -> &'static str {
    match state {
        State::Inactive => "standby",
        State::Starting => "starting",
        State::Active => "active",
        State::Leaving => "leaving",
    }
}

fn signatures(setup: &Setup, view: &View, tally: &Tally) -> SignatureStatus {
    let form = view.partner.as_ref().and_then(|partner| partner.form);
    SignatureStatus {
        mode: name(setup.config.heartbeat.authentication).into(),
        partner: form.map(|form| match form {
            Form::Unsigned => UNSIGNED.to_owned(),
            Form::Signed(version) => format!("version {version}"),
        }),
        accepted: view.partner.is_some().then(|| tally.accepted()),
        refused: tally.refused(),
    }
}

const fn program(service: ServiceKind) -> &'static str {
    match service {
        ServiceKind::Lvs => "lvsd",
        ServiceKind::Fos => "fos",
    }
}

fn child(parts: &Parts<'_>) -> ChildStatus {
    let state = match parts.view.service {
        ServiceState::Absent => "absent",
        ServiceState::Loading(_) => "starting",
        ServiceState::Up(_) if parts.view.is_checked => "checked",
        ServiceState::Up(_) => "serving",
        ServiceState::Ending(_) => "ending",
        ServiceState::Pausing(_) => "failed",
    };
    ChildStatus {
        program: program(parts.setup.config.service).into(),
        state: state.into(),
        pid: parts.child,
        failure: parts.child_failure.to_vec(),
    }
}

fn sync_daemon(parts: &Parts<'_>) -> Option<SyncStatus> {
    let sync = parts.setup.config.sync_daemon.as_ref()?;
    let (role, state) = parts.sync.clone()?;
    Some(SyncStatus {
        interface: sync.interface.label().to_owned(),
        id: u32::from(sync.id),
        role: role.to_string(),
        state,
    })
}

fn path_status(path: &HeartbeatPath, parts: &Parts<'_>) -> PathStatus {
    let view = &parts.view;
    let failures = parts.send_failures.iter();
    let mut failures = failures.filter(|(of, _)| of.path == path.path);
    let (name, heard, own_present) = match path.path {
        PairPath::Public => ("public", Some(view.public), parts.own_are_there.0),
        PairPath::Private => ("private", view.private, parts.own_are_there.1),
    };
    PathStatus {
        path: name.into(),
        own: path.own.to_string(),
        own_present,
        partner: (path.partner)
            .filter(|_| view.partner.is_some())
            .map(|partner| partner.to_string()),
        age: heard.and_then(|path| path.heard_ago).map(seconds),
        send_failure: failures.next().map(|(_, why)| why.clone()),
    }
}

fn transition(it: &Transition, now: Mono) -> TransitionStatus {
    TransitionStatus {
        age: seconds(now - it.at),
        from: it.from.name().into(),
        to: it.to.name().into(),
        reason: it.reason.to_string(),
        silence: it.silence.as_ref().map(ToString::to_string),
    }
}

#[cfg(test)]
mod tests {
    use testkit::Place;

    use super::*;

    #[test]
    fn who_waits_says_for_how_long_and_whether_there_is_a_partner() {
        let place = Place::new("report-waiting");
        let pair = "primary = 10.1.0.1\nbackup = 10.1.0.2\nbackup_active = 1\n";
        let age = Duration::from_millis(3_250);
        let off = "primary = 10.1.0.1\nbackup = 10.1.0.2\nbackup_active = 0\n";
        for (text, has_partner, is_off) in [
            (pair, true, false),
            ("primary = 10.1.0.1\n", false, false),
            (off, false, true),
        ] {
            let file = config_file::read(&place.file(text)).unwrap();
            let report = waiting(&file, age, &[], "not here yet".into()).pulse;
            assert_eq!((report.phase.as_str(), report.age), ("waiting", 3.25));
            assert_eq!(report.partner.is_some(), has_partner, "{text}");
            assert_eq!(report.partner_switched_off, is_off, "{text}");
        }
    }
}
