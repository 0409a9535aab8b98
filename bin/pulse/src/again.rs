//! When a helper that has ended is started again: at once, and after growing pauses if that fails or
//! it ends again soon. It is tried for ever: what it lacks (descriptors, memory) may be there again.

use std::time::Duration;

use lvs_model::{Backoff, Mono};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// One that ends within this time behind the last end has to wait.
const SOON: Duration = Duration::from_secs(60);

/// The tries of one helper.
#[derive(Clone, Debug)]
pub struct Again {
    pause: Backoff,
    /// When it ended last.
    ended: Option<Mono>,
    /// When it is tried; none while it runs, or is not wanted.
    next: Option<Mono>,
    fault: Option<String>,
}

impl Default for Again {
    fn default() -> Self {
        Self {
            pause: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
            ended: None,
            next: None,
            fault: None,
        }
    }
}

impl Again {
    /// It has ended.
    pub fn ended(&mut self, now: Mono) {
        let is_soon = self.ended.is_some_and(|last| now - last < SOON);
        self.ended = Some(now);
        self.next = Some(now);
        if is_soon {
            self.put_off(now);
        } else {
            self.pause.reset();
        }
    }

    /// It could not be started; whether that is to be said.
    pub fn failed(&mut self, now: Mono, fault: &str) -> bool {
        self.put_off(now);
        let is_news = self.fault.as_deref() != Some(fault);
        self.fault = Some(fault.to_owned());
        is_news
    }

    /// It runs; whether it could not be started before.
    pub fn started(&mut self) -> bool {
        self.next = None;
        self.fault.take().is_some()
    }

    fn put_off(&mut self, now: Mono) {
        self.next = Some(now + self.pause.pause());
    }

    /// Whether it is to be started now.
    pub fn is_due(&self, now: Mono) -> bool {
        self.next.is_some_and(|next| now >= next)
    }

    /// When it is to be started.
    pub const fn next(&self) -> Option<Mono> {
        self.next
    }

    /// Why it could not be started.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono::new(Duration::from_secs(seconds))
    }

    #[test]
    fn r_what_could_not_be_started_is_tried_for_ever_and_said_once() {
        let mut again = Again::default();
        assert!(!again.is_due(at(1000)), "it runs");
        again.ended(at(100));
        assert!(again.is_due(at(100)), "at once");
        let mut tried = Vec::new();
        for now in 100..170 {
            if again.is_due(at(now)) {
                tried.push(now);
                assert_eq!(again.failed(at(now), "no descriptor"), now == 100);
            }
        }
        assert_eq!(tried, [100, 101, 103, 107, 115, 131, 161]);
        assert_eq!(again.fault(), Some("no descriptor"));
        assert!(again.failed(at(170), "no memory"));
        assert!(again.started());
        assert_eq!((again.fault(), again.next()), (None, None));
    }

    #[test]
    fn what_ends_again_and_again_waits_and_what_has_run_for_a_while_does_not() {
        let mut again = Again::default();
        let mut pauses = Vec::new();
        for end in [0, 10, 20, 100, 110] {
            again.ended(at(end));
            pauses.push(again.next().unwrap() - at(end));
            assert!(!again.started());
        }
        assert_eq!(pauses, [0, 1, 2, 0, 1].map(Duration::from_secs));
    }
}
