//! Loading the kernel's module. Kernels before 5.16 do not do it by themselves.

use std::io;
use std::path::Path;
use std::process::Command;

/// Runs `MODPROBE -- ip_vs` with our standard streams and waits; whether it says that all is well.
///
/// A table-driving program calls it when [`NetlinkIpvs::open`](crate::NetlinkIpvs::open) failed,
/// then opens again; [`NetlinkIpvs::open_or_load`](crate::NetlinkIpvs::open_or_load) does both.
///
/// # Errors
/// The program could not be run.
pub fn load_module(modprobe: &Path) -> io::Result<bool> {
    let status = Command::new(modprobe).args(["--", "ip_vs"]).status()?;
    Ok(status.success())
}
