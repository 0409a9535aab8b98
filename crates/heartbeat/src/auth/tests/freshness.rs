//! What somebody held back or recorded: it keeps nobody alive, and takes nothing from an exchange.

use std::cmp::Ordering;
use std::time::Duration;

use crate::datagram::Value;
use crate::datagram::signed::Statement;
use lvs_model::Mono;

use super::{Auth, DiscardReason, Echo, Mode, Received, SAYS, auth, counts, pair};
use crate::model::{Action, Input, Settings};
use crate::node::Node;
use crate::pair::{ConfiguredRole, PairPath};
use crate::tests::settings;
use crate::transitions::Phase;

fn at(millis: u64) -> Mono {
    Mono::new(Duration::from_millis(millis))
}

fn seal(auth: &mut Auth, millis: u64, value: Value) -> Vec<u8> {
    auth.seal(at(millis), Echo::Partner, value, SAYS)
}

#[test]
fn what_echoes_nothing_of_the_last_dead_time_was_held_back() {
    let (mut primary, mut backup) = pair();
    let asked = seal(&mut backup, 100, Value::Stopped);
    primary.receive(at(100), &asked);
    let held: Vec<_> = (0..4)
        .map(|_| seal(&mut primary, 200, Value::Running))
        .collect();
    seal(&mut backup, 5000, Value::Stopped);
    assert!(counts(&backup.receive(at(5000), &held[0])));
    // The second path is none the better for it.
    let late = Received::Refused(DiscardReason::HeldBack);
    assert_eq!(backup.receive(at(5300), &held[2]), late);
    assert_eq!(backup.receive(at(5300), &held[1]), late);
    // Nor does it count when it is sent again.
    let replayed = Received::Refused(DiscardReason::Replayed);
    assert_eq!(backup.receive(at(5300), &held[2]), replayed);
    // An exchange goes on where it stood.
    let answer = seal(&mut backup, 5400, Value::Stopped);
    primary.receive(at(5400), &answer);
    let next = seal(&mut primary, 5500, Value::Running);
    assert!(counts(&backup.receive(at(5500), &next)));
}

#[test]
fn who_says_that_it_does_not_hear_us_counts_by_its_newest_word_only() {
    let (mut primary, mut backup) = pair();
    let deaf = Statement {
        hears: false,
        ..SAYS
    };
    let sealed: Vec<_> = (0..3_u64)
        .map(|n| primary.seal(at(9000 + n), Echo::Partner, Value::Running, deaf))
        .collect();
    seal(&mut backup, 8000, Value::Stopped);
    assert!(counts(&backup.receive(at(9000), &sealed[1])));
    let older = backup.receive(at(9000), &sealed[0]);
    assert_eq!(older, Received::Refused(DiscardReason::HeldBack));
    assert!(counts(&backup.receive(at(9000), &sealed[2])));
}

#[test]
fn where_unsigned_ones_count_so_does_what_was_held_back() {
    let mut primary = auth(true, Mode::Sign, 1 << 40);
    let mut backup = auth(false, Mode::Sign, 1 << 50);
    super::meet(&mut primary, &mut backup);
    let held = seal(&mut primary, 0, Value::Running);
    let verdict = backup.receive(at(60_000), &held);
    assert!(matches!(verdict, Received::Beat(Value::Running, _)));
}

/// A backup that stands by beside `primary`; both have met at 0.
fn standby() -> Node {
    let settings = Settings {
        signs: true,
        has_private_path: true,
        ..settings(ConfiguredRole::Backup)
    };
    let mut node = Node::new(Mono::ZERO, settings);
    node.handle(Mono::ZERO, Input::Start, &mut Vec::new());
    node
}

#[test]
fn withheld_heartbeats_keep_no_dead_director_alive() {
    let (mut primary, mut backup) = pair();
    let mut node = standby();
    let mut held = Vec::new();
    let mut now = 0;
    let mut out = Vec::new();
    let mut died = None;
    while node.phase() == Phase::Standby {
        now += 10;
        // The standby speaks, and the primary hears it until it dies.
        for action in std::mem::take(&mut out) {
            if let Action::Send(value) = action {
                let sealed = seal(&mut backup, now, value);
                if died.is_none() {
                    primary.receive(at(now), &sealed);
                }
            }
        }
        // Two seconds apart on two paths; from 30 s to 60 s half of them are held back.
        if died.is_none() && now % 500 == 0 {
            for path in [PairPath::Public, PairPath::Private] {
                let sealed = seal(&mut primary, now, Value::Running);
                if now > 30_000 && path == PairPath::Private {
                    held.push(sealed);
                } else {
                    for input in backup.receive(at(now), &sealed).inputs(path) {
                        node.handle(at(now), input, &mut out);
                    }
                }
            }
        }
        if now == 60_000 {
            died = Some(now);
        }
        // One each 4 s from then on, the newest first: all are within the window.
        if died.is_some()
            && now % 4000 == 0
            && let Some(sealed) = held.pop()
        {
            for input in backup.receive(at(now), &sealed).inputs(PairPath::Private) {
                node.handle(at(now), input, &mut out);
            }
        }
        node.handle(at(now), Input::Tick, &mut out);
        assert!(now < 72_000, "alive 12 s after its death");
    }
    let taken = now - died.expect("the primary lived until 60 s");
    assert!((5000..10_000 + 200).contains(&taken), "{taken} ms");
}

/// Everything that a side hears, and what it answers, at a time; nothing is lost.
struct Pair {
    auths: [Auth; 2],
    nodes: [Node; 2],
    now: u64,
    /// Which of them has counted a heartbeat of the other one's.
    counted: [bool; 2],
}

impl Pair {
    fn new(boot: u64) -> Self {
        let node = |role| {
            Node::new(
                Mono::ZERO,
                Settings {
                    signs: true,
                    ..settings(role)
                },
            )
        };
        Self {
            auths: [
                auth(true, Mode::Require, boot),
                auth(false, Mode::Require, boot + (1 << 30)),
            ],
            nodes: [node(ConfiguredRole::Primary), node(ConfiguredRole::Backup)],
            now: 0,
            counted: [false; 2],
        }
    }

    fn give(&mut self, side: usize, input: Input) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        let now = at(self.now);
        self.nodes[side].handle(now, input, &mut out);
        let auth = &mut self.auths[side];
        let sealed = out.into_iter().filter_map(|action| match action {
            Action::Send(value) => Some(auth.seal(now, Echo::Partner, value, SAYS)),
            Action::Challenge(value) => Some(auth.seal(now, Echo::Unproven, value, SAYS)),
            _ => None,
        });
        sealed.collect()
    }

    /// Hands a datagram in; returns what is sent back.
    fn hear(&mut self, side: usize, datagram: &[u8]) -> Vec<Vec<u8>> {
        let verdict = self.auths[side].receive(at(self.now), datagram);
        self.counted[side] |= counts(&verdict);
        let inputs: Vec<_> = verdict.inputs(PairPath::Public).collect();
        let sent = inputs.into_iter().flat_map(|input| self.give(side, input));
        sent.collect()
    }
}

/// When each of them starts, in milliseconds.
const STARTS: [usize; 2] = [0, 600];

#[test]
fn recordings_of_earlier_starts_do_not_keep_restarted_directors_apart() {
    for boots in [1_u64, 4, 20, 30] {
        // What both said at earlier starts.
        let recorded: Vec<[Vec<u8>; 2]> = (0..2600)
            .map(|number| {
                let boot = (1 << 20) + (number % boots) * (1 << 10);
                let [primary, backup] = Pair::new(boot).auths;
                // To the primary, to the backup.
                [backup, primary].map(|mut auth| {
                    for _ in 0..number / boots % 50 {
                        auth.sends(Value::Running, SAYS);
                    }
                    auth.sends(Value::Running, SAYS)
                })
            })
            .collect();
        let mut pair = Pair::new(1 << 50);
        let mut known_at = None;
        // A recording to each of them every millisecond. The primary has heard some before the backup
        // starts.
        for (millis, recording) in recorded.iter().enumerate() {
            pair.now = u64::try_from(millis).unwrap();
            for side in [0, 1] {
                let input = match millis.cmp(&STARTS[side]) {
                    Ordering::Less => continue,
                    Ordering::Equal => Input::Start,
                    Ordering::Greater => Input::Tick,
                };
                let mut under_way = pair.give(side, input);
                under_way.extend(pair.hear(side, &recording[side]));
                // And back and forth at once.
                let mut to = 1 - side;
                for _ in 0..8 {
                    if millis < STARTS[to] {
                        break;
                    }
                    let answers = under_way.iter().flat_map(|it| pair.hear(to, it));
                    under_way = answers.collect();
                    to = 1 - to;
                }
            }
            if pair.counted == [true; 2] {
                known_at.get_or_insert(millis);
            }
        }
        // A keepalive, two seconds, after the second start.
        let is_soon = known_at.is_some_and(|at| at < STARTS[1] + 2000);
        assert!(is_soon, "{boots}: {known_at:?}");
    }
}

#[test]
fn what_is_not_proven_displaces_no_echo_of_an_exchange_under_way() {
    let (mut primary, mut backup) = pair();
    let mut old = auth(true, Mode::Require, 1 << 35);
    let live = primary.sends(Value::Running, SAYS);
    backup.hears(&live);
    for _ in 0..100 {
        let recording = old.sends(Value::Running, SAYS);
        assert_eq!(backup.hears(&recording), Received::Unproven(None));
        // Each heartbeat of ours is proof for the primary that we hear it.
        let beat = backup.sends(Value::Stopped, SAYS);
        assert!(counts(&primary.hears(&beat)));
        let echo = crate::datagram::signed::decode(&beat, &[super::key(1)]);
        assert_eq!(echo.map(|it| it.echo), Ok(primary.counter));
    }
    // The answer to it is one of its own.
    let answer = backup.seal(Mono::ZERO, Echo::Unproven, Value::Stopped, SAYS);
    let echo = crate::datagram::signed::decode(&answer, &[super::key(1)]);
    assert_eq!(echo.map(|it| it.echo), Ok(old.counter));
}
