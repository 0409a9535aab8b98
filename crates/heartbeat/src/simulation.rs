//! Two nodes on one virtual clock, with loss, delay, duplication, pauses, restarts, clean stops,
//! partitions, lost links, refused sending, services that fail, own addresses and devices that go, orders, recorded and
//! withheld datagrams, older programs, a backup that one lvs.cf switches off: random schedules, the ownership rules checked after each step.
//!
//! `CARIBE_SEEDS` sets how many run (20 000 and 5 000 by default), `CARIBE_SEED` the first seed. A
//! failure prints its seed; run it alone with `CARIBE_SEED=…`, and with `CARIBE_TELL=1` to see what
//! happens.
//!
//! Checked (rules of `docs/internals/heartbeat.md`): addresses are up only between takeover and give-up;
//! STOPPED is said by nobody who holds addresses; once the paths are whole, at most one owner
//! after K + 1 s; exactly one after the longest ban and dead times; in three of four schedules one
//! or both of the directors have a warm standby, and their service runs in the end; in every second a
//! partner that leaves is relieved after ten seconds of listening only. For signed pairs besides: with
//! one direction cut and nothing else, at most one owner after D + K and the time of a takeover. When a
//! node loses its own addresses and nothing else is wrong, there is one owner throughout; when a node's kernel
//! sends nothing any more, two for K + 1 s at most. Nobody takes over
//! against an order; a frozen owner stays but for its own death. What is wrong is left to nobody who is known
//! not to take it. In the end the one serves that serves more.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::datagram::signed::Key;
use crate::datagram::{Service, Value};
use lvs_model::{Mono, Random};

use crate::auth::{Auth, Mode};
use crate::model::{Action, Hook, Input, Links, Settings};
use crate::node::Node;
use crate::orders::Orders;
use crate::pair::{ConfiguredRole, Ends, PairPath};
use crate::tests::{ends, settings};

mod checks;
mod faults;
mod loss;
mod rollout;
mod shell;

use faults::Attacker;

const DEAD_TIME: Duration = Duration::from_secs(5);
/// Faults end here; the rest of the schedule must heal.
const FAULTS_END: Duration = Duration::from_secs(45);
/// K + 1 s, and what is in flight: the longest time with two owners once the paths are whole.
const OVERLAP: Duration = Duration::from_millis(3200);
/// D + K, and a takeover: the longest time with two owners of a signed pair with one direction cut.
const ONE_WAY: Duration = Duration::from_millis(9200);
/// After this time both nodes know each other's boot id.
const GROWN: Duration = Duration::from_secs(5);
/// A schedule may end from here on, once one node is active and the other one on standby.
const QUIET: Duration = Duration::from_secs(60);
/// Exactly one owner from here on: the longest ban, then D.
const SETTLED: Duration = Duration::from_secs(110);
/// A node that gives up in vain may be doing so just then.
const LATEST: Duration = Duration::from_secs(130);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Wake(usize),
    /// To a side, on the private path or not.
    Arrive(usize, bool, Vec<u8>),
    Ready(usize, u32),
    Checked(usize, u32),
    Ended(usize, u32),
    Partition(u8),
    Pause(usize, u64),
    Restart(usize),
    FailService(usize),
    Stop(usize),
    Links(usize, bool),
    /// Own addresses of a side's heartbeat are there: public, private.
    Own(usize, bool, bool),
    /// A side's kernel sends no heartbeat any more, or does again.
    Mute(usize, bool),
    /// What a side has found out of that.
    CanSend(usize, bool),
    /// This many of a side's two virtual addresses have no device.
    Devices(usize, u64),
    Order(usize, u64),
    /// Recordings are sent to a side.
    Replay(usize),
    /// What goes to a side is held back for a while.
    HoldBack(usize, u64),
    /// `inactive_cmd` has ended.
    LetGo(usize),
}

/// How a director's heartbeats are signed.
#[derive(Clone, Copy)]
struct Signing {
    mode: Mode,
    by_term: bool,
    /// The term outlives a restart.
    keeps_term: bool,
}

const UNSIGNED: Signing = Signing {
    mode: Mode::Off,
    by_term: false,
    keeps_term: false,
};

fn keys() -> Vec<Key> {
    Key::new(1, vec![7; 32]).into_iter().collect()
}

struct Side {
    node: Node,
    auth: Auth,
    signing: Signing,
    term: u64,
    role: ConfiguredRole,
    ends: Ends,
    warm: bool,
    sync_wait: Duration,
    holding: bool,
    started: Mono,
    paused_until: Mono,
    /// What arrived during a pause.
    queue: Vec<Input>,
    /// Number of the service's process; events of an older one are void.
    service: u32,
    service_runs: bool,
    service_bad_until: Mono,
    /// The next call that is planned.
    wake_at: Option<Mono>,
    /// Own addresses that are there: public, private.
    own: [bool; 2],
    /// Its lvs.cf has the backup switched off.
    is_off: bool,
    /// Its kernel sends no heartbeat.
    is_mute: bool,
    /// The last one could be sent.
    can_send: bool,
    /// How many virtual addresses have no device.
    missing: u64,
    orders: Orders,
    /// It runs a program that knows version 1 only.
    is_old: bool,
    /// So does its next start.
    becomes_old: bool,
    has_private: bool,
    /// The hooks move the addresses.
    hook_patience: Duration,
    /// A clean stop has begun.
    leaves: bool,
}

struct World {
    seed: u64,
    random: Random,
    now: Mono,
    events: BinaryHeap<Reverse<(Mono, u64, Happening)>>,
    order: u64,
    sides: [Side; 2],
    has_private: bool,
    /// A restart may be one to another program.
    changes_programs: bool,
    /// A restart may switch the backup off or on in the first director's lvs.cf.
    switches_off: bool,
    /// Bit n: packets to side n are lost; bit n + 2: those on the private path.
    cut: u8,
    /// When the last cut was over.
    healed: Mono,
    loss_percent: u64,
    /// How many heartbeats arrive twice.
    copies_percent: u64,
    sent: u32,
    trouble: bool,
    two_since: Option<Mono>,
    /// One direction is cut and nothing else is wrong, since then.
    one_way_since: Option<Mono>,
    /// One side has lost its own addresses and nothing else is wrong.
    watches_own: Option<usize>,
    /// One side's kernel sends nothing and nothing else is wrong.
    watches_mute: bool,
    attacker: Attacker,
    is_told: bool,
}

impl Side {
    fn settings(&self) -> Settings {
        Settings {
            // A backup that is switched off does not run.
            has_partner: !(self.is_off && self.role == ConfiguredRole::Primary),
            has_private_path: self.has_private,
            signs: self.signing.mode.signs(),
            by_term: self.signing.by_term,
            warm_standby: self.warm,
            sync_wait: self.sync_wait,
            hook_patience: self.hook_patience,
            ends: Some(self.ends),
            addresses: faults::addresses(2),
            ..settings(self.role)
        }
    }

    /// Nothing that outlasts a fault keeps it from serving.
    fn is_well(&self) -> bool {
        self.missing == 0 && !self.is_barred() && self.own == [true; 2]
    }

    /// A takeover is forbidden by an order.
    fn is_barred(&self) -> bool {
        self.orders.standby || self.orders.frozen
    }
}

impl World {
    /// Two directors that start within 8 s, and nothing wrong.
    fn peaceful(seed: u64, signing: [Signing; 2]) -> Self {
        let random = Random::new(seed);
        let side = |role, signing: Signing| Side {
            node: Node::new(Mono::ZERO, settings(role)),
            auth: Auth::new(Service::Lvs, false, Mode::Off, Vec::new(), 1, DEAD_TIME),
            signing,
            term: 0,
            role,
            ends: ends(role),
            warm: false,
            sync_wait: Duration::ZERO,
            holding: false,
            started: Mono::ZERO,
            paused_until: Mono::ZERO,
            queue: Vec::new(),
            service: 0,
            service_runs: false,
            service_bad_until: Mono::ZERO,
            wake_at: None,
            own: [true; 2],
            is_off: false,
            is_mute: false,
            can_send: true,
            missing: 0,
            orders: Orders::default(),
            is_old: false,
            becomes_old: false,
            has_private: false,
            hook_patience: Duration::ZERO,
            leaves: false,
        };
        let mut world = Self {
            seed,
            random,
            now: Mono::ZERO,
            events: BinaryHeap::new(),
            order: 0,
            sides: [
                side(ConfiguredRole::Primary, signing[0]),
                side(ConfiguredRole::Backup, signing[1]),
            ],
            has_private: false,
            changes_programs: false,
            switches_off: false,
            cut: 0,
            healed: Mono::ZERO,
            loss_percent: 0,
            copies_percent: 5,
            sent: 0,
            trouble: true,
            two_since: None,
            one_way_since: None,
            watches_own: None,
            watches_mute: false,
            attacker: Attacker::default(),
            is_told: number("CARIBE_TELL", 0) == 1,
        };
        for index in 0..2 {
            let delay = world.millis(8000);
            world.plan(delay, Happening::Restart(index));
        }
        world
    }

    fn new(seed: u64, signing: [Signing; 2]) -> Self {
        let mut world = Self::peaceful(seed, signing);
        for (side, bit) in world.sides.iter_mut().zip([1, 2]) {
            side.warm = (seed / 2) & bit != 0;
            side.sync_wait = Duration::from_secs((seed / 8) % 2 * 10);
        }
        let random = &mut world.random;
        world.loss_percent =
            [0, 5, 30][usize::from(random.below(3) == 1) + usize::from(random.below(4) == 0)];
        world.has_private = (seed / 16).is_multiple_of(3);
        let has_private = world.has_private;
        for side in &mut world.sides {
            side.has_private = has_private;
            side.hook_patience = Duration::from_secs((seed / 32 % 4) / 3 * 10);
        }
        let signed = |mode: &Mode| *mode == Mode::Require;
        let modes = signing.map(|signing| signing.mode);
        if modes.iter().all(signed) {
            world.attacker.is_there = (seed / 4).is_multiple_of(2);
        }
        // An older program does not know what is held back.
        if modes.iter().all(|mode| mode.signs()) && !world.attacker.is_there {
            world.sides[0].becomes_old = seed / 3 % 4 == 1;
            world.sides[1].becomes_old = seed / 3 % 4 == 2;
            world.changes_programs = (seed / 5).is_multiple_of(2);
        }
        world.switches_off = (seed / 7).is_multiple_of(8);
        world.plan_faults();
        world
    }

    fn millis(&mut self, limit: u64) -> Duration {
        Duration::from_millis(self.random.below(limit))
    }

    fn plan(&mut self, delay: Duration, happening: Happening) {
        self.order += 1;
        let at = self.now + delay;
        self.events.push(Reverse((at, self.order, happening)));
    }

    fn run(&mut self, seed: u64) {
        while let Some(Reverse((at, _, happening))) = self.events.pop() {
            let is_moving = self.is_between() || self.is_misplaced();
            if at > Mono::new(SETTLED) && !is_moving || at > Mono::new(LATEST) {
                break;
            }
            self.now = at;
            self.tell(&happening);
            self.happen(happening);
            self.check(seed);
            // Most schedules end when all is quiet; every eighth is watched to its end.
            let is_over = at > Mono::new(QUIET) && self.is_quiet() && !self.is_misplaced();
            if !seed.is_multiple_of(8) && is_over {
                break;
            }
        }
        self.check_end(seed);
        // One that did not stay up may be waiting for its next start.
        let warm = self.sides.iter().filter(|side| side.warm);
        for side in warm.filter(|side| side.node.statement(self.now, Value::Stopped).fit) {
            assert!(side.service_runs, "seed {seed}: a warm standby is cold");
        }
    }

    /// With `CARIBE_TELL=1`: what happens, but for heartbeats and clocks.
    fn tell(&self, happening: &Happening) {
        if self.is_told && !matches!(happening, Happening::Wake(_) | Happening::Arrive(..)) {
            let phases = self.sides.each_ref().map(|side| side.node.phase());
            self.say(&format!("{happening:?} {phases:?}"));
        }
    }

    #[expect(clippy::disallowed_macros, reason = "for who looks into a seed")]
    fn say(&self, text: &str) {
        println!("{} {text}", self.now);
    }

    fn arrive(&mut self, index: usize, private: bool, datagram: &[u8]) {
        let side = &mut self.sides[index];
        if !side.own[usize::from(private)] {
            return;
        }
        // An older program reads version 1 and no other.
        let is_unknown = side.is_old && datagram.get(4) == Some(&2);
        let datagram = if is_unknown {
            &datagram[..5 + 60]
        } else {
            datagram
        };
        let path = [PairPath::Public, PairPath::Private][usize::from(private)];
        let received = side.auth.receive(self.now, datagram);
        for input in received.inputs(path) {
            self.give(index, input);
        }
    }

    fn happen(&mut self, happening: Happening) {
        self.watch_one_way(&happening);
        self.watch_own(&happening);
        self.watch_mute(&happening);
        match happening {
            Happening::LetGo(side) => self.give(side, Input::HookEnded(Hook::Inactive)),
            Happening::Wake(side) => self.wake(side),
            Happening::Arrive(side, private, datagram) => self.arrive(side, private, &datagram),
            Happening::Ready(side, number) if self.sides[side].service == number => {
                self.give(side, Input::ServiceReady);
            }
            Happening::Checked(side, number) if self.sides[side].service == number => {
                self.give(side, Input::ServiceChecked);
            }
            Happening::Ended(side, number) if self.sides[side].service == number => {
                if std::mem::take(&mut self.sides[side].service_runs) {
                    self.give(side, Input::ServiceEnded);
                }
            }
            Happening::Ready(..) | Happening::Checked(..) | Happening::Ended(..) => {}
            Happening::Partition(cut) => {
                self.cut = cut;
                self.healed = self.now;
                self.trouble = self.now < Mono::new(FAULTS_END);
                if cut != 0 {
                    let length = self.millis(15_000);
                    self.plan(length, Happening::Partition(0));
                }
            }
            Happening::Pause(side, millis) => {
                let end = self.now + Duration::from_millis(millis);
                self.sides[side].paused_until = end;
                self.plan(Duration::from_millis(millis), Happening::Wake(side));
            }
            Happening::Restart(side) => self.restart(side),
            Happening::Stop(side) => self.give(side, Input::Stop { signal: 15 }),
            Happening::Links(side, up) => {
                let links = Links {
                    public_up: up,
                    private_up: up || self.has_private,
                };
                self.give(side, Input::Links(links));
                if !up {
                    let length = self.millis(10_000);
                    self.plan(length, Happening::Links(side, true));
                }
            }
            Happening::Own(side, public, private) => self.change_own(side, public, private),
            Happening::Mute(side, is_mute) => self.change_mute(side, is_mute),
            Happening::CanSend(side, it_can) => self.give(side, Input::CanSend(it_can)),
            Happening::Devices(side, missing) => self.change_devices(side, missing),
            Happening::Order(side, number) => self.give_order(side, number),
            Happening::Replay(side) => self.replay(side),
            Happening::HoldBack(side, millis) => self.hold_back(side, millis),
            Happening::FailService(side) => {
                let bad = self.millis(12_000);
                self.sides[side].service_bad_until = self.now + bad;
                let number = self.sides[side].service;
                self.happen(Happening::Ended(side, number));
            }
        }
    }

    /// Killed and started again: the guardian has dropped the addresses.
    fn restart(&mut self, index: usize) {
        let (now, boot) = (self.now, self.random.number() | 1);
        let changes = self.changes_programs && self.random.below(2) == 1;
        let switches = self.switches_off && index == 0 && self.random.below(2) == 1;
        let side = &mut self.sides[index];
        side.is_off ^= switches;
        let Signing {
            mode, keeps_term, ..
        } = side.signing;
        let primary = side.role == ConfiguredRole::Primary;
        side.auth = Auth::new(Service::Lvs, primary, mode, keys(), boot, DEAD_TIME);
        side.node = Node::new(now, side.settings());
        side.node.remember_orders(side.orders);
        if keeps_term {
            side.node.remember_term(side.term);
        }
        side.holding = false;
        side.queue.clear();
        side.paused_until = now;
        side.started = now;
        side.service += 1;
        side.service_runs = false;
        side.leaves = false;
        side.becomes_old ^= changes;
        side.is_old = side.becomes_old;
        side.can_send = true;
        let [public, private] = side.own;
        if !(public && private) {
            self.tell_before(index, Input::OwnAddresses { public, private });
        }
        let troubles = self.troubles(index);
        self.tell_before(index, Input::Serving(troubles));
        self.give(index, Input::Start);
    }

    /// What a node that starts is told before it says a word.
    fn tell_before(&mut self, index: usize, input: Input) {
        let mut out = Vec::new();
        self.sides[index].node.handle(self.now, input, &mut out);
        let is_silent = out.iter().all(|it| !matches!(it, Action::Send(_)));
        assert!(is_silent, "it has not been started");
        for action in out {
            self.perform(index, &action);
        }
    }

    fn give(&mut self, index: usize, input: Input) {
        if self.sides[index].paused_until > self.now {
            self.sides[index].queue.push(input);
            return;
        }
        let queued = std::mem::take(&mut self.sides[index].queue);
        for input in queued.into_iter().chain([input, Input::Tick]) {
            let mut out = Vec::new();
            let orders = usize::from(matches!(input, Input::Order(_)));
            let before = self.sides[index].node.phase();
            self.sides[index].leaves |= matches!(input, Input::Stop { .. });
            self.sides[index].node.handle(self.now, input, &mut out);
            let answers = out.iter().filter(|it| matches!(it, Action::Answer(_)));
            assert_eq!(answers.count(), orders, "an order has one answer");
            for action in out {
                if self.is_told && matches!(action, Action::Notice(_) | Action::Answer(_)) {
                    self.say(&format!("{index}:     {action:?}"));
                }
                self.perform(index, &action);
            }
            self.check_orders(index, before);
            self.check_give_up(index, before);
        }
        let side = &mut self.sides[index];
        let Some(due) = side.node.next_deadline() else {
            return;
        };
        assert!(due > self.now, "a deadline that does not pass");
        if side.wake_at.replace(due) != Some(due) {
            self.plan(due - self.now, Happening::Wake(index));
        }
    }

    fn wake(&mut self, index: usize) {
        let side = &mut self.sides[index];
        side.wake_at = None;
        let due = side.node.next_deadline().is_some_and(|due| due <= self.now);
        if side.paused_until <= self.now && (due || !side.queue.is_empty()) {
            self.give(index, Input::Tick);
        }
    }
}

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::vars().find(|(key, _)| key == name);
    text.and_then(|(_, text)| text.parse().ok())
        .unwrap_or(default)
}

#[test]
fn two_nodes_have_one_owner_after_every_random_schedule() {
    for seed in testkit::seeds(20_000) {
        World::new(seed, [UNSIGNED; 2]).run(seed);
    }
}

#[test]
fn two_signed_nodes_have_one_owner_after_every_random_schedule() {
    for seed in testkit::seeds(5_000) {
        let mode = [Mode::Require, Mode::Sign];
        let one = |bits: u64| Signing {
            mode: mode[usize::from(bits & 1 == 1)],
            by_term: bits & 2 == 0,
            keeps_term: bits & 4 == 0,
        };
        World::new(seed, [one(seed), one(seed / 8)]).run(seed);
    }
}

/// Either mistake: both primary, or both backup.
fn of_one_role(seed: u64, signing: [Signing; 2]) -> World {
    let mut world = World::new(seed, signing);
    let role = ConfiguredRole::of_primary(seed % 2 == 1);
    for side in &mut world.sides {
        side.role = role;
    }
    world
}

#[test]
fn two_nodes_of_one_role_have_one_owner_after_every_random_schedule() {
    for seed in testkit::seeds(4_000) {
        of_one_role(seed, [UNSIGNED; 2]).run(seed);
    }
}

#[test]
fn two_signed_nodes_of_one_role_have_one_owner_after_every_random_schedule() {
    for seed in testkit::seeds(2_000) {
        let mode = [Mode::Require, Mode::Sign][usize::from(seed % 3 == 0)];
        let signing = Signing { mode, ..UNSIGNED };
        of_one_role(seed, [signing; 2]).run(seed);
    }
}
