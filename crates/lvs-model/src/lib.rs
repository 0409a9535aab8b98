//! The words of a Linux Virtual Server director, without I/O.
//!
//! Every other crate speaks in these types. Nothing in here opens, reads or waits; a value that exists is
//! in range. `docs/internals/architecture.md` draws who uses whom.
//!
//! - [`Mono`]: a point in time, counted from a start nobody needs to know
//! - [`ServiceKey`], [`VirtualService`]: what the kernel balances
//! - [`DestinationKey`], [`Destination`]: where to
//! - [`ServiceEntry`], [`DestinationEntry`]: the same as the kernel lists it, with its counters
//! - [`SyncDaemon`], [`Timeouts`], [`KernelInfo`]: the rest of the kernel's state
//! - [`Timers`]: the deadlines of a machine, each set and stopped where it begins and ends
//! - [`Backoff`]: growing pauses between tries
//! - [`Ending`]: how a process is ended: asked, killed, found stuck
//! - [`ChildExit`]: how a process ended; [`Account`]: whom it runs as
//! - [`CheckSpec`]: how a server is checked; [`unescape`]: what its texts mean
//! - [`Mac`]: a hardware address
//! - [`Severity`]: how much a line of the log matters
//! - [`Random`]: numbers from a seed, to spread work and for tests
//! - [`IpvsOp`]: one change of that state; prints itself as the `ipvsadm` command that makes it
//! - [`Table`], [`TableService`]: services with their destinations, as found or as wanted
//! - [`plan()`], [`plan_destinations`]: the changes that lead from a found table to a wanted one

mod account;
mod backoff;
mod check;
mod daemon;
mod destination;
mod ending;
mod escape;
mod exit;
mod mac;
mod name;
mod op;
mod plan;
mod random;
mod service;
mod severity;
mod table;
mod time;
mod timers;

pub use account::Account;
pub use backoff::Backoff;
pub use check::CheckSpec;
pub use daemon::{KernelInfo, SyncDaemon, SyncRole, Timeouts};
pub use destination::{
    Destination, DestinationEntry, DestinationKey, ForwardingMethod, Thresholds, Tunnel,
    TunnelFlags, TunnelType, Weight, WeightError,
};
pub use ending::{EndStep, Ending, Patience};
pub use escape::{EscapeError, unescape};
pub use exit::ChildExit;
pub use mac::{Mac, MacError};
pub use name::{EngineName, NameError, SchedulerName};
pub use op::IpvsOp;
pub use plan::{plan, plan_destinations};
pub use random::Random;
pub use service::{
    AddressFamily, Counters, FwMark, Netmask, Protocol, SchedulerFlags, ServiceEntry, ServiceKey,
    VirtualService,
};
pub use severity::Severity;
pub use table::{Table, TableService};
pub use time::Mono;
pub use timers::Timers;
