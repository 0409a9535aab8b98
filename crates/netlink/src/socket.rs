//! The socket.

use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use kernel_wire::netlink::{Answer, Message, Requests, messages};
use nix::errno::Errno;
use nix::sys::socket::{
    self, AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, sockopt,
};

use crate::error::NetlinkError;
use crate::options::CapAck;

/// Bytes offered to every receive: the kernel fills no more than this in one datagram of a dump.
const BUFFER: usize = 32 * 1024;

/// Which part of the kernel a socket talks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `NETLINK_ROUTE`: links, addresses, routes.
    Route,
    /// `NETLINK_GENERIC`: families with a name, IPVS among them.
    Generic,
}

impl From<Protocol> for SockProtocol {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Route => Self::NetlinkRoute,
            Protocol::Generic => Self::NetlinkGeneric,
        }
    }
}

/// System calls that a socket made since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Sends, repeated ones included.
    pub sends: u64,
    /// Receives, those that brought nothing included.
    pub receives: u64,
    /// All others: opening, options.
    pub others: u64,
}

impl Calls {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.sends + self.receives + self.others
    }
}

/// Whether the table stood still during a dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// As far as the kernel says.
    Whole,
    /// The kernel says that it changed (`NLM_F_DUMP_INTR`): dump again.
    Interrupted,
}

/// A netlink socket with its one receive buffer. Closed on exec; its namespace is the opener's.
#[derive(Debug)]
pub struct NetlinkSocket {
    fd: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
    calls: Calls,
}

impl NetlinkSocket {
    /// Opens a socket. The kernel gives it its port with the first send.
    ///
    /// # Errors
    /// [`NetlinkError::Socket`].
    pub fn open(protocol: Protocol) -> Result<Self, NetlinkError> {
        let fd = socket::socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::from(protocol),
        )
        .map_err(NetlinkError::Socket)?;
        Ok(Self {
            fd,
            sequence: 0,
            buffer: Vec::new(),
            calls: Calls {
                others: 1,
                ..Calls::default()
            },
        })
    }

    /// Opens a socket that also receives notifications.
    ///
    /// `groups` is a mask, one bit a group, as `RTMGRP_*` in linux/rtnetlink.h: 1 links, 0x10 IPv4
    /// addresses, 0x100 IPv6 addresses.
    ///
    /// # Errors
    /// [`NetlinkError::Socket`].
    pub fn open_with_groups(protocol: Protocol, groups: u32) -> Result<Self, NetlinkError> {
        let mut socket = Self::open(protocol)?;
        socket.calls.others += 1;
        socket::bind(socket.fd.as_raw_fd(), &NetlinkAddr::new(0, groups))
            .map_err(NetlinkError::Socket)?;
        Ok(socket)
    }

    /// Makes a receive without anything there return `EAGAIN` instead of waiting.
    ///
    /// # Errors
    /// [`NetlinkError::Socket`].
    pub fn set_nonblocking(&mut self) -> Result<(), NetlinkError> {
        use nix::fcntl::{FcntlArg, OFlag, fcntl};
        self.calls.others += 1;
        fcntl(&self.fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(NetlinkError::Socket)?;
        Ok(())
    }

    /// Gives a receive a limit: after it [`NetlinkError::Socket`] with `EAGAIN`.
    ///
    /// # Errors
    /// [`NetlinkError::Socket`].
    pub fn set_receive_timeout(&mut self, limit: std::time::Duration) -> Result<(), NetlinkError> {
        let micros = i64::try_from(limit.as_micros()).unwrap_or(i64::MAX);
        let value = nix::sys::time::TimeValLike::microseconds(micros);
        self.option(sockopt::ReceiveTimeout, &value)
    }

    /// Makes room for `bytes` of unread answers, beyond the system's limit (`SO_RCVBUFFORCE`).
    ///
    /// # Errors
    /// [`NetlinkError::Socket`], `EPERM` without `CAP_NET_ADMIN`.
    pub fn set_receive_space(&mut self, bytes: usize) -> Result<(), NetlinkError> {
        self.option(sockopt::RcvBufForce, &bytes)
    }

    /// Lets one send have nearly `bytes`, beyond the system's limit (`SO_SNDBUFFORCE`).
    ///
    /// # Errors
    /// [`NetlinkError::Socket`], `EPERM` without `CAP_NET_ADMIN`.
    pub fn set_send_space(&mut self, bytes: usize) -> Result<(), NetlinkError> {
        self.option(sockopt::SndBufForce, &bytes)
    }

    /// Asks for refusals without a copy of the request (`NETLINK_CAP_ACK`, Linux 4.3).
    ///
    /// # Errors
    /// [`NetlinkError::Socket`].
    pub fn set_short_refusals(&mut self) -> Result<(), NetlinkError> {
        self.option(CapAck, &true)
    }

    fn option<O: socket::SetSockOpt>(
        &mut self,
        option: O,
        value: &O::Val,
    ) -> Result<(), NetlinkError> {
        self.calls.others += 1;
        socket::setsockopt(&self.fd, option, value).map_err(NetlinkError::Socket)
    }

    /// A number for the next request; never 0, which notifications have.
    pub const fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        if self.sequence == 0 {
            self.sequence = 1;
        }
        self.sequence
    }

    /// As many numbers as a batch has requests, one behind the other: the first of them.
    pub fn next_sequences(&mut self, count: usize) -> u32 {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let last = self.sequence.checked_add(count).unwrap_or(count);
        self.sequence = last;
        last.saturating_sub(count) + 1
    }

    /// System calls so far.
    #[must_use]
    pub const fn calls(&self) -> Calls {
        self.calls
    }

    /// Sends all of `requests` at once. The kernel has carried them out when this returns.
    ///
    /// # Errors
    /// [`NetlinkError::Socket`]; `EMSGSIZE` if they are more than the send buffer holds (212992
    /// bytes by default, see [`set_send_space`](Self::set_send_space)).
    pub fn send(&mut self, requests: &Requests) -> Result<(), NetlinkError> {
        loop {
            self.calls.sends += 1;
            // A netlink socket without a peer sends to the kernel.
            match socket::send(self.fd.as_raw_fd(), requests.as_bytes(), MsgFlags::empty()) {
                Ok(_) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(NetlinkError::Socket(errno)),
            }
        }
    }

    /// Receives the next datagram from the kernel. Others' are dropped unread.
    ///
    /// # Errors
    /// [`NetlinkError::Socket`] and [`NetlinkError::Truncated`].
    pub fn receive(&mut self) -> Result<&[u8], NetlinkError> {
        let length = self.receive_length()?;
        Ok(self.buffer.get(..length).unwrap_or_default())
    }

    fn receive_length(&mut self) -> Result<usize, NetlinkError> {
        // Allocated zeroed: pages that no datagram reaches are never touched.
        if self.buffer.is_empty() {
            self.buffer = vec![0; BUFFER];
        }
        loop {
            self.calls.receives += 1;
            let mut parts = [IoSliceMut::new(&mut self.buffer)];
            let received = socket::recvmsg::<NetlinkAddr>(
                self.fd.as_raw_fd(),
                &mut parts,
                None,
                MsgFlags::empty(),
            );
            match received {
                Ok(datagram) if datagram.address.is_none_or(|sender| sender.pid() != 0) => {}
                Ok(datagram) if datagram.flags.contains(MsgFlags::MSG_TRUNC) => {
                    return Err(NetlinkError::Truncated);
                }
                Ok(datagram) => return Ok(datagram.bytes),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(NetlinkError::Socket(errno)),
            }
        }
    }

    /// Shows every message that answers request `sequence` to `visit`, to the end of the dump or
    /// to the confirmation.
    ///
    /// Messages that answer no request of ours (late ones, notifications) are passed over. When
    /// `visit` fails the rest is read all the same, unseen, so that the socket stays usable.
    ///
    /// # Errors
    /// The first error of `visit`; [`NetlinkError::Refused`] if the kernel refused the request or
    /// broke the dump off; and those of [`receive`](Self::receive).
    pub fn answers<E: From<NetlinkError>>(
        &mut self,
        sequence: u32,
        mut visit: impl FnMut(Message<'_>) -> Result<(), E>,
    ) -> Result<Completeness, E> {
        let mut failure = None;
        let mut completeness = Completeness::Whole;
        loop {
            let datagram = self.receive()?;
            for message in messages(datagram) {
                let message = message.map_err(NetlinkError::from)?;
                if message.sequence != sequence {
                    continue;
                }
                if message.is_inconsistent() {
                    completeness = Completeness::Interrupted;
                }
                match message.answer().map_err(NetlinkError::from)? {
                    Answer::Data(message) if failure.is_none() => failure = visit(message).err(),
                    Answer::Data(_) | Answer::Nothing => {}
                    Answer::Done => return failure.map_or(Ok(completeness), Err),
                    Answer::Failed(errno) => {
                        return Err(NetlinkError::Refused(Errno::from_raw(errno)).into());
                    }
                    Answer::Overrun => return Err(NetlinkError::Socket(Errno::ENOBUFS).into()),
                }
            }
        }
    }

    /// Receives the one message that answers request `sequence`, which asked for no confirmation.
    ///
    /// # Errors
    /// The error of `read`; [`NetlinkError::Refused`] if the kernel refused; and those of
    /// [`receive`](Self::receive).
    pub fn answer<T, E: From<NetlinkError>>(
        &mut self,
        sequence: u32,
        read: impl Fn(Message<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        loop {
            for message in messages(self.receive()?) {
                let message = message.map_err(NetlinkError::from)?;
                if message.sequence != sequence {
                    continue;
                }
                match message.answer().map_err(NetlinkError::from)? {
                    Answer::Data(message) => return read(message),
                    Answer::Failed(errno) => {
                        return Err(NetlinkError::Refused(Errno::from_raw(errno)).into());
                    }
                    Answer::Overrun => return Err(NetlinkError::Socket(Errno::ENOBUFS).into()),
                    Answer::Done | Answer::Nothing => {}
                }
            }
        }
    }

    /// Sends a batch that ends with a confirmation ([`Requests::confirmation`], or a last request
    /// that asks for one) and reads what comes back.
    ///
    /// `refused` is called for each request that the kernel refused, in order, with its sequence
    /// number. `last` is the last request's.
    ///
    /// # Errors
    /// Those of [`send`](Self::send) and [`receive`](Self::receive). With `ENOBUFS` it is unknown
    /// which requests were refused: keep a batch below 200 or make room first
    /// ([`set_receive_space`](Self::set_receive_space)).
    pub fn transact(
        &mut self,
        requests: &Requests,
        last: u32,
        mut refused: impl FnMut(u32, Errno),
    ) -> Result<(), NetlinkError> {
        self.send(requests)?;
        loop {
            for message in messages(self.receive()?) {
                let message = message?;
                match message.answer()? {
                    Answer::Failed(errno) => refused(message.sequence, Errno::from_raw(errno)),
                    Answer::Overrun => return Err(NetlinkError::Socket(Errno::ENOBUFS)),
                    Answer::Done | Answer::Nothing | Answer::Data(_) => {}
                }
                if message.sequence == last {
                    return Ok(());
                }
            }
        }
    }
}

impl AsFd for NetlinkSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
