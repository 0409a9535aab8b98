//! The heartbeat's sockets: one a path, bound to our address, read empty at every turn.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use heartbeat::PairPath;
use wire::heartbeat::{ByteOrder, DecodeError, MAX_LENGTH, Service, Value, decode, encode};

use crate::setup::{HeartbeatPath, Setup};

/// So many datagrams of one path are read in one turn; a flood does not stop the clock.
const MOST_PER_TURN: usize = 64;

/// What a datagram of the partner said.
pub type Heard = (PairPath, Result<Value, DecodeError>);

/// Both paths.
pub struct Sockets {
    service: Service,
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
    pub fn open(setup: &Setup) -> io::Result<Self> {
        let open = |path: &HeartbeatPath| {
            let socket = UdpSocket::bind(path.own)?;
            socket.set_nonblocking(true)?;
            Ok(End {
                path: *path,
                socket,
            })
        };
        Ok(Self {
            service: setup.settings.service,
            ends: setup.paths.iter().map(open).collect::<io::Result<_>>()?,
        })
    }

    /// What to wait for.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.ends.iter().map(|end| end.socket.as_fd())
    }

    /// Sends `value` on every path, public first. A path that fails does not stop the other.
    pub fn send(&self, value: Value) {
        let bytes = encode(self.service, value, ByteOrder::Little);
        log::debug!("DEBUG -- Sending heartbeat...");
        for end in &self.ends {
            let Some(partner) = end.path.partner else {
                continue;
            };
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
    pub fn drain(&self) -> Vec<Heard> {
        let mut heard = Vec::new();
        for end in &self.ends {
            for _ in 0..MOST_PER_TURN {
                let mut bytes = [0; MAX_LENGTH];
                match end.socket.recv_from(&mut bytes) {
                    Ok((length, source)) => {
                        let bytes = bytes.get(..length).unwrap_or_default();
                        heard.extend(self.judge(end, bytes, source));
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

    fn judge(&self, end: &End, bytes: &[u8], source: SocketAddr) -> Option<Heard> {
        if Some(source) != end.path.partner {
            log::debug!("Unexpected heartbeat from {}", source.ip());
            return None;
        }
        log::debug!("DEBUG -- Received Heartbeat from partner");
        let value = decode(bytes, self.service, ByteOrder::Little).map(|datagram| datagram.value);
        Some((end.path.path, value))
    }
}
