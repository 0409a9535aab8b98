//! The heartbeat's sockets: one a path, bound to our address, read empty at every turn. The kernel keeps
//! everybody's datagrams but the partner's away from them: no flood fills their queues. What it drops
//! it counts (`/proc/net/udp`, column `drops`).

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use heartbeat::auth::Received;
use heartbeat::datagram::signed::Statement;
use heartbeat::datagram::{MAX_LENGTH, Value};
use heartbeat::{Auth, Echo, PairPath};
use lvs_model::Mono;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, SockaddrStorage, bind, sendto, socket,
};

use crate::send_faults::SendFaults;
use crate::setup::{HeartbeatPath, Setup, SetupError};

/// So many datagrams of one path are read in one turn; a flood does not stop the clock.
const MOST_PER_TURN: usize = 64;

/// What a datagram of the partner is worth.
pub type Heard = (PairPath, Received);

/// Both paths.
pub struct Sockets {
    auth: Auth,
    ends: Vec<End>,
    /// Paths whose own address is not on this machine.
    absent: Vec<HeartbeatPath>,
}

struct End {
    path: HeartbeatPath,
    socket: UdpSocket,
    /// A heartbeat of the partner has come since our last one went.
    heard: bool,
    sending: SendFaults,
}

impl End {
    /// Binds it. From then on only the partner's end gets datagrams into its queue, whatever others send.
    fn open(path: &HeartbeatPath) -> io::Result<Self> {
        let family = match path.own {
            SocketAddr::V4(_) => AddressFamily::Inet,
            SocketAddr::V6(_) => AddressFamily::Inet6,
        };
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(family, SockType::Datagram, flags, None)?;
        lvs_sys::only_from(socket.as_fd(), path.partner)?;
        bind(socket.as_raw_fd(), &SockaddrStorage::from(path.own))?;
        Ok(Self {
            path: *path,
            socket: socket.into(),
            heard: false,
            sending: SendFaults::default(),
        })
    }

    /// Sends one heartbeat. If the partner's have come meanwhile the kernel is told that its neighbour
    /// is there: it would ask every half minute, and three lost answers would end a path that works.
    fn send(&mut self, bytes: &[u8], partner: SocketAddr) -> nix::Result<()> {
        let flags = if std::mem::take(&mut self.heard) {
            MsgFlags::from_bits_retain(libc::MSG_CONFIRM)
        } else {
            MsgFlags::empty()
        };
        let address = SockaddrStorage::from(partner);
        sendto(self.socket.as_raw_fd(), bytes, &address, flags).map(drop)
    }
}

impl Sockets {
    /// Binds our end of every path; one of two whose address is not on this machine waits for
    /// [`Sockets::open_absent`].
    ///
    /// # Errors
    /// [`SetupError::Socket`]: address in use, not ours, or a port that needs more rights.
    pub fn open(setup: &Setup, auth: Auth) -> Result<Self, SetupError> {
        let mut sockets = Self {
            auth,
            ends: Vec::new(),
            absent: Vec::new(),
        };
        let mut refusal = None;
        for path in &setup.paths {
            match End::open(path) {
                Ok(end) => sockets.ends.push(end),
                Err(error) if error.kind() == ErrorKind::AddrNotAvailable => {
                    sockets.absent.push(*path);
                    refusal = Some(SetupError::Socket(path.own, error));
                }
                Err(error) => return Err(SetupError::Socket(path.own, error)),
            }
        }
        match refusal {
            Some(error) if sockets.ends.is_empty() => Err(error),
            _ => Ok(sockets),
        }
    }

    /// Binds those whose address was not on this machine; one that still is not waits on.
    pub fn open_absent(&mut self) {
        for path in std::mem::take(&mut self.absent) {
            match End::open(&path) {
                Ok(end) if path.path == PairPath::Public => self.ends.insert(0, end),
                Ok(end) => self.ends.push(end),
                Err(error) => {
                    if error.kind() != ErrorKind::AddrNotAvailable {
                        log::error!("{}", SetupError::Socket(path.own, error));
                    }
                    self.absent.push(path);
                }
            }
        }
    }

    /// Listens from now on to the partner's ends of `paths`, where our ends are the same.
    pub fn listen_to(&mut self, paths: &[HeartbeatPath]) {
        let new = |old: &HeartbeatPath| paths.iter().find(|it| it.own == old.own);
        for end in &mut self.ends {
            if let Some(path) = new(&end.path).filter(|path| path.partner != end.path.partner) {
                match lvs_sys::only_from(end.socket.as_fd(), path.partner) {
                    Ok(()) => end.path = *path,
                    Err(error) => log::error!("{}", SetupError::Socket(path.own, error)),
                }
            }
        }
        for path in &mut self.absent {
            *path = *new(path).unwrap_or(path);
        }
    }

    /// What to wait for.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.ends.iter().map(|end| end.socket.as_fd())
    }

    /// How heartbeats are signed and checked.
    pub const fn auth_mut(&mut self) -> &mut Auth {
        &mut self.auth
    }

    /// Sends `value` on every path, public first, with `statement` under the signature if there is
    /// one. A path that fails does not stop the other.
    pub fn send(&mut self, now: Mono, echo: Echo, value: Value, statement: Statement) {
        log::debug!("DEBUG -- Sending heartbeat...");
        for end in &mut self.ends {
            let Some(partner) = end.path.partner else {
                continue;
            };
            let bytes = self.auth.seal(now, echo, value, statement);
            let result = match end.send(&bytes, partner) {
                // An answer to an earlier one: nobody listens there.
                Err(Errno::ECONNREFUSED) => end.send(&bytes, partner),
                result => result,
            };
            let result = result.map_err(|error| error.desc().to_owned());
            end.sending.note(now, &end.path.place(), result);
        }
    }

    /// Whether the last heartbeat could be sent on some path.
    pub fn can_send(&self) -> bool {
        let mut ends = self.ends.iter();
        ends.any(|end| end.sending.fault().is_none())
    }

    /// The paths on which no heartbeat can be sent, and why.
    pub fn faults(&self) -> impl Iterator<Item = (HeartbeatPath, &str)> {
        let ends = self.ends.iter();
        ends.filter_map(|end| Some((end.path, end.sending.fault()?)))
    }

    /// Reads every socket empty. Only what comes from the partner's end of the same path counts.
    pub fn drain(&mut self, now: Mono) -> Vec<Heard> {
        let mut heard = Vec::new();
        for end in &mut self.ends {
            for _ in 0..MOST_PER_TURN {
                let mut bytes = [0; MAX_LENGTH];
                match end.socket.recv_from(&mut bytes) {
                    Ok((length, source)) => {
                        let bytes = bytes.get(..length).unwrap_or_default();
                        if Some(source) == end.path.partner {
                            log::debug!("DEBUG -- Received Heartbeat from partner");
                            let received = self.auth.receive(now, bytes);
                            end.heard |= matches!(
                                received,
                                Received::Beat(..)
                                    | Received::Question(..)
                                    | Received::Unproven(Some(_))
                            );
                            heard.push((end.path.path, received));
                        } else {
                            log::debug!("Unexpected heartbeat from {}", source.ip());
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                    Err(error) => {
                        log::error!("recvfrom() failed: {error}");
                        break;
                    }
                }
            }
        }
        heard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Far more than a queue holds.
    const FLOOD: usize = 20_000;

    #[test]
    fn a_flood_from_others_takes_no_heartbeats_place() {
        for (own, others) in [
            ("127.0.0.1", ["127.0.0.2", "127.0.0.3"]),
            ("::1", ["::1", "::1"]),
        ] {
            let bind = |address| UdpSocket::bind((address, 0));
            let (Ok(partner), Ok(stranger)) = (bind(others[0]), bind(others[1])) else {
                assert_eq!(own, "::1", "a machine without IPv6");
                continue;
            };
            let path = HeartbeatPath {
                path: PairPath::Public,
                own: SocketAddr::new(own.parse().unwrap(), 0),
                partner: partner.local_addr().ok(),
            };
            let end = End::open(&path).unwrap();
            let address = end.socket.local_addr().unwrap();
            for _ in 0..FLOOD {
                stranger.send_to(b"flood", address).unwrap();
            }
            partner.send_to(b"alive", address).unwrap();
            let mut bytes = [0; 8];
            let (length, source) = end.socket.recv_from(&mut bytes).unwrap();
            assert_eq!(
                (&bytes[..length], Some(source)),
                (&b"alive"[..], path.partner)
            );
        }
    }

    #[test]
    fn a_port_that_somebody_has_is_named_with_address_and_reason() {
        let other = UdpSocket::bind("127.0.0.1:0").unwrap();
        let own = other.local_addr().unwrap();
        let path = HeartbeatPath {
            path: PairPath::Public,
            own,
            partner: None,
        };
        let error = SetupError::Socket(own, End::open(&path).err().unwrap());
        let port = own.port();
        assert_eq!(
            error.to_string(),
            format!(
                "cannot create heartbeat socket on 127.0.0.1, port {port}: Address already in use"
            )
        );
    }
}
