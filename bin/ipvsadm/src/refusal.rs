//! The kernel's refusals in the original's words: by errno, and by what was asked.

use std::borrow::Cow;
use std::io;

use ipvs::{Errno, IpvsError};
use lvs_model::IpvsOp;

/// What the kernel was asked when it refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    AddService,
    EditService,
    /// `-D`, `-Z`, `-L` of one service.
    FindService,
    AddServer,
    /// `-e`, `-d`.
    FindServer,
    StartDaemon,
    StopDaemon,
    /// Anything else.
    Other,
}

impl Asked {
    pub(crate) const fn of(op: &IpvsOp) -> Self {
        match op {
            IpvsOp::AddService(_) => Self::AddService,
            IpvsOp::EditService(_) => Self::EditService,
            IpvsOp::DeleteService(_) | IpvsOp::Zero(_) => Self::FindService,
            IpvsOp::AddDestination(..) => Self::AddServer,
            IpvsOp::EditDestination(..) | IpvsOp::DeleteDestination(..) => Self::FindServer,
            IpvsOp::StartDaemon(_) => Self::StartDaemon,
            IpvsOp::StopDaemon(_) => Self::StopDaemon,
            IpvsOp::SetTimeouts(_) | IpvsOp::Flush => Self::Other,
        }
    }
}

/// The sentence for a refusal.
pub(crate) fn text(asked: Asked, errno: Errno) -> Cow<'static, str> {
    Cow::Borrowed(match (errno, asked) {
        (Errno::EEXIST, Asked::AddService) => "Service already exists",
        (Errno::ENOENT, Asked::AddService | Asked::EditService) => {
            "Scheduler or persistence engine not found"
        }
        (Errno::ESRCH, Asked::EditService | Asked::FindService) => "No such service",
        (Errno::ESRCH, Asked::AddServer | Asked::FindServer) => "Service not defined",
        (Errno::EEXIST, Asked::AddServer) => "Destination already exists",
        (Errno::ENOENT, Asked::FindServer) => "No such destination",
        (Errno::EEXIST, Asked::StartDaemon) => "Daemon has already run",
        (Errno::ESRCH, Asked::StopDaemon) => "No daemon is running",
        (Errno::EPERM, _) => "Permission denied (you must be root)",
        (Errno::EINVAL, _) => {
            "Invalid operation.  Possibly wrong module version, address not unicast, ..."
        }
        (Errno::ENOPROTOOPT, _) => "Protocol not available",
        (Errno::ENOMEM, _) => "Memory allocation problem",
        (Errno::EOPNOTSUPP, _) => "Operation not supported with IPv6",
        (Errno::EAFNOSUPPORT, _) => "Operation not supported with specified address family",
        (Errno::EMSGSIZE, _) => "Module is wrong version",
        (errno, _) => return Cow::Owned(c_text(&io::Error::from(errno))),
    })
}

/// The C library's text for an error of the system, without the number that Rust adds.
pub(crate) fn c_text(error: &io::Error) -> String {
    let text = error.to_string();
    match (text.rfind(" (os error "), error.raw_os_error()) {
        (Some(end), Some(_)) => text.get(..end).unwrap_or_default().to_owned(),
        _ => text,
    }
}

/// The errno that a failure counts as. A failure that is not the kernel's counts as `EINVAL`.
pub(crate) const fn errno(error: &IpvsError) -> Errno {
    match error {
        IpvsError::Kernel(errno) => *errno,
        IpvsError::NoIpvs => Errno::ENOPROTOOPT,
        _ => Errno::EINVAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_errno_reads_differently_for_services_servers_and_daemons() {
        for (errno, asked, wanted) in [
            (Errno::EEXIST, Asked::AddService, "Service already exists"),
            (
                Errno::EEXIST,
                Asked::AddServer,
                "Destination already exists",
            ),
            (Errno::EEXIST, Asked::StartDaemon, "Daemon has already run"),
            (Errno::ESRCH, Asked::FindService, "No such service"),
            (Errno::ESRCH, Asked::AddServer, "Service not defined"),
            (Errno::ESRCH, Asked::StopDaemon, "No daemon is running"),
            (Errno::ENOENT, Asked::FindServer, "No such destination"),
            (Errno::ENODEV, Asked::StartDaemon, "No such device"),
            (
                Errno::ERANGE,
                Asked::AddServer,
                "Numerical result out of range",
            ),
            (
                Errno::ENETUNREACH,
                Asked::StartDaemon,
                "Network is unreachable",
            ),
        ] {
            assert_eq!(text(asked, errno), wanted);
        }
    }
}
