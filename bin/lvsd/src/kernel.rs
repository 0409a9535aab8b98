//! The kernel's table, read for the machine and changed as it says.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use director::{Refusal, RefusalKind, Table, TableService};
use ipvs::{Errno, ExternalIpvs, Ipvs, IpvsError, NetlinkIpvs};
use lvs_model::{IpvsOp, ServiceEntry, ServiceKey};

/// The usual `ipvsadm`, which could do nothing that lvsd cannot.
const USUAL: [&str; 2] = ["/sbin/ipvsadm", "/usr/sbin/ipvsadm"];
/// Time that another program has for one change.
const LIMIT: Duration = Duration::from_secs(5);
const MODPROBE: &str = "/sbin/modprobe";
const EXPEDITED: &str = "/sys/kernel/rcu_expedited";

/// While this exists, the kernel hurries with a change of the scheduler. It takes the old one away, waits
/// until no processor uses it, and only then puts the new one in; connections that begin meanwhile are
/// refused. Usually that takes some milliseconds; hurried, microseconds.
struct Hurry<'a>(Option<&'a Path>);

impl<'a> Hurry<'a> {
    /// Switches it on for `ops` that may change a scheduler, unless it is on already.
    fn begin(switch: &'a Path, ops: &[IpvsOp]) -> Self {
        let is_edit = |op: &IpvsOp| matches!(op, IpvsOp::EditService(_));
        let is_off = || fs::read_to_string(switch).is_ok_and(|text| text.trim() == "0");
        // Where it cannot be switched on, the kernel takes its time.
        let is_ours = ops.iter().any(is_edit) && is_off() && fs::write(switch, "1").is_ok();
        Self(is_ours.then_some(switch))
    }
}

impl Drop for Hurry<'_> {
    fn drop(&mut self) {
        if let Some(switch) = self.0
            && let Err(error) = fs::write(switch, "0")
        {
            log::warn!("{} stays 1: {error}", switch.display());
        }
    }
}

/// The kernel's table, and the program that changes it if lvs.cf names one.
pub struct Kernel {
    table: NetlinkIpvs,
    program: Option<PathBuf>,
}

impl Kernel {
    /// Opens the kernel's table; changes go through `program` unless it is the usual `ipvsadm`.
    ///
    /// # Errors
    /// The kernel has no IPVS, or we may not use it.
    pub fn open(program: &Path) -> Result<Self, IpvsError> {
        let table = NetlinkIpvs::open_or_load(Path::new(MODPROBE))?;
        let mut kernel = Self::from(table);
        kernel.use_program(program);
        Ok(kernel)
    }

    /// Changes go through `program` from now on.
    pub fn use_program(&mut self, program: &Path) {
        let is_usual = USUAL.iter().any(|usual| program == Path::new(usual));
        self.program = (!is_usual).then(|| program.to_owned());
    }

    /// The kernel's table to look at; loads no module.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn look() -> Result<Self, IpvsError> {
        NetlinkIpvs::open().map(Self::from)
    }

    /// Every service; those with a key in `own` with their destinations, which take a dump each.
    ///
    /// While another program changes the table, the kernel's dump can leave services out. So each of `own`
    /// that it does not show is asked for by name: a service that is there is never taken for absent.
    ///
    /// # Errors
    /// As [`Ipvs`].
    pub fn read(&mut self, own: &BTreeSet<ServiceKey>) -> Result<Table, IpvsError> {
        let mut table = Table::new();
        for entry in self.table.services()? {
            let is_own = own.contains(&entry.service.key);
            self.take(entry, is_own, &mut table)?;
        }
        // Nothing can be left out of nothing.
        if !table.is_empty() {
            for key in own {
                if !table.contains(key) {
                    self.look_for(key, &mut table)?;
                }
            }
        }
        Ok(table)
    }

    fn take(
        &mut self,
        entry: ServiceEntry,
        is_own: bool,
        table: &mut Table,
    ) -> Result<(), IpvsError> {
        let destinations = match is_own {
            true => self.table.destinations(&entry.service.key)?,
            false => Vec::new(),
        };
        table.insert(TableService {
            service: entry.service,
            destinations: destinations.into_iter().map(|d| d.destination).collect(),
        });
        Ok(())
    }

    fn look_for(&mut self, key: &ServiceKey, table: &mut Table) -> Result<(), IpvsError> {
        match self.table.service(key) {
            Ok(entry) => self.take(entry, true, table),
            Err(IpvsError::Kernel(Errno::ESRCH)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Carries the operations out; returns what was refused.
    pub fn apply(&mut self, ops: &[IpvsOp]) -> Vec<Refusal> {
        let _hurry = Hurry::begin(Path::new(EXPEDITED), ops);
        let result = match &self.program {
            Some(program) => ExternalIpvs::new(program.clone(), LIMIT, &mut self.table).apply(ops),
            None => self.table.apply(ops),
        };
        match result {
            Ok(refusals) => refusals
                .iter()
                .filter_map(|refusal| refused(ops.get(refusal.index)?, *refusal))
                .collect(),
            // It is not known how far it got: all of it counts as refused, and the next audit finds out.
            Err(error) => (0..ops.len())
                .map(|index| Refusal {
                    index,
                    kind: RefusalKind::Failed,
                    reason: error.to_string(),
                })
                .collect(),
        }
    }
}

impl From<NetlinkIpvs> for Kernel {
    fn from(mut table: NetlinkIpvs) -> Self {
        table.want_counters(false);
        Self {
            table,
            program: None,
        }
    }
}

/// "Gone already" is done. "There already", or "without its service", means that the table has changed.
fn refused(op: &IpvsOp, refusal: ipvs::Refusal) -> Option<Refusal> {
    let is_absent = matches!(refusal.errno, Errno::ESRCH | Errno::ENOENT);
    let kind = match op {
        IpvsOp::DeleteService(_) | IpvsOp::DeleteDestination(..) if is_absent => return None,
        IpvsOp::AddService(_) | IpvsOp::AddDestination(..) if refusal.errno == Errno::EEXIST => {
            RefusalKind::Outdated
        }
        IpvsOp::EditService(_) | IpvsOp::EditDestination(..) | IpvsOp::AddDestination(..)
            if refusal.errno == Errno::ESRCH =>
        {
            RefusalKind::Outdated
        }
        IpvsOp::EditDestination(..) if is_absent => RefusalKind::Outdated,
        _ => RefusalKind::Failed,
    };
    Some(Refusal {
        index: refusal.index,
        kind,
        reason: refusal.errno.desc().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use lvs_model::{Protocol, ServiceKey, VirtualService};

    use super::*;

    fn key() -> ServiceKey {
        ServiceKey::Address {
            protocol: Protocol::Tcp,
            address: "192.0.2.1".parse().unwrap(),
            port: 80,
        }
    }

    fn refusal(op: &IpvsOp, errno: Errno) -> Option<RefusalKind> {
        refused(op, ipvs::Refusal { index: 0, errno }).map(|refusal| refusal.kind)
    }

    #[test]
    fn the_kernel_is_hurried_for_a_changed_service_only_and_left_as_it_was() {
        let switch = std::env::temp_dir().join(format!("lvsd-hurry-{}", std::process::id()));
        let value = || fs::read_to_string(&switch).unwrap();
        let edit = [IpvsOp::EditService(VirtualService::new(key()))];
        let add = [IpvsOp::AddService(VirtualService::new(key()))];
        for (before, ops, during, after) in [
            ("0\n", &edit, "1", "0"),
            ("1\n", &edit, "1\n", "1\n"),
            ("0\n", &add, "0\n", "0\n"),
        ] {
            fs::write(&switch, before).unwrap();
            let hurry = Hurry::begin(&switch, ops);
            assert_eq!(value(), during);
            drop(hurry);
            assert_eq!(value(), after);
        }
        fs::remove_file(&switch).unwrap();
        assert!(Hurry::begin(&switch, &edit).0.is_none());
    }

    #[test]
    fn gone_already_is_done_and_there_already_means_look_again() {
        let add = IpvsOp::AddService(VirtualService::new(key()));
        let delete = IpvsOp::DeleteService(key());
        assert_eq!(refusal(&delete, Errno::ESRCH), None);
        assert_eq!(refusal(&delete, Errno::EPERM), Some(RefusalKind::Failed));
        assert_eq!(refusal(&add, Errno::EEXIST), Some(RefusalKind::Outdated));
        assert_eq!(refusal(&add, Errno::ENOENT), Some(RefusalKind::Failed));
    }
}
