//! When the addresses are announced again: at once, after 1, 2, 4 and 8 s, then every minute. This corrects
//! a lost frame, and a loser that went on announcing.

use std::time::Duration;

use lvs_model::Mono;

/// Pauses between the announcements of a burst.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// Pause after the burst.
const REFRESH: Duration = Duration::from_secs(60);

/// Position in the schedule. The first announcement is made by who starts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announcements {
    next: Mono,
    /// Announcements of the burst that were made after the first one.
    made: usize,
}

/// What [`Announcements::due`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing yet.
    No,
    /// Announce.
    Yes,
    /// Announce: the last one of the burst.
    LastOfBurst,
}

impl Announcements {
    /// A burst whose first announcement is made `now`.
    #[must_use]
    pub fn begin(now: Mono) -> Self {
        Self {
            next: now + PAUSES[0],
            made: 0,
        }
    }

    /// When to ask again.
    #[must_use]
    pub const fn next(&self) -> Mono {
        self.next
    }

    /// Whether an announcement is due; moves on if so.
    pub fn due(&mut self, now: Mono) -> Due {
        if now < self.next {
            return Due::No;
        }
        self.made += 1;
        self.next = now + PAUSES.get(self.made).copied().unwrap_or(REFRESH);
        if self.made == PAUSES.len() {
            Due::LastOfBurst
        } else {
            Due::Yes
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announcements_follow_after_1_2_4_8_seconds_and_then_every_minute() {
        let mut plan = Announcements::begin(Mono::ZERO);
        let mut times = Vec::new();
        let mut ends = Vec::new();
        for _ in 0..6 {
            let now = plan.next();
            times.push(now.since_start().as_secs());
            if plan.due(now) == Due::LastOfBurst {
                ends.push(now.since_start().as_secs());
            }
            assert_eq!(plan.due(now), Due::No);
        }
        assert_eq!(times, [1, 2, 4, 8, 68, 128]);
        assert_eq!(ends, [8]);
    }
}
