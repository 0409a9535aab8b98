//! A packet socket that hears which station says to have one of some IPv4 addresses.

use std::io;
use std::mem::size_of;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, BorrowedFd};

use libc::sock_filter;

use crate::socket_filter::{self, IF_EQUAL, KEEP};

/// Loads four bytes.
const LOAD: u16 = 0x20;
/// Loads two (`BPF_LD | BPF_H | BPF_ABS`).
const LOAD_TWO: u16 = 0x28;
/// Keeps what was loaded, to be compared later (`BPF_MISC | BPF_TAX`).
const REMEMBER: u16 = 0x07;
/// Compares what was loaded with that (`BPF_JMP | BPF_JEQ | BPF_X`).
const IF_SAME: u16 = 0x1d;
/// Where an ARP packet says what it is, and that of an answer.
const OPERATION: u32 = 6;
const REPLY: u32 = 2;
/// Where an ARP packet has its sender's IPv4 address (RFC 826).
const SENDER: u32 = 14;
/// And the address that it asks for.
const TARGET: u32 = 24;
/// More addresses make more instructions than the kernel takes (`BPF_MAXINSNS`, 4096).
const MOST: usize = 2000;

/// What a packet socket hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArpFilter {
    /// Whoever says to have one of the addresses.
    Exact,
    /// Everybody who announces an address or answers for one: the kernel has no room for more
    /// (`net.core.optmem_max`).
    Announcements,
}

/// Lets a packet socket have ARP packets whose sender says to have one of `addresses`, and no others as far as
/// the kernel has room to tell them. It begins to hear them with the first call; another one changes the
/// addresses.
///
/// # Errors
/// The kernel's.
pub fn only_arp_of(socket: BorrowedFd<'_>, addresses: &[Ipv4Addr]) -> io::Result<ArpFilter> {
    // First of all: the filter from before gives its room back.
    socket_filter::attach(socket, &mut announcements())?;
    let exact = match addresses.len() <= MOST {
        true => socket_filter::attach(socket, &mut instructions(addresses)),
        false => Err(io::Error::from_raw_os_error(libc::ENOMEM)),
    };
    let filter = match exact {
        Ok(()) => ArpFilter::Exact,
        Err(error) if error.raw_os_error() == Some(libc::ENOMEM) => ArpFilter::Announcements,
        Err(error) => return Err(error),
    };
    bind(socket)?;
    Ok(filter)
}

/// Keeps replies, and requests for the sender's own address.
fn announcements() -> Vec<sock_filter> {
    let instruction = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    vec![
        instruction(LOAD_TWO, 0, 0, OPERATION),
        instruction(IF_EQUAL, 4, 0, REPLY),
        instruction(LOAD, 0, 0, SENDER),
        instruction(REMEMBER, 0, 0, 0),
        instruction(LOAD, 0, 0, TARGET),
        instruction(IF_SAME, 0, 1, 0),
        instruction(KEEP, 0, 0, u32::MAX),
        instruction(KEEP, 0, 0, 0),
    ]
}

fn instructions(addresses: &[Ipv4Addr]) -> Vec<sock_filter> {
    let instruction = |code, k| sock_filter {
        code,
        jt: 0,
        jf: u8::from(code == IF_EQUAL),
        k,
    };
    let accept = |address: &Ipv4Addr| {
        [
            instruction(IF_EQUAL, address.to_bits()),
            instruction(KEEP, u32::MAX),
        ]
    };
    [instruction(LOAD, SENDER)]
        .into_iter()
        .chain(addresses.iter().flat_map(accept))
        .chain([instruction(KEEP, 0)])
        .collect()
}

/// To ARP on every interface.
fn bind(socket: BorrowedFd<'_>) -> io::Result<()> {
    let invalid = |_| io::Error::from_raw_os_error(libc::EINVAL);
    let arp = u16::try_from(libc::ETH_P_ARP).map_err(invalid)?;
    let address = libc::sockaddr_ll {
        sll_family: u16::try_from(libc::AF_PACKET).map_err(invalid)?,
        sll_protocol: arp.to_be(),
        sll_ifindex: 0,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let length = libc::socklen_t::try_from(size_of::<libc::sockaddr_ll>()).map_err(invalid)?;
    #[expect(unsafe_code, reason = "nix makes no packet address of a protocol")]
    // SAFETY: `socket` is open for the call, and `address`, of `length` bytes, is only read.
    let done = unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length) };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the filter keeps of a packet.
    fn kept(program: &[sock_filter], packet: &[u8]) -> u32 {
        let (mut place, mut loaded, mut remembered) = (0, 0, 0);
        loop {
            let it = program[place];
            place += 1;
            match it.code {
                LOAD => {
                    let at = usize::try_from(it.k).unwrap();
                    loaded = u32::from_be_bytes(packet[at..at + 4].try_into().unwrap());
                }
                LOAD_TWO => {
                    let at = usize::try_from(it.k).unwrap();
                    loaded = u16::from_be_bytes(packet[at..at + 2].try_into().unwrap()).into();
                }
                REMEMBER => remembered = loaded,
                IF_SAME if loaded != remembered => place += usize::from(it.jf),
                IF_SAME => place += usize::from(it.jt),
                IF_EQUAL if loaded != it.k => place += usize::from(it.jf),
                IF_EQUAL => place += usize::from(it.jt),
                _ => return it.k,
            }
        }
    }

    fn sent_by(address: Ipv4Addr) -> Vec<u8> {
        let mut packet = vec![0; 28];
        packet[14..18].copy_from_slice(&address.octets());
        packet
    }

    #[test]
    fn only_packets_of_the_addresses_are_kept() {
        let ours = [Ipv4Addr::new(10, 1, 0, 50), Ipv4Addr::new(10, 1, 0, 51)];
        let program = instructions(&ours);
        for address in ours {
            assert_eq!(kept(&program, &sent_by(address)), u32::MAX);
        }
        assert_eq!(kept(&program, &sent_by(Ipv4Addr::new(10, 1, 0, 52))), 0);
        assert_eq!(kept(&instructions(&[]), &sent_by(ours[0])), 0);
    }

    #[test]
    fn without_room_for_the_addresses_announcements_and_answers_are_kept() {
        let all: Vec<_> = (0..2000).map(Ipv4Addr::from_bits).collect();
        assert!(instructions(&all).len() <= 4096);
        let packet = |operation: u8, target: [u8; 4]| {
            let mut packet = sent_by(Ipv4Addr::new(10, 1, 0, 50));
            packet[7] = operation;
            packet[24..28].copy_from_slice(&target);
            packet
        };
        for (operation, target, expected) in [
            (1, [10, 1, 0, 50], u32::MAX),
            (1, [10, 1, 0, 51], 0),
            (2, [10, 1, 0, 51], u32::MAX),
            (2, [10, 1, 0, 50], u32::MAX),
        ] {
            let kept = kept(&announcements(), &packet(operation, target));
            assert_eq!(kept, expected, "{operation} {target:?}");
        }
    }

    #[test]
    fn a_socket_of_another_kind_is_refused() {
        use std::os::fd::AsFd;
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let refused = only_arp_of(socket.as_fd(), &[]).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::EAFNOSUPPORT));
    }
}
