//! The socket.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use kernel_wire::netlink::{Answer, Message, Requests, messages};
use netlink_sys::protocols::{NETLINK_GENERIC, NETLINK_ROUTE};
use netlink_sys::{Socket, SocketAddr};
use nix::errno::Errno;
use nix::libc::MSG_TRUNC;
use nix::sys::socket::{SetSockOpt, setsockopt, sockopt};

use crate::error::NetlinkError;

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

impl Protocol {
    const fn number(self) -> isize {
        match self {
            Self::Route => NETLINK_ROUTE,
            Self::Generic => NETLINK_GENERIC,
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
    /// Never cloned: its clone would be the same descriptor, and the first one dropped closes it.
    socket: Socket,
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
        let mut socket = Self::create(protocol)?;
        socket.hear_the_kernel_alone()?;
        Ok(socket)
    }

    fn create(protocol: Protocol) -> Result<Self, NetlinkError> {
        let socket = Socket::new(protocol.number()).map_err(failed)?;
        Ok(Self {
            socket,
            sequence: 0,
            buffer: Vec::new(),
            calls: Calls {
                others: 1,
                ..Calls::default()
            },
        })
    }

    /// Makes the kernel refuse what others send here, where their address cannot be seen.
    ///
    /// netlink-sys asks for a sender with a length of eight bytes, of which the kernel reads four. On a
    /// big-endian machine these are the zeros, and every sender looks like the kernel.
    fn hear_the_kernel_alone(&mut self) -> Result<(), NetlinkError> {
        if cfg!(all(target_endian = "big", target_pointer_width = "64")) {
            self.refuse_others()?;
        }
        Ok(())
    }

    pub(crate) fn refuse_others(&mut self) -> Result<(), NetlinkError> {
        self.calls.others += 1;
        let kernel = SocketAddr::new(0, 0);
        self.socket.connect(&kernel).map_err(failed)
    }

    /// Opens a socket that also receives notifications.
    ///
    /// `groups` is a mask, one bit a group, as `RTMGRP_*` in linux/rtnetlink.h: 1 links, 0x10 IPv4
    /// addresses, 0x100 IPv6 addresses.
    ///
    /// # Errors
    /// [`NetlinkError::Socket`].
    pub fn open_with_groups(protocol: Protocol, groups: u32) -> Result<Self, NetlinkError> {
        let mut socket = Self::create(protocol)?;
        socket.calls.others += 1;
        let address = SocketAddr::new(0, groups);
        socket.socket.bind(&address).map_err(failed)?;
        // After that: a connected socket has its port already.
        socket.hear_the_kernel_alone()?;
        Ok(socket)
    }

    /// Makes a receive without anything there return `EAGAIN` instead of waiting.
    ///
    /// # Errors
    /// [`NetlinkError::Socket`].
    pub fn set_nonblocking(&mut self) -> Result<(), NetlinkError> {
        self.calls.others += 1;
        self.socket.set_non_blocking(true).map_err(failed)
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

    /// Makes room for nearly `bytes` in one send, beyond the system's limit (`SO_SNDBUFFORCE`).
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
        self.calls.others += 1;
        self.socket.set_cap_ack(true).map_err(failed)
    }

    fn option<O: SetSockOpt>(&mut self, option: O, value: &O::Val) -> Result<(), NetlinkError> {
        self.calls.others += 1;
        setsockopt(&self.socket, option, value).map_err(NetlinkError::Socket)
    }

    /// A number for the next request; never 0, which notifications have.
    pub const fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        if self.sequence == 0 {
            self.sequence = 1;
        }
        self.sequence
    }

    /// The first of as many consecutive numbers as a batch has requests.
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
            match self.socket.send(requests.as_bytes(), 0) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(error)),
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
            // With this flag the length is the datagram's, also where the buffer is shorter.
            let mut room = self.buffer.as_mut_slice();
            match self.socket.recv_from(&mut room, MSG_TRUNC) {
                Ok((_, sender)) if sender.port_number() != 0 => {}
                Ok((length, _)) if length > self.buffer.len() => {
                    return Err(NetlinkError::Truncated);
                }
                Ok((length, _)) => return Ok(length),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// Shows every message that answers request `sequence` to `visit`, up to the end of the dump or the
    /// confirmation.
    ///
    /// Messages that answer no request of ours (late ones, notifications) are passed over. When `visit`
    /// fails, the rest is read all the same and not shown, so that the socket stays usable.
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
        self.socket.as_fd()
    }
}

/// The kernel's number for why a call failed.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: io::Error) -> NetlinkError {
    NetlinkError::Socket(Errno::from_raw(error.raw_os_error().unwrap_or(0)))
}
