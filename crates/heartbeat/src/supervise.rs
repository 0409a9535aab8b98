//! The supervised service (lvsd): is it there, how often did it end, when is it tried again.

use std::time::Duration;

use lvs_model::{Backoff, EndStep, Ending, Mono, Patience};

/// Time in which a service must report that it serves. It doubles after each start that took longer: otherwise
/// a service would never serve on a machine that is too busy.
pub const READY_WITHIN: Duration = Duration::from_secs(10);
/// Most doublings of it: 80 s.
const MOST_DOUBLINGS: u32 = 3;
/// After this many slow starts in a row the service counts as not staying up.
const SLOW_STARTS_ALLOWED: u32 = 2;
/// Time that a service has to end after it was asked to.
pub const ENDS_WITHIN: Duration = Duration::from_secs(10);
/// Time in which a killed service must be gone. The kernel may keep it, if a disk does not answer.
pub const GONE_WITHIN: Duration = Duration::from_secs(5);
/// Longest pause between two signs of life, of a service that gives any.
pub const ALIVE_EVERY: Duration = Duration::from_secs(5);
/// One that has shown it, and has not done so again for this long, is doubted. Changes of the kernel's table by
/// a program of the administrator's take it longer than a few seconds.
const DOUBTED_AFTER: Duration = Duration::from_secs(50);
/// Time that a doubted service has to show that it lives: the whole machine may have been frozen.
const LAST_CHANCE: Duration = Duration::from_secs(10);
/// At this many ends within [`WINDOW`] the service counts as not staying up.
const ENDS_ALLOWED: usize = 3;
/// See [`ENDS_ALLOWED`].
const WINDOW: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause between two starts of lvsd: a loaded kernel module, or a mended file, is noticed within
/// ten seconds.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// First pause before a repeated failure is logged again. It doubles, up to the longest.
const FIRST_SILENCE: Duration = Duration::from_secs(10);
const LONGEST_SILENCE: Duration = Duration::from_secs(3600);
/// A service that has served for this time is trusted again.
const PROVEN_AFTER: Duration = Duration::from_secs(3);

/// State of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No process.
    Absent,
    /// Started, not ready; killed at the given time.
    Loading(Mono),
    /// Serves, since then.
    Up(Mono),
    /// Asked to end, or killed; not reaped yet.
    Ending(Ending),
    /// No process; to be started at the given time.
    Pausing(Mono),
}

/// Whether the process has shown that it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// Never: a program of before an upgrade, which does not do that.
    NeverShown,
    /// Then, the last time.
    Shown(Mono),
    /// Not for a while, noticed then.
    Doubted(Mono),
}

impl Life {
    fn deadline(self) -> Option<Mono> {
        match self {
            Self::NeverShown => None,
            Self::Shown(at) => Some(at + DOUBTED_AFTER),
            Self::Doubted(at) => Some(at + LAST_CHANCE),
        }
    }
}

/// The service and its record.
#[derive(Clone, Debug)]
pub struct Supervision {
    state: State,
    /// It has checked every real server.
    is_checked: bool,
    /// The process takes our services out of the kernel's table, and does nothing else.
    is_clearing: bool,
    started_at: Mono,
    life: Life,
    /// How many starts in a row were too slow.
    slow_starts: u32,
    ends: Vec<Mono>,
    /// It did not stay up; see [`Supervision::is_failing`].
    failing: bool,
    pause: Backoff,
    /// The next start was reported; before this time it is not reported again. With the pauses that follow.
    said: Option<(Mono, Backoff)>,
}

impl Default for Supervision {
    fn default() -> Self {
        Self {
            state: State::Absent,
            is_checked: false,
            is_clearing: false,
            started_at: Mono::ZERO,
            life: Life::NeverShown,
            slow_starts: 0,
            failing: false,
            ends: Vec::new(),
            pause: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
            said: None,
        }
    }
}

impl Supervision {
    /// What it does now.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Whether a process may still be there.
    #[must_use]
    pub const fn has_process(&self) -> bool {
        !matches!(self.state, State::Absent | State::Pausing(_))
    }

    /// When something is due.
    #[must_use]
    pub fn next(&self) -> Option<Mono> {
        match self.state {
            State::Loading(at) | State::Pausing(at) => Some(at),
            State::Ending(ending) => ending.deadline(),
            State::Up(_) => self.life.deadline(),
            State::Absent => None,
        }
    }

    /// It was started.
    pub fn started(&mut self, now: Mono) {
        let doublings = self.slow_starts.min(MOST_DOUBLINGS);
        self.state = State::Loading(now + READY_WITHIN * 2_u32.pow(doublings));
        self.started_at = now;
        self.life = Life::NeverShown;
        self.is_checked = false;
    }

    /// It said that it serves.
    pub const fn ready(&mut self, now: Mono) {
        if matches!(self.state, State::Loading(_)) {
            self.state = State::Up(now);
            self.slow_starts = 0;
        }
    }

    /// It showed that it lives.
    pub const fn alive(&mut self, now: Mono) {
        self.life = Life::Shown(now);
    }

    /// It has not shown for too long that it lives. Whether it hangs; else it has a last chance.
    pub const fn hangs(&mut self, now: Mono) -> bool {
        let is_over = matches!(self.life, Life::Doubted(_));
        self.life = Life::Doubted(now);
        is_over
    }

    /// It did not report in time that it serves, and was killed.
    pub fn was_slow(&mut self, now: Mono) {
        self.slow_starts = self.slow_starts.saturating_add(1);
        self.killed(now);
    }

    /// Whether it serves.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        matches!(self.state, State::Up(_))
    }

    /// Whether it runs, and has not been told to end.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        matches!(self.state, State::Loading(_) | State::Up(_))
    }

    /// It said that it has checked every real server.
    pub const fn checked(&mut self) {
        self.is_checked = self.is_up();
    }

    /// Whether it has checked every real server.
    #[must_use]
    pub const fn is_checked(&self) -> bool {
        self.is_checked
    }

    /// It was asked to end, and has this time for it. A killed one was asked for more already.
    pub fn stopping_within(&mut self, now: Mono, time: Duration) {
        if !matches!(self.state, State::Ending(ending) if ending.is_killed()) {
            self.state = State::Ending(Ending::asked(now, patience(time)));
        }
    }

    /// What is to be done about a process that does not end.
    pub fn end_due(&mut self, now: Mono) -> Option<EndStep> {
        match &mut self.state {
            State::Ending(ending) => ending.due(now),
            _ => None,
        }
    }

    /// Whether it was killed, and the kernel keeps it.
    #[must_use]
    pub const fn is_stuck(&self) -> bool {
        matches!(self.state, State::Ending(ending) if ending.is_stuck())
    }

    /// Whether it was asked to end, and not killed.
    #[must_use]
    pub const fn is_asked_to_end(&self) -> bool {
        matches!(self.state, State::Ending(ending) if !ending.is_killed())
    }

    /// It was asked to end.
    pub fn stopping(&mut self, now: Mono) {
        self.stopping_within(now, ENDS_WITHIN);
    }

    /// A process that clears the kernel's table was started: it ends by itself.
    pub fn clearing(&mut self, now: Mono) {
        self.stopping(now);
        self.is_clearing = true;
    }

    /// Whether the process is one that clears the kernel's table.
    #[must_use]
    pub const fn is_clearing(&self) -> bool {
        self.is_clearing
    }

    /// It was killed.
    pub fn killed(&mut self, now: Mono) {
        self.state = State::Ending(Ending::killed(now, patience(ENDS_WITHIN)));
    }

    /// It ended; returns whether it had been asked to, and was not killed.
    pub fn ended(&mut self, now: Mono) -> bool {
        let asked = self.is_asked_to_end();
        self.state = State::Absent;
        self.is_clearing = false;
        if !asked {
            if now - self.started_at >= WINDOW {
                self.pause.reset();
                self.failing = false;
                self.said = None;
            }
            self.ends.retain(|end| now - *end < WINDOW);
            self.ends.push(now);
        }
        asked
    }

    /// Whether it ended too often, or was too slow too often, to be started again at once.
    #[must_use]
    pub fn is_unfit(&self) -> bool {
        let is_slow = self.slow_starts >= SLOW_STARTS_ALLOWED;
        self.failing || is_slow || self.ends.len() >= ENDS_ALLOWED
    }

    /// Puts the next start off; returns by how much. The pause doubles, up to `longest`.
    pub fn put_off(&mut self, now: Mono, longest: Duration) -> Duration {
        self.pause.limit(longest);
        let pause = self.pause.pause();
        self.failing = true;
        self.state = State::Pausing(now + pause);
        pause
    }

    /// Whether to report that the next start was put off: once, and after growing pauses.
    pub fn is_news(&mut self, now: Mono) -> bool {
        let silences = Backoff::new(FIRST_SILENCE, LONGEST_SILENCE);
        let (next, silences) = self.said.get_or_insert((now, silences));
        let is_news = now >= *next;
        if is_news {
            *next = now + silences.pause();
        }
        is_news
    }

    /// No start is planned any more.
    pub const fn cancel_pause(&mut self) {
        if matches!(self.state, State::Pausing(_)) {
            self.state = State::Absent;
        }
    }

    /// Whether it did not stay up, and has not stayed up for a while since.
    #[must_use]
    pub fn is_failing(&self, now: Mono) -> bool {
        let is_proven = matches!(self.state, State::Up(since) if now - since >= PROVEN_AFTER);
        self.failing && !is_proven
    }

    /// A new takeover is a new chance.
    pub fn forgive(&mut self) {
        self.ends.clear();
        self.failing = false;
        self.said = None;
    }
}

const fn patience(grace: Duration) -> Patience {
    Patience {
        grace,
        last: Some(GONE_WITHIN),
    }
}
