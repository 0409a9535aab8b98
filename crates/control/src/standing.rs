//! What a nanny knows of its server; lvsd keeps the last one and gives it to the next nanny.

use std::fmt;

use lvs_model::Weight;

/// Where a server stands between its first check and its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Not checked yet: the first good check takes it in.
    #[default]
    New,
    /// The last check failed.
    Down,
    /// Good again, but not often enough yet.
    Counting,
    /// In the table below its target weight (slow start).
    Ramp,
    /// In the table with its target weight or, by its load, more.
    Up,
    /// An operator took it out (SIGUSR1); no checks.
    ForcedDown,
    /// An operator put it in (SIGUSR2); no checks.
    ForcedUp,
}

impl Phase {
    /// All phases, in the order of a server's life.
    pub const ALL: [Self; 7] = [
        Self::New,
        Self::Down,
        Self::Counting,
        Self::Ramp,
        Self::Up,
        Self::ForcedDown,
        Self::ForcedUp,
    ];

    /// The phase that a message or a status page calls `word`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.word() == word)
    }

    /// Its word in messages and on status pages.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Down => "down",
            Self::Counting => "counting",
            Self::Ramp => "ramp",
            Self::Up => "up",
            Self::ForcedDown => "forced-down",
            Self::ForcedUp => "forced-up",
        }
    }

    /// Whether the server shall get connections.
    #[must_use]
    pub const fn is_up(self) -> bool {
        matches!(self, Self::Ramp | Self::Up | Self::ForcedUp)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Whether the destination belongs into the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// It does not.
    #[default]
    Out,
    /// With this weight; 0 when it is quiesced.
    In(Weight),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Out => f.write_str("out"),
            Self::In(weight) => weight.fmt(f),
        }
    }
}

/// All that a nanny must know to go on where another one ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Where it stands.
    pub phase: Phase,
    /// Where the nanny wants its destination; in an order, where it is.
    pub place: Place,
    /// Good checks in a row since the last failed one.
    pub count: u32,
}

impl Standing {
    /// The standing of a server of which only the kernel's entry is known: `place`, with its weight in the
    /// table, and `target`, the configured weight.
    #[must_use]
    pub fn found(place: Place, target: Weight) -> Self {
        let phase = match place {
            Place::In(weight) if weight == Weight::ZERO && target != Weight::ZERO => Phase::New,
            Place::In(weight) if weight < target => Phase::Ramp,
            Place::In(_) => Phase::Up,
            Place::Out => Phase::New,
        };
        Self {
            phase,
            place,
            count: 0,
        }
    }
}

impl fmt::Display for Standing {
    /// As in messages: `ramp 6 3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.phase, self.place, self.count)
    }
}
