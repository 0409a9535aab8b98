//! Replies that no kernel should send: an error, never a panic, never a guess.

use lvs_model::{AddressFamily, Random};

use super::{only, reply};
use crate::fuzz;
use crate::ipvs::{Detail, decode_daemon, decode_destination, decode_info, decode_service};
use crate::netlink::{DecodeError, Requests, messages};

/// Writes attributes into a nest.
type Writer = fn(&mut Requests);

/// Attributes of a whole service, one writer each.
const SERVICE: [Writer; 5] = [
    |nest| nest.u16(1, 2),
    |nest| nest.u16(2, 6),
    |nest| nest.attribute(3, &[10; 16]),
    |nest| nest.u16_be(4, 80),
    |nest| nest.text(6, "rr"),
];

fn service_without(missing: usize, more: Writer) -> Result<(), DecodeError> {
    let bytes = reply(1, |message| {
        message.nest(1, |nest| {
            for (place, write) in SERVICE.iter().enumerate() {
                if place != missing {
                    write(nest);
                }
            }
            more(nest);
        });
    });
    decode_service(&only(&bytes), Detail::All).map(|_| ())
}

#[test]
fn a_missing_part_of_the_key_is_named() {
    assert_eq!(service_without(9, |_| {}), Ok(()));
    let missing = |part| service_without(part, |_| {});
    assert_eq!(missing(0), Err(DecodeError::Missing("address family")));
    assert_eq!(missing(1), Err(DecodeError::Missing("protocol")));
    assert_eq!(missing(2), Err(DecodeError::Missing("service address")));
    assert_eq!(missing(3), Err(DecodeError::Missing("port")));
    assert_eq!(missing(4), Err(DecodeError::Missing("scheduler")));
}

#[test]
fn a_value_shorter_than_its_type_is_named() {
    let short = [
        (1, "address family"),
        (2, "protocol"),
        (4, "port"),
        (5, "firewall mark"),
        (7, "service flags"),
        (8, "persistence timeout"),
    ];
    for (kind, what) in short {
        let bytes = reply(1, |message| {
            message.nest(1, |nest| nest.attribute(kind, &[1]));
        });
        assert_eq!(
            decode_service(&only(&bytes), Detail::All).err(),
            Some(DecodeError::Short(what))
        );
    }
    assert_eq!(
        service_without(2, |nest| nest.attribute(3, &[10, 0, 0])),
        Err(DecodeError::Short("service address"))
    );
}

#[test]
fn an_ipv6_service_with_an_ipv4_address_is_refused() {
    let result = service_without(2, |nest| {
        nest.u16(1, 10);
        nest.attribute(3, &[10, 0, 0, 1]);
    });
    assert_eq!(result, Err(DecodeError::Short("service address")));
}

#[test]
fn values_that_cannot_be_are_refused() {
    let cases: [(Writer, &str); 5] = [
        (|nest| nest.u16(1, 3), "address family"),
        (|nest| nest.u32(5, 0), "firewall mark"),
        (|nest| nest.text(6, "sixteen letters.."), "scheduler"),
        (|nest| nest.attribute(11, &[0xff, 0]), "engine"),
        (
            |nest| {
                nest.u16(1, 10);
                nest.u32(9, 129);
            },
            "netmask",
        ),
    ];
    for (write, what) in cases {
        assert_eq!(service_without(9, write), Err(DecodeError::Invalid(what)));
    }
}

#[test]
fn the_last_of_two_equal_attributes_counts() {
    let bytes = reply(14, |message| {
        message.u32(1, 1);
        message.u32(2, 1);
        message.u32(2, 4096);
    });
    let info = decode_info(&only(&bytes)).unwrap();
    assert_eq!(info.connection_table_size, 4096);
}

#[test]
fn another_commands_reply_is_refused() {
    let bytes = reply(5, |message| message.nest(1, |_| {}));
    let refused = Err(DecodeError::Invalid("reply command"));
    assert_eq!(
        decode_service(&only(&bytes), Detail::All).map(|_| ()),
        refused
    );
    assert_eq!(decode_daemon(&only(&bytes)).map(|_| ()), refused);
    let empty = decode_destination(&only(&bytes), AddressFamily::Inet, Detail::All);
    assert_eq!(empty.err(), Some(DecodeError::Missing("destination")));
}

#[test]
fn a_weight_that_netlink_lets_nobody_set_is_listed_all_the_same() {
    let bytes = &sound()[1];
    let found = decode_destination(&only(bytes), AddressFamily::Inet, Detail::All).unwrap();
    assert_eq!(found.destination.weight, lvs_model::Weight::MAX);
}

/// Replies that decode, for the generators below to spoil.
fn sound() -> Vec<Vec<u8>> {
    vec![
        reply(1, |message| {
            message.nest(1, |nest| {
                SERVICE.iter().for_each(|write| write(nest));
                nest.text(11, "sip");
                nest.nest(12, |stats| stats.attribute(1, &[1; 8]));
            });
        }),
        reply(5, |message| {
            message.nest(2, |nest| {
                nest.attribute(1, &[10; 16]);
                nest.u16_be(2, 80);
                nest.u32(3, 1);
                nest.u32(4, u32::MAX);
                nest.nest(10, |stats| stats.u32(1, 1));
            });
        }),
        reply(9, |message| {
            message.nest(3, |nest| {
                nest.u32(1, 1);
                nest.text(2, "eth0");
                nest.u32(3, 1);
            });
        }),
    ]
}

#[test]
fn a_reply_cut_anywhere_is_an_error_or_a_reply() {
    for whole in sound() {
        for length in 0..whole.len() {
            fuzz::netlink_stream(&whole[..length]);
            assert!(messages(&whole[..length]).all(|message| message.is_err()));
            // The header says it is whole, the rest is not there.
            let mut cut = whole[..length].to_vec();
            if length >= 16 {
                cut[..4].copy_from_slice(&u32::try_from(length).unwrap().to_ne_bytes());
            }
            fuzz::ipvs_reply(&cut);
        }
    }
}

#[test]
fn every_byte_of_a_reply_may_be_any() {
    for whole in sound() {
        for place in 0..whole.len() {
            for value in [0, 1, 3, 4, 0x7f, 0x80, 0xff] {
                let mut spoilt = whole.clone();
                spoilt[place] = value;
                fuzz::netlink_stream(&spoilt);
                fuzz::ipvs_reply(&spoilt);
            }
        }
    }
}

#[test]
fn twenty_thousand_spoilt_datagrams_do_not_panic() {
    let sound = sound();
    for seed in testkit::seeds(20_000) {
        let mut random = Random::new(seed);
        let mut datagram = Vec::new();
        for _ in 0..=random.below(3) {
            datagram.extend(&sound[random.index(sound.len())]);
        }
        for _ in 0..random.below(8) {
            let place = random.index(datagram.len());
            datagram[place] = random.number().to_le_bytes()[0];
        }
        datagram.truncate(random.index(datagram.len() + 1));
        fuzz::netlink_stream(&datagram);
        fuzz::ipvs_reply(&datagram);
    }
}
