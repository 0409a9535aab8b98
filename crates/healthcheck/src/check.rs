//! A kind of check: from its settings to what a nanny's shell runs. That is one of two things: an exchange
//! over a socket, or a program.

use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;

use lvs_model::{CheckSpec, EscapeError};

use crate::{ExpressionError, NetworkCheck, ProgramCheck, Transport};

/// How a server is checked, again and again.
#[derive(Clone, Debug)]
pub enum Check {
    /// Over the network.
    Network(Rc<NetworkCheck>),
    /// By a program.
    Program(ProgramCheck),
}

/// Who is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Address of the server, and the port that is checked.
    pub real: SocketAddr,
    /// Port of the virtual service.
    pub service_port: u16,
    /// Transport of the service.
    pub transport: Transport,
}

/// What a check is made from.
pub(crate) struct Asked<'a> {
    pub(crate) spec: &'a CheckSpec,
    pub(crate) target: Target,
    /// Its escapes undone.
    pub(crate) send: Option<Vec<u8>>,
    /// Its escapes undone.
    pub(crate) expect: Option<Vec<u8>>,
}

/// A kind of check.
pub(crate) trait Kind: Sync {
    /// Whether it is this kind that the settings ask for.
    fn is_asked(&self, asked: &Asked<'_>) -> bool;

    /// The check that the settings ask for.
    fn make(&self, asked: Asked<'_>) -> Result<Check, CheckError>;

    /// What is to be logged when it is made.
    fn remark(&self, _asked: &Asked<'_>) -> Option<String> {
        None
    }
}

/// Settings that make no check. Its text names nanny's option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckError {
    /// `-s` or `-x` (the option) has a bad escape.
    Escape(&'static str, EscapeError),
    /// `-x` with `--regex` cannot be used.
    Expression(ExpressionError),
    /// `-e` holds no word.
    NoProgram,
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Escape(option, error) => write!(f, "{option}: {error}"),
            Self::Expression(error) => write!(f, "-x: regular expression: {error}"),
            Self::NoProgram => f.write_str("-e: no program"),
        }
    }
}

impl std::error::Error for CheckError {}
