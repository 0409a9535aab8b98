//! Messages between lvsd and a nanny: one text datagram each, on a `SOCK_SEQPACKET` pair.
//!
//! The nanny's end is its standard input, so end-of-file is also the news that lvsd is gone. Both
//! programs encode with `to_string()` and decode with `decode`; nothing in here sends.
//!
//! | direction | text | type |
//! |---|---|---|
//! | nanny to lvsd | `alive` | [`Report::Alive`] |
//! | | `state PHASE PLACE COUNT of NEEDED target WEIGHT REASON` | [`Report::State`] |
//! | | `check good MICROSECONDS` · `check failed MICROSECONDS REASON` | [`Report::Check`] |
//! | lvsd to nanny | `adopt PHASE PLACE COUNT` | [`Order::Adopt`] |
//! | | `target WEIGHT` | [`Order::Target`] |
//! | | `check` | [`Order::Check`] |
//!
//! `PHASE` is a word of [`Phase`], `PLACE` is `out` or the weight in the table, `REASON` is the rest
//! of the message. A message that changes its meaning gets a new first word: what is not in this
//! table is refused as a [`MessageError`], never guessed at.
//!
//! - [`Report`], [`Order`]: the messages
//! - [`Standing`], [`Phase`], [`Place`]: what a nanny knows of its server
//! - [`Reason`]: text that fits a message
//! - [`check_options`]: the part of a nanny's command line that says how it checks
//! - [`Errand`], [`News`]: an order or a report with the nanny that it is for, one of a [`Crew`]
//!
//! The status socket of lvsd is the other direction, out of the daemon: [`Status`]. pulse's control
//! socket hears a [`Request`] and answers with a [`PulseReport`] or another [`PulseLine`].

pub mod check_options;
mod error;
mod fields;
mod json;
mod order;
mod pulse;
mod pulse_screen;
mod pulse_services;
mod reason;
mod report;
mod request;
mod service_summary;
mod shared;
mod standing;
mod status;

#[cfg(test)]
mod pulse_tests;
#[cfg(test)]
mod tests;

pub use error::MessageError;
pub use order::Order;
pub use pulse::{
    AddressStatus, ChildStatus, OrderStatus, PartnerStatus, PathStatus, PulseLine, PulseReport,
    PulseStatus, SignatureStatus, SyncStatus, TransitionStatus, seconds,
};
pub use reason::Reason;
pub use report::{CheckResult, Report};
pub use request::{PULSE_SOCKET, PulseOrder, Request, RequestError, UnknownOrder};
pub use service_summary::{LvsdSummary, ServiceSummary, SorrySummary};
pub use shared::{Crew, Errand, MAX_ERRANDS, MAX_NEWS, News};
pub use standing::{Phase, Place, Standing};
pub use status::{CheckStatus, FileStatus, ServerStatus, ServiceStatus, Status};

/// Where lvsd reports its status to whoever connects: root, and the group of the process.
pub const LVSD_SOCKET: &str = "/run/lvs/lvsd.sock";

/// Longest message in bytes; a receiver needs no larger buffer.
pub const MAX_MESSAGE: usize = 512;
