//! What a heartbeat says besides its value, or why it counts for nothing.

use std::fmt;

use crate::datagram::DecodeError;
use crate::datagram::signed::{SignatureError, State, Statement};

/// What the partner said besides the value: under its signature, or unsigned by a [`Mark`](crate::datagram::Mark).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// The statement.
    pub statement: Statement,
    /// It has verified a heartbeat of ours: what we say under our signature reaches it.
    pub knows_us: bool,
    /// Nothing newer came before it. An older one is a sign of life and nothing else.
    pub newest: bool,
    /// The first of its boot id: the partner may not know yet that we hear it.
    pub first: bool,
    /// How it was signed.
    pub form: Form,
    /// It is of our own role: one lvs.cf has `primary` and `backup` the other way round.
    pub same_role: bool,
}

impl Said {
    /// What a mark says. There is no term, and a sender of marks hears us.
    pub(crate) const fn unsigned(state: State) -> Self {
        Self {
            statement: Statement {
                state,
                term: 0,
                by_term: false,
                hears: true,
                fit: true,
                asks: false,
                details: None,
            },
            knows_us: true,
            newest: true,
            first: false,
            form: Form::Unsigned,
            same_role: false,
        }
    }
}

/// How a heartbeat is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// Not at all, or in a way that does not count.
    Unsigned,
    /// With the statement of the given version.
    Signed(u8),
}

/// Why a datagram counts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiscardReason {
    /// The four bytes are no heartbeat's.
    NoHeartbeat(DecodeError),
    /// Signatures are required, and this one is not good.
    Signature(SignatureError),
    /// It was heard before, or comes from an earlier start of the partner.
    Replayed,
    /// It is ours: somebody sends it back.
    Reflected,
    /// It echoes nothing that we sent within the dead time: somebody held it back.
    HeldBack,
}

impl fmt::Display for DiscardReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHeartbeat(error) => error.fmt(f),
            Self::Signature(error) => write!(f, "heartbeat refused: {error}"),
            Self::Replayed => f.write_str("heartbeat refused: replayed"),
            Self::Reflected => f.write_str("heartbeat refused: our own, sent back"),
            Self::HeldBack => f.write_str("heartbeat refused: older than the dead time"),
        }
    }
}
