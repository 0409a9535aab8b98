//! A measured value and the line that carries it from the guest to the host.

use std::fmt;
use std::str::FromStr;

/// Whose value it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The C ipvsadm.
    Peer,
    /// The program under test.
    Candidate,
    /// The kernel's own work, [`crate::floor`].
    Floor,
    /// A program of the candidate's build that does nothing.
    Empty,
    /// keepalived.
    Keepalived,
    /// lvsd with a nanny for each real server.
    Nannies,
    /// lvsd with one nanny for all.
    Shared,
    /// A pair of pulse that starts lvsd at the takeover.
    Pulse,
    /// The same with lvsd on the standby too (lvs.cf `warm_standby`).
    Warm,
}

/// What was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// Thousands of instructions, user and kernel.
    Kiloinstructions,
    /// System calls.
    Calls,
    /// KiB of memory: at the peak, or where the row says so, the proportional share.
    Kibibytes,
    /// Instructions, user and kernel.
    Instructions,
    /// Processes, servers, checks.
    Pieces,
    /// Microseconds of the lab's clock.
    Microseconds,
}

/// The words of the line, in the order of the declarations.
const SUBJECTS: [(&str, Subject); 9] = [
    ("c", Subject::Peer),
    ("candidate", Subject::Candidate),
    ("floor", Subject::Floor),
    ("empty", Subject::Empty),
    ("keepalived", Subject::Keepalived),
    ("nannies", Subject::Nannies),
    ("shared", Subject::Shared),
    ("pulse", Subject::Pulse),
    ("pulse-warm", Subject::Warm),
];
const UNITS: [(&str, Unit); 6] = [
    ("k-instructions", Unit::Kiloinstructions),
    ("calls", Unit::Calls),
    ("kib", Unit::Kibibytes),
    ("instructions", Unit::Instructions),
    ("pieces", Unit::Pieces),
    ("us", Unit::Microseconds),
];

fn word<T: PartialEq + Copy>(words: &[(&'static str, T)], wanted: T) -> &'static str {
    words
        .iter()
        .find(|(_, value)| *value == wanted)
        .map_or("?", |(word, _)| word)
}

fn value<T: Copy>(words: &[(&str, T)], wanted: &str) -> Option<T> {
    words
        .iter()
        .find(|(word, _)| *word == wanted)
        .map(|(_, value)| *value)
}

impl Subject {
    /// Its word in a figure's line.
    #[must_use]
    pub fn name(self) -> &'static str {
        word(&SUBJECTS, self)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(word(&UNITS, *self))
    }
}

/// One measured value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// What was done, without spaces: `restore-100x100`.
    pub what: String,
    /// By whom.
    pub subject: Subject,
    /// What was counted.
    pub unit: Unit,
    /// The median of the runs.
    pub value: u64,
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            subject,
            unit,
            value,
        } = self;
        write!(f, "figure {what} {subject} {unit} {value}")
    }
}

/// The line is no figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoFigure;

impl FromStr for Figure {
    type Err = NoFigure;

    fn from_str(line: &str) -> Result<Self, NoFigure> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["figure", what, subject, unit, number] = words.as_slice() else {
            return Err(NoFigure);
        };
        Ok(Self {
            what: (*what).into(),
            subject: value(&SUBJECTS, subject).ok_or(NoFigure)?,
            unit: value(&UNITS, unit).ok_or(NoFigure)?,
            value: number.parse().map_err(|_| NoFigure)?,
        })
    }
}

/// All values of a run.
#[derive(Clone, Debug, Default)]
pub struct Figures(pub Vec<Figure>);

impl Figures {
    /// The value, if it was measured.
    #[must_use]
    pub fn get(&self, what: &str, unit: Unit, subject: Subject) -> Option<u64> {
        self.0
            .iter()
            .find(|it| it.what == what && it.unit == unit && it.subject == subject)
            .map(|it| it.value)
    }

    /// What was measured in which unit, in the order of the run.
    #[must_use]
    pub fn rows(&self) -> Vec<(&str, Unit)> {
        let mut rows = Vec::new();
        for figure in &self.0 {
            let row = (figure.what.as_str(), figure.unit);
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_survives_its_line() {
        let figure = Figure {
            what: "restore-100x100".into(),
            subject: Subject::Floor,
            unit: Unit::Kiloinstructions,
            value: 106_000,
        };
        assert_eq!(figure.to_string().parse(), Ok(figure));
    }

    #[test]
    fn other_lines_are_no_figures() {
        for line in [
            "",
            "note figure",
            "figure a b c 1",
            "figure a c calls -1",
            "figure a c calls 1 2",
        ] {
            assert_eq!(line.parse::<Figure>(), Err(NoFigure), "{line}");
        }
    }
}
