//! A test waits for a condition, never for a time.

use std::time::{Duration, Instant};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// Longer than anything good takes on the slowest machine; costs nothing where the condition comes.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Asks until `condition` holds or `limit` is over; whether it held. The last look is after the limit.
pub fn comes_true(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    found(limit, || condition().then_some(())).is_some()
}

/// Looks until there is something or `limit` is over; what was found.
pub fn found<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        let is_over = start.elapsed() >= limit;
        let seen = look();
        if seen.is_some() || is_over {
            return seen;
        }
        std::thread::sleep(PAUSE);
    }
}

/// Waits until `condition` holds.
///
/// # Panics
/// It does not within [`PATIENCE`]; the message names `what` was waited for.
#[track_caller]
pub fn wait_until(what: &str, condition: impl FnMut() -> bool) {
    assert!(comes_true(PATIENCE, condition), "in vain: {what}");
}

/// Waits until `look` finds something, and returns it.
///
/// # Panics
/// It does not within [`PATIENCE`]; the message names `what` was waited for.
#[track_caller]
pub fn wait_for<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    found(PATIENCE, look).unwrap_or_else(|| panic!("in vain: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_asked_until_it_holds_and_once_more_after_the_limit() {
        let mut looks = 0;
        wait_until("three looks", || {
            looks += 1;
            looks == 3
        });
        assert_eq!(looks, 3);
        assert_eq!(wait_for("a word", || Some("word")), "word");
        let mut looks = 0;
        assert!(!comes_true(Duration::ZERO, || {
            looks += 1;
            false
        }));
        assert_eq!(looks, 1);
    }
}
