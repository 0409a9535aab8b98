//! Carries out one [`Probe`]: a socket, never waited for here.

use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use daemon::{PollFd, PollFlags};
use healthcheck::{OsError, Outcome, Probe, Transport, Want};
use lvs_model::Mono;
use nix::errno::Errno;
use nix::poll::{PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrStorage, connect,
    getsockopt, recv, send, socket, sockopt,
};

/// Bytes that one read takes at most.
const READ: usize = 4096;

/// A check on its way.
pub struct Exchange {
    probe: Probe,
    transport: Transport,
    server: SocketAddr,
    socket: Option<OwnedFd>,
}

impl Exchange {
    /// A check of `server`; begins with the first [`advance`](Self::advance).
    pub fn new(probe: Probe, transport: Transport, server: SocketAddr) -> Self {
        Self {
            probe,
            transport,
            server,
            socket: None,
        }
    }

    /// How it ended, once it has.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.probe.outcome()
    }

    /// When to call [`advance`](Self::advance) at the latest.
    pub fn deadline(&self) -> Mono {
        self.probe.deadline()
    }

    /// What to wait for.
    pub fn poll_fd(&self) -> Option<PollFd<'_>> {
        Some(PollFd::new(self.socket.as_ref()?.as_fd(), self.events()?))
    }

    fn events(&self) -> Option<PollFlags> {
        match self.probe.want() {
            Want::Connect | Want::Send(_) => Some(PollFlags::POLLOUT),
            Want::Receive(_) => Some(PollFlags::POLLIN),
            Want::Close => None,
        }
    }

    /// Does all that can be done now; `is_ready` if the wait said so.
    pub fn advance(&mut self, now: Mono, is_ready: bool) {
        if let Some(socket) = self.socket.take() {
            if is_ready || now >= self.probe.deadline() && self.has_come(&socket) {
                self.proceed(&socket, now);
            }
            self.socket = Some(socket);
        } else if self.probe.outcome().is_none() {
            self.open(now);
        }
        self.probe.expire(now);
    }

    /// A last look before the time is over. A wait that ended by a signal or a pause of the machine, or one
    /// for thousands of checks, has not seen everything.
    fn has_come(&self, socket: &OwnedFd) -> bool {
        let Some(events) = self.events() else {
            return false;
        };
        let mut fds = [PollFd::new(socket.as_fd(), events)];
        poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }

    fn open(&mut self, now: Mono) {
        let family = match self.server {
            SocketAddr::V4(_) => AddressFamily::Inet,
            SocketAddr::V6(_) => AddressFamily::Inet6,
        };
        let (kind, protocol, name) = match self.transport {
            Transport::Tcp => (SockType::Stream, SockProtocol::Tcp, "TCP"),
            Transport::Udp => (SockType::Datagram, SockProtocol::Udp, "UDP"),
            Transport::Sctp => (SockType::Stream, SockProtocol::Sctp, "SCTP"),
        };
        let port = self.server.port();
        log::debug!("Opening {name} socket to remote service port {port}...");
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = match socket(family, kind, flags, protocol) {
            Ok(socket) => socket,
            Err(errno) => return self.probe.not_made(os_error(errno)),
        };
        let server = match self.server {
            SocketAddr::V4(server) => SockaddrStorage::from(server),
            SocketAddr::V6(server) => SockaddrStorage::from(server),
        };
        log::debug!("Connecting socket to remote address...");
        // A server nearby may have answered before this returns; then there is nothing to wait for. The
        // second call asks whether it has.
        let connected = match connect(socket.as_raw_fd(), &server) {
            Err(Errno::EINPROGRESS) => connect(socket.as_raw_fd(), &server),
            other => other,
        };
        match connected {
            // The latter is how SCTP answers the second.
            Ok(()) | Err(Errno::EISCONN) => {
                self.probe.connected(now);
                self.proceed(&socket, now);
            }
            Err(Errno::EINPROGRESS | Errno::EALREADY | Errno::EINTR) => {}
            Err(errno) => self.probe.failed(os_error(errno)),
        }
        self.socket = Some(socket);
    }

    /// Goes on until the socket has nothing more to give or to take.
    fn proceed(&mut self, socket: &OwnedFd, now: Mono) {
        loop {
            let done = match self.probe.want() {
                Want::Close => return,
                Want::Connect => match getsockopt(socket, sockopt::SocketError) {
                    Ok(0) => {
                        self.probe.connected(now);
                        Ok(())
                    }
                    Ok(number) => Err(Errno::from_raw(number)),
                    Err(errno) => Err(errno),
                },
                Want::Send(bytes) => {
                    let text = bytes.escape_ascii();
                    log::debug!("Sending len={}, text=\"{text}\"", bytes.len());
                    let sent = send(socket.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL);
                    sent.map(|count| self.probe.sent(count))
                }
                Want::Receive(room) => {
                    let mut buffer = [0; READ];
                    let room = buffer.get_mut(..room.min(READ)).unwrap_or_default();
                    let count = recv(socket.as_raw_fd(), room, MsgFlags::empty());
                    count.map(|count| {
                        let got = room.get(..count).unwrap_or_default();
                        log::debug!("READ got len={count}, text={}", got.escape_ascii());
                        self.probe.received(got);
                    })
                }
            };
            match done {
                Ok(()) | Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return,
                Err(errno) => self.probe.failed(os_error(errno)),
            }
        }
    }
}

/// An error number with its text.
pub fn os_error(errno: Errno) -> OsError {
    OsError {
        number: errno as i32,
        text: errno.desc(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;
    use std::rc::Rc;
    use std::time::Duration;

    use healthcheck::{Expect, NetworkCheck};

    use super::*;

    #[test]
    fn r_an_answer_that_the_wait_did_not_see_counts_though_the_time_is_over() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let interval = Duration::from_secs(10);
        let check = NetworkCheck {
            transport: Transport::Tcp,
            send: None,
            expect: Some(Expect::new(b"220".into(), false).unwrap()),
            interval,
        };
        let probe = Probe::new(Rc::new(check), Mono::ZERO);
        let server = listener.local_addr().unwrap();
        let mut exchange = Exchange::new(probe, Transport::Tcp, server);
        exchange.advance(Mono::ZERO, false);
        let (mut client, _) = listener.accept().unwrap();
        exchange.advance(Mono::ZERO, true);
        assert_eq!(exchange.outcome(), None);
        client.write_all(b"220").unwrap();
        exchange.advance(Mono::ZERO + interval * 3, false);
        assert_eq!(exchange.outcome(), Some(&Ok(())));
    }
}
