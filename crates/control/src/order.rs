//! What lvsd says to a nanny.

use std::fmt;

use lvs_model::Weight;

use crate::fields::Fields;
use crate::{MessageError, Standing};

/// One message from lvsd to a nanny.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Go on from here. The first order of every nanny, which waits for it before its first check
    /// (but no longer than one interval): [`Standing::default`] for a server never seen.
    Adopt(Standing),
    /// The configured weight has changed: move there by the slow start from the present one.
    Target(Weight),
    /// Check now instead of at the end of the pause. Ends no forced phase and no counting.
    Check,
}

impl Order {
    /// Reads one datagram.
    ///
    /// # Errors
    /// [`MessageError`] for anything that `to_string()` of an order does not write.
    pub fn decode(datagram: &[u8]) -> Result<Self, MessageError> {
        let (word, mut fields) = Fields::split(datagram)?;
        let order = match word {
            "adopt" => Self::Adopt(fields.standing()?),
            "target" => Self::Target(fields.weight("target")?),
            "check" => Self::Check,
            _ => return Err(MessageError::UnknownWord),
        };
        fields.end()?;
        Ok(order)
    }
}

impl fmt::Display for Order {
    /// The datagram's text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Adopt(standing) => write!(f, "adopt {standing}"),
            Self::Target(weight) => write!(f, "target {weight}"),
            Self::Check => f.write_str("check"),
        }
    }
}
