//! The heartbeat's sockets: one a path, bound to our address, read empty at every turn.

use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::os::fd::{AsFd, BorrowedFd};

use heartbeat::auth::Verdict;
use heartbeat::{Auth, PairPath};
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
}

struct End {
    path: HeartbeatPath,
    socket: UdpSocket,
}

impl Sockets {
    /// Binds our end of every path.
    ///
    /// # Errors
    /// Address in use, not ours, or a port that needs more rights.
    pub fn open(setup: &Setup, auth: Auth) -> io::Result<Self> {
        let open = |path: &HeartbeatPath| {
            let socket = UdpSocket::bind(path.own)?;
            socket.set_nonblocking(true)?;
            Ok(End {
                path: *path,
                socket,
            })
        };
        Ok(Self {
            auth,
            ends: setup.paths.iter().map(open).collect::<io::Result<_>>()?,
        })
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
    pub fn send(&mut self, value: Value, statement: Statement) {
        log::debug!("DEBUG -- Sending heartbeat...");
        for end in &self.ends {
            let Some(partner) = end.path.partner else {
                continue;
            };
            let bytes = self.auth.seal(value, statement);
            if let Err(error) = end.socket.send_to(&bytes, partner) {
                let name = match end.path.path {
                    PairPath::Public => "public",
                    PairPath::Private => "private",
                };
                log::debug!("Warning -- failed to send heartbeat ({name} if): {error}");
            }
        }
    }

    /// Reads every socket empty. Only what comes from the partner's end of the same path counts.
    pub fn drain(&mut self) -> Vec<Heard> {
        let mut heard = Vec::new();
        for end in &self.ends {
            for _ in 0..MOST_PER_TURN {
                let mut bytes = [0; MAX_LENGTH];
                match end.socket.recv_from(&mut bytes) {
                    Ok((length, source)) => {
                        let bytes = bytes.get(..length).unwrap_or_default();
                        if Some(source) == end.path.partner {
                            log::debug!("DEBUG -- Received Heartbeat from partner");
                            heard.push((end.path.path, self.auth.open(bytes)));
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
