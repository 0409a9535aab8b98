//! nanny's decisions: one check, the up and down of a server, its weight. Without I/O and clock.
//!
//! A shell (bin/nanny) wires them to sockets, processes and the table:
//! - [`Check`] (`check`): what the settings of a check come to; `kinds` is the table of the kinds of check
//! - [`Probe`] (`probe`): one check over the network, [`ProgramCheck`] (`program`): one by a program; both end
//!   in an [`Outcome`]
//! - [`Monitor`] (`monitor`): what a real server's outcomes mean for the table (`--lvs`); `weight`: with which
//!   weight
//! - [`Failover`] (`failover`): what a partner's service's outcomes mean for fos (`--fos`)
//! - [`Input`], [`Action`] (`event`): what goes into these machines and comes out
//! - [`LoadSource`], [`load_average`], [`host_names`] (`load`), [`RstatQuery`] (`rstat_query`): a server's load
//! - [`rstat`], [`rwho`]: the bytes in which a server, or the director's rwhod, says it; [`fuzz`]: their
//!   decoders as a fuzz target
//! - [`Expect`] (`expect`), [`Expression`] (`expression`), [`Command`]: texts of lvs.cf; [`Answer`],
//!   [`Search`]: what is looked for in an answer while it comes
//! - `ere`, `pattern`, `nfa`: an expression read, in parts, and compiled; `expression_error`: why not
//! - [`Failure`] (`failure`), [`Notice`] (`notice`): every reason and every log line; `shown`: bytes made
//!   readable in them

mod check;
mod ere;
mod event;
mod expect;
mod expression;
mod expression_error;
mod failover;
mod failure;
pub mod fuzz;
mod kinds;
mod load;
mod monitor;
mod nfa;
mod notice;
mod pattern;
mod probe;
mod program;
pub mod rstat;
mod rstat_query;
pub mod rwho;
mod shown;
mod weight;

#[cfg(test)]
mod tests;

pub use check::{Check, CheckError, Target};
pub use event::{Action, Input, LoadAnswer, Signal, good_checks_needed};
pub use expect::{Answer, Expect, LONGEST_ANSWER, Progress};
pub use expression::{Expression, Search};
pub use expression_error::ExpressionError;
pub use failover::Failover;
pub use failure::{Failure, NotStarted, OsError, ProgramFailure};
pub use load::{LoadSource, OLDEST_BROADCAST, host_names, load_average};
pub use monitor::{Monitor, Settings};
pub use notice::{Notice, Subject};
pub use probe::{NetworkCheck, Outcome, Probe, Transport, Want};
pub use program::{Command, LONGEST_OUTPUT, ProgramCheck, ProgramEnd};
pub use rstat_query::{Request, RstatQuery};
