//! The heartbeat's sockets: one a path, bound to our address, read empty at every turn.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use heartbeat::auth::Verdict;
use heartbeat::{Auth, Echo, PairPath};
use lvs_model::Mono;
use nix::libc;
use nix::sys::socket::{MsgFlags, SockaddrStorage, sendto};
use wire::heartbeat::signed::Statement;
use wire::heartbeat::{MAX_LENGTH, Value};

use crate::setup::{HeartbeatPath, Setup};

/// So many datagrams of one path are read in one turn; a flood does not stop the clock.
const MOST_PER_TURN: usize = 64;

/// What a datagram of the partner is worth.
pub type Heard = (PairPath, Verdict);

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
}

impl End {
    fn open(path: &HeartbeatPath) -> io::Result<Self> {
        let socket = UdpSocket::bind(path.own)?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            path: *path,
            socket,
            heard: false,
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
    /// Address in use, not ours, or a port that needs more rights.
    pub fn open(setup: &Setup, auth: Auth) -> io::Result<Self> {
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
                    refusal = Some(error);
                }
                Err(error) => return Err(error),
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
                        log::error!("heartbeat socket on {}: {error}", path.own);
                    }
                    self.absent.push(path);
                }
            }
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
            if let Err(error) = end.send(&bytes, partner) {
                let name = match end.path.path {
                    PairPath::Public => "public",
                    PairPath::Private => "private",
                };
                log::debug!("Warning -- failed to send heartbeat ({name} if): {error}");
            }
        }
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
                            let verdict = self.auth.open(now, bytes);
                            end.heard |=
                                matches!(verdict, Verdict::Beat(..) | Verdict::Question(..));
                            heard.push((end.path.path, verdict));
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
