//! The floor: what the kernel's interfaces cost when a program does nothing else.
//!
//! The fewest system calls that give the same effect, in fixed buffers, nothing parsed but what the
//! next request needs, nothing printed. A measure, not a product: `bench-floor` runs it.
//!
//! - `add SIZE`: what `ipvsadm -R` must do
//! - `list`: what `ipvsadm -Ln` must do
//! - `connections`: what `ipvsadm -Lcn` must do; the kernel has no netlink dump of connections

use std::fs::File;
use std::io::{self, Read, Write};

use kernel_wire::ipvs::{
    Detail, Query, decode_family_id, decode_service, encode_family_query, encode_op, encode_query,
};
use kernel_wire::netlink::Requests;
use lvs_model::ServiceKey;
use netlink::{NetlinkError, NetlinkSocket, Protocol};

use crate::tables::Size;

/// Changes in one send, and room for it: a change is below 200 bytes.
const BATCH: usize = 4096;
const SEND_SPACE: usize = 2 * 1024 * 1024;

const USAGE: &str = "usage: bench-floor add SERVICESxDESTINATIONS | list | connections";

/// Does one of the works; the exit status.
pub fn run(args: &[String], err: &mut dyn Write) -> u8 {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["add", size] => size
            .parse()
            .map_err(io::Error::other)
            .and_then(|size| add(size).map_err(io::Error::other)),
        ["list"] => list().map_err(io::Error::other),
        ["connections"] => connections(),
        _ => Err(io::Error::other(USAGE)),
    };
    match done {
        Ok(()) => 0,
        Err(error) => {
            // Nobody is left to hear that standard error is closed.
            let _ = writeln!(err, "bench-floor: {error}");
            1
        }
    }
}

/// A socket and the number that the family has on this kernel.
fn open(requests: &mut Requests) -> Result<(NetlinkSocket, u16), NetlinkError> {
    let mut socket = NetlinkSocket::open(Protocol::Generic)?;
    let sequence = socket.next_sequence();
    encode_family_query(requests, sequence, "IPVS");
    socket.send(requests)?;
    let family = socket.answer(sequence, |message| {
        decode_family_id(&message).map_err(NetlinkError::from)
    })?;
    requests.clear();
    Ok((socket, family))
}

fn add(size: Size) -> Result<(), NetlinkError> {
    let mut requests = Requests::new();
    let (mut socket, family) = open(&mut requests)?;
    socket.set_send_space(SEND_SPACE)?;
    let mut failure = None;
    let mut ops = size.ops().peekable();
    while let Some(op) = ops.next() {
        let sequence = socket.next_sequence();
        encode_op(&mut requests, family, sequence, &op);
        if requests.count() == BATCH || ops.peek().is_none() {
            requests.acknowledge_last();
            socket.transact(&requests, sequence, |_, errno| failure = Some(errno))?;
            requests.clear();
        }
    }
    failure.map_or(Ok(()), |errno| Err(NetlinkError::Refused(errno)))
}

fn list() -> Result<(), NetlinkError> {
    let mut requests = Requests::new();
    let (mut socket, family) = open(&mut requests)?;
    let mut keys: Vec<ServiceKey> = Vec::new();
    let sequence = socket.next_sequence();
    encode_query(&mut requests, family, sequence, Query::Services);
    socket.send(&requests)?;
    socket.answers(sequence, |message| {
        keys.push(decode_service(&message, Detail::NoCounters)?.service.key);
        Ok::<_, NetlinkError>(())
    })?;
    for key in &keys {
        let sequence = socket.next_sequence();
        requests.clear();
        encode_query(&mut requests, family, sequence, Query::Destinations(key));
        socket.send(&requests)?;
        socket.answers(sequence, |_| Ok::<_, NetlinkError>(()))?;
    }
    Ok(())
}

fn connections() -> io::Result<()> {
    let mut file = File::open("/proc/net/ip_vs_conn")?;
    // The kernel gives a page a read.
    let mut page = [0; 4096];
    while file.read(&mut page)? > 0 {}
    Ok(())
}
