//! What is watched while things break: requests, open connections, the table, who owns an address.
//!
//! - [`HttpServer`]: says in its reply who it is
//! - [`Requests`], [`Reply`], [`Account`]: requests at a fixed rate, each one recorded
//! - [`Connections`]: many connections held open and asked again later
//! - [`Table`]: the kernel's table as `/proc/net/ip_vs` shows it
//! - [`Owners`]: who announced an address when
//! - [`Stalls`]: how long the host kept the guest from running
//! - [`Timeline`]: events with their time since the start and since the fault

mod connections;
mod http;
mod owners;
mod requests;
mod stalls;
mod table;
mod timeline;

pub use connections::Connections;
pub use http::HttpServer;
pub use owners::{Announcement, Owners};
pub use requests::{Account, Outcome, Reply, Requests};
pub use stalls::Stalls;
pub use table::{Entry, Service, Table};
pub use timeline::{Event, Timeline};
