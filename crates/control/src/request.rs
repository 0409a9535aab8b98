//! What is asked on pulse's control socket, one JSON object a line, and how an order is answered.
//!
//! ```text
//! {"ask":"status"}                       the lines of a PulseReport
//! {"ask":"order","order":"standby on"}   {"kind":"done",…} or {"kind":"refused",…}
//! ```
//!
//! An empty line, or none, asks for the status.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where pulse is asked. Root and the group of the process connect; only root gives orders.
pub const PULSE_SOCKET: &str = "/run/lvs/pulse.sock";

/// One line to pulse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Request {
    /// How things are.
    Status,
    /// Something is to be done.
    Order {
        /// What.
        order: PulseOrder,
    },
}

impl Request {
    /// Reads one line, without its end.
    ///
    /// # Errors
    /// No JSON, or none of the requests.
    pub fn decode(line: &[u8]) -> Result<Self, RequestError> {
        if line.trim_ascii().is_empty() {
            return Ok(Self::Status);
        }
        serde_json::from_slice(line).map_err(|error| RequestError(error.to_string()))
    }
}

impl fmt::Display for Request {
    /// The line, without its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// A line that asks for nothing that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestError(String);

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not understood: {}", self.0)
    }
}

impl std::error::Error for RequestError {}

/// An order to pulse. Only root may give one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PulseOrder {
    /// The active node hands over.
    #[serde(rename = "failover")]
    Failover,
    /// Stay alive but never take over.
    #[serde(rename = "standby on")]
    StandbyOn,
    /// The end of that.
    #[serde(rename = "standby off")]
    StandbyOff,
    /// Nothing moves.
    #[serde(rename = "freeze on")]
    FreezeOn,
    /// The end of that.
    #[serde(rename = "freeze off")]
    FreezeOff,
    /// Read lvs.cf again, and say what came of it.
    #[serde(rename = "reload")]
    Reload,
}

impl PulseOrder {
    /// Every order.
    pub const ALL: [Self; 6] = [
        Self::Failover,
        Self::StandbyOn,
        Self::StandbyOff,
        Self::FreezeOn,
        Self::FreezeOff,
        Self::Reload,
    ];

    /// Its words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Failover => "failover",
            Self::StandbyOn => "standby on",
            Self::StandbyOff => "standby off",
            Self::FreezeOn => "freeze on",
            Self::FreezeOff => "freeze off",
            Self::Reload => "reload",
        }
    }
}

impl fmt::Display for PulseOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// Words that are no order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownOrder(String);

impl fmt::Display for UnknownOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no order \"{}\"; there are: ", self.0)?;
        for (place, order) in PulseOrder::ALL.iter().enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            write!(f, "{comma}{order}")?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownOrder {}

impl FromStr for PulseOrder {
    type Err = UnknownOrder;

    fn from_str(text: &str) -> Result<Self, UnknownOrder> {
        let is_it = |order: &Self| order.words() == text;
        let found = Self::ALL.into_iter().find(is_it);
        found.ok_or_else(|| UnknownOrder(text.to_owned()))
    }
}
