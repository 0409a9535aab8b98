//! fos's decisions: services that follow the active director, and the watch over the partner's.
//!
//! Used by `bin/fos`. On the standby each service of the partner has a monitor; its end means that the
//! service is lost. On the active director each service is started, and watched as well: one that does not
//! answer is started again, and given up only if that does not help.
//!
//! - [`Site`], [`FailoverService`]: what lvs.cf asks of fos; [`split_command`]: its commands
//! - [`Fos`]: the machine: `handle(now, input, out)`, `next_deadline()`
//! - [`Notice`]: every log line

mod event;
mod machine;
mod notice;
mod record;
mod reload;
mod site;

#[cfg(test)]
mod tests;

pub use event::{Action, Input, MonitorId};
pub use machine::Fos;
pub use notice::Notice;
pub use site::{FailoverService, Mode, ServiceId, Site, split_command};
