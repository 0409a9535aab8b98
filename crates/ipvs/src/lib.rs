//! The kernel's IPVS table over generic netlink.
//!
//! IPVS balances connections to a *virtual service* (an address and port, or a firewall mark) over
//! its *destinations*. This crate reads and changes that table, for IPv4 and IPv6, without a
//! helper program: one socket, many changes in one system call, dumps without one per entry.
//!
//! ```
//! use ipvs::{Ipvs, IpvsError, NetlinkIpvs};
//! use lvs_model::{Destination, DestinationKey, IpvsOp, Protocol, ServiceKey, VirtualService};
//!
//! fn balance(table: &mut impl Ipvs) -> Result<(), IpvsError> {
//!     let key = ServiceKey::Address {
//!         protocol: Protocol::Tcp,
//!         address: "192.0.2.1".parse().unwrap(),
//!         port: 80,
//!     };
//!     let server = |address: &str| {
//!         IpvsOp::AddDestination(key, Destination::new(DestinationKey {
//!             address: address.parse().unwrap(),
//!             port: 80,
//!         }))
//!     };
//!     let refused = table.apply(&[
//!         IpvsOp::AddService(VirtualService::new(key)),
//!         server("198.51.100.2"),
//!         server("198.51.100.3"),
//!     ])?;
//!     for refusal in refused {
//!         println!("change {}: {}", refusal.index, refusal.errno);
//!     }
//!     for service in table.services()? {
//!         println!("{}", service.service);
//!         table.each_destination(&service.service.key, &mut |entry| {
//!             println!("  {} {}", entry.destination, entry.active_connections);
//!         })?;
//!     }
//!     Ok(())
//! }
//!
//! // Needs CAP_NET_ADMIN in the initial user namespace, for reading too.
//! match NetlinkIpvs::open() {
//!     Ok(mut table) => balance(&mut table)?,
//!     Err(error) => println!("{error}"),
//! }
//! # Ok::<(), IpvsError>(())
//! ```
//!
//! - [`Ipvs`]: what a table can do; `testkit::FakeIpvs` is one without a kernel
//! - [`NetlinkIpvs`]: the kernel's
//! - [`ExternalIpvs`]: one whose changes another program makes (`ipvsadm =` in lvs.cf)
//! - [`load_module`]: `modprobe ip_vs`, for programs that may find the module missing

mod error;
mod external;
mod module;
mod options;
mod table;

use lvs_model::{
    DestinationEntry, IpvsOp, KernelInfo, ServiceEntry, ServiceKey, SyncDaemon, Timeouts,
};

pub use error::{IpvsError, Refusal};
pub use external::ExternalIpvs;
pub use module::load_module;
pub use netlink::Calls;
pub use nix::errno::Errno;
pub use table::NetlinkIpvs;

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
    /// Carries out every change in order; a refused one does not stop the others.
    ///
    /// Returns the refused ones, in order; empty if all were done.
    fn apply(&mut self, ops: &[IpvsOp]) -> Result<Vec<Refusal>, IpvsError>;

    /// Shows the destinations of a service one by one, as [`destinations`](Self::destinations)
    /// orders them, without holding them all.
    fn each_destination(
        &mut self,
        key: &ServiceKey,
        visit: &mut dyn FnMut(&DestinationEntry),
    ) -> Result<(), IpvsError> {
        self.destinations(key)?.iter().for_each(visit);
        Ok(())
    }

    /// Says whether entries listed from now on need their counters; at first they do.
    ///
    /// If not, a table may leave them zero. A listing that does not print them is then faster, destinations
    /// of IPv4 by far.
    fn want_counters(&mut self, _wanted: bool) {}
}

/// A table that somebody else keeps.
impl<T: Ipvs + ?Sized> Ipvs for &mut T {
    fn info(&mut self) -> Result<KernelInfo, IpvsError> {
        (**self).info()
    }

    fn services(&mut self) -> Result<Vec<ServiceEntry>, IpvsError> {
        (**self).services()
    }

    fn service(&mut self, key: &ServiceKey) -> Result<ServiceEntry, IpvsError> {
        (**self).service(key)
    }

    fn destinations(&mut self, key: &ServiceKey) -> Result<Vec<DestinationEntry>, IpvsError> {
        (**self).destinations(key)
    }

    fn timeouts(&mut self) -> Result<Timeouts, IpvsError> {
        (**self).timeouts()
    }

    fn daemons(&mut self) -> Result<Vec<SyncDaemon>, IpvsError> {
        (**self).daemons()
    }

    fn apply(&mut self, ops: &[IpvsOp]) -> Result<Vec<Refusal>, IpvsError> {
        (**self).apply(ops)
    }

    fn each_destination(
        &mut self,
        key: &ServiceKey,
        visit: &mut dyn FnMut(&DestinationEntry),
    ) -> Result<(), IpvsError> {
        (**self).each_destination(key, visit)
    }

    fn want_counters(&mut self, wanted: bool) {
        (**self).want_counters(wanted);
    }
}
