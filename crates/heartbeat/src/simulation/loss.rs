//! Bad paths for an hour: loss of 10, 30 and 50 %, up to 200 ms of delay, one heartbeat in ten twice.
//! Nobody dies, so nobody may take over.
//!
//! `CARIBE_LOSS_HOURS` sets how many hours each pair lives through (4 by default).

use std::time::Duration;

use lvs_model::Mono;

use super::{Happening, Signing, UNSIGNED, World, number};
use crate::auth::Mode;
use crate::transitions::Phase;

/// Start, and the choice of who is active.
const SETTLED: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

const SIGNED: Signing = Signing {
    mode: Mode::Require,
    ..UNSIGNED
};
/// A step of the way from one to the other.
const HALF: [Signing; 2] = [
    Signing {
        mode: Mode::Sign,
        ..UNSIGNED
    },
    UNSIGNED,
];

impl World {
    /// Two directors that are settled, then `loss` percent.
    fn lossy(seed: u64, signing: [Signing; 2], loss: u64) -> Self {
        let mut world = Self::peaceful(seed, signing);
        world.live(SETTLED);
        world.loss_percent = loss;
        world.copies_percent = 10;
        world
    }

    /// Runs until `end`; how often a standby began to take over.
    fn live(&mut self, end: Duration) -> u32 {
        let mut takeovers = 0;
        while let Some(std::cmp::Reverse((at, order, happening))) = self.events.pop() {
            if at > Mono::new(end) {
                self.events.push(std::cmp::Reverse((at, order, happening)));
                break;
            }
            self.now = at;
            let standing_by = |world: &Self| {
                let sides = world.sides.iter();
                sides
                    .filter(|side| side.node.phase() == Phase::Standby)
                    .count()
            };
            let before = standing_by(self);
            self.happen(happening);
            takeovers += u32::from(standing_by(self) < before);
        }
        takeovers
    }
}

/// Takeovers without a death, by the hour.
fn takeovers(signing: [Signing; 2], loss: u64) -> Vec<u32> {
    let hours = number("CARIBE_LOSS_HOURS", 4);
    let hour = |seed| World::lossy(seed, signing, loss).live(SETTLED + HOUR);
    (1..=hours).map(hour).collect()
}

#[test]
fn an_hour_of_30_percent_loss_moves_nothing() {
    for pair in [[UNSIGNED; 2], [SIGNED; 2], HALF] {
        for loss in [10, 30] {
            let hours = takeovers(pair, loss);
            assert!(hours.iter().all(|count| *count == 0), "{loss} %: {hours:?}");
        }
    }
}

#[test]
fn an_hour_of_50_percent_loss_moves_something_once_at_most() {
    for pair in [[UNSIGNED; 2], [SIGNED; 2], HALF] {
        let hours = takeovers(pair, 50);
        assert!(hours.iter().all(|count| *count <= 1), "{hours:?}");
    }
}

#[test]
fn questions_and_answers_end_with_the_loss() {
    for pair in [[UNSIGNED; 2], [SIGNED; 2], HALF] {
        let mut world = World::lossy(1, pair, 50);
        world.live(SETTLED * 10);
        world.loss_percent = 0;
        let mut end = SETTLED * 10 + Duration::from_secs(10);
        world.live(end);
        let before = world.sent;
        end += SETTLED * 10;
        world.live(end);
        // 600 s, a heartbeat every 2 s from each.
        let sent = world.sent - before;
        assert!((598..=602).contains(&sent), "{sent}");
    }
}

#[test]
fn a_death_under_loss_is_found_a_dead_time_after_the_last_heartbeat() {
    for (seed, pair) in [(1, [UNSIGNED; 2]), (2, [SIGNED; 2])] {
        let mut world = World::lossy(seed, pair, 30);
        world.live(SETTLED * 2);
        let active = world.sides.iter().position(|side| side.holding);
        let active = active.expect("one is active");
        let (standby, mut last) = (1 - active, None);
        while world.sides[standby].node.phase() == Phase::Standby {
            let std::cmp::Reverse((at, _, happening)) = world.events.pop().expect("a deadline");
            world.now = at;
            if matches!(happening, Happening::Arrive(to, ..) if to == standby) {
                last = Some(at);
                // Paused for ever: it neither sends nor listens.
                world.sides[active].paused_until = Mono::new(HOUR);
            }
            world.happen(happening);
        }
        let last = last.expect("a heartbeat");
        assert_eq!(world.now - last, Duration::from_secs(5), "seed {seed}");
    }
}
