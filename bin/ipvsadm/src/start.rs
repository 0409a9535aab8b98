//! The start: opens the kernel's table, loads its module if need be, before any argument counts.

use std::path::Path;

use ipvs::{Errno, IpvsError, NetlinkIpvs};
use lvs_model::KernelInfo;

use crate::refusal::{self, Asked};

/// The only program that this one starts.
const MODPROBE: &str = "/sbin/modprobe";
/// The oldest kernel side that is not warned of.
const OLDEST: (u8, u8, u8) = (1, 1, 4);
/// `CAP_NET_ADMIN` in linux/capability.h.
const CAP_NET_ADMIN: u32 = 12;

/// Opens the kernel's table.
pub(crate) fn open() -> Result<NetlinkIpvs, IpvsError> {
    NetlinkIpvs::open_or_load(Path::new(MODPROBE)).map_err(|error| match error {
        // Without the right to ask, the old interface would not have said what is missing either.
        IpvsError::NoIpvs if !has_net_admin() => IpvsError::Kernel(Errno::EPERM),
        other => other,
    })
}

fn has_net_admin() -> bool {
    let Ok(text) = std::fs::read_to_string("/proc/self/status") else {
        return true;
    };
    let effective = text.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok());
    effective.is_none_or(|bits| bits >> CAP_NET_ADMIN & 1 == 1)
}

/// What is said when there is no table.
pub(crate) fn failure_text(error: &IpvsError) -> String {
    let reason = refusal::text(Asked::Other, refusal::errno(error));
    format!(
        "Can't initialize ipvs: {reason}\n\
         Are you sure that IP Virtual Server is built in the kernel or as module?\n"
    )
}

/// The warning about a kernel side that is too old; `None` for any other.
pub(crate) fn version_warning(info: KernelInfo) -> Option<String> {
    let (major, minor, patch) = info.version;
    (info.version < OLDEST).then(|| {
        format!(
            "Warning: IPVS version mismatch: \n  \
             Kernel compiled with IPVS version {major}.{minor}.{patch}\n  \
             ipvsadm v1.31  requires minimum IPVS version 1.1.4\n\n"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_side_older_than_1_1_4_is_warned_of() {
        let info = |version| KernelInfo {
            version,
            connection_table_size: 4096,
        };
        assert_eq!(version_warning(info((1, 2, 1))), None);
        assert_eq!(
            version_warning(info((1, 1, 3))).unwrap(),
            "Warning: IPVS version mismatch: \n  Kernel compiled with IPVS version 1.1.3\n  \
             ipvsadm v1.31  requires minimum IPVS version 1.1.4\n\n"
        );
    }

    #[test]
    fn a_kernel_without_the_family_is_named_as_the_original_does() {
        assert_eq!(
            failure_text(&IpvsError::NoIpvs),
            "Can't initialize ipvs: Protocol not available\n\
             Are you sure that IP Virtual Server is built in the kernel or as module?\n"
        );
    }
}
