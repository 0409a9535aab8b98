//! Vectors, round trips, and what is refused.

use super::super::{ByteOrder, Service, Value};
use super::*;

fn key() -> Key {
    Key::new(7, (0..32).collect::<Vec<u8>>()).unwrap()
}

fn active() -> Signed {
    Signed {
        statement: Statement {
            state: State::Active,
            term: 5,
            by_term: false,
            hears: true,
            fit: true,
            asks: false,
            details: None,
        },
        primary: true,
        boot: 0x0102_0304_0506_0708,
        echo: 0x1112_1314_1516_1718,
        counter: 42,
        reads_details: false,
    }
}

fn magic(value: Value) -> [u8; 4] {
    super::super::encode(Service::Lvs, value, ByteOrder::Little)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_datagram_is_the_documented_vector() {
    let bytes = encode(magic(Value::Running), &active(), &key());
    assert_eq!(hex(&bytes), VECTORS[0]);
    let inactive = Signed {
        statement: Statement {
            state: State::Inactive,
            term: 0,
            by_term: true,
            hears: false,
            fit: false,
            asks: false,
            details: None,
        },
        primary: false,
        boot: u64::MAX,
        echo: 0,
        counter: 1,
        reads_details: false,
    };
    let long = Key::new(255, vec![0xaa; 64]).unwrap();
    let bytes = encode(magic(Value::Stopped), &inactive, &long);
    assert_eq!(hex(&bytes), VECTORS[1]);
}

/// The same as in docs/internals/heartbeat.md; written by another program (Python's struct and hmac).
const VECTORS: [&str; 5] = [
    "dadbadbd01020e070807060504030201181716151413121105000000000000002a00000000000000ff806899e0cb0e1047cad3866fc89c27b937a7f090732fc4055b649c045a087e",
    "bddabdad010001ffffffffffffffffff000000000000000000000000000000000100000000000000bb4ddbe61cc97a31553ebfa3daa47f92f3257dc66b4140c99b2a5a5ce010064a",
    // Version 2.
    "dadbadbd02022e070807060504030201181716151413121105000000000000002a000000000000000108e86739f77141948502020000030100040100d1cede7fad99238195178352f44dd925ab3ecd0738422b94fd06e24ca304e258",
    "bddabdad020021ffffffffffffffffff0000000000000000000000000000000001000000000000000108010000000000000002020300030103040101e09227c3ebc1231c11f79f22c39dd2b80698366b603a3d8ca546726c4bef2d3d",
    // The same with fields that come later, longer ones, and a second one of a number.
    "bddabdad020021ffffffffffffffffff000000000000000000000000000000000100000000000000c8056c61746572010c01000000000000006d6f72650202030003020309040201010202000009004d6167e8261e10ce5621caa2bbd288f1e9b608e099a2ea7ee344772c2f3b3cf7",
];

fn long_key() -> Key {
    Key::new(255, vec![0xaa; 64]).unwrap()
}

/// What the third vector says.
fn detailed() -> Signed {
    let mut signed = active();
    signed.reads_details = true;
    signed.statement.details = Some(Details {
        content: Some(0x8594_4171_f739_67e8),
        unserved: Some(0),
        ..Details::default()
    });
    signed
}

/// What the last two say.
fn helpless() -> Signed {
    Signed {
        statement: Statement {
            state: State::Inactive,
            term: 0,
            by_term: true,
            hears: false,
            fit: false,
            asks: false,
            details: Some(Details {
                content: Some(1),
                unserved: Some(3),
                standby: true,
                frozen: true,
                helpless: true,
            }),
        },
        primary: false,
        boot: u64::MAX,
        echo: 0,
        counter: 1,
        reads_details: true,
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.as_bytes().chunks_exact(2).collect();
    let byte = |pair: &&[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.iter().map(byte).collect()
}

/// `datagram`, changed and signed again.
fn resigned(mut datagram: Vec<u8>, key: &Key, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    datagram.truncate(datagram.len() - SIGNATURE);
    change(&mut datagram);
    let signature = key.mac(&datagram).finalize().into_bytes();
    datagram.extend(signature);
    datagram
}

#[test]
fn a_datagram_with_details_is_the_documented_vector() {
    let third = encode(magic(Value::Running), &detailed(), &key());
    assert_eq!(hex(&third), VECTORS[2]);
    let fourth = encode(magic(Value::Stopped), &helpless(), &long_key());
    assert_eq!(hex(&fourth), VECTORS[3]);
    assert_eq!(decode(&third, &[key()]), Ok(detailed()));
    assert_eq!(decode(&fourth, &[long_key()]), Ok(helpless()));
}

#[test]
fn fields_that_come_later_are_skipped_and_the_first_of_two_counts() {
    assert_eq!(decode(&bytes(VECTORS[4]), &[long_key()]), Ok(helpless()));
}

#[test]
fn a_field_that_is_cut_off_is_refused_and_one_that_is_too_short_is_missing() {
    let good = encode(magic(Value::Running), &detailed(), &key());
    let with = |fields: &[u8]| {
        let bad = resigned(good.clone(), &key(), |body| {
            body.truncate(HEAD);
            body.extend(fields);
        });
        decode(&bad, &[key()]).map(|signed| signed.statement.details)
    };
    for cut in [&[1][..], &[1, 8, 0], &[1, 1, 7, 2]] {
        assert_eq!(with(cut), Err(SignatureError::Format), "{cut:?}");
    }
    let none = Ok(Some(Details::default()));
    for short in [
        &[][..],
        &[1, 0],
        &[1, 4, 9, 9, 9, 9, 2, 1, 9],
        &[0, 0, 255, 0],
    ] {
        assert_eq!(with(short), none, "{short:?}");
    }
}

#[test]
fn an_unknown_state_or_version_is_refused_though_its_signature_is_good() {
    for signed in [active(), detailed()] {
        let good = encode(magic(Value::Running), &signed, &key());
        for (place, value) in [(5, 4), (5, 255), (4, 0), (4, 3)] {
            let bad = resigned(good.clone(), &key(), |body| body[place] = value);
            let verdict = decode(&bad, &[key()]);
            assert_eq!(verdict, Err(SignatureError::Format), "{place} {value}");
        }
    }
    // Version 1 is 72 bytes long.
    let good = encode(magic(Value::Running), &active(), &key());
    let long = resigned(good, &key(), |body| body.extend([200, 0]));
    assert_eq!(decode(&long, &[key()]), Err(SignatureError::Format));
}

#[test]
fn the_documented_vectors_are_these() {
    let text = include_str!("../../../../../docs/internals/heartbeat.md").replace([' ', '\n'], "");
    for vector in VECTORS {
        assert!(text.contains(vector), "{vector}");
    }
}

#[test]
fn what_was_written_is_read() {
    for state in [
        State::Inactive,
        State::Starting,
        State::Active,
        State::Leaving,
    ] {
        let mut signed = active();
        signed.statement.state = state;
        let bytes = encode(magic(Value::Running), &signed, &key());
        assert_eq!(bytes.len(), LENGTH);
        assert_eq!(decode(&bytes, &[key()]), Ok(signed));
    }
}

#[test]
fn a_signed_question_is_one_flag_that_is_read_without_the_key_as_well() {
    for (asks, mut signed) in [
        (false, active()),
        (true, active()),
        (false, detailed()),
        (true, detailed()),
    ] {
        signed.statement.asks = asks;
        let bytes = encode(magic(Value::Running), &signed, &key());
        assert_eq!(bytes[6] & 16 != 0, asks);
        assert_eq!(decode(&bytes, &[key()]), Ok(signed));
        let datagram = super::super::decode(&bytes, Service::Lvs, ByteOrder::Little);
        assert_eq!(datagram.map(|datagram| datagram.asks()), Ok(asks));
    }
    let question = [&magic(Value::Running)[..], b"?"].concat();
    assert_eq!(decode(&question, &[key()]), Err(SignatureError::Missing));
}

#[test]
fn any_changed_bit_is_refused() {
    for signed in [active(), detailed()] {
        let good = encode(magic(Value::Running), &signed, &key());
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&bad, &[key()]).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn a_datagram_says_why_it_is_refused() {
    let good = encode(magic(Value::Running), &active(), &key());
    assert_eq!(decode(&good[..4], &[key()]), Err(SignatureError::Missing));
    assert_eq!(decode(&good[..71], &[key()]), Err(SignatureError::Format));
    let other = Key::new(8, vec![1; 32]).unwrap();
    assert_eq!(decode(&good, &[other]), Err(SignatureError::UnknownKey(7)));
    let same_id = Key::new(7, vec![1; 32]).unwrap();
    assert_eq!(decode(&good, &[same_id]), Err(SignatureError::Wrong));
}

#[test]
fn a_key_has_32_to_64_bytes() {
    for (length, good) in [(0, false), (31, false), (32, true), (64, true), (65, false)] {
        assert_eq!(Key::new(1, vec![0; length]).is_some(), good, "{length}");
    }
}

#[test]
fn a_key_is_not_printed() {
    assert_eq!(format!("{:?}", key()), "Key(7)");
}
