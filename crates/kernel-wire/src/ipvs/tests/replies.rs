//! Replies of kernels new and old.

use lvs_model::{
    AddressFamily, Counters, DestinationEntry, ForwardingMethod, IpvsOp, Netmask, Protocol,
    ServiceEntry, ServiceKey, SyncRole, Tunnel, TunnelFlags, TunnelType,
};

use super::{only, reply};
use crate::ipvs::{
    Detail, decode_daemon, decode_destination, decode_family_id, decode_info, decode_service,
    decode_timeouts, encode_op,
};
use crate::netlink::{DecodeError, Requests};

/// What every kernel says of an IPv4 service; `more` writes what only some say.
fn service(more: impl FnOnce(&mut Requests)) -> Result<ServiceEntry, DecodeError> {
    let bytes = reply(1, |message| {
        message.nest(1, |nest| {
            nest.u16(1, 2);
            nest.u16(2, 6);
            nest.attribute(3, &[10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            nest.u16_be(4, 80);
            nest.text(6, "wlc");
            nest.attribute(7, &[2, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
            nest.u32(8, 300);
            nest.attribute(9, &[255, 255, 255, 0]);
            more(nest);
        });
    });
    decode_service(&only(&bytes), Detail::All)
}

/// What the first kernels said of a destination; `more` writes what later ones add.
fn destination(
    family: AddressFamily,
    more: impl FnOnce(&mut Requests),
) -> Result<DestinationEntry, DecodeError> {
    let bytes = reply(5, |message| {
        message.nest(2, |nest| {
            nest.attribute(1, &[10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
            nest.u16_be(2, 8080);
            nest.u32(3, 2);
            nest.u32(4, 7);
            nest.u32(5, 20);
            nest.u32(6, 10);
            nest.u32(7, 1);
            nest.u32(8, 2);
            nest.u32(9, 3);
            more(nest);
        });
    });
    decode_destination(&only(&bytes), family, Detail::All)
}

#[test]
fn what_is_sent_for_a_service_decodes_to_the_same_service() {
    let wanted = service(|nest| {
        nest.text(11, "sip");
        nest.attribute(7, &[0x3d, 0, 0, 0, 0, 0, 0, 0]);
    })
    .unwrap()
    .service;
    assert_eq!(wanted.persistence, Some(300));
    assert!(wanted.one_packet);
    let mut requests = Requests::new();
    encode_op(&mut requests, 28, 1, &IpvsOp::AddService(wanted.clone()));
    let found = decode_service(&only(requests.as_bytes()), Detail::All).unwrap();
    assert_eq!(found.service, wanted);
    assert_eq!(found.counters, Counters::default());
}

#[test]
fn the_hashed_flag_and_unknown_flags_are_not_the_users() {
    let found = service(|nest| nest.u32(7, 0xffff_ffc2)).unwrap().service;
    assert!(found.scheduler_flags.is_empty());
    assert_eq!(found.persistence, None);
    assert!(!found.one_packet);
}

#[test]
fn a_mark_beside_nothing_else_is_a_mark_service() {
    let bytes = reply(1, |message| {
        message.nest(1, |nest| {
            nest.u16(1, 10);
            nest.u32(5, 3_000_000_000);
            nest.text(6, "none");
            nest.u32(9, 64);
        });
    });
    let found = decode_service(&only(&bytes), Detail::All).unwrap().service;
    assert_eq!(found.key.to_string(), "-f 3000000000 -6");
    assert_eq!(found.netmask, Netmask::Inet6(64));
}

#[test]
fn any_protocol_number_is_listed() {
    let key = service(|nest| nest.u16(2, 999)).unwrap().service.key;
    let ServiceKey::Address { protocol, .. } = key else {
        panic!("{key}");
    };
    assert_eq!(protocol, Protocol::Other(999));
}

#[test]
fn wide_counters_win_over_narrow_ones_in_either_order() {
    let narrow = |nest: &mut Requests| nest.nest(10, |stats| stats.u32(1, 1));
    let wide = |nest: &mut Requests| {
        nest.nest(12, |stats| {
            // Padding of any number, and a value that is not aligned to eight bytes.
            stats.attribute(11, &[]);
            stats.attribute(11, &[]);
            stats.attribute(1, &(1_u64 << 40).to_ne_bytes());
            stats.attribute(10, &77_u64.to_ne_bytes());
            stats.attribute(12, &[1; 8]);
        });
    };
    for first_narrow in [true, false] {
        let counters = service(|nest| {
            if first_narrow {
                narrow(nest);
            }
            wide(nest);
            if !first_narrow {
                narrow(nest);
            }
        })
        .unwrap()
        .counters;
        assert_eq!(counters.connections, 1 << 40);
        assert_eq!(counters.bytes_out_per_second, 77);
    }
    // Linux before 4.1 has only the narrow ones, with wide bytes.
    let counters = service(|nest| {
        nest.nest(10, |stats| {
            stats.u32(1, 5);
            stats.attribute(4, &(1_u64 << 33).to_ne_bytes());
            stats.u32(9, 6);
        });
    })
    .unwrap()
    .counters;
    assert_eq!((counters.connections, counters.bytes_in), (5, 1 << 33));
    assert_eq!(counters.bytes_in_per_second, 6);
}

#[test]
fn counters_that_nobody_wants_stay_zero() {
    let bytes = reply(1, |message| {
        message.nest(1, |nest| {
            nest.u16(1, 2);
            nest.u32(5, 1);
            nest.text(6, "wlc");
            nest.nest(10, |stats| stats.u32(1, 5));
        });
    });
    let connections = |detail| {
        let found = decode_service(&only(&bytes), detail).unwrap();
        found.counters.connections
    };
    assert_eq!(connections(Detail::All), 5);
    assert_eq!(connections(Detail::NoCounters), 0);
}

#[test]
fn a_destination_without_a_family_has_its_services() {
    let found = destination(AddressFamily::Inet, |_| {}).unwrap();
    assert_eq!(found.destination.key.to_string(), "10.0.0.2:8080");
    assert_eq!(found.destination.forwarding, ForwardingMethod::Tunnelling);
    assert_eq!(found.destination.tunnel, Tunnel::default());
    assert_eq!(found.active_connections, 1);
    let zero = destination(AddressFamily::Inet6, |nest| nest.u16(11, 0)).unwrap();
    assert_eq!(zero.destination.key.to_string(), "[a00:2::9]:8080");
}

#[test]
fn a_destination_of_the_other_family_says_so() {
    let found = destination(AddressFamily::Inet6, |nest| {
        nest.u16(11, 2);
        nest.u8(13, 1);
        nest.u16_be(14, 6080);
        nest.u16(15, 2);
    })
    .unwrap();
    assert_eq!(found.destination.key.to_string(), "10.0.0.2:8080");
    assert_eq!(
        found.destination.tunnel,
        Tunnel {
            kind: TunnelType::Gue,
            port: 6080,
            flags: TunnelFlags::REMOTE_CHECKSUM,
        }
    );
}

#[test]
fn a_daemon_of_an_old_kernel_has_only_the_first_three() {
    let bytes = reply(9, |message| {
        message.nest(3, |nest| {
            nest.u32(1, 1);
            nest.text(2, "eth0");
            nest.u32(3, 255);
        });
    });
    let found = decode_daemon(&only(&bytes)).unwrap();
    assert_eq!((found.role, found.sync_id), (SyncRole::Master, 255));
    assert_eq!((found.group, found.port, found.ttl), (None, None, None));
}

#[test]
fn timeouts_info_and_family_are_read() {
    let bytes = reply(12, |message| {
        message.u32(6, 300);
        message.u32(5, 120);
        message.u32(4, 900);
    });
    let timeouts = decode_timeouts(&only(&bytes)).unwrap();
    assert_eq!(
        (timeouts.tcp, timeouts.tcp_fin, timeouts.udp),
        (900, 120, 300)
    );
    let bytes = reply(14, |message| {
        message.u32(1, 0x01_02_01);
        message.u32(2, 4096);
    });
    let info = decode_info(&only(&bytes)).unwrap();
    assert_eq!(info.version, (1, 2, 1));
    assert_eq!(info.connection_table_size, 4096);
    let bytes = reply(1, |message| {
        message.text(2, "IPVS");
        message.u16(1, 28);
    });
    assert_eq!(decode_family_id(&only(&bytes)), Ok(28));
}
