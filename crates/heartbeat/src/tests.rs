//! Single rules, each by name; the table row by row.

mod addresses;
mod alone;
mod away;
pub(crate) mod beat;
mod cold;
mod fitness;
mod helpless;
mod hooks;
mod offers;
mod orders;
mod own;
mod same_role;
mod service;
mod signed;
mod texts;
mod two_owners;
mod view;
mod warm;

use std::net::IpAddr;
use std::time::Duration;

use crate::datagram::{Service, Value};
use lvs_model::Mono;

use crate::model::{Action, Hook, Input, Links, Settings};
use crate::node::Node;
use crate::notice::Notice;
use crate::orders::Orders;
use crate::pair::{ConfiguredRole, Ends, PairPath};
use crate::table::{Event, Facts, Phase, TABLE, Verdict, decide};

pub(crate) fn at(seconds: f64) -> Mono {
    Mono::new(Duration::from_secs_f64(seconds))
}

/// The primary has the lower address.
pub(crate) fn ends(role: ConfiguredRole) -> Ends {
    let [primary, backup] = [[10, 1, 0, 1], [10, 1, 0, 2]].map(IpAddr::from);
    let (own, partner) = match role {
        ConfiguredRole::Primary => (primary, backup),
        ConfiguredRole::Backup => (backup, primary),
    };
    Ends { own, partner }
}

pub(crate) fn settings(role: ConfiguredRole) -> Settings {
    Settings {
        role,
        ends: Some(ends(role)),
        service: Service::Lvs,
        keepalive: Duration::from_secs(2),
        dead_time: Duration::from_secs(5),
        has_partner: true,
        has_private_path: false,
        force_active: false,
        signs: false,
        by_term: false,
        warm_standby: false,
        sync_wait: Duration::ZERO,
        addresses: Vec::new(),
        keys: "/etc/keys".to_owned(),
        content: 0,
        partner: Vec::new(),
        hook_patience: Duration::ZERO,
    }
}

/// A node with its clock, fed as the shell feeds it.
struct Bench {
    node: Node,
    /// Whether clearing the table takes its time; else it is done at once.
    clears_slowly: bool,
}

impl Bench {
    fn start(settings: Settings) -> Self {
        let mut bench = Self {
            node: Node::new(at(0.0), settings),
            clears_slowly: false,
        };
        bench.put(0.0, Input::Start);
        bench
    }

    fn primary() -> Self {
        Self::start(settings(ConfiguredRole::Primary))
    }

    fn backup() -> Self {
        Self::start(settings(ConfiguredRole::Backup))
    }

    fn put(&mut self, seconds: f64, input: Input) -> Vec<Action> {
        self.handle(at(seconds), input)
    }

    fn handle(&mut self, now: Mono, input: Input) -> Vec<Action> {
        let mut out = Vec::new();
        self.node.handle(now, input, &mut out);
        if !self.clears_slowly && out.contains(&Action::ClearTable) {
            self.node.handle(now, Input::ServiceEnded, &mut out);
        }
        out
    }

    fn hear(&mut self, seconds: f64, value: Value) -> Vec<Action> {
        let path = PairPath::Public;
        self.put(
            seconds,
            Input::Beat {
                value,
                path,
                said: None,
            },
        )
    }

    /// Runs every deadline up to `seconds`.
    fn run_to(&mut self, seconds: f64) -> Vec<(Mono, Action)> {
        let mut log = Vec::new();
        while let Some(due) = self.node.next_deadline().filter(|due| *due <= at(seconds)) {
            let out = self.handle(due, Input::Tick);
            log.extend(out.into_iter().map(|action| (due, action)));
        }
        log
    }

    /// Silent partner, loaded service: active at 5.0.
    fn make_active(&mut self) {
        self.run_to(5.0);
        self.put(5.0, Input::ServiceReady);
        assert_eq!(self.node.phase(), Phase::Active);
    }
}

fn notices(actions: &[Action]) -> Vec<String> {
    let text = |action: &Action| match action {
        Action::Notice(notice) => Some(notice.to_string()),
        _ => None,
    };
    actions.iter().filter_map(text).collect()
}

#[test]
fn every_row_of_the_table_can_be_reached() {
    for (number, row) in TABLE.iter().enumerate() {
        let reached = (0..=u16::MAX).any(|bits| {
            let bit = |n: u16| bits >> n & 1 == 1;
            let facts = Facts {
                primary: bit(0),
                outranked: bit(6),
                partner_ready: bit(7),
                fos: bit(1),
                fit: bit(2),
                prompt: bit(3),
                partner_capable: bit(4),
                leaving: bit(5),
                wants_control: bit(8),
                able: bit(9),
                warm: bit(10),
                partner_serves: bit(11),
                better: bit(12),
                willing: bit(13),
                partner_takes: bit(14),
                partner_better: bit(15),
            };
            let fits = |r: &&crate::table::Row| {
                r.event == row.event && r.phases.contains(&row.phases[0]) && r.when.holds(facts)
            };
            TABLE.iter().position(|r| fits(&r)) == Some(number)
        });
        assert!(reached, "row {number} is hidden by another: {row:?}");
    }
}

#[test]
fn verdicts_are_those_of_the_rules() {
    let facts = Facts {
        primary: true,
        fos: false,
        fit: true,
        prompt: true,
        outranked: false,
        partner_capable: true,
        partner_ready: false,
        wants_control: false,
        leaving: false,
        able: true,
        better: false,
        willing: true,
        partner_takes: true,
        partner_better: true,
        warm: false,
        partner_serves: false,
    };
    let backup = Facts {
        primary: false,
        outranked: true,
        ..facts
    };
    let unfit = Facts {
        fit: false,
        able: false,
        ..facts
    };
    let fos = Facts { fos: true, ..facts };
    let alone = Facts {
        partner_capable: false,
        partner_takes: false,
        partner_better: false,
        ..facts
    };
    for (phase, event, facts, verdict) in [
        (Phase::Standby, Event::HeardRunning, facts, Verdict::Stay),
        (
            Phase::Standby,
            Event::HeardStopped,
            facts,
            Verdict::TakeOver,
        ),
        (Phase::Standby, Event::HeardStopped, unfit, Verdict::Stay),
        (Phase::Standby, Event::PartnerSilent, unfit, Verdict::Stay),
        (Phase::Active, Event::HeardStopped, facts, Verdict::Stay),
        (Phase::Active, Event::HeardRunning, facts, Verdict::Reassert),
        (Phase::Active, Event::HeardRunning, backup, Verdict::Yield),
        (Phase::Active, Event::HeardStopMe, facts, Verdict::Stay),
        (Phase::Active, Event::HeardStopMe, fos, Verdict::GiveUp),
        (Phase::Active, Event::ServiceUnfit, facts, Verdict::GiveUp),
        (
            Phase::Active,
            Event::ServiceUnfit,
            alone,
            Verdict::RestartServiceLater,
        ),
        (Phase::Active, Event::LinksLost, alone, Verdict::Stay),
        (Phase::Releasing, Event::HeardRunning, backup, Verdict::Stay),
        (Phase::Gone, Event::PartnerSilent, facts, Verdict::Stay),
    ] {
        assert_eq!(decide(phase, event, facts), verdict, "{phase:?} {event:?}");
    }
}

#[test]
fn standby_takes_over_after_dead_time_in_the_right_order() {
    let mut bench = Bench::backup();
    bench.hear(1.0, Value::Running);
    let log = bench.run_to(6.0);
    let taken: Vec<Action> = log
        .into_iter()
        .filter(|(due, _)| *due == at(6.0))
        .map(|(_, action)| action)
        .collect();
    assert_eq!(
        notices(&taken),
        [
            "partner dead: activating lvs",
            "no heartbeat for 5.000 s on the public path"
        ]
    );
    assert_eq!(taken[2], Action::RunHook(Hook::Active));
    assert_eq!(taken[3], Action::StartService);
    let raised = bench.put(6.2, Input::ServiceReady);
    assert_eq!(
        raised,
        [
            Action::RaiseAddresses,
            Action::Announce,
            Action::Send(Value::Running)
        ]
    );
}

#[test]
fn death_takes_thirty_milliseconds_where_lvs_cf_says_so() {
    let mut bench = Bench::start(Settings {
        keepalive: Duration::from_millis(10),
        dead_time: Duration::from_millis(30),
        ..settings(ConfiguredRole::Backup)
    });
    for beat in 1..=100 {
        let seconds = f64::from(beat) / 100.0;
        bench.run_to(seconds);
        bench.hear(seconds, Value::Running);
    }
    let log = bench.run_to(1.029);
    assert!(
        log.iter()
            .all(|(_, action)| *action == Action::Send(Value::Stopped))
    );
    let log = bench.run_to(1.03);
    assert!(log.contains(&(at(1.03), Action::StartService)));
}

#[test]
fn queued_heartbeats_that_are_read_first_save_the_partner() {
    let mut bench = Bench::backup();
    bench.hear(1.0, Value::Running);
    bench.run_to(5.9);
    bench.hear(6.5, Value::Running);
    assert!(notices(&bench.put(6.5, Input::Tick)).is_empty());
    assert_eq!(bench.node.phase(), Phase::Standby);
}

#[test]
fn primary_takes_an_offer_at_once_and_the_backup_leaves_it_to_the_primary() {
    let mut primary = Bench::primary();
    let actions = primary.hear(0.5, Value::Stopped);
    assert_eq!(notices(&actions), ["backup inactive: activating lvs"]);
    let mut backup = Bench::backup();
    assert!(backup.hear(0.5, Value::Stopped).is_empty());
    assert!(backup.hear(1.5, Value::Stopped).is_empty());
    let log = backup.run_to(2.75);
    let notice = Notice::PartnerInactive {
        role: ConfiguredRole::Backup,
        service: Service::Lvs,
    };
    assert!(log.contains(&(at(2.75), Action::Notice(notice))));
}

#[test]
fn r_an_unsigned_primary_does_not_cross_the_first_offer_of_an_original() {
    for (settings, at_once) in [
        (settings(ConfiguredRole::Primary), false),
        (settings(ConfiguredRole::Backup), true),
        (
            Settings {
                signs: true,
                ..settings(ConfiguredRole::Primary)
            },
            true,
        ),
    ] {
        let mut node = Node::new(at(0.0), settings);
        let mut out = Vec::new();
        node.handle(at(0.0), Input::Start, &mut out);
        let offer = Action::Send(Value::Stopped);
        assert_eq!(out.contains(&offer), at_once);
        out.clear();
        node.handle(at(2.0), Input::Tick, &mut out);
        assert!(out.contains(&offer));
    }
}

#[test]
fn backup_takes_over_at_once_when_an_active_primary_says_stopped() {
    let mut bench = Bench::backup();
    bench.hear(1.0, Value::Running);
    let actions = bench.hear(2.0, Value::Stopped);
    assert_eq!(notices(&actions), ["primary inactive: activating lvs"]);
}

#[test]
fn when_both_are_active_the_backup_tells_the_primary_and_yields() {
    let mut bench = Bench::backup();
    bench.make_active();
    let actions = bench.hear(6.0, Value::Running);
    assert_eq!(actions[0], Action::Send(Value::Running));
    assert!(notices(&actions).contains(&"partner active: deactivating LVS".to_owned()));
    assert!(actions.contains(&Action::StopService));
    assert!(!actions.contains(&Action::DropAddresses));
    let released = bench.put(6.1, Input::ServiceEnded);
    assert_eq!(
        released,
        [Action::DropAddresses, Action::Send(Value::Stopped)]
    );
}

#[test]
fn primary_stays_and_a_flood_of_conflicts_is_no_flood_of_arp() {
    let mut bench = Bench::primary();
    bench.make_active();
    let first = bench.hear(6.0, Value::Running);
    assert!(notices(&first).contains(&"partner active: resending arps".to_owned()));
    let flood: Vec<Action> = (0..50_u32)
        .flat_map(|n| bench.hear(6.0 + f64::from(n) / 100.0, Value::Running))
        .collect();
    assert!(!flood.contains(&Action::Announce));
}

#[test]
fn stopme_is_life_but_no_order_between_lvs_nodes_and_hold_is_nothing() {
    let mut bench = Bench::primary();
    bench.make_active();
    bench.hear(6.0, Value::StopMe);
    assert_eq!(bench.node.phase(), Phase::Active);
    let mut bench = Bench::backup();
    bench.hear(1.0, Value::Running);
    for beat in 2..6 {
        bench.hear(f64::from(beat), Value::Hold);
    }
    bench.run_to(6.0);
    assert_eq!(bench.node.phase(), Phase::Starting);
}

#[test]
fn clean_stop_releases_before_it_says_stopped_twice() {
    let mut bench = Bench::primary();
    bench.make_active();
    let stop = bench.put(7.0, Input::Stop { signal: 15 });
    assert_eq!(notices(&stop), ["Terminating due to signal 15"]);
    assert!(!stop.contains(&Action::Send(Value::Stopped)));
    let end = bench.put(7.1, Input::ServiceEnded);
    let stopped = Action::Send(Value::Stopped);
    assert_eq!(
        end,
        [
            Action::DropAddresses,
            stopped.clone(),
            stopped,
            Action::Exit
        ]
    );
    assert_eq!(bench.node.next_deadline(), None);
}

#[test]
fn a_node_that_was_away_drops_its_addresses_and_listens_first() {
    let mut bench = Bench::primary();
    bench.make_active();
    let actions = bench.hear(20.0, Value::Stopped);
    assert!(actions.contains(&Action::DropAddresses));
    assert!(!actions.contains(&Action::Send(Value::Running)));
    // What was queued is old news: no claim by it.
    bench.put(20.0, Input::ServiceEnded);
    bench.hear(20.0, Value::Stopped);
    assert_eq!(bench.node.phase(), Phase::Standby);
    bench.put(20.0, Input::Tick);
    bench.run_to(24.9);
    assert_eq!(bench.node.phase(), Phase::Standby);
    bench.run_to(25.0);
    assert_eq!(bench.node.phase(), Phase::Starting);
}

#[test]
fn a_lost_link_gives_up_only_if_the_partner_could_serve_and_listens_on_return() {
    let down = Links {
        public_up: false,
        private_up: true,
    };
    let up = Links {
        public_up: true,
        private_up: true,
    };
    let mut alone = Bench::primary();
    alone.make_active();
    alone.put(6.0, Input::Links(down));
    assert_eq!(alone.node.phase(), Phase::Active);

    let mut bench = Bench::primary();
    bench.make_active();
    bench.hear(6.0, Value::Stopped);
    let lost = bench.put(6.5, Input::Links(down));
    assert_eq!(
        notices(&lost),
        [
            "Primary NIC: link down",
            "Local NIC link failure: Pulse disabled",
            "local link failure: deactivating LVS"
        ]
    );
    bench.put(6.6, Input::ServiceEnded);
    bench.run_to(29.9);
    bench.put(30.0, Input::Links(up));
    bench.run_to(34.9);
    assert_eq!(bench.node.phase(), Phase::Standby);
}

#[test]
fn reload_on_either_node_changes_no_state() {
    for (active, mut bench) in [(true, Bench::primary()), (false, Bench::backup())] {
        if active {
            bench.make_active();
        }
        let phase = bench.node.phase();
        let mut new = settings(ConfiguredRole::Primary);
        new.keepalive = Duration::from_secs(1);
        let actions = bench.put(5.0, Input::Reload(Box::new(new)));
        assert_eq!(bench.node.phase(), phase);
        assert_eq!(actions.contains(&Action::RaiseAddresses), active);
        assert_eq!(actions.contains(&Action::ReloadService), active);
    }
}

#[test]
fn a_young_node_does_not_claim_beside_a_misconfigured_partner() {
    let mut bench = Bench::primary();
    assert_eq!(
        notices(&bench.put(1.0, Input::Incompatible)),
        ["Incompatible heartbeat received -- other system not using identical services"]
    );
    assert!(notices(&bench.put(3.0, Input::Incompatible)).is_empty());
    bench.run_to(5.0);
    assert_eq!(bench.node.phase(), Phase::Standby);
    bench.run_to(10.0);
    assert_eq!(bench.node.phase(), Phase::Starting);
}

#[test]
fn forced_start_takes_over_at_once() {
    let mut node = Node::new(
        at(0.0),
        Settings {
            force_active: true,
            ..settings(ConfiguredRole::Backup)
        },
    );
    let mut out = Vec::new();
    node.handle(at(0.0), Input::Start, &mut out);
    assert_eq!(
        notices(&out),
        [
            "STARTING PULSE AS BACKUP",
            "Forced active on startup: activating lvs"
        ]
    );
    assert_eq!(out.last(), Some(&Action::Send(Value::Running)));
}

/// As pulse(8) says of `--forceactive`.
#[test]
fn a_forced_start_beside_an_active_partner_is_the_primarys_alone() {
    for (role, phase) in [
        (ConfiguredRole::Primary, Phase::Starting),
        (ConfiguredRole::Backup, Phase::Releasing),
    ] {
        let forced = Settings {
            force_active: true,
            ..settings(role)
        };
        let mut node = Node::new(at(0.0), forced);
        let mut out = Vec::new();
        node.handle(at(0.0), Input::Start, &mut out);
        let beat = Input::Beat {
            value: Value::Running,
            path: PairPath::Public,
            said: None,
        };
        node.handle(at(0.1), beat, &mut out);
        assert_eq!(node.phase(), phase, "{role:?}");
        assert!(!out.contains(&Action::RaiseAddresses), "{role:?}");
    }
}

/// An order outlives the start that the option was meant for.
#[test]
fn a_forced_start_does_not_break_an_order() {
    let forced = Settings {
        force_active: true,
        ..settings(ConfiguredRole::Primary)
    };
    let mut node = Node::new(at(0.0), forced);
    node.remember_orders(Orders {
        standby: true,
        ..Orders::default()
    });
    node.handle(at(0.0), Input::Start, &mut Vec::new());
    assert_eq!(node.phase(), Phase::Standby);
}

#[test]
fn what_was_decided_before_a_pause_is_claimed_no_more_after_it() {
    let mut bench = Bench::backup();
    bench.run_to(5.0);
    let actions = bench.put(5.0, Input::ServiceReady);
    let claiming = |action: &&Action| action.claims();
    let claims: Vec<_> = actions.iter().filter(claiming).collect();
    let expected = [
        &Action::RaiseAddresses,
        &Action::Announce,
        &Action::Send(Value::Running),
    ];
    assert_eq!(claims, expected);
    // The next call is due at 6.0, the first repetition of the announcement.
    assert!(!bench.node.is_late(at(11.0)));
    assert!(bench.node.is_late(at(11.1)));
    let actions = bench.put(11.1, Input::Tick);
    assert!(actions.contains(&Action::DropAddresses));
    assert_eq!(actions.iter().find(claiming), None);
    assert!(!bench.node.is_late(at(11.1)));
}

#[test]
fn the_documented_states_are_the_phases_in_their_order() {
    let document = include_str!("../../../docs/internals/heartbeat.md");
    let (_, states) = document.split_once("## States").unwrap();
    let (states, _) = states.split_once("## Transitions").unwrap();
    let rows = states.lines().filter_map(|line| line.strip_prefix("| "));
    let names = rows.map(|row| row.split([' ', ':']).next().unwrap());
    let names: Vec<&str> = names.skip(1).collect();
    let phases = [
        Phase::Standby,
        Phase::Starting,
        Phase::Active,
        Phase::HandingOver,
        Phase::Releasing,
        Phase::Gone,
    ];
    let firsts = phases.map(|phase| phase.name().split('-').next().unwrap());
    assert_eq!(names, firsts);
}
