//! Vectors, round trips, and what is refused.

use super::super::{ByteOrder, Service, Value};
use super::*;

fn key() -> Key {
    Key::new(7, (0..32).collect()).unwrap()
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
        },
        primary: true,
        boot: 0x0102_0304_0506_0708,
        echo: 0x1112_1314_1516_1718,
        counter: 42,
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
        },
        primary: false,
        boot: u64::MAX,
        echo: 0,
        counter: 1,
    };
    let long = Key::new(255, vec![0xaa; 64]).unwrap();
    let bytes = encode(magic(Value::Stopped), &inactive, &long);
    assert_eq!(hex(&bytes), VECTORS[1]);
}

/// The same as in docs/heartbeat.md; written by another program (Python's struct and hmac).
const VECTORS: [&str; 2] = [
    "dadbadbd01020e070807060504030201181716151413121105000000000000002a00000000000000ff806899e0cb0e1047cad3866fc89c27b937a7f090732fc4055b649c045a087e",
    "bddabdad010001ffffffffffffffffff000000000000000000000000000000000100000000000000bb4ddbe61cc97a31553ebfa3daa47f92f3257dc66b4140c99b2a5a5ce010064a",
];

#[test]
fn the_documented_vectors_are_these() {
    let text = include_str!("../../../../../docs/heartbeat.md").replace([' ', '\n'], "");
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
    let mut signed = active();
    for asks in [false, true] {
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
    let good = encode(magic(Value::Running), &active(), &key());
    for bit in 0..LENGTH * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(decode(&bad, &[key()]).is_err(), "bit {bit}");
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
