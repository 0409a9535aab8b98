//! Both are active and this node stays: how often it announces and says so.

use std::time::Duration;

use lvs_model::{Backoff, Mono};

/// The shortest pause, of announcements and of log lines.
pub const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Who announced last has the clients: the right owner wins them back within this time.
const ANNOUNCED_EVERY: Duration = Duration::from_secs(5);
/// The longest pause between log lines.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// Both are active, and this node stays: what has been done about it, and when it is done again.
#[derive(Clone, Copy, Debug)]
pub struct Conflict {
    announcements: Paced,
    lines: Paced,
}

/// Something that is done again after growing pauses.
#[derive(Clone, Copy, Debug)]
struct Paced {
    due: Mono,
    pause: Backoff,
}

impl Conflict {
    /// Everything is due `now`.
    pub const fn begin(now: Mono) -> Self {
        Self {
            announcements: Paced::begin(now, ANNOUNCED_EVERY),
            lines: Paced::begin(now, SAID_EVERY),
        }
    }

    /// Whether to announce again.
    pub fn is_announced(&mut self, now: Mono) -> bool {
        self.announcements.is_due(now)
    }

    /// Whether to say so, and to run `active_cmd`.
    pub fn is_said(&mut self, now: Mono) -> bool {
        self.lines.is_due(now)
    }
}

impl Paced {
    const fn begin(now: Mono, longest: Duration) -> Self {
        Self {
            due: now,
            pause: Backoff::new(FIRST_PAUSE, longest),
        }
    }

    /// Whether it is time; moves on if so.
    fn is_due(&mut self, now: Mono) -> bool {
        let is_due = self.due <= now;
        if is_due {
            self.due = now + self.pause.pause();
        }
        is_due
    }
}
