//! A packet socket that hears which station says to have one of some IPv4 addresses.

use std::io;
use std::mem::size_of;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, BorrowedFd};

use libc::sock_filter;

use crate::socket_filter::{self, IF_EQUAL, KEEP};

/// Loads four bytes.
const LOAD: u16 = 0x20;
/// Where an ARP packet has its sender's IPv4 address (RFC 826).
const SENDER: u32 = 14;
/// More addresses make more instructions than the kernel takes (`BPF_MAXINSNS`, 4096): then every ARP packet
/// is let through.
const MOST: usize = 2000;

/// Lets a packet socket have ARP packets whose sender says to have one of `addresses`, and no others. It
/// begins to hear them with the first call; another one changes the addresses.
///
/// # Errors
/// The kernel's: no memory for the filter.
pub fn only_arp_of(socket: BorrowedFd<'_>, addresses: &[Ipv4Addr]) -> io::Result<()> {
    socket_filter::attach(socket, &mut instructions(addresses))?;
    bind(socket)
}

fn instructions(addresses: &[Ipv4Addr]) -> Vec<sock_filter> {
    let instruction = |code, k| sock_filter {
        code,
        jt: 0,
        jf: u8::from(code == IF_EQUAL),
        k,
    };
    let is_filtered = addresses.len() <= MOST;
    let compared = if is_filtered { addresses } else { &[] };
    let accept = |address: &Ipv4Addr| {
        [
            instruction(IF_EQUAL, address.to_bits()),
            instruction(KEEP, u32::MAX),
        ]
    };
    let others = if is_filtered { 0 } else { u32::MAX };
    [instruction(LOAD, SENDER)]
        .into_iter()
        .chain(compared.iter().flat_map(accept))
        .chain([instruction(KEEP, others)])
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
        let (mut place, mut loaded) = (0, 0);
        loop {
            let it = program[place];
            place += 1;
            match it.code {
                LOAD => {
                    let at = usize::try_from(it.k).unwrap();
                    loaded = u32::from_be_bytes(packet[at..at + 4].try_into().unwrap());
                }
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
    fn more_addresses_than_a_filter_holds_let_every_packet_through() {
        let all = |count: u32| (0..count).map(Ipv4Addr::from_bits).collect::<Vec<_>>();
        let stranger = sent_by(Ipv4Addr::BROADCAST);
        assert!(instructions(&all(2000)).len() <= 4096);
        assert_eq!(kept(&instructions(&all(2000)), &stranger), 0);
        assert_eq!(kept(&instructions(&all(2001)), &stranger), u32::MAX);
    }

    #[test]
    fn a_socket_of_another_kind_is_refused() {
        use std::os::fd::AsFd;
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!(only_arp_of(socket.as_fd(), &[]).is_err());
    }
}
