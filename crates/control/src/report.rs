//! What a nanny says to lvsd.

use std::fmt;
use std::time::Duration;

use lvs_model::Weight;

use crate::fields::Fields;
use crate::{MessageError, Reason, Standing};

/// How one check went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckResult {
    /// The server answered as it should.
    Good,
    /// It did not, for this reason.
    Failed(Reason),
}

/// One message from a nanny to lvsd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// The nanny runs: sent at least once per check interval, also while a check waits.
    Alive,
    /// Its verdict: sent when anything in it changes, and once after an [`adopt`](crate::Order::Adopt).
    State {
        /// What it now knows and wants.
        standing: Standing,
        /// Good checks in a row that a server needs to come back (T).
        needed: u32,
        /// The weight that the slow start leads to.
        target: Weight,
        /// Why it is down; empty while it is up.
        reason: Reason,
    },
    /// One check is through.
    Check {
        /// How it went.
        result: CheckResult,
        /// How long it took; whole microseconds on the wire.
        duration: Duration,
    },
}

impl Report {
    /// Reads one datagram.
    ///
    /// # Errors
    /// [`MessageError`] for anything that `to_string()` of a report does not write.
    pub fn decode(datagram: &[u8]) -> Result<Self, MessageError> {
        let (word, mut fields) = Fields::split(datagram)?;
        match word {
            "alive" => fields.end().map(|()| Self::Alive),
            "state" => decode_state(&mut fields),
            "check" => decode_check(&mut fields),
            _ => Err(MessageError::UnknownWord),
        }
    }
}

fn decode_state(fields: &mut Fields<'_>) -> Result<Report, MessageError> {
    let standing = fields.standing()?;
    fields.expect("of")?;
    let needed = fields.number("needed count")?;
    fields.expect("target")?;
    let target = fields.weight("target")?;
    let reason = fields.reason();
    Ok(Report::State {
        standing,
        needed,
        target,
        reason,
    })
}

fn decode_check(fields: &mut Fields<'_>) -> Result<Report, MessageError> {
    let good = match fields.word("result")? {
        "good" => true,
        "failed" => false,
        _ => return Err(MessageError::Bad("result")),
    };
    let duration = Duration::from_micros(fields.number("duration")?);
    let result = if good {
        fields.end()?;
        CheckResult::Good
    } else {
        CheckResult::Failed(fields.reason())
    };
    Ok(Report::Check { result, duration })
}

impl fmt::Display for Report {
    /// The datagram's text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alive => f.write_str("alive"),
            Self::State {
                standing,
                needed,
                target,
                reason,
            } => write!(f, "state {standing} of {needed} target {target} {reason}"),
            Self::Check { result, duration } => {
                // 64 bits of microseconds are half a million years.
                let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
                match result {
                    CheckResult::Good => write!(f, "check good {micros}"),
                    CheckResult::Failed(reason) => write!(f, "check failed {micros} {reason}"),
                }
            }
        }
    }
}
