//! Signed heartbeats come to a running pair: every mode beside every other one, and the way from
//! the first to the last, a step at a time.

use std::time::Duration;

use lvs_model::Mono;

use super::{Signing, UNSIGNED, World, keys};
use crate::auth::Mode;
use crate::model::Input;
use crate::transitions::Phase;

const MODES: [Mode; 4] = [Mode::Off, Mode::Accept, Mode::Sign, Mode::Require];

/// Whether heartbeats of `from` count at `to`.
const fn counts(from: Mode, to: Mode) -> bool {
    from.signs() || !matches!(to, Mode::Require)
}

/// Runs until `end`; the longest time with two owners at a stretch.
fn run_to(world: &mut World, end: Duration) -> Duration {
    let mut longest = Duration::ZERO;
    let mut since = None;
    while let Some(std::cmp::Reverse((at, _, happening))) = world.events.pop() {
        if at > Mono::new(end) {
            world.events.push(std::cmp::Reverse((at, 0, happening)));
            break;
        }
        world.now = at;
        world.happen(happening);
        if world.owners() == 2 {
            longest = longest.max(at - *since.get_or_insert(at));
        } else {
            since = None;
        }
    }
    longest
}

#[test]
fn every_mode_is_safe_beside_those_whose_heartbeats_it_takes() {
    for one in MODES {
        for other in MODES {
            let of = |mode| Signing { mode, ..UNSIGNED };
            // Beside `require`, an unsigned partner is a silent one.
            if !counts(one, other) || !counts(other, one) {
                continue;
            }
            for seed in 1..100 {
                let mut world = World::peaceful(seed, [of(one), of(other)]);
                let overlap = run_to(&mut world, Duration::from_secs(60));
                let settled = overlap < Duration::from_secs(3) && world.owners() == 1;
                assert!(settled, "{one:?} beside {other:?}, seed {seed}");
            }
        }
    }
}

#[test]
fn a_running_pair_goes_from_off_to_require_and_back_without_a_takeover() {
    let up = [Mode::Accept, Mode::Sign, Mode::Require];
    let down = [Mode::Sign, Mode::Accept, Mode::Off];
    for seed in 1..100 {
        let mut world = World::peaceful(seed, [UNSIGNED; 2]);
        let mut end = Duration::from_secs(30);
        run_to(&mut world, end);
        let active = world.sides.iter().position(|side| side.holding);
        let active = active.expect("one is active");
        for mode in up.into_iter().chain(down) {
            for step in 0..2_u64 {
                let index = usize::from((seed + step) % 2 == 1);
                let side = &mut world.sides[index];
                side.signing.mode = mode;
                side.auth.change(mode, keys(), super::DEAD_TIME);
                let settings = side.settings();
                world.give(index, Input::Reload(Box::new(settings)));
                end += Duration::from_secs(12);
                run_to(&mut world, end);
                let phase = world.sides[active].node.phase();
                assert_eq!(phase, Phase::Active, "{mode:?}, seed {seed}");
                assert_eq!(world.owners(), 1, "{mode:?}, seed {seed}");
            }
        }
    }
}

#[test]
fn a_running_pair_gets_a_later_program_and_the_older_one_again_with_one_owner_throughout() {
    for mode in [Mode::Off, Mode::Sign, Mode::Require] {
        for seed in 1..40 {
            let signing = Signing { mode, ..UNSIGNED };
            let mut world = World::peaceful(seed, [signing; 2]);
            for side in &mut world.sides {
                (side.is_old, side.becomes_old) = (true, true);
            }
            // A local network: an answer within 40 ms.
            world.trouble = false;
            let mut end = Duration::from_secs(30);
            run_to(&mut world, end);
            for (index, is_old) in [(0, false), (1, false), (1, true), (0, true)] {
                let index = usize::from((seed % 2 == 0) ^ (index == 1));
                world.sides[index].becomes_old = is_old;
                world.give(index, Input::Stop { signal: 15 });
                end += Duration::from_secs(45);
                let overlap = run_to(&mut world, end);
                assert!(overlap < Duration::from_millis(500), "{mode:?} {seed}");
                assert_eq!(world.owners(), 1, "{mode:?} {seed}");
                assert!(world.is_quiet(), "{mode:?} {seed}");
            }
        }
    }
}
