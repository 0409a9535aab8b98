//! The deadlines of a machine, in one place.

use std::collections::BTreeMap;

use crate::Mono;

/// What a machine waits for: one deadline at most for each `Timer`.
///
/// `Timer` is an enum of the machine's own; a variant may carry a key where there is one deadline for each
/// service, say. Variants that stand first are dealt with first when several have expired. A deadline is
/// named where it is set, where it is stopped, and in the one `match` on what [`expired`](Self::expired)
/// returns. There the compiler asks for every variant, and [`next`](Self::next) knows all that run.
///
/// ```
/// use std::time::Duration;
/// use lvs_model::{Mono, Timers};
///
/// #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
/// enum Timer {
///     Silence,
///     Beat,
/// }
///
/// let at = |seconds| Mono::new(Duration::from_secs(seconds));
/// let mut timers = Timers::new();
/// timers.set(Timer::Beat, at(2));
/// timers.set(Timer::Silence, at(5));
/// assert_eq!(timers.next(), Some(at(2)));
/// assert_eq!(timers.expired(at(2)), Some(Timer::Beat));
/// assert_eq!(timers.expired(at(2)), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timers<Timer> {
    due: BTreeMap<Timer, Mono>,
}

impl<Timer> Default for Timers<Timer> {
    fn default() -> Self {
        Self {
            due: BTreeMap::new(),
        }
    }
}

impl<Timer: Copy + Ord> Timers<Timer> {
    /// None runs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `timer` expires at `due`, and no longer at an earlier set time.
    pub fn set(&mut self, timer: Timer, due: Mono) {
        self.due.insert(timer, due);
    }

    /// `timer` does not expire; whether it was to.
    pub fn stop(&mut self, timer: Timer) -> bool {
        self.due.remove(&timer).is_some()
    }

    /// Sets `timer`, or stops it if there is nothing to wait for.
    pub fn set_or_stop(&mut self, timer: Timer, due: Option<Mono>) {
        match due {
            Some(due) => self.set(timer, due),
            None => drop(self.stop(timer)),
        }
    }

    /// Stops every timer that `keeps` does not want.
    pub fn retain(&mut self, keeps: impl Fn(Timer) -> bool) {
        self.due.retain(|timer, _| keeps(*timer));
    }

    /// When `timer` expires; `None` if it does not run.
    #[must_use]
    pub fn due(&self, timer: Timer) -> Option<Mono> {
        self.due.get(&timer).copied()
    }

    /// Whether `timer` runs.
    #[must_use]
    pub fn is_set(&self, timer: Timer) -> bool {
        self.due.contains_key(&timer)
    }

    /// When the next one expires, of all.
    #[must_use]
    pub fn next(&self) -> Option<Mono> {
        self.due.values().copied().min()
    }

    /// The first timer, in the order of the enum, that has expired by `now`; it does not run any more. Ask
    /// until there is none.
    pub fn expired(&mut self, now: Mono) -> Option<Timer> {
        let mut due = self.due.iter();
        let (timer, _) = due.find(|(_, due)| **due <= now)?;
        let timer = *timer;
        self.stop(timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    enum Timer {
        Silence,
        Kill(u8),
        Beat,
    }

    fn at(seconds: u64) -> Mono {
        Mono::new(Duration::from_secs(seconds))
    }

    #[test]
    fn what_expires_together_comes_in_the_order_of_the_enum_and_once() {
        let mut timers = Timers::new();
        timers.set(Timer::Beat, at(1));
        timers.set(Timer::Kill(2), at(3));
        timers.set(Timer::Kill(1), at(3));
        timers.set(Timer::Silence, at(4));
        assert_eq!(timers.next(), Some(at(1)));
        let due = std::iter::from_fn(|| timers.expired(at(3)));
        let due: Vec<Timer> = due.collect();
        assert_eq!(due, [Timer::Kill(1), Timer::Kill(2), Timer::Beat]);
        assert_eq!(timers.next(), Some(at(4)));
    }

    #[test]
    fn a_timer_has_one_deadline() {
        let mut timers = Timers::new();
        timers.set(Timer::Silence, at(1));
        timers.set(Timer::Silence, at(5));
        assert_eq!(timers.expired(at(4)), None);
        assert_eq!(timers.due(Timer::Silence), Some(at(5)));
        timers.set_or_stop(Timer::Silence, Some(at(2)));
        assert_eq!(timers.expired(at(2)), Some(Timer::Silence));
        assert_eq!(timers.due(Timer::Silence), None);
    }

    #[test]
    fn what_was_stopped_does_not_expire() {
        let mut timers = Timers::new();
        assert!(!timers.stop(Timer::Beat));
        timers.set(Timer::Beat, at(1));
        assert!(timers.stop(Timer::Beat));
        timers.set(Timer::Kill(1), at(1));
        timers.set_or_stop(Timer::Kill(1), None);
        timers.set(Timer::Silence, at(1));
        timers.set(Timer::Kill(7), at(2));
        timers.retain(|timer| timer == Timer::Kill(7));
        assert!(timers.is_set(Timer::Kill(7)) && !timers.is_set(Timer::Silence));
        assert_eq!(timers.expired(at(1)), None);
        assert_eq!(timers.next(), Some(at(2)));
    }
}
