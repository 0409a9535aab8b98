//! Why there is no exit status of a run.

use std::fmt;
use std::io;

use crate::boot::BootError;

/// Why there is no exit status of a run.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No test has such a name.
    NoTest(String),
    Boot(BootError),
    Io(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<BootError> for Failure {
    fn from(error: BootError) -> Self {
        Self::Boot(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTest(filters) => write!(f, "test: no lab test called {filters}"),
            Self::Io(error) => write!(f, "{error}"),
            Self::Boot(error) => {
                write!(f, "{error}")?;
                match std::error::Error::source(error) {
                    Some(cause) => write!(f, ": {cause}"),
                    None => Ok(()),
                }
            }
        }
    }
}
