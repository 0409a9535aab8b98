//! The texts as they are, and properties over generated messages.

use std::time::Duration;

use lvs_model::{Random, Weight};

use super::*;

/// Messages from a seed.
struct Generator(Random);

impl Generator {
    fn below(&mut self, limit: u64) -> u64 {
        self.0.below(limit)
    }

    fn number(&mut self) -> u32 {
        let number = u32::try_from(self.below(1 << 32)).unwrap();
        number >> self.below(32)
    }

    fn weight(&mut self) -> Weight {
        Weight::new(self.number() >> 1).unwrap()
    }

    fn reason(&mut self) -> Reason {
        const CHARACTERS: [char; 9] = ['a', 'Z', ' ', '\n', '\u{0}', '"', 'ä', '\u{1F980}', '='];
        let length = self.below(600);
        let text: String = (0..length).map(|_| self.0.pick(&CHARACTERS)).collect();
        Reason::new(&text)
    }

    fn standing(&mut self) -> Standing {
        let place = if self.below(2) == 0 {
            Place::Out
        } else {
            Place::In(self.weight())
        };
        Standing {
            phase: self.0.pick(&Phase::ALL),
            place,
            count: self.number(),
        }
    }

    fn report(&mut self) -> Report {
        match self.below(4) {
            0 => Report::Alive,
            1 => Report::State {
                standing: self.standing(),
                needed: self.number(),
                target: self.weight(),
                reason: self.reason(),
            },
            kind => Report::Check {
                result: if kind == 2 {
                    CheckResult::Good
                } else {
                    CheckResult::Failed(self.reason())
                },
                duration: Duration::from_micros(self.below(u64::MAX)),
            },
        }
    }

    fn order(&mut self) -> Order {
        match self.below(3) {
            0 => Order::Adopt(self.standing()),
            1 => Order::Target(self.weight()),
            _ => Order::Check,
        }
    }
}

#[test]
fn messages_read_as_the_table_says() {
    let standing = Standing {
        phase: Phase::Ramp,
        place: Place::In(Weight::new(6).unwrap()),
        count: 4,
    };
    let state = Report::State {
        standing,
        needed: 3,
        target: Weight::new(100).unwrap(),
        reason: Reason::default(),
    };
    assert_eq!(state.to_string(), "state ramp 6 4 of 3 target 100 ");
    let check = Report::Check {
        result: CheckResult::Failed(Reason::new("Connection refused")),
        duration: Duration::from_millis(2),
    };
    assert_eq!(check.to_string(), "check failed 2000 Connection refused");
    assert_eq!(Order::Adopt(standing).to_string(), "adopt ramp 6 4");
    assert_eq!(
        Order::Adopt(Standing::default()).to_string(),
        "adopt new out 0"
    );
}

#[test]
fn every_message_fits_and_comes_back_as_it_was() {
    for seed in testkit::seeds(20_000) {
        let mut generator = Generator(Random::new(seed));
        let report = generator.report();
        let text = report.to_string();
        assert!(text.len() <= MAX_MESSAGE, "{} bytes: {text}", text.len());
        assert_eq!(Report::decode(text.as_bytes()), Ok(report), "{text}");
        let order = generator.order();
        assert_eq!(Order::decode(order.to_string().as_bytes()), Ok(order));
    }
}

#[test]
fn damaged_messages_are_refused_or_read_but_never_panic() {
    for seed in testkit::seeds(20_000) {
        let mut generator = Generator(Random::new(seed));
        let mut bytes = generator.report().to_string().into_bytes();
        for _ in 0..=generator.below(3) {
            let at = generator.0.index(bytes.len());
            bytes[at] = u8::try_from(generator.below(256)).unwrap();
        }
        bytes.truncate(generator.0.index(600));
        if let Ok(report) = Report::decode(&bytes) {
            assert_eq!(Report::decode(report.to_string().as_bytes()), Ok(report));
        }
        let _refused_or_not = Order::decode(&bytes);
    }
}

#[test]
fn what_is_not_in_the_table_is_refused() {
    let vectors: [(&[u8], MessageError); 12] = [
        (b"", MessageError::UnknownWord),
        (b"hello", MessageError::UnknownWord),
        (b"adopt up 1 1", MessageError::UnknownWord),
        (b"alive ", MessageError::Trailing),
        (b"\xff", MessageError::NotText),
        (b"check", MessageError::Missing("result")),
        (b"check good", MessageError::Missing("duration")),
        (b"check good -1", MessageError::Bad("duration")),
        (b"check good 1 x", MessageError::Trailing),
        (
            b"state flying out 0 of 1 target 1 ",
            MessageError::Bad("phase"),
        ),
        (
            b"state up 2147483648 0 of 1 target 1 ",
            MessageError::Bad("place"),
        ),
        (&[b'a'; 513], MessageError::TooLong(513)),
    ];
    for (datagram, error) in vectors {
        assert_eq!(Report::decode(datagram), Err(error));
    }
    assert_eq!(Order::decode(b"alive"), Err(MessageError::UnknownWord));
    assert_eq!(
        Order::decode(b"target"),
        Err(MessageError::Missing("target"))
    );
    assert_eq!(
        Order::decode(b"target +1"),
        Err(MessageError::Bad("target"))
    );
    assert_eq!(Order::decode(b"target "), Err(MessageError::Bad("target")));
}

#[test]
fn a_reason_is_one_line_and_cut_between_characters() {
    assert_eq!(Reason::new("a\r\nb").as_str(), "a??b");
    let long = Reason::new(&"ä".repeat(1000));
    assert_eq!(long.as_str().len(), Reason::MAX);
    assert_eq!(
        Reason::new(&format!("a{}", "ä".repeat(1000)))
            .as_str()
            .len(),
        Reason::MAX - 1
    );
}

#[test]
fn a_destination_found_in_the_table_counts_as_up_unless_it_is_quiesced() {
    let weight = |number| Weight::new(number).unwrap();
    let phase = |place, target| Standing::found(place, weight(target)).phase;
    assert_eq!(phase(Place::Out, 10), Phase::New);
    assert_eq!(phase(Place::In(weight(0)), 10), Phase::New);
    assert_eq!(phase(Place::In(weight(3)), 10), Phase::Ramp);
    assert_eq!(phase(Place::In(weight(10)), 10), Phase::Up);
    assert_eq!(phase(Place::In(weight(0)), 0), Phase::Up);
}
