//! One monitor's process: when it is started, when it has been silent too long, what its death means.
//!
//! Owned by the machine, one for each monitor of lvs.cf.

use std::time::Duration;

use control::{CheckResult, Phase, Place, Reason, Report, Standing};
use lvs_model::{Backoff, Mono};

use crate::NannyId;
use crate::notice::AfterDeath;

/// Pause before the start after the second death. After the first there is none.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause before another start.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// This many deaths within [`DEATH_WINDOW`] are too many.
const TOO_MANY_DEATHS: usize = 5;
const DEATH_WINDOW: Duration = Duration::from_secs(60);
/// A nanny that lived this long clears the record.
const CLEAN_LIFE: Duration = Duration::from_secs(300);
/// Longest pause while the machine lacks something. It is short, so that the end of the shortage is noticed
/// soon.
const LONGEST_SHORTAGE_PAUSE: Duration = Duration::from_secs(4);
/// A nanny that is silent for this many intervals hangs.
const SILENT_INTERVALS: u32 = 3;

/// Where a monitor's process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// To be started then.
    Due(Mono),
    /// Runs.
    Running {
        /// Its number.
        nanny: NannyId,
        /// When it last said something.
        heard: Mono,
    },
    /// Hung; SIGKILL is sent, its end awaited.
    Killed(NannyId),
}

/// Deaths, and starts that failed, since the last clean life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failures {
    /// None: another start comes at once.
    Clean,
    /// Some: the pauses before other starts.
    Failed(Backoff),
    /// Too many: the longest pause before each start.
    TooMany,
}

/// What a nanny has reported of its checks, for the status.
#[derive(Clone, Debug, Default)]
pub struct CheckRecord {
    /// Good checks in a row that bring the server back; 0 before it is reported.
    pub needed: u32,
    /// Why the server is down.
    pub reason: Reason,
    /// The last check: when its report came, how long it took, how it went.
    pub check: Option<(Mono, Duration, CheckResult)>,
}

/// One monitor's process and its record.
#[derive(Clone, Debug)]
pub struct Supervised {
    /// Where its process is.
    pub life: Life,
    /// The last report of its nannies: the next one goes on from there.
    pub standing: Option<Standing>,
    /// What they have said of their checks.
    pub said: CheckRecord,
    /// The process id, while one runs.
    pub pid: Option<u32>,
    /// Processes started so far.
    pub starts: u32,
    failures: Failures,
    /// The pauses between starts, while the machine lacks something.
    shortage: Option<Backoff>,
    /// When its nannies died, within [`DEATH_WINDOW`].
    deaths: Vec<Mono>,
    /// When the present or last one was started.
    born: Mono,
    /// Whether it has reported a good check.
    has_checked_well: bool,
    /// Since when its silence is noticed.
    doubted: Option<Mono>,
}

impl Supervised {
    /// A monitor that is to be started at once.
    pub fn new(now: Mono) -> Self {
        Self {
            life: Life::Due(now),
            standing: None,
            said: CheckRecord::default(),
            pid: None,
            starts: 0,
            failures: Failures::Clean,
            shortage: None,
            deaths: Vec::new(),
            born: now,
            has_checked_well: false,
            doubted: None,
        }
    }

    /// The nanny that runs or is about to end.
    pub fn nanny(&self) -> Option<NannyId> {
        match self.life {
            Life::Running { nanny, .. } | Life::Killed(nanny) => Some(nanny),
            Life::Due(_) => None,
        }
    }

    /// A nanny was started.
    pub fn begin(&mut self, now: Mono, nanny: NannyId) {
        self.born = now;
        self.has_checked_well = false;
        self.life = Life::Running { nanny, heard: now };
        self.doubted = None;
    }

    /// It runs, as this process.
    pub fn run(&mut self, pid: u32) {
        self.pid = Some(pid);
        self.shortage = None;
        self.starts = self.starts.saturating_add(1);
    }

    /// The nanny has been heard.
    pub fn hear(&mut self, now: Mono) {
        if let Life::Running { heard, .. } = &mut self.life {
            *heard = now;
            self.doubted = None;
        }
    }

    /// Keeps what a report says of the checks.
    pub fn note(&mut self, now: Mono, report: &Report) {
        match report {
            Report::Alive => {}
            Report::State { needed, reason, .. } => {
                self.said.needed = *needed;
                self.said.reason = reason.clone();
            }
            Report::Check { result, duration } => {
                self.has_checked_well |= *result == CheckResult::Good;
                self.said.check = Some((now, *duration, result.clone()));
            }
        }
    }

    /// How long it has been silent, if that is too long for checks every `interval`.
    ///
    /// Ask at each [`deadline`](Self::deadline): the silence must have been noticed half an interval
    /// before. After a pause of the machine a nanny can speak before it is called silent.
    pub fn silence(&mut self, now: Mono, interval: Duration) -> Option<Duration> {
        let Life::Running { heard, .. } = self.life else {
            return None;
        };
        if now < heard + time_to_doubt(interval) {
            return None;
        }
        let doubted = *self.doubted.get_or_insert(now);
        let is_silent = now > end_of_doubt(heard, doubted, interval);
        is_silent.then_some(now - heard)
    }

    /// When something is to be done for it.
    pub fn deadline(&self, interval: Duration) -> Option<Mono> {
        match (self.life, self.doubted) {
            (Life::Due(at), _) => Some(at),
            (Life::Running { heard, .. }, None) => Some(heard + time_to_doubt(interval)),
            // A nanny may speak in this very moment; only later than this it is silent.
            (Life::Running { heard, .. }, Some(doubted)) => {
                Some(end_of_doubt(heard, doubted, interval) + Duration::from_millis(1))
            }
            (Life::Killed(_), _) => None,
        }
    }

    /// Whether the machine lacked something for its last start.
    pub const fn lacks_something(&self) -> bool {
        self.shortage.is_some()
    }

    /// Deaths within the last minute.
    pub fn recent_deaths(&self, now: Mono) -> usize {
        let recent = |death: &&Mono| now - **death <= DEATH_WINDOW;
        self.deaths.iter().filter(recent).count()
    }

    /// Whether its nannies have died too often, and none watches its server again: none has found it good
    /// since, or lived long.
    pub fn is_hopeless(&self, now: Mono) -> bool {
        let runs = matches!(self.life, Life::Running { .. });
        let watches = runs && self.has_checked_well;
        self.failures == Failures::TooMany && !watches && now - self.born < CLEAN_LIFE
    }

    /// Nobody can say any more that the server is good: it is down, at `place`. Returns whether that is
    /// new. An operator's order stays.
    pub fn abandon(&mut self, place: Place) -> bool {
        let phase = self.standing.map(|standing| standing.phase);
        if matches!(
            phase,
            Some(Phase::Down | Phase::ForcedDown | Phase::ForcedUp)
        ) {
            return false;
        }
        self.standing = Some(Standing {
            phase: Phase::Down,
            place,
            count: 0,
        });
        self.said.reason = Reason::new("its nannies keep dying");
        true
    }

    /// The nanny ended though nobody told it to.
    pub fn die(&mut self, now: Mono) -> AfterDeath {
        self.pid = None;
        if now - self.born >= CLEAN_LIFE {
            self.failures = Failures::Clean;
        }
        self.deaths.push(now);
        self.deaths.retain(|death| now - *death <= DEATH_WINDOW);
        if self.recent_deaths(now) >= TOO_MANY_DEATHS {
            // From here on one try a minute, until one lives long enough.
            self.failures = Failures::TooMany;
        }
        let pause = self.pause();
        self.life = Life::Due(now + pause);
        if pause == LONGEST_PAUSE {
            AfterDeath::ManualAction(pause)
        } else {
            AfterDeath::Restart(pause)
        }
    }

    /// It could not be started. This counts as a death unless the machine lacked something.
    pub fn fail_to_start(&mut self, now: Mono, is_shortage: bool) -> AfterDeath {
        self.born = now;
        if is_shortage {
            let pauses = Backoff::new(FIRST_PAUSE, LONGEST_SHORTAGE_PAUSE);
            let pause = self.shortage.get_or_insert(pauses).pause();
            self.life = Life::Due(now + pause);
            return AfterDeath::Restart(pause);
        }
        self.die(now)
    }

    /// 0, 1, 2, 4 … 60 s.
    fn pause(&mut self) -> Duration {
        match &mut self.failures {
            Failures::Clean => {
                let pauses = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
                self.failures = Failures::Failed(pauses);
                Duration::ZERO
            }
            Failures::Failed(pauses) => pauses.pause(),
            Failures::TooMany => LONGEST_PAUSE,
        }
    }
}

/// Half an interval before the silence is too long.
fn time_to_doubt(interval: Duration) -> Duration {
    interval * SILENT_INTERVALS - interval / 2
}

fn end_of_doubt(heard: Mono, doubted: Mono, interval: Duration) -> Mono {
    (heard + interval * SILENT_INTERVALS).max(doubted + interval / 2)
}
