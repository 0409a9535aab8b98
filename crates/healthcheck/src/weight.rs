//! Weights: the slow start, and the share that follows the load.

use lvs_model::Weight;

/// The weight that a server enters with: a 32nd of `target`, at least 1; 0 stays 0.
#[must_use]
pub fn first_weight(target: Weight) -> Weight {
    match target.get() {
        0 => Weight::ZERO,
        number => at_most_max(u64::from((number / 32).max(1))),
    }
}

/// One step of the slow start: twice the weight, up to `target`.
#[must_use]
pub fn next_weight(last: Weight, target: Weight) -> Weight {
    let doubled = at_most_max(u64::from(last.get()) * 2);
    doubled.max(first_weight(target)).min(target)
}

/// The weight under a one-minute `load`: between `target` and `scale` times it.
///
/// The same as `last` when the change would be less than a quarter of `target`.
#[must_use]
pub fn loaded_weight(last: Weight, target: Weight, scale: u32, load: f64) -> Weight {
    let half = f64::from(target.get()) / 2.0;
    let moved = f64::from(last.get()) + half * (1.0 - load).cbrt();
    let new = if load < 1.0 {
        let most = at_most_max(u64::from(target.get()) * u64::from(scale));
        truncated(moved).min(most.max(target))
    } else if load > 1.0 {
        truncated(moved).max(target)
    } else {
        return last;
    };
    let change = f64::from(new.get().abs_diff(last.get()));
    if change >= f64::from(target.get()) / 4.0 {
        new
    } else {
        last
    }
}

/// The weight for a new target. A weight above it shrinks in proportion, one below grows by steps; after an
/// old target of 0 the server enters.
#[must_use]
pub fn retargeted_weight(last: Weight, old: Weight, new: Weight) -> Weight {
    if last == Weight::ZERO {
        return first_weight(new);
    }
    if last <= new {
        return last;
    }
    let scaled = (u64::from(last.get()) * u64::from(new.get()))
        .checked_div(u64::from(old.get()))
        .unwrap_or(0);
    at_most_max(scaled).max(new)
}

fn at_most_max(number: u64) -> Weight {
    u32::try_from(number)
        .ok()
        .and_then(|number| Weight::new(number).ok())
        .unwrap_or(Weight::MAX)
}

fn truncated(number: f64) -> Weight {
    let most = f64::from(Weight::MAX.get());
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "truncation is the original's rule; clamp keeps it in range, NaN becomes 0"
    )]
    let number = number.clamp(0.0, most) as u64;
    at_most_max(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(number: u32) -> Weight {
        Weight::new(number).unwrap()
    }

    fn slow_start(target: u32) -> Vec<u32> {
        let target = weight(target);
        let mut weights = vec![first_weight(target)];
        while let Some(&last) = weights.last().filter(|&&last| last < target) {
            weights.push(next_weight(last, target));
        }
        weights.into_iter().map(Weight::get).collect()
    }

    #[test]
    fn the_slow_start_doubles_from_a_32nd() {
        assert_eq!(slow_start(0), [0]);
        assert_eq!(slow_start(1), [1]);
        assert_eq!(slow_start(3), [1, 2, 3]);
        assert_eq!(slow_start(10), [1, 2, 4, 8, 10]);
        assert_eq!(slow_start(64), [2, 4, 8, 16, 32, 64]);
        assert_eq!(slow_start(100), [3, 6, 12, 24, 48, 96, 100]);
        assert_eq!(slow_start(2_147_483_647).last(), Some(&2_147_483_647));
    }

    #[test]
    fn a_quiesced_weight_leaves_0_again() {
        assert_eq!(next_weight(weight(0), weight(64)), weight(2));
    }

    #[test]
    fn an_idle_server_climbs_to_scale_times_its_weight() {
        let mut last = weight(4);
        let mut seen = Vec::new();
        for _ in 0..20 {
            last = loaded_weight(last, weight(4), 10, 0.0);
            seen.push(last.get());
        }
        assert_eq!(seen[..3], [6, 8, 10]);
        assert_eq!(seen[19], 40);
    }

    #[test]
    fn a_loaded_server_falls_back_to_its_weight_and_not_below() {
        assert_eq!(loaded_weight(weight(40), weight(4), 10, 2.0), weight(38));
        assert_eq!(loaded_weight(weight(4), weight(4), 10, 9.0), weight(4));
        assert_eq!(loaded_weight(weight(9), weight(4), 10, 1.0), weight(9));
    }

    #[test]
    fn r_a_scale_of_0_takes_no_weight_away_from_an_idle_server() {
        assert_eq!(loaded_weight(weight(4), weight(4), 0, 0.0), weight(4));
    }

    #[test]
    fn small_changes_are_not_made() {
        assert_eq!(loaded_weight(weight(2), weight(2), 10, 0.5), weight(2));
        // A quarter is enough, and no less.
        assert_eq!(loaded_weight(weight(4), weight(4), 10, 0.875), weight(5));
        assert_eq!(loaded_weight(weight(4), weight(4), 10, 0.9), weight(4));
        assert_eq!(loaded_weight(weight(1), weight(1), 10, 0.0), weight(1));
        assert_eq!(loaded_weight(weight(0), weight(0), 10, 0.0), weight(0));
    }

    #[test]
    fn a_smaller_target_takes_effect_at_once_and_a_larger_one_by_steps() {
        assert_eq!(
            retargeted_weight(weight(100), weight(100), weight(10)),
            weight(10)
        );
        assert_eq!(
            retargeted_weight(weight(1000), weight(100), weight(10)),
            weight(100)
        );
        assert_eq!(
            retargeted_weight(weight(1), weight(1), weight(7)),
            weight(1)
        );
        assert_eq!(
            retargeted_weight(weight(50), weight(50), weight(0)),
            weight(0)
        );
        // On its way to 100, above 40: not below that.
        assert_eq!(
            retargeted_weight(weight(50), weight(100), weight(40)),
            weight(40)
        );
        assert_eq!(
            retargeted_weight(weight(0), weight(0), weight(64)),
            weight(2)
        );
    }
}
