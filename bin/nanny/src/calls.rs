//! The system calls of a nanny that starts no program: all that it needs to check over the network, to log,
//! to report and to end. Every other one is refused with an error, which its caller logs like any error;
//! the kernel's log names the call.
//!
//! A nanny that may start programs has no such filter: its programs would have it too, and they may need
//! any call. It reads no answers of servers, except when it asks for a load.

use daemon::calls::{OWN_ARCHITECTURE, Others, Rule, Table, filter};
use daemon::{CallFilter, OWN_PROCESS};
use nix::libc::{self, c_long};

/// `AF_UNIX` for the log, `AF_INET` and `AF_INET6` for checks.
const FAMILIES: Rule = Rule::If(&[&[(0, 1)], &[(0, 2)], &[(0, 10)]]);
/// Memory that can be executed is never needed.
const NO_CODE: Rule = Rule::If(&[&[(2, 0)], &[(2, 1)], &[(2, 2)], &[(2, 3)]]);
/// How a process ends itself when it gives up.
const OWN: Rule = Rule::If(&[&[(0, OWN_PROCESS)]]);
/// `FIONREAD`, `FIONBIO`.
const INPUT: Rule = Rule::If(&[&[(1, 0x541b)], &[(1, 0x5421)]]);
/// Anything but `F_SETOWN`, `F_SETOWN_EX`.
const NO_OWNER: Rule = Rule::Unless(&[(1, 8), (1, 15)]);

/// What is needed whatever its arguments are.
const ALWAYS: &[c_long] = &[
    // Sockets, and what waits for them.
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_sendto,
    libc::SYS_recvfrom,
    libc::SYS_sendmsg,
    libc::SYS_recvmsg,
    libc::SYS_shutdown,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_ppoll,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    // Time.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_restart_syscall,
    // Memory.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_getrandom,
    // Signals, children that are not there, the end.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_wait4,
    libc::SYS_waitid,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_sched_yield,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Calls that only this architecture has besides.
#[cfg(target_arch = "x86_64")]
const OLD: &[c_long] = &[libc::SYS_poll, libc::SYS_epoll_wait, libc::SYS_time];
#[cfg(not(target_arch = "x86_64"))]
const OLD: &[c_long] = &[];

const SOMETIMES: &[(c_long, Rule)] = &[
    (libc::SYS_socket, FAMILIES),
    (libc::SYS_mmap, NO_CODE),
    (libc::SYS_mprotect, NO_CODE),
    (libc::SYS_ioctl, INPUT),
    (libc::SYS_fcntl, NO_OWNER),
    (libc::SYS_kill, OWN),
    (libc::SYS_tgkill, OWN),
];

/// The filter; `None` where this machine's kernel or architecture has none.
pub fn of_network_checks() -> Option<CallFilter> {
    let always = ALWAYS.iter().chain(OLD).map(|call| (*call, Rule::Always));
    let rows = SOMETIMES.iter().copied().chain(always);
    let rows = rows.filter_map(|(call, rule)| Some((u32::try_from(call).ok()?, rule)));
    let table = Table {
        architecture: OWN_ARCHITECTURE?,
        rows: rows.collect(),
    };
    let filter = filter(&[table], Others::Refused).ok()?;
    daemon::calls_can_be_filtered().then_some(filter)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::ErrorKind;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::process::Command;

    use nix::errno::Errno;
    use nix::sys::signal::kill;
    use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};
    use nix::unistd::{Pid, getpid};

    use super::*;

    #[test]
    fn a_nanny_of_network_checks_has_sockets_and_nothing_else() {
        let Some(filter) = of_network_checks() else {
            return;
        };
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        // For one thread only; it goes with it.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                nix::sys::prctl::set_no_new_privs().unwrap();
                filter.install(false).unwrap();
                let no = ErrorKind::PermissionDenied;
                assert_eq!(File::open("/dev/null").unwrap_err().kind(), no);
                assert_eq!(Command::new("/bin/true").spawn().unwrap_err().kind(), no);
                let flags = SockFlag::SOCK_CLOEXEC;
                let route = SockProtocol::NetlinkRoute;
                let netlink = socket(AddressFamily::Netlink, SockType::Raw, flags, route);
                assert_eq!(netlink.unwrap_err(), Errno::EPERM);
                assert_eq!(kill(Pid::from_raw(1), None), Err(Errno::EPERM));
                assert_eq!(kill(getpid(), None), Ok(()));
                TcpStream::connect(server.local_addr().unwrap()).unwrap();
                let datagrams =
                    UdpSocket::bind("[::1]:0").or_else(|_| UdpSocket::bind("127.0.0.1:0"));
                datagrams.unwrap().set_nonblocking(true).unwrap();
                // Enough for a mapping of its own.
                assert_eq!(vec![1_u8; 1 << 20].len(), 1 << 20);
            });
        });
    }
}
