//! Which machine claims an address: ARP and neighbour advertisements as a watcher on the switch hears them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::socket::MsgFlags;
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, recv, socket};

use crate::topology::Host;

/// One announcement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// When it was heard.
    pub at: Instant,
    /// The address.
    pub address: IpAddr,
    /// Hardware address of the machine that claims it, as `ip` writes it.
    pub mac: String,
}

/// The listener; its thread ends when the process does.
pub struct Owners {
    heard: Arc<Mutex<Vec<Announcement>>>,
    listener: JoinHandle<()>,
}

impl Owners {
    /// Listens on every interface of `host`: one that is plugged in and has nothing else to do.
    ///
    /// # Errors
    /// If the kernel has no packet sockets.
    pub fn listen(host: &Host) -> io::Result<Self> {
        let list = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&list);
        let socket: OwnedFd = host.run(|| {
            let all = SockProtocol::EthAll;
            Ok(socket(
                AddressFamily::Packet,
                SockType::Raw,
                SockFlag::SOCK_CLOEXEC,
                all,
            )?)
        })?;
        let listener = thread::Builder::new()
            .name("owners".into())
            .spawn(move || {
                let mut frame = [0; 2048];
                loop {
                    let length = match recv(socket.as_raw_fd(), &mut frame, MsgFlags::empty()) {
                        Ok(length) => length,
                        // An interface went down, or more came than there was room for.
                        Err(Errno::EINTR | Errno::ENETDOWN | Errno::ENOBUFS) => continue,
                        Err(_) => return,
                    };
                    let claim = claim(frame.get(..length).unwrap_or_default());
                    if let Some((address, mac)) = claim {
                        let announcement = Announcement {
                            at: Instant::now(),
                            address,
                            mac,
                        };
                        heard
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push(announcement);
                    }
                }
            })?;
        Ok(Self {
            heard: list,
            listener,
        })
    }

    /// The announcements of `address` at `since` or later.
    ///
    /// # Panics
    /// If the listener has ended: then there may have been any.
    #[must_use]
    pub fn of(&self, address: IpAddr, since: Instant) -> Vec<Announcement> {
        assert!(!self.listener.is_finished(), "nobody listens any more");
        let all = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter()
            .filter(|one| one.address == address && one.at >= since)
            .cloned()
            .collect()
    }
}

/// Address and hardware address that a frame claims to belong together.
fn claim(frame: &[u8]) -> Option<(IpAddr, String)> {
    match frame.get(12..14)? {
        [0x08, 0x06] => arp_claim(frame.get(14..)?),
        [0x86, 0xdd] => advertisement_claim(frame.get(14..)?),
        _ => None,
    }
}

/// The sender of an ARP packet, request or reply (RFC 826).
fn arp_claim(packet: &[u8]) -> Option<(IpAddr, String)> {
    let ip: [u8; 4] = packet.get(14..18)?.try_into().ok()?;
    let known = ip != [0; 4];
    known.then_some((IpAddr::V4(Ipv4Addr::from(ip)), mac(packet.get(8..14)?)))
}

/// The target of a neighbour advertisement with its link-layer option (RFC 4861, 4.4 and 4.6.1).
fn advertisement_claim(packet: &[u8]) -> Option<(IpAddr, String)> {
    let (next_header, kind) = (packet.get(6)?, packet.get(40)?);
    if (*next_header, *kind) != (58, 136) {
        return None;
    }
    let target: [u8; 16] = packet.get(48..64)?.try_into().ok()?;
    let option = packet.get(64..72)?;
    option
        .starts_with(&[2, 1])
        .then(|| Some((IpAddr::V6(Ipv6Addr::from(target)), mac(option.get(2..8)?))))?
}

fn mac(bytes: &[u8]) -> String {
    let words: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    words.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gratuitous_arp_names_its_owner() {
        let mut frame = vec![0xff; 6];
        frame.extend([2, 0, 0, 0, 0, 7, 0x08, 0x06]);
        frame.extend([0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 7, 10, 9, 0, 100]);
        frame.extend([0xff; 6]);
        frame.extend([10, 9, 0, 100]);
        let expected = (
            "10.9.0.100".parse().unwrap(),
            "02:00:00:00:00:07".to_owned(),
        );
        assert_eq!(claim(&frame), Some(expected));
    }

    #[test]
    fn an_advertisement_names_its_owner() {
        let mut frame = vec![0x33; 12];
        frame.extend([0x86, 0xdd]);
        let mut packet = vec![0; 72];
        packet[6] = 58;
        packet[40] = 136;
        packet[48..64].copy_from_slice(&"fd09::100".parse::<Ipv6Addr>().unwrap().octets());
        packet[64..72].copy_from_slice(&[2, 1, 2, 0, 0, 0, 0, 9]);
        frame.extend(packet);
        let expected = ("fd09::100".parse().unwrap(), "02:00:00:00:00:09".to_owned());
        assert_eq!(claim(&frame), Some(expected));
    }

    #[test]
    fn other_frames_claim_nothing() {
        assert_eq!(claim(&[0; 60]), None);
        assert_eq!(claim(&[0; 3]), None);
    }
}
