//! A fos pair on one clock: start, a service that fails, a director that dies, its return; then
//! random schedules with the rule that no two directors run the services at the same time.

use std::collections::VecDeque;
use std::time::Duration;

use crate::datagram::{Service, Value};
use lvs_model::{Mono, Random};

use crate::model::{Action, Gateway, Input, Settings};
use crate::node::Node;
use crate::pair::{ConfiguredRole, PairPath};
use crate::tests::settings;
use crate::transitions::Phase;

const PRIMARY: usize = 0;
const BACKUP: usize = 1;
/// Flight of a heartbeat, and granularity of the clock here.
const STEP: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Process {
    Monitor,
    Active,
}

struct Side {
    node: Option<Node>,
    role: ConfiguredRole,
    holding: bool,
    fos: Option<Process>,
    /// What happens to the process and when.
    pending: VecDeque<(Mono, Input)>,
    notices: Vec<String>,
    gateway: Gateway,
}

struct Pair {
    now: Mono,
    sides: [Side; 2],
    flying: Vec<(Mono, usize, Value)>,
    /// Time that fos takes to stop.
    stop_time: Duration,
}

fn fos_settings(role: ConfiguredRole) -> Settings {
    Settings {
        service: Service::Fos,
        ..settings(role)
    }
}

impl Pair {
    fn new() -> Self {
        let side = |role| Side {
            node: None,
            role,
            holding: false,
            fos: None,
            pending: VecDeque::new(),
            notices: Vec::new(),
            gateway: Gateway::Seen,
        };
        Self {
            now: Mono::ZERO,
            sides: [side(ConfiguredRole::Primary), side(ConfiguredRole::Backup)],
            flying: Vec::new(),
            stop_time: Duration::from_millis(300),
        }
    }

    /// Both started, the primary active.
    fn settled() -> Self {
        let mut pair = Self::new();
        pair.start(PRIMARY);
        pair.start(BACKUP);
        pair.run(6.0);
        assert_eq!(
            pair.state(),
            [Some(Process::Active), Some(Process::Monitor)]
        );
        pair.take_notices(PRIMARY);
        pair.take_notices(BACKUP);
        pair
    }

    fn start(&mut self, side: usize) {
        let settings = fos_settings(self.sides[side].role);
        self.sides[side].node = Some(Node::new(self.now, settings));
        // A start takes longer than a flight: nothing of an old life arrives.
        self.flying.clear();
        self.give(side, Input::Start);
    }

    /// kill -9 and its guardian, or the power switch.
    fn die(&mut self, side: usize) {
        let side = &mut self.sides[side];
        side.node = None;
        side.holding = false;
        side.fos = None;
        side.pending.clear();
    }

    fn give(&mut self, side: usize, input: Input) {
        let Some(node) = &mut self.sides[side].node else {
            return;
        };
        let mut out = Vec::new();
        node.handle(self.now, input, &mut out);
        for action in out {
            self.perform(side, action);
        }
        self.check();
    }

    fn perform(&mut self, index: usize, action: Action) {
        let now = self.now;
        let side = &mut self.sides[index];
        match action {
            Action::Send(value) => self.flying.push((now + STEP, 1 - index, value)),
            Action::Notice(notice) => side.notices.push(notice.to_string()),
            Action::StartService | Action::StartMonitors => {
                assert!(side.fos.is_none(), "two fos on one director");
                let active = action == Action::StartService;
                assert!(side.holding || !active, "services before their address");
                side.fos = Some(if active {
                    Process::Active
                } else {
                    Process::Monitor
                });
            }
            Action::StopService | Action::KillService => {
                let ended = (now + self.stop_time, Input::ServiceEnded);
                side.pending.push_back(ended);
            }
            Action::TestGateway => {
                let answer = Input::Gateway(side.gateway);
                side.pending.push_back((now + STEP, answer));
            }
            Action::RaiseAddresses => side.holding = true,
            Action::DropAddresses => side.holding = false,
            Action::Exit => {
                side.node = None;
                side.fos = None;
            }
            Action::RunHook(_) | Action::SyncDaemon(_) => panic!("not with fos: {action:?}"),
            _ => {}
        }
    }

    fn check(&self) {
        let active = |side: &&Side| side.fos == Some(Process::Active);
        let count = self.sides.iter().filter(active).count();
        assert!(count < 2, "the services run twice at {}", self.now);
        let holding = self.sides.iter().filter(|side| side.holding).count();
        assert!(
            holding < 2,
            "two owners at {}: {:?} {:?}",
            self.now,
            self.sides[0].notices,
            self.sides[1].notices
        );
    }

    /// fos of that side ends of its own accord.
    fn end_fos(&mut self, side: usize, input: Input) {
        if self.sides[side].fos.take().is_some() {
            self.sides[side].pending.clear();
            self.give(side, input);
        }
    }

    fn run(&mut self, seconds: f64) {
        let end = self.now + Duration::from_secs_f64(seconds);
        while self.now < end {
            self.now = self.now + STEP;
            let flying = self.flying.drain(..);
            let (due, later): (Vec<_>, Vec<_>) = flying.partition(|(at, ..)| *at <= self.now);
            self.flying = later;
            for (_, to, value) in due {
                let path = PairPath::Public;
                self.give(
                    to,
                    Input::Beat {
                        value,
                        path,
                        said: None,
                    },
                );
            }
            for side in [PRIMARY, BACKUP] {
                while let Some((_, input)) = self.sides[side].pending.front().cloned()
                    && self.sides[side].pending[0].0 <= self.now
                {
                    self.sides[side].pending.pop_front();
                    if input == Input::ServiceEnded && self.sides[side].fos.take().is_none() {
                        continue;
                    }
                    self.give(side, input);
                }
                self.give(side, Input::Tick);
            }
        }
    }

    fn state(&self) -> [Option<Process>; 2] {
        [self.sides[0].fos, self.sides[1].fos]
    }

    fn phase(&self, side: usize) -> Option<Phase> {
        self.sides[side].node.as_ref().map(Node::phase)
    }

    fn take_notices(&mut self, side: usize) -> Vec<String> {
        std::mem::take(&mut self.sides[side].notices)
    }
}

#[test]
fn a_service_that_fails_moves_after_the_partner_has_let_go() {
    let mut pair = Pair::settled();
    pair.stop_time = Duration::from_secs(6);
    pair.end_fos(BACKUP, Input::ServiceSurrendered);
    pair.run(3.0);
    assert_eq!(pair.phase(BACKUP), Some(Phase::Starting));
    assert!(pair.sides[PRIMARY].holding, "until its services have ended");
    pair.run(12.0);
    assert_eq!(
        pair.state(),
        [Some(Process::Monitor), Some(Process::Active)]
    );
    assert_eq!(
        pair.take_notices(BACKUP)[..5],
        [
            "fos process exited -- checking network connectivity",
            "remote service unavailable but we can see the gateway",
            "seems like a remote network fault; performing service failover",
            "primary inactive: activating fos",
            "Notifying partner WE are taking control!",
        ]
    );
    assert_eq!(
        pair.take_notices(PRIMARY)[..2],
        [
            "PARTNER HAS TOLD US TO GO INACTIVE!",
            "Starting Failover Service Monitors"
        ]
    );
}

#[test]
fn a_backup_that_is_told_to_go_inactive_obeys_too() {
    let mut pair = Pair::settled();
    pair.end_fos(BACKUP, Input::ServiceSurrendered);
    pair.run(10.0);
    pair.take_notices(BACKUP);
    pair.end_fos(PRIMARY, Input::ServiceSurrendered);
    pair.run(10.0);
    assert_eq!(
        pair.state(),
        [Some(Process::Active), Some(Process::Monitor)]
    );
    assert_eq!(
        pair.take_notices(BACKUP)[0],
        "partner active: deactivating FOS"
    );
}

#[test]
fn without_a_gateway_nothing_is_taken_until_a_heartbeat_comes() {
    let mut pair = Pair::settled();
    pair.sides[BACKUP].gateway = Gateway::Silent;
    pair.end_fos(BACKUP, Input::ServiceSurrendered);
    pair.run(5.0);
    assert_eq!(
        pair.take_notices(BACKUP),
        [
            "fos process exited -- checking network connectivity",
            "remote service unavailable; gateway unavailable",
            "I SEEM TO HAVE A NETWORK FAULT!",
            "Network fault seems to be fixed",
            "Starting Failover Service Monitors",
        ]
    );
    assert_eq!(
        pair.state(),
        [Some(Process::Active), Some(Process::Monitor)]
    );
}

/// Nobody is blamed: the partner may have lost its service, or a network fails.
#[test]
fn without_a_gateway_to_ask_that_is_said_and_nothing_is_taken() {
    let mut pair = Pair::settled();
    pair.sides[BACKUP].gateway = Gateway::Unknown;
    pair.end_fos(BACKUP, Input::ServiceSurrendered);
    pair.run(5.0);
    let said = pair.take_notices(BACKUP);
    assert_eq!(
        said[0],
        "fos process exited -- checking network connectivity"
    );
    assert_eq!(
        said[1],
        "remote service unavailable; no default gateway can be asked whose network is at fault: \
         not taking over"
    );
    assert!(
        said.iter()
            .all(|line| !line.to_lowercase().contains("network fault")),
        "{said:?}"
    );
    assert_eq!(
        pair.state(),
        [Some(Process::Active), Some(Process::Monitor)]
    );
    // It is no reason to stand by when the partner dies.
    pair.die(PRIMARY);
    pair.run(6.0);
    assert_eq!(pair.state(), [None, Some(Process::Active)]);
}

#[test]
fn a_dead_director_is_replaced_and_its_return_changes_nothing() {
    let mut pair = Pair::settled();
    pair.die(PRIMARY);
    pair.run(6.0);
    assert_eq!(pair.state(), [None, Some(Process::Active)]);
    let said = pair.take_notices(BACKUP);
    assert_eq!(said[0], "partner dead: activating failover services");
    pair.start(PRIMARY);
    pair.run(20.0);
    assert_eq!(
        pair.state(),
        [Some(Process::Monitor), Some(Process::Active)]
    );
}

#[test]
fn monitors_that_crash_are_no_failover() {
    let mut pair = Pair::settled();
    pair.end_fos(BACKUP, Input::ServiceEnded);
    pair.run(3.0);
    assert_eq!(
        pair.state(),
        [Some(Process::Active), Some(Process::Monitor)]
    );
}

#[test]
fn a_fos_that_crashes_on_the_active_node_is_started_again_in_place() {
    let mut pair = Pair::settled();
    pair.end_fos(PRIMARY, Input::ServiceEnded);
    let said = pair.take_notices(PRIMARY);
    assert_eq!(said, ["fos process exited -- restarting it"]);
    pair.run(3.0);
    assert_eq!(
        pair.state(),
        [Some(Process::Active), Some(Process::Monitor)]
    );
}

#[test]
fn services_that_do_not_stay_up_go_to_a_living_partner() {
    let mut pair = Pair::settled();
    pair.end_fos(PRIMARY, Input::ServiceSurrendered);
    pair.run(8.0);
    assert_eq!(
        pair.state(),
        [Some(Process::Monitor), Some(Process::Active)]
    );
}

#[test]
fn a_clean_stop_ends_the_services_before_the_partner_starts_them() {
    let mut pair = Pair::settled();
    pair.stop_time = Duration::from_secs(4);
    pair.give(PRIMARY, Input::Stop { signal: 15 });
    pair.run(3.0);
    assert_eq!(pair.phase(BACKUP), Some(Phase::Standby));
    pair.run(8.0);
    assert_eq!(pair.state(), [None, Some(Process::Active)]);
}

#[test]
fn without_a_backup_the_primary_is_active_at_once() {
    let mut pair = Pair::new();
    let alone = Settings {
        has_partner: false,
        ..fos_settings(ConfiguredRole::Primary)
    };
    pair.sides[PRIMARY].node = Some(Node::new(pair.now, alone));
    pair.give(PRIMARY, Input::Start);
    pair.run(0.02);
    assert_eq!(pair.state(), [Some(Process::Active), None]);
    let said = pair.take_notices(PRIMARY);
    let warning = "Warning: FOS backup node not defined -- skipping checks";
    assert_eq!(said[1], warning);
}

#[test]
fn random_schedules_never_run_the_services_twice_and_end_with_one_active_node() {
    for seed in testkit::seeds(400) {
        let mut random = Random::new(seed);
        let mut below = |limit| random.below(limit);
        let mut pair = Pair::settled();
        for _ in 0..8 {
            pair.stop_time = Duration::from_millis(20 + below(3000));
            let side = usize::from(below(2) == 1);
            match below(6) {
                0 => pair.die(side),
                1 => pair.give(side, Input::Stop { signal: 15 }),
                2 => pair.end_fos(side, Input::ServiceEnded),
                3 => {
                    pair.sides[side].gateway = match below(3) {
                        0 => Gateway::Seen,
                        1 => Gateway::Silent,
                        _ => Gateway::Unknown,
                    };
                }
                _ => pair.end_fos(side, Input::ServiceSurrendered),
            }
            let milliseconds = u32::try_from(below(9000)).unwrap();
            pair.run(f64::from(milliseconds) / 1000.0);
            for side in [PRIMARY, BACKUP] {
                if pair.sides[side].node.is_none() {
                    pair.start(side);
                }
            }
        }
        pair.run(100.0);
        let active = pair
            .state()
            .iter()
            .filter(|s| **s == Some(Process::Active))
            .count();
        assert_eq!(active, 1, "seed {seed}: {:?}", pair.state());
    }
}
