//! Names of hosts and services, as the system's resolver (nsswitch.conf) knows them.

use std::ffi::{CStr, CString, OsString};
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::OsStringExt;
use std::sync::{Mutex, PoisonError};

/// getservbyname and getservbyport answer in one static buffer.
static SERVICE_ENTRY: Mutex<()> = Mutex::new(());

/// The port of a service, as getservbyname(3): `http` with `tcp` is 80. `None` if it is unknown.
#[must_use]
pub fn service_port(name: &CStr, protocol: &CStr) -> Option<u16> {
    let _guard = SERVICE_ENTRY.lock().unwrap_or_else(PoisonError::into_inner);
    #[expect(unsafe_code, reason = "nix has no services database")]
    // SAFETY: both arguments end in NUL; the static answer is ours while the lock is held.
    let entry = unsafe { libc::getservbyname(name.as_ptr(), protocol.as_ptr()) };
    #[expect(unsafe_code, reason = "the answer is a pointer")]
    // SAFETY: the entry is null or valid until the next call, which the lock keeps away.
    let port = unsafe { entry.as_ref() }?.s_port;
    u16::try_from(port).ok().map(u16::from_be)
}

/// The name of a port's service, as getservbyport(3). `None` if it has none.
#[must_use]
pub fn service_name(port: u16, protocol: &CStr) -> Option<OsString> {
    let _guard = SERVICE_ENTRY.lock().unwrap_or_else(PoisonError::into_inner);
    #[expect(unsafe_code, reason = "nix has no services database")]
    // SAFETY: the protocol ends in NUL; the static answer is ours while the lock is held.
    let entry = unsafe { libc::getservbyport(port.to_be().into(), protocol.as_ptr()) };
    #[expect(unsafe_code, reason = "the answer is a pointer")]
    // SAFETY: the entry is null or valid until the next call, which the lock keeps away.
    let name = unsafe { entry.as_ref() }?.s_name;
    #[expect(unsafe_code, reason = "the name is a pointer")]
    // SAFETY: the name of a valid entry is a NUL-terminated text that lives as long.
    let name = unsafe { CStr::from_ptr(name) };
    Some(OsString::from_vec(name.to_bytes().to_vec()))
}

/// The first IPv4 address of a host, as getaddrinfo(3). May wait for the network.
#[must_use]
pub fn host_address(name: &CStr) -> Option<Ipv4Addr> {
    first_address(name, libc::AF_INET, |entry: &libc::sockaddr_in| {
        Ipv4Addr::from(u32::from_be(entry.sin_addr.s_addr))
    })
}

/// The first IPv6 address of a host, as getaddrinfo(3). May wait for the network.
#[must_use]
pub fn host_address6(name: &CStr) -> Option<Ipv6Addr> {
    first_address(name, libc::AF_INET6, |entry: &libc::sockaddr_in6| {
        Ipv6Addr::from(entry.sin6_addr.s6_addr)
    })
}

/// `A` is the socket address structure of `family`; both callers name the two together.
fn first_address<A, T>(name: &CStr, family: i32, convert: impl Fn(&A) -> T) -> Option<T> {
    #[expect(unsafe_code, reason = "a C structure of integers and null pointers")]
    // SAFETY: all fields of addrinfo may be zero or null.
    let mut hints: libc::addrinfo = unsafe { MaybeUninit::zeroed().assume_init() };
    hints.ai_family = family;
    hints.ai_socktype = libc::SOCK_STREAM;
    let mut list = std::ptr::null_mut();
    #[expect(unsafe_code, reason = "nix has no resolver")]
    // SAFETY: the name ends in NUL, hints and list are valid for the call.
    let failure = unsafe {
        libc::getaddrinfo(
            name.as_ptr(),
            std::ptr::null(),
            &raw const hints,
            &raw mut list,
        )
    };
    if failure != 0 {
        return None;
    }
    #[expect(unsafe_code, reason = "the answer is a list of C structures")]
    // SAFETY: getaddrinfo succeeded, so the list is null or valid until it is freed.
    let first = unsafe { list.as_ref() }.map(|entry| entry.ai_addr.cast::<A>());
    #[expect(unsafe_code, reason = "the address is a pointer")]
    // SAFETY: an entry of the family that was asked for has null or that family's structure, `A`.
    let first = first.and_then(|address| unsafe { address.as_ref() });
    let address = first.map(convert);
    #[expect(unsafe_code, reason = "nix has no resolver")]
    // SAFETY: the list came from getaddrinfo and is freed once.
    unsafe {
        libc::freeaddrinfo(list);
    }
    address
}

/// The name of an address, as getnameinfo(3). `None` if it has none. May wait for the network.
#[must_use]
pub fn host_name(address: IpAddr) -> Option<OsString> {
    match address {
        IpAddr::V4(address) => name_of(&libc::sockaddr_in {
            sin_family: libc::sa_family_t::try_from(libc::AF_INET).ok()?,
            sin_port: 0,
            sin_addr: libc::in_addr {
                s_addr: u32::from(address).to_be(),
            },
            sin_zero: [0; 8],
        }),
        IpAddr::V6(address) => name_of(&libc::sockaddr_in6 {
            sin6_family: libc::sa_family_t::try_from(libc::AF_INET6).ok()?,
            sin6_port: 0,
            sin6_flowinfo: 0,
            sin6_addr: libc::in6_addr {
                s6_addr: address.octets(),
            },
            sin6_scope_id: 0,
        }),
    }
}

/// `T` is a socket address structure that begins with its family.
fn name_of<T>(address: &T) -> Option<OsString> {
    let mut name = vec![0; 1025];
    let room = libc::socklen_t::try_from(name.len()).ok()?;
    let length = libc::socklen_t::try_from(size_of::<T>()).ok()?;
    #[expect(unsafe_code, reason = "nix has no resolver")]
    // SAFETY: the address is valid for its own length, the buffer for `room` bytes; no service is
    // asked for.
    let failure = unsafe {
        libc::getnameinfo(
            std::ptr::from_ref(address).cast(),
            length,
            name.as_mut_ptr().cast(),
            room,
            std::ptr::null_mut(),
            0,
            libc::NI_NAMEREQD,
        )
    };
    if failure != 0 {
        return None;
    }
    let end = name.iter().position(|&byte| byte == 0)?;
    name.truncate(end);
    Some(OsString::from_vec(name))
}

/// `text` for the calls above; `None` if it has a NUL in it, which no name has.
#[must_use]
pub fn c_name(text: &[u8]) -> Option<CString> {
    CString::new(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_found_by_name_and_by_port_where_the_database_has_it() {
        let Some(port) = service_port(c"http", c"tcp") else {
            return; // no /etc/services on this machine
        };
        assert_eq!(port, 80);
        assert!(service_name(80, c"tcp").is_some());
        assert_eq!(service_port(c"HTTP-NO-SUCH", c"tcp"), None);
        assert_eq!(service_port(c"http", c"no-such-protocol"), None);
    }

    #[test]
    fn an_address_in_digits_needs_no_name_server() {
        assert_eq!(host_address(c"127.0.0.1"), Some(Ipv4Addr::LOCALHOST));
        assert_eq!(host_address(c"::1"), None);
        assert_eq!(host_address6(c"::1"), Some(Ipv6Addr::LOCALHOST));
        assert_eq!(host_address6(c"127.0.0.1"), None);
    }
}
