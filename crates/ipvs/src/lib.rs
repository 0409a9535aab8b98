//! The kernel's IPVS table over generic netlink.

mod error;

use lvs_model::{
    DestinationEntry, IpvsOp, KernelInfo, ServiceEntry, ServiceKey, SyncDaemon, Timeouts,
};

pub use error::{IpvsError, Refusal};
pub use nix::errno::Errno;

/// A table of virtual services: the kernel's, or a test's fake.
///
/// # Errors
/// Every call fails with [`IpvsError`]: `Kernel` when the kernel said no, the others when it could
/// not be asked or not be understood.
#[expect(clippy::missing_errors_doc, reason = "said once for all calls, above")]
pub trait Ipvs {
    /// Version and size of the connection table.
    fn info(&mut self) -> Result<KernelInfo, IpvsError>;
    /// All services, in the kernel's order. Entries can be skipped or doubled while others edit.
    fn services(&mut self) -> Result<Vec<ServiceEntry>, IpvsError>;
    /// One service; `ESRCH` if there is none.
    fn service(&mut self, key: &ServiceKey) -> Result<ServiceEntry, IpvsError>;
    /// The destinations of a service, newest first; empty if there is no such service.
    fn destinations(&mut self, key: &ServiceKey) -> Result<Vec<DestinationEntry>, IpvsError>;
    /// The three idle times.
    fn timeouts(&mut self) -> Result<Timeouts, IpvsError>;
    /// The running sync daemons, master before backup.
    fn daemons(&mut self) -> Result<Vec<SyncDaemon>, IpvsError>;
    /// Carries out every change in order; a refused one does not stop those behind it.
    ///
    /// Returns the refused ones, in order; empty if all were done.
    fn apply(&mut self, ops: &[IpvsOp]) -> Result<Vec<Refusal>, IpvsError>;
}
