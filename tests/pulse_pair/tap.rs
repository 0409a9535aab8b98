//! What passes a director's interface, with the time: heartbeats and announcements, in and out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use nix::sched::{CloneFlags, setns};
use nix::sys::socket::{
    AddressFamily, LinkAddr, SockFlag, SockProtocol, SockType, recvfrom, setsockopt, socket,
    sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};

use crate::LOADING;

/// linux/if_packet.h `PACKET_OUTGOING`.
const PACKET_OUTGOING: u8 = 4;
/// The heartbeat's port.
const PORT: [u8; 2] = 539_u16.to_be_bytes();

/// What a frame is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A heartbeat's UDP payload.
    Beat(Vec<u8>),
    /// ARP: its operation, and the address whose owner it names.
    Arp(u16, Ipv4Addr),
    /// An unsolicited neighbour advertisement of that address.
    Advertisement(Ipv6Addr),
}

/// A frame of interest.
#[derive(Clone, Debug)]
pub struct Frame {
    pub at: Instant,
    /// Sent from here, not received.
    pub outgoing: bool,
    /// Hardware address of the sender.
    pub mac: [u8; 6],
    pub seen: Seen,
}

/// A listener on one interface of one namespace; it ends when this is dropped.
pub struct Tap {
    frames: Arc<Mutex<Vec<Frame>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Tap {
    /// Listens from now on.
    pub fn on(namespace: &str) -> Self {
        let file = std::fs::File::open(format!("/run/netns/{namespace}")).expect("a namespace");
        let frames = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (list, ended) = (Arc::clone(&frames), Arc::clone(&stop));
        let (ready, wait) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            setns(&file, CloneFlags::CLONE_NEWNET).expect("the namespace");
            let all = SockProtocol::EthAll;
            let flags = SockFlag::SOCK_CLOEXEC;
            let fd = socket(AddressFamily::Packet, SockType::Raw, flags, all).expect("root");
            setsockopt(&fd, sockopt::ReceiveTimeout, &TimeVal::milliseconds(50)).expect("option");
            ready.send(()).expect("the test waits");
            let mut bytes = [0; 2048];
            while !ended.load(Ordering::Relaxed) {
                let Ok((length, source)) = recvfrom::<LinkAddr>(fd.as_raw_fd(), &mut bytes) else {
                    continue;
                };
                let outgoing = source.is_some_and(|source| source.pkttype() == PACKET_OUTGOING);
                let at = Instant::now();
                let Some(seen) = read(&bytes[..length]) else {
                    continue;
                };
                let mut mac = [0; 6];
                mac.copy_from_slice(&bytes[6..12]);
                let frame = Frame {
                    at,
                    outgoing,
                    mac,
                    seen,
                };
                list.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(frame);
            }
        });
        wait.recv_timeout(LOADING).expect("a listener");
        Self {
            frames,
            stop,
            thread: Some(thread),
        }
    }

    /// Everything seen so far.
    pub fn frames(&self) -> Vec<Frame> {
        let frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        frames.clone()
    }

    /// When the first frame at or after `since` that `wanted` accepts passed.
    pub fn first(&self, since: Instant, wanted: impl Fn(&Frame) -> bool) -> Option<Instant> {
        let mut frames = self.frames().into_iter();
        frames
            .find(|frame| frame.at >= since && wanted(frame))
            .map(|frame| frame.at)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What an Ethernet frame is, if it is of interest.
fn read(frame: &[u8]) -> Option<Seen> {
    let packet = frame.get(14..)?;
    match frame.get(12..14)? {
        [0x08, 0x00] => {
            let header = usize::from(packet.first()? & 0x0f) * 4;
            let (length, udp) = (packet.get(2..4)?, packet.get(header..)?);
            let end = usize::from(u16::from_be_bytes([length[0], length[1]]));
            let is_beat = packet.get(9) == Some(&17) && udp.get(2..4)? == PORT;
            is_beat.then(|| {
                packet
                    .get(header + 8..end)
                    .map(|data| Seen::Beat(data.to_vec()))
            })?
        }
        [0x08, 0x06] => {
            let operation = u16::from_be_bytes(packet.get(6..8)?.try_into().ok()?);
            let (sender, target): ([u8; 4], [u8; 4]) = (
                packet.get(14..18)?.try_into().ok()?,
                packet.get(24..28)?.try_into().ok()?,
            );
            (sender == target).then(|| Seen::Arp(operation, sender.into()))
        }
        [0x86, 0xdd] => {
            let is_advertisement = packet.get(6) == Some(&58) && packet.get(40) == Some(&136);
            let target: [u8; 16] = packet.get(48..64)?.try_into().ok()?;
            is_advertisement.then(|| Seen::Advertisement(target.into()))
        }
        _ => None,
    }
}

impl Frame {
    /// Whether it announces `address`.
    pub fn announces(&self, address: IpAddr) -> bool {
        match (&self.seen, address) {
            (Seen::Arp(_, ip), IpAddr::V4(address)) => *ip == address,
            (Seen::Advertisement(ip), IpAddr::V6(address)) => *ip == address,
            _ => false,
        }
    }

    /// Length of a heartbeat.
    pub fn payload_length(&self) -> Option<usize> {
        match &self.seen {
            Seen::Beat(bytes) => Some(bytes.len()),
            _ => None,
        }
    }

    /// Whether it is a heartbeat that says RUNNING (lvs).
    pub fn says_running(&self) -> bool {
        self.says(&[0xda, 0xdb, 0xad, 0xbd])
    }

    /// Whether it is a heartbeat that begins with these bytes.
    pub fn says(&self, magic: &[u8]) -> bool {
        matches!(&self.seen, Seen::Beat(bytes) if bytes.starts_with(magic))
    }
}
