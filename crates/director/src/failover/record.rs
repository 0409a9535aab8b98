//! One service in the machine: its monitor, and how often it failed.

use std::time::Duration;

use lvs_model::{Backoff, Ending, Mono};

use super::{FailoverService, MonitorId};

/// After this many failures in a row a service that runs here is given up.
const FAILURES_ALLOWED: u32 = 3;
/// What was good for this long clears the record.
const CLEAN_LIFE: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Where a service's monitor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Not there, or not yet.
    Off,
    /// To be started then.
    Due(Mono),
    /// The service itself is then started again, and watched after that.
    Repair(Mono),
    /// Runs since then.
    Running(MonitorId, i32, Mono),
    /// Told to end. `None`: killed, or its start is not answered yet, and there is no more to do about it.
    /// The flag says whether another one follows.
    Ending(MonitorId, Option<Ending>, bool),
}

/// A service and its record.
#[derive(Clone, Debug)]
pub struct Record {
    pub service: FailoverService,
    pub life: Life,
    failures: u32,
    pause: Backoff,
    last_failure: Mono,
    /// Until then it need not be there yet.
    start_by: Option<Mono>,
    /// That it is waited for has been said.
    is_awaited: bool,
}

impl Record {
    /// A service without a monitor so far.
    pub const fn new(service: FailoverService) -> Self {
        Self {
            service,
            life: Life::Off,
            failures: 0,
            pause: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
            last_failure: Mono::ZERO,
            start_by: None,
            is_awaited: false,
        }
    }

    /// Its monitor that runs or is about to end.
    pub const fn monitor(&self) -> Option<MonitorId> {
        match self.life {
            Life::Running(monitor, ..) | Life::Ending(monitor, ..) => Some(monitor),
            Life::Off | Life::Due(_) | Life::Repair(_) => None,
        }
    }

    /// When something is to be done for it.
    pub const fn deadline(&self) -> Option<Mono> {
        match self.life {
            Life::Due(at) | Life::Repair(at) => Some(at),
            Life::Ending(_, Some(ending), _) => ending.deadline(),
            Life::Off | Life::Running(..) | Life::Ending(_, None, _) => None,
        }
    }

    /// It has just been started: here or, as far as this fos can know, by the partner.
    pub fn begin(&mut self, now: Mono) {
        self.start_by = Some(now + self.service.start_timeout);
        self.is_awaited = false;
    }

    /// The same, unless it is watched already.
    pub fn begin_once(&mut self, now: Mono) {
        if self.start_by.is_none() {
            self.begin(now);
        }
    }

    /// Whether it still has time, if no monitor has ever seen it.
    pub fn may_be_late(&self, now: Mono) -> bool {
        self.start_by.is_some_and(|by| now < by)
    }

    /// Whether that is news.
    pub const fn is_first_wait(&mut self) -> bool {
        !std::mem::replace(&mut self.is_awaited, true)
    }

    /// Counts a failure; the pause before the next try: 1, 2, 4 … 60 s.
    pub fn fail(&mut self, now: Mono) -> Duration {
        let clean = CLEAN_LIFE + LONGEST_PAUSE + self.service.start_timeout;
        if now - self.last_failure > clean {
            self.failures = 0;
            self.pause.reset();
        }
        self.last_failure = now;
        self.failures = self.failures.saturating_add(1);
        self.pause.pause()
    }

    /// Whether it failed too often to be tried again here.
    pub const fn is_hopeless(&self) -> bool {
        self.failures >= FAILURES_ALLOWED
    }
}
