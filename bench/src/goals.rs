//! What a goal is, and how a run stands against it. The goals themselves are with their
//! [suites](crate::suite).

use crate::figure::{Figures, Subject, Unit};

/// One thing that must be reached.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    /// In words.
    pub title: &'static str,
    /// What is measured, as in [`crate::figure::Figure::what`].
    pub what: &'static str,
    /// In which unit.
    pub unit: Unit,
    /// Who must reach it.
    pub subject: Subject,
    /// The limit.
    pub limit: Limit,
}

/// What a goal is held against.
#[derive(Clone, Copy, Debug)]
pub enum Limit {
    /// At most this many times another program's value in the same run.
    Times(Subject, f64),
    /// At most this many more than the empty program's.
    AboveEmpty(f64),
    /// At most this many for each of `entries`, beyond what `base` takes.
    PerEntry {
        /// Limit for one.
        each: f64,
        /// How many there are.
        entries: u32,
        /// The measurement with none.
        base: &'static str,
    },
    /// At most so many.
    AtMost(f64),
}

/// How a run stands against one goal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// What was reached, in the limit's measure; `None` if a value is missing.
    pub reached: Option<f64>,
    /// The limit.
    pub limit: f64,
}

impl Standing {
    /// Whether the goal is reached; not if a value is missing.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.reached.is_some_and(|reached| reached <= self.limit)
    }
}

impl Goal {
    /// How `figures` stand against this goal.
    #[must_use]
    pub fn judge(&self, figures: &Figures) -> Standing {
        let of = |what, subject| figures.get(what, self.unit, subject).map(number);
        let own = of(self.what, self.subject);
        let (reached, limit) = match self.limit {
            Limit::Times(peer, limit) => {
                let peer = of(self.what, peer).filter(|peer| *peer > 0.0);
                (own.zip(peer).map(|(own, peer)| own / peer), limit)
            }
            Limit::AboveEmpty(limit) => {
                let empty = of(self.what, Subject::Empty);
                (own.zip(empty).map(|(own, empty)| own - empty), limit)
            }
            Limit::PerEntry {
                each,
                entries,
                base,
            } => {
                let base = of(base, self.subject);
                let per = |(own, base)| (own - base) / f64::from(entries);
                (own.zip(base).map(per), each)
            }
            Limit::AtMost(limit) => (own, limit),
        };
        Standing { reached, limit }
    }
}

/// A count as a number to divide by.
#[must_use]
pub fn number(count: u64) -> f64 {
    // Counts here are far below 2^32 thousands; more than that is no ratio anybody reads.
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Figure;
    use crate::suite::TABLES;

    fn figures(lines: &[&str]) -> Figures {
        let parse = |line: &&str| line.parse::<Figure>().unwrap();
        Figures(lines.iter().map(parse).collect())
    }

    fn goal(title: &str) -> Goal {
        *TABLES
            .goals
            .iter()
            .find(|goal| goal.title == title)
            .unwrap()
    }

    #[test]
    fn a_ratio_is_held_against_the_peer_of_the_same_run() {
        let goal = goal("start-up (-Ln, empty table), times C");
        let mut run = figures(&[
            "figure start c k-instructions 1000",
            "figure start candidate k-instructions 600",
        ]);
        assert!(goal.judge(&run).is_met());
        run.0[1].value = 601;
        assert!(!goal.judge(&run).is_met());
    }

    #[test]
    fn calls_of_the_start_do_not_count_as_calls_of_the_rules() {
        let goal = goal("restore, system calls a rule without start-up");
        let run = figures(&[
            "figure restore-nothing candidate calls 50",
            "figure restore-100x100 candidate calls 151",
        ]);
        assert_eq!(goal.judge(&run).reached, Some(0.01));
    }

    #[test]
    fn a_goal_without_a_value_is_not_met() {
        for goal in TABLES.goals {
            assert!(!goal.judge(&Figures::default()).is_met(), "{}", goal.title);
        }
    }
}
