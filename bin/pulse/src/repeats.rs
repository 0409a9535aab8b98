//! What is said again and again is said once, and then after growing pauses.

use std::time::Duration;

use lvs_model::{Backoff, Mono};

const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// What was said last, and when it may be said again.
#[derive(Clone, Debug)]
pub struct Repeats {
    last: Option<(Vec<String>, Mono)>,
    pause: Backoff,
}

impl Default for Repeats {
    fn default() -> Self {
        Self {
            last: None,
            pause: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
        }
    }
}

impl Repeats {
    /// Whether `lines` are to be said now.
    pub fn is_news(&mut self, now: Mono, lines: &[String]) -> bool {
        let is_new = self.last.as_ref().is_none_or(|(last, _)| last != lines);
        if is_new {
            self.pause.reset();
        } else if self.last.as_ref().is_some_and(|(_, next)| now < *next) {
            return false;
        }
        self.last = Some((lines.to_vec(), now + self.pause.pause()));
        true
    }

    /// It is over: the next time is the first one.
    pub fn forget(&mut self) {
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(repeats: &mut Repeats, seconds: u64, line: &str) -> bool {
        let now = Mono::new(Duration::from_secs(seconds));
        repeats.is_news(now, &[line.to_owned()])
    }

    #[test]
    fn the_same_is_said_after_growing_pauses_and_something_else_at_once() {
        let mut repeats = Repeats::default();
        let all = (0..1000).step_by(5);
        let times: Vec<u64> = all
            .filter(|at| said(&mut repeats, *at, "no module"))
            .collect();
        assert_eq!(times, [0, 10, 30, 70, 150, 310, 630]);
        assert!(said(&mut repeats, 1000, "no memory"));
        assert!(!said(&mut repeats, 1005, "no memory"));
        assert!(said(&mut repeats, 1006, "no module"));
        repeats.forget();
        assert!(said(&mut repeats, 1007, "no module"));
    }

    #[test]
    fn an_hour_is_the_longest_pause() {
        let mut repeats = Repeats::default();
        let week = 7 * 24 * 3600;
        let count = (0..week)
            .step_by(5)
            .filter(|at| said(&mut repeats, *at, "no module"));
        assert_eq!(count.count(), 176);
    }
}
