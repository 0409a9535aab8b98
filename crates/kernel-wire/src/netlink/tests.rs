use super::{Answer, DecodeError, Message, Requests, attributes, messages};

/// A header with these fields and no body.
fn header(length: u32, kind: u16) -> Vec<u8> {
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend([0; 10]);
    bytes
}

#[test]
fn a_message_length_that_cannot_be_ends_the_datagram() {
    for length in [0, 1, 15, 17, u32::MAX] {
        let bytes = header(length, 20);
        let all: Vec<_> = messages(&bytes).collect();
        assert_eq!(all, [Err(DecodeError::MessageLength)], "length {length}");
    }
    assert_eq!(messages(&[]).count(), 0);
    assert_eq!(
        messages(&[0; 15]).next(),
        Some(Err(DecodeError::MessageLength))
    );
}

#[test]
fn an_attribute_length_that_cannot_be_ends_the_walk() {
    for length in [0_u16, 1, 3, 9, u16::MAX] {
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend([1, 0, 0, 0, 0, 0]);
        let all: Vec<_> = attributes(&bytes).collect();
        assert_eq!(all, [Err(DecodeError::AttributeLength)], "length {length}");
    }
    assert_eq!(
        attributes(&[4, 0, 1]).next(),
        Some(Err(DecodeError::AttributeLength))
    );
}

#[test]
fn a_nest_past_its_surroundings_is_an_error() {
    let mut requests = Requests::new();
    requests.nest(1, |nest| nest.attribute(2, &[1, 2, 3, 4]));
    let mut bytes = requests.as_bytes().to_vec();
    bytes[4] = 12;
    let outer = attributes(&bytes).next().unwrap().unwrap();
    assert_eq!(outer.kind, 1, "the nest bit is no part of the number");
    assert_eq!(
        outer.nested().next(),
        Some(Err(DecodeError::AttributeLength))
    );
}

#[test]
fn the_last_padding_of_a_datagram_may_be_missing() {
    let mut requests = Requests::new();
    requests.message(20, 0, 5, |message| message.raw(&[1, 2, 3]));
    let bytes = requests.as_bytes();
    assert_eq!(bytes.len(), 19);
    let message = messages(bytes).next().unwrap().unwrap();
    assert_eq!((message.sequence, message.body), (5, &[1, 2, 3][..]));
    let attribute = attributes(&[5, 0, 1, 0, 9]).next().unwrap().unwrap();
    assert_eq!(attribute.u8("a byte"), Ok(9));
}

#[test]
fn the_framings_own_messages_are_told_apart() {
    let answer = |kind, body| {
        Message {
            kind,
            flags: 0,
            sequence: 1,
            port: 1,
            body,
        }
        .answer()
    };
    let minus_three = (-3_i32).to_ne_bytes();
    assert_eq!(answer(2, &[0; 20]), Ok(Answer::Done));
    assert_eq!(answer(2, &minus_three), Ok(Answer::Failed(3)));
    assert_eq!(answer(2, &[0; 3]), Err(DecodeError::Short("errno")));
    assert_eq!(answer(3, &[0; 4]), Ok(Answer::Done));
    assert_eq!(answer(3, &[]), Ok(Answer::Done));
    assert_eq!(answer(3, &minus_three), Ok(Answer::Failed(3)));
    assert_eq!(answer(1, &[]), Ok(Answer::Nothing));
    assert_eq!(answer(4, &[]), Ok(Answer::Overrun));
    assert!(matches!(answer(28, &[]), Ok(Answer::Data(_))));
    // i32::MIN has no positive twin.
    let least = i32::MIN.to_ne_bytes();
    assert_eq!(answer(2, &least), Ok(Answer::Failed(i32::MAX)));
}

#[test]
fn a_dump_that_changed_under_way_says_so() {
    let mut bytes = header(16, 28);
    bytes[6] = 0x12;
    let message = messages(&bytes).next().unwrap().unwrap();
    assert!(message.is_inconsistent());
}

#[test]
fn a_text_ends_at_its_nul_or_at_its_end() {
    let mut requests = Requests::new();
    requests.text(1, "eth0");
    requests.attribute(2, b"lo");
    requests.attribute(3, &[0xff]);
    let texts: Vec<_> = attributes(requests.as_bytes())
        .map(|attribute| attribute.unwrap().text("name"))
        .collect();
    assert_eq!(
        texts,
        [Ok("eth0"), Ok("lo"), Err(DecodeError::Invalid("name"))]
    );
}
