//! How to end a process that may not want to end.

use std::time::Duration;

use crate::Mono;

/// How long to wait for a process that has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Time between SIGTERM and SIGKILL.
    pub grace: Duration,
    /// Time that SIGKILL has to take effect, each time. Without it there is no limit.
    pub last: Option<Duration>,
}

/// What to do now about a process that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndStep {
    /// Send SIGTERM.
    Ask,
    /// Send SIGKILL.
    Kill,
    /// SIGKILL was not enough: the kernel keeps the process, perhaps for a disk. Give it up, or kill it
    /// once more. Comes again after every further [`Patience::last`].
    Stuck,
}

/// The end of one process: asked, killed, found stuck.
///
/// ```text
///                 at           grace          last
///  Ending::at ────▶ asked ───────▶ killed ───────▶ stuck ───┐
///              Ask    ▲      Kill    ▲      Stuck    ▲      │ last
///                     │              │               └──────┘ Stuck
///              Ending::asked   Ending::killed
/// ```
///
/// It sends nothing and waits for nothing. Its owner calls [`due`](Self::due) at each
/// [`deadline`](Self::deadline), does the step, and drops the `Ending` when the process has been reaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    stage: Stage,
    deadline: Option<Mono>,
    patience: Patience,
}

/// The signal that was sent last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// None: its time is not over.
    Allowed,
    /// SIGTERM.
    Asked,
    /// SIGKILL.
    Killed,
    /// SIGKILL, which has not helped in time.
    Stuck,
}

impl Patience {
    /// `grace` between all signals: SIGTERM, SIGKILL, and SIGKILL again.
    #[must_use]
    pub const fn even(grace: Duration) -> Self {
        Self {
            grace,
            last: Some(grace),
        }
    }
}

impl Ending {
    /// The process may run until `deadline`; then it is asked to end.
    #[must_use]
    pub const fn at(deadline: Mono, patience: Patience) -> Self {
        Self {
            stage: Stage::Allowed,
            deadline: Some(deadline),
            patience,
        }
    }

    /// SIGTERM is sent at `now`.
    #[must_use]
    pub fn asked(now: Mono, patience: Patience) -> Self {
        Self {
            stage: Stage::Asked,
            deadline: Some(now + patience.grace),
            patience,
        }
    }

    /// SIGKILL is sent at `now`, without asking first.
    #[must_use]
    pub fn killed(now: Mono, patience: Patience) -> Self {
        Self {
            stage: Stage::Killed,
            deadline: patience.last.map(|last| now + last),
            patience,
        }
    }

    /// When to call [`due`](Self::due).
    #[must_use]
    pub const fn deadline(&self) -> Option<Mono> {
        self.deadline
    }

    /// Whether it is time for the next step.
    #[must_use]
    pub fn is_due(&self, now: Mono) -> bool {
        self.deadline.is_some_and(|at| at <= now)
    }

    /// What is to be done now, if it is time.
    pub fn due(&mut self, now: Mono) -> Option<EndStep> {
        if !self.is_due(now) {
            return None;
        }
        Some(match self.stage {
            Stage::Allowed => {
                *self = Self::asked(now, self.patience);
                EndStep::Ask
            }
            Stage::Asked => {
                *self = Self::killed(now, self.patience);
                EndStep::Kill
            }
            Stage::Killed | Stage::Stuck => {
                *self = Self::killed(now, self.patience);
                self.stage = Stage::Stuck;
                EndStep::Stuck
            }
        })
    }

    /// It has to end before its time. Returns whether to send SIGTERM now: not if that was sent already.
    pub fn ask(&mut self, now: Mono) -> bool {
        let is_allowed = !self.is_asked();
        if is_allowed {
            *self = Self::asked(now, self.patience);
        }
        is_allowed
    }

    /// Waits for it with less `patience`, and asks it at `deadline` at the latest. One that was asked
    /// already has the new grace from `deadline` on.
    pub fn hurry(&mut self, deadline: Mono, patience: Patience) {
        self.patience = patience;
        let latest = match self.is_asked() {
            true => deadline + patience.grace,
            false => deadline,
        };
        self.deadline = self.deadline.map(|at| at.min(latest));
    }

    /// Whether its time is over: a signal was sent.
    #[must_use]
    pub const fn is_asked(&self) -> bool {
        !matches!(self.stage, Stage::Allowed)
    }

    /// Whether SIGKILL was sent.
    #[must_use]
    pub const fn is_killed(&self) -> bool {
        matches!(self.stage, Stage::Killed | Stage::Stuck)
    }

    /// Whether SIGKILL has not ended it in time.
    #[must_use]
    pub const fn is_stuck(&self) -> bool {
        matches!(self.stage, Stage::Stuck)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        grace: Duration::from_secs(5),
        last: Some(Duration::from_secs(2)),
    };

    fn at(seconds: u64) -> Mono {
        Mono::ZERO + Duration::from_secs(seconds)
    }

    /// Every step until second 60, with its time; each at the deadline that was said before.
    fn steps(mut ending: Ending) -> Vec<(u64, EndStep)> {
        let mut steps = Vec::new();
        while let Some(deadline) = ending.deadline().filter(|it| *it < at(60)) {
            let before = deadline.since(Mono::ZERO + Duration::from_millis(1));
            assert_eq!(ending.due(Mono::new(before)), None, "{ending:?}");
            let step = ending.due(deadline).expect("it is time");
            steps.push((deadline.since(Mono::ZERO).as_secs(), step));
        }
        steps
    }

    #[test]
    fn a_process_is_asked_then_killed_then_found_stuck_again_and_again() {
        let stuck = |from: u64, pause: usize| {
            let times = (from..60).step_by(pause);
            times.map(|second| (second, EndStep::Stuck))
        };
        let patient = Patience {
            last: None,
            ..PATIENCE
        };
        let even = Patience::even(Duration::from_secs(5));
        let (ask, kill) = ((10, EndStep::Ask), (15, EndStep::Kill));
        let rows: [(Ending, Vec<(u64, EndStep)>); 6] = [
            (
                Ending::at(at(10), PATIENCE),
                [ask, kill].into_iter().chain(stuck(17, 2)).collect(),
            ),
            (
                Ending::at(at(10), even),
                [ask, kill].into_iter().chain(stuck(20, 5)).collect(),
            ),
            (Ending::at(at(10), patient), vec![ask, kill]),
            (
                Ending::asked(at(10), PATIENCE),
                [kill].into_iter().chain(stuck(17, 2)).collect(),
            ),
            (Ending::killed(at(10), PATIENCE), stuck(12, 2).collect()),
            (Ending::killed(at(10), patient), Vec::new()),
        ];
        for (ending, expected) in rows {
            assert_eq!(steps(ending), expected, "{ending:?}");
        }
    }

    #[test]
    fn a_step_that_comes_late_moves_the_next_one() {
        let mut ending = Ending::at(at(10), PATIENCE);
        assert_eq!(ending.due(at(30)), Some(EndStep::Ask));
        assert_eq!(ending.due(at(34)), None);
        assert_eq!(ending.due(at(40)), Some(EndStep::Kill));
        assert_eq!(ending.deadline(), Some(at(42)));
    }

    #[test]
    fn what_was_done_is_known() {
        let mut ending = Ending::at(at(0), PATIENCE);
        let state = |it: &Ending| (it.is_asked(), it.is_killed(), it.is_stuck());
        assert_eq!(state(&ending), (false, false, false));
        for (second, expected) in [
            (0, (true, false, false)),
            (5, (true, true, false)),
            (7, (true, true, true)),
            (9, (true, true, true)),
        ] {
            ending.due(at(second));
            assert_eq!(state(&ending), expected, "{second}");
        }
    }

    #[test]
    fn a_process_is_asked_before_its_time_only_once() {
        let mut ending = Ending::at(at(60), PATIENCE);
        assert!(ending.ask(at(3)));
        assert!(!ending.ask(at(4)));
        assert_eq!(steps(ending).first(), Some(&(8, EndStep::Kill)));
    }

    #[test]
    fn who_is_in_a_hurry_waits_less_and_never_longer() {
        let short = Patience::even(Duration::from_secs(1));
        // (the end, hurried at this second, its next deadline)
        let rows = [
            (Ending::at(at(30), PATIENCE), 10, 10),
            (Ending::at(at(30), PATIENCE), 40, 30),
            (Ending::asked(at(30), PATIENCE), 31, 32),
            (Ending::asked(at(30), PATIENCE), 35, 35),
        ];
        for (mut ending, from, deadline) in rows {
            ending.hurry(at(from), short);
            assert_eq!(ending.deadline(), Some(at(deadline)), "{ending:?}");
            let pauses: Vec<u64> = steps(ending).iter().map(|(at, _)| *at).collect();
            assert!(
                pauses.is_sorted_by(|one, next| next - one == 1),
                "{pauses:?}"
            );
        }
    }
}
