//! Networks made of namespaces: hosts, switches, the layouts of a load-balanced site, faults.
//!
//! - [`Host`]: a network namespace, its processes, and the thread that acts inside it
//! - [`Network`]: hosts joined by switches
//! - [`Site`], [`Layout`]: client, two directors, real servers, ready to serve
//! - [`faults`](self): [`Network`]'s cuts and disturbances, [`Host`]'s kills and pauses
//! - [`SystemLog`]: what a director's programs wrote to `/dev/log`

mod agent;
mod faults;
mod host;
mod network;
mod site;
mod syslog;

pub use faults::{Disturbance, step_clock};
pub use host::{Host, Process};
pub use network::Network;
pub use site::{DIRECTORS, Family, Forwarding, Layout, Site};
pub use syslog::{LogLine, SystemLog};
