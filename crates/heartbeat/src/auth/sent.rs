//! How old an echo of ours is: which counters we had when.

use std::collections::VecDeque;
use std::time::Duration;

use lvs_model::Mono;

/// The dead time is divided into so many steps: by one of them an echo may be older than it.
const STEPS: u32 = 32;

/// Our counter at some moments of the last dead time.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent {
    /// All counters up to this one were sent before that.
    marks: VecDeque<(Mono, u64)>,
}

impl Sent {
    /// A datagram goes out; `counter` is that of the one before it.
    pub fn note(&mut self, now: Mono, counter: u64, dead_time: Duration) {
        let step = dead_time / STEPS;
        if self.marks.back().is_some_and(|(at, _)| now - *at < step) {
            return;
        }
        while self
            .marks
            .get(1)
            .is_some_and(|(at, _)| now - *at >= dead_time)
        {
            self.marks.pop_front();
        }
        self.marks.push_back((now, counter));
    }

    /// Whether the datagram with `counter` was sent within the last `dead_time`.
    pub fn is_fresh(&self, now: Mono, counter: u64, dead_time: Duration) -> bool {
        let mut old = self.marks.iter().rev();
        let old = old.find(|(at, _)| now - *at >= dead_time);
        old.is_none_or(|(_, last_old)| counter > *last_old)
    }
}
