//! The kernel's table, over one netlink socket.

use std::path::Path;

use kernel_wire::ipvs::{
    Detail, Query, decode_daemon, decode_destination, decode_family_id, decode_info,
    decode_service, decode_timeouts, encode_family_query, encode_op, encode_query,
    names::GENL_NAME,
};
use kernel_wire::netlink::{DecodeError, Message, Requests};
use lvs_model::{
    DestinationEntry, IpvsOp, KernelInfo, ServiceEntry, ServiceKey, SyncDaemon, Timeouts,
};
use netlink::{Calls, Completeness, NetlinkError, NetlinkSocket, Protocol};
use nix::errno::Errno;

use crate::options::OptionSocket;
use crate::{Ipvs, IpvsError, Refusal, load_module};

/// How often a dump that the kernel calls inconsistent is made; then it is taken as it is.
const DUMPS: usize = 3;

/// Most changes in one send with refusals that the default receive buffer holds (it held 237).
const SMALL_BATCH: usize = 128;

/// Most changes in one send once there is room. A refusal without a copy of its request takes the kernel
/// less than 1 KiB of it.
const LARGE_BATCH: usize = 1024;
const RECEIVE_SPACE: usize = 1024 * 1024;

/// A batch is sent when it has this many bytes; the default send buffer takes 208 KiB less what
/// the kernel needs itself.
const BATCH_BYTES: usize = 128 * 1024;
const SEND_SPACE: usize = 256 * 1024;

/// The IPVS table of the network namespace in which this was opened.
///
/// One socket for its life, one buffer each way. Changes go out in batches, each with one confirmation at
/// its end. A listing costs what the kernel forces: a receive for each 32 KiB, and for each service's
/// destinations a send and at least two receives. Destinations without counters come by two options of a
/// second socket, where those can show them: that costs the kernel a tenth.
#[derive(Debug)]
pub struct NetlinkIpvs {
    socket: NetlinkSocket,
    /// For destinations without counters, once those are wanted.
    options: Option<OptionSocket>,
    requests: Requests,
    family: u16,
    info: KernelInfo,
    detail: Detail,
    /// Most changes in one send; `None` until room for more was asked for.
    batch: Option<usize>,
}

impl NetlinkIpvs {
    /// Opens a socket, looks the family up and asks it for its version.
    ///
    /// # Errors
    /// [`IpvsError::NoIpvs`] if the kernel does not know the family and has no module for it by
    /// itself; [`IpvsError::Kernel`] with `EPERM` without `CAP_NET_ADMIN` in the initial user
    /// namespace.
    pub fn open() -> Result<Self, IpvsError> {
        let mut socket = NetlinkSocket::open(Protocol::Generic)?;
        let mut requests = Requests::new();
        let family = look_up(&mut socket, &mut requests)?;
        let mut ask_info = || {
            let sequence = socket.next_sequence();
            requests.clear();
            encode_query(&mut requests, family, sequence, Query::Info);
            socket.send(&requests)?;
            socket.answer(sequence, |message| Ok(decode_info(&message)?))
        };
        // On some kernels the first request behind an automatic load fails.
        let info = ask_info().or_else(|_: IpvsError| ask_info())?;
        Ok(Self {
            socket,
            options: None,
            requests,
            family,
            info,
            detail: Detail::All,
            batch: None,
        })
    }

    /// Opens; if that fails, runs `modprobe` ([`load_module`]) and opens once more.
    ///
    /// # Errors
    /// As [`open`](Self::open): the second time's error, or the first one's if the module could not
    /// be loaded.
    pub fn open_or_load(modprobe: &Path) -> Result<Self, IpvsError> {
        Self::open().or_else(|error| match load_module(modprobe) {
            Ok(true) => Self::open(),
            Ok(false) | Err(_) => Err(error),
        })
    }

    /// System calls made on the socket so far.
    #[must_use]
    pub const fn calls(&self) -> Calls {
        self.socket.calls()
    }

    /// Shows the services one by one, in the kernel's order, without holding them all.
    ///
    /// No other call can be made meanwhile: the kernel has one dump a socket.
    ///
    /// # Errors
    /// As for every call of [`Ipvs`]; those shown before it stay shown.
    pub fn each_service(&mut self, visit: &mut dyn FnMut(ServiceEntry)) -> Result<(), IpvsError> {
        let detail = self.detail;
        self.dump(Query::Services, |message| {
            visit(decode_service(message, detail)?);
            Ok(())
        })?;
        Ok(())
    }

    fn ask(&mut self, query: Query<'_>) -> Result<u32, NetlinkError> {
        let sequence = self.socket.next_sequence();
        self.requests.clear();
        encode_query(&mut self.requests, self.family, sequence, query);
        self.socket.send(&self.requests)?;
        Ok(sequence)
    }

    fn one<T>(
        &mut self,
        query: Query<'_>,
        decode: impl Fn(&Message<'_>) -> Result<T, DecodeError>,
    ) -> Result<T, IpvsError> {
        let sequence = self.ask(query)?;
        self.socket
            .answer(sequence, |message| Ok(decode(&message)?))
    }

    fn dump(
        &mut self,
        query: Query<'_>,
        mut visit: impl FnMut(&Message<'_>) -> Result<(), DecodeError>,
    ) -> Result<Completeness, IpvsError> {
        let sequence = self.ask(query)?;
        self.socket
            .answers(sequence, |message| Ok(visit(&message)?))
    }

    fn list<T>(
        &mut self,
        query: Query<'_>,
        decode: impl Fn(&Message<'_>) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, IpvsError> {
        let mut entries = Vec::new();
        for _ in 0..DUMPS {
            entries.clear();
            let completeness = self.dump(query, |message| {
                entries.push(decode(message)?);
                Ok(())
            })?;
            if completeness == Completeness::Whole {
                break;
            }
        }
        Ok(entries)
    }

    /// Most changes in one send. Room is made once, when a list first needs it.
    fn batch_limit(&mut self, wanted: usize) -> usize {
        if wanted <= SMALL_BATCH {
            return SMALL_BATCH;
        }
        if let Some(limit) = self.batch {
            return limit;
        }
        // Only the first is needed: without it more refusals than fit could get lost.
        let room = self.socket.set_receive_space(RECEIVE_SPACE);
        let _ = self.socket.set_send_space(SEND_SPACE);
        let short = self.socket.set_short_refusals();
        let limit = if room.and(short).is_ok() {
            LARGE_BATCH
        } else {
            SMALL_BATCH
        };
        self.batch = Some(limit);
        limit
    }

    /// Sends as many of `ops` as fit, at most `limit`; returns how many those were.
    fn apply_batch(
        &mut self,
        ops: &[IpvsOp],
        limit: usize,
        mut refused: impl FnMut(usize, Errno),
    ) -> Result<usize, IpvsError> {
        let first = self.socket.next_sequences(limit + 1);
        let mut end = first;
        self.requests.clear();
        for (op, sequence) in ops.iter().take(limit).zip(first..) {
            if self.requests.as_bytes().len() >= BATCH_BYTES {
                break;
            }
            encode_op(&mut self.requests, self.family, sequence, op);
            end = sequence + 1;
        }
        let count = self.requests.count();
        self.requests.confirmation(end);
        self.socket
            .transact(&self.requests, end, |sequence, errno| {
                let place = sequence
                    .checked_sub(first)
                    .and_then(|place| usize::try_from(place).ok())
                    .filter(|place| *place < count);
                if let Some(place) = place {
                    refused(place, errno);
                }
            })?;
        Ok(count)
    }
}

fn look_up(socket: &mut NetlinkSocket, requests: &mut Requests) -> Result<u16, IpvsError> {
    let sequence = socket.next_sequence();
    encode_family_query(requests, sequence, GENL_NAME);
    socket.send(requests)?;
    match socket.answer(sequence, |message| Ok(decode_family_id(&message)?)) {
        Err(IpvsError::Kernel(Errno::ENOENT)) => Err(IpvsError::NoIpvs),
        other => other,
    }
}

impl Ipvs for NetlinkIpvs {
    /// As the kernel said when this was opened; it does not change while the module is loaded.
    fn info(&mut self) -> Result<KernelInfo, IpvsError> {
        Ok(self.info)
    }

    fn services(&mut self) -> Result<Vec<ServiceEntry>, IpvsError> {
        let detail = self.detail;
        self.list(Query::Services, |message| decode_service(message, detail))
    }

    fn service(&mut self, key: &ServiceKey) -> Result<ServiceEntry, IpvsError> {
        let detail = self.detail;
        self.one(Query::Service(key), |message| {
            decode_service(message, detail)
        })
    }

    fn destinations(&mut self, key: &ServiceKey) -> Result<Vec<DestinationEntry>, IpvsError> {
        let options = self.options.as_ref();
        let options = options.filter(|_| self.detail == Detail::NoCounters);
        if let Some(listed) = options.and_then(|options| options.destinations(key)) {
            return Ok(listed);
        }
        let (family, detail) = (key.family(), self.detail);
        self.list(Query::Destinations(key), |message| {
            decode_destination(message, family, detail)
        })
    }

    fn timeouts(&mut self) -> Result<Timeouts, IpvsError> {
        self.one(Query::Timeouts, decode_timeouts)
    }

    fn daemons(&mut self) -> Result<Vec<SyncDaemon>, IpvsError> {
        self.list(Query::Daemons, decode_daemon)
    }

    fn apply(&mut self, ops: &[IpvsOp]) -> Result<Vec<Refusal>, IpvsError> {
        let limit = self.batch_limit(ops.len());
        let mut refusals = Vec::new();
        let mut done = 0;
        while let Some(rest @ [_, ..]) = ops.get(done..) {
            done += self.apply_batch(rest, limit, |place, errno| {
                refusals.push(Refusal {
                    index: done + place,
                    errno,
                });
            })?;
        }
        Ok(refusals)
    }

    fn want_counters(&mut self, wanted: bool) {
        self.detail = if wanted {
            Detail::All
        } else {
            Detail::NoCounters
        };
        if !wanted && self.options.is_none() {
            // Without it netlink tells the same.
            self.options = OptionSocket::open().ok();
        }
    }

    fn each_destination(
        &mut self,
        key: &ServiceKey,
        visit: &mut dyn FnMut(&DestinationEntry),
    ) -> Result<(), IpvsError> {
        let (family, detail) = (key.family(), self.detail);
        self.dump(Query::Destinations(key), |message| {
            visit(&decode_destination(message, family, detail)?);
            Ok(())
        })?;
        Ok(())
    }
}
