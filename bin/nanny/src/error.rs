//! Why nanny does not start; the texts are the original's where it has one. Status 1 for each.

use std::fmt;
use std::io;

use control::check_options::BadValue;
use healthcheck::CheckError;
use ipvs::IpvsError;
use popt::ScanError;

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
    /// No check can be made of `-s`, `-x` or `-e`.
    Check(CheckError),
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
            Self::Check(error) => write!(f, "bad argument {error}"),
            Self::NoPrograms => f.write_str("programs need --programs beside --shared"),
            Self::NotUnderLvsd => f.write_str("--shared is for lvsd to use"),
            Self::Table(error) => error.fmt(f),
            Self::System(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}

impl From<ScanError<'_>> for StartError {
    fn from(error: ScanError<'_>) -> Self {
        Self::BadArgument(error.to_string())
    }
}

impl From<BadValue> for StartError {
    fn from(error: BadValue) -> Self {
        Self::BadArgument(error.to_string())
    }
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}
