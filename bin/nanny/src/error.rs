//! Why nanny does not start; the texts are the original's where it has one. Status 1 for each.

use std::fmt;
use std::io;

use healthcheck::ExpressionError;
use ipvs::IpvsError;
use lvs_model::EscapeError;

/// Why nanny does not start.
#[derive(Debug)]
pub enum StartError {
    /// A word of the command line and what is wrong with it.
    BadArgument(String),
    /// Words that are no options.
    UnexpectedArguments,
    /// No `-h`.
    NoAddress,
    /// `-h` or `-V` is no address.
    BadAddress(String),
    /// Neither `--lvs` nor `--fos`.
    UnknownType,
    /// `-V` is missing, so no service can be named.
    NoVirtualAddress,
    /// `-s` or `-x` (the option) has a bad escape.
    Escape(&'static str, EscapeError),
    /// `-x` with `--regex` cannot be used.
    Expression(ExpressionError),
    /// `-e` holds no word.
    NoProgram,
    /// A member of a process without `--programs` that would need it.
    NoPrograms,
    /// `--shared` without lvsd.
    NotUnderLvsd,
    /// The kernel's table cannot be reached.
    Table(IpvsError),
    /// Signals, the way into the background, the socket to lvsd.
    System(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadArgument(what) => write!(f, "bad argument {what}"),
            Self::UnexpectedArguments => f.write_str("unexpected arguments"),
            Self::NoAddress => f.write_str("No address supplied. Use '--help' for help. "),
            Self::BadAddress(text) => write!(f, "bad IP address -- {text}"),
            Self::UnknownType => f.write_str("unknown service type"),
            Self::NoVirtualAddress => {
                f.write_str("No virtual address or firewall mark supplied. Use '--help' for help.")
            }
            Self::Escape(option, error) => write!(f, "bad argument {option}: {error}"),
            Self::Expression(error) => {
                write!(f, "bad argument -x: regular expression: {error}")
            }
            Self::NoProgram => f.write_str("bad argument -e: no program"),
            Self::NoPrograms => f.write_str("programs need --programs beside --shared"),
            Self::NotUnderLvsd => f.write_str("--shared is for lvsd to use"),
            Self::Table(error) => error.fmt(f),
            Self::System(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}
