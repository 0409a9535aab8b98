//! Why a word cannot be an option, in popt's words.

use std::fmt;

/// Why a word cannot be an option. Prints popt's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No row has this name or letter.
    UnknownOption,
    /// The value is missing at the end of the line.
    MissingArgument,
    /// A value is attached to an option that takes none.
    UnwantedArgument,
    /// An alias expands to aliases more than ten deep.
    AliasesTooDeep,
    /// The value is no number.
    InvalidNumber,
    /// The number does not fit 32 bits.
    NumberOutOfRange,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownOption => "unknown option",
            Self::MissingArgument => "missing argument",
            Self::UnwantedArgument => "option does not take an argument",
            Self::AliasesTooDeep => "aliases nested too deeply",
            Self::InvalidNumber => "invalid numeric value",
            Self::NumberOutOfRange => "number too large or too small",
        })
    }
}
