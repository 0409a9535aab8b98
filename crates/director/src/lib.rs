//! lvsd's decisions: wanted and found table to a plan, supervision of its nannies; and fos's.
//!
//! Nothing in here reads a clock, a file or the kernel. `bin/lvsd` feeds [`Lvsd`] with what happened
//! and does the [`Action`]s that come back.
//!
//! - [`Table`], [`TableService`]: services with their destinations, found or wanted
//! - [`plan()`]: the changes that lead from the found table to the wanted one
//! - [`Site`] (`site`): what lvs.cf asks of lvsd, services by key and their monitors
//! - [`Lvsd`] (`machine`): the machine: `handle(now, input, out)`, `next_deadline()`
//! - [`Input`], [`Action`] (`event`): what happens to it, what it does
//! - `presence`: which servers are in the table; `by_hand`: weights that somebody else has set
//! - `supervision`: the life of one nanny; `pace`: how often lvs.cf is read again
//! - [`NannyOptions`] (`nanny_options`): the command line of a nanny
//! - [`sysctls`] (`sysctl`): kernel switches that its removal policy depends on
//! - [`Notice`] (`notice`): every log line, with its [`Severity`](lvs_model::Severity)
//! - [`failover`]: fos's decisions: services that follow the active director

mod by_hand;
mod event;
pub mod failover;
mod machine;
mod nanny_options;
mod notice;
mod pace;
mod presence;
mod site;
mod supervision;
mod sysctl;

#[cfg(test)]
mod tests;

pub use event::{Action, Input, NannyId, Refusal, RefusalKind, StartError};
pub use lvs_model::{Table, TableService, plan};
pub use machine::Lvsd;
pub use nanny_options::{NannyOptions, shell_words};
pub use notice::{AfterDeath, Child, Notice};
pub use site::{Monitor, MonitorKey, Site, SiteDestination, SiteService, Sorry};
pub use sysctl::{Sysctl, SysctlNeed, quiesced_flows, sysctls};
