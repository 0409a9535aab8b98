//! One check against servers of all kinds, played byte by byte.

use std::rc::Rc;
use std::time::Duration;

use lvs_model::{Mono, Random};
use testkit::seeds;

use crate::*;

const SECOND: Duration = Duration::from_secs(1);
const REFUSED: OsError = OsError {
    number: 111,
    text: "Connection refused",
};

fn check(transport: Transport, send: Option<&str>, expect: Option<Expect>) -> Probe {
    let check = NetworkCheck {
        transport,
        send: send.map(|text| text.as_bytes().into()),
        expect,
        interval: 2 * SECOND,
    };
    Probe::new(Rc::new(check), Mono::ZERO)
}

fn literal(text: &str) -> Option<Expect> {
    Some(Expect::new(text.into(), false).unwrap())
}

fn pattern(text: &str) -> Option<Expect> {
    Some(Expect::new(text.into(), true).unwrap())
}

fn at(seconds: f64) -> Mono {
    Mono::new(Duration::from_secs_f64(seconds))
}

/// Connects at once and answers with `segments`; then the end of the stream.
fn answered(mut probe: Probe, segments: &[&[u8]]) -> Outcome {
    probe.connected(Mono::ZERO);
    while let Want::Send(bytes) = probe.want() {
        let one = usize::from(!bytes.is_empty());
        probe.sent(one);
    }
    for segment in segments.iter().chain([&b"".as_slice()]) {
        if probe.outcome().is_none() {
            probe.received(segment);
        }
    }
    probe.outcome().cloned().expect("the stream has ended")
}

#[test]
fn a_connection_is_enough_without_send_and_expect() {
    let mut probe = check(Transport::Tcp, None, None);
    assert_eq!(probe.want(), Want::Connect);
    probe.connected(at(0.5));
    assert_eq!(probe.outcome(), Some(&Ok(())));
    assert_eq!(probe.want(), Want::Close);
}

#[test]
fn sctp_is_used_as_a_connection() {
    let mut probe = check(Transport::Sctp, None, None);
    probe.connected(at(0.1));
    assert_eq!(probe.outcome(), Some(&Ok(())));

    let mut probe = check(Transport::Sctp, Some(""), literal("ab"));
    probe.connected(at(0.1));
    assert!(matches!(probe.want(), Want::Receive(_)), "nothing to send");
    probe.received(b"a");
    assert_eq!(probe.outcome(), None);
    probe.received(b"b");
    assert_eq!(probe.outcome(), Some(&Ok(())));
}

#[test]
fn send_alone_is_good_once_all_is_sent() {
    let mut probe = check(Transport::Tcp, Some("hello"), None);
    probe.connected(Mono::ZERO);
    assert_eq!(probe.want(), Want::Send(b"hello"));
    probe.sent(2);
    assert_eq!(probe.want(), Want::Send(b"llo"));
    probe.sent(3);
    assert_eq!(probe.outcome(), Some(&Ok(())));
}

#[test]
fn a_literal_answer_may_come_in_pieces() {
    let banner = || check(Transport::Tcp, Some("x"), literal("220"));
    assert_eq!(answered(banner(), &[b"22", b"0 ready"]), Ok(()));
    assert_eq!(answered(banner(), &[b"2", b"2", b"0"]), Ok(()));
    assert_eq!(
        answered(banner(), &[b"22"]),
        Err(Failure::Short { got: 2, needed: 3 })
    );
    assert_eq!(
        answered(banner(), &[b"5", b"54 no"]),
        Err(Failure::Other(b"5".as_slice().into()))
    );
}

/// lvs.cf takes 254 bytes; by hand there is no limit.
#[test]
fn a_literal_answer_may_be_longer_than_what_an_expression_sees() {
    let text = "x".repeat(2 * LONGEST_ANSWER);
    let halves = text.as_bytes().split_at(LONGEST_ANSWER);
    let long = || check(Transport::Tcp, None, literal(&text));
    assert_eq!(answered(long(), &[halves.0, halves.1]), Ok(()));
    let short = Failure::Short {
        got: LONGEST_ANSWER,
        needed: 2 * LONGEST_ANSWER,
    };
    assert_eq!(answered(long(), &[halves.0]), Err(short));
}

#[test]
fn a_server_that_accepts_and_closes_is_good_for_a_star_only() {
    assert_eq!(answered(check(Transport::Tcp, None, None), &[]), Ok(()));
    assert_eq!(
        answered(check(Transport::Tcp, None, literal("*")), &[]),
        Ok(())
    );
    assert_eq!(
        answered(check(Transport::Tcp, None, literal("")), &[]),
        Ok(())
    );
    let short = Failure::Short { got: 0, needed: 3 };
    assert_eq!(
        answered(check(Transport::Tcp, None, literal("abc")), &[]),
        Err(short)
    );
}

#[test]
fn an_expression_sees_at_most_4096_bytes() {
    let found = || check(Transport::Tcp, None, pattern("needle"));
    let hay = [b'x'; 1000];
    assert_eq!(answered(found(), &[&hay, b"nee", b"dle"]), Ok(()));
    let mut endless = found();
    endless.connected(Mono::ZERO);
    let mut bytes = 0;
    while let Want::Receive(room) = endless.want() {
        assert!(room <= LONGEST_ANSWER);
        let count = room.min(hay.len());
        endless.received(&hay[..count]);
        bytes += count;
    }
    assert_eq!(bytes, LONGEST_ANSWER);
    assert!(matches!(
        endless.outcome(),
        Some(Err(Failure::NotWithin(_)))
    ));
}

/// The director was paused: it was late, not the server.
#[test]
fn r_after_a_long_pause_in_a_connect_the_server_has_its_time_to_answer() {
    let mut probe = check(Transport::Tcp, None, literal("ok"));
    probe.connected(at(60.0));
    probe.expire(at(60.0));
    assert_eq!(probe.outcome(), None);
    assert_eq!(probe.deadline(), at(62.0));
    probe.received(b"ok");
    assert_eq!(probe.outcome(), Some(&Ok(())));
}

#[test]
fn a_trickle_ends_at_the_deadline() {
    let mut probe = check(Transport::Tcp, None, literal("aaaaaaaaaaaaaaaaaaaa"));
    probe.connected(at(1.9));
    assert_eq!(probe.deadline(), at(3.9));
    for _ in 0..2 {
        probe.received(b"a");
        probe.expire(at(3.8));
        assert_eq!(probe.outcome(), None);
    }
    probe.expire(at(3.9));
    assert_eq!(
        probe.outcome(),
        Some(&Err(Failure::ReadTimeout(b"aa".as_slice().into())))
    );
}

#[test]
fn each_step_has_its_own_words_for_a_failure() {
    let real = "192.0.2.1:80".parse().unwrap();
    let line = |probe: &Probe| match probe.outcome() {
        Some(Err(failure)) => (failure.lines(real).pop(), failure.to_string()),
        other => panic!("{other:?}"),
    };
    let new = || check(Transport::Tcp, Some("x"), literal("y"));

    let mut probe = new();
    probe.expire(at(2.0));
    let said = "CONNECT to 192.0.2.1:80 timed out".to_owned();
    assert_eq!(line(&probe), (Some(said), "connect timed out".into()));

    let mut probe = new();
    probe.failed(REFUSED);
    assert_eq!(line(&probe), (None, "connect: Connection refused".into()));

    let mut probe = new();
    probe.connected(Mono::ZERO);
    probe.failed(OsError {
        number: 32,
        text: "Broken pipe",
    });
    let said = "WRITE operation for 192.0.2.1:80 returned error: Broken pipe".to_owned();
    assert_eq!(line(&probe), (Some(said), "send: Broken pipe".into()));

    let mut probe = new();
    probe.connected(Mono::ZERO);
    probe.sent(1);
    probe.expire(at(2.0));
    let said = "READ to 192.0.2.1:80 timed out".to_owned();
    assert_eq!(line(&probe), (Some(said), "answer timed out".into()));
}

#[test]
fn udp_without_expect_fails_only_if_the_port_is_unreachable() {
    let new = || {
        let mut probe = check(Transport::Udp, None, None);
        probe.connected(Mono::ZERO);
        assert_eq!(probe.want(), Want::Send(b""));
        probe.sent(0);
        assert!(matches!(probe.want(), Want::Receive(_)));
        probe
    };
    let mut silent = new();
    silent.expire(at(2.0));
    assert_eq!(silent.outcome(), Some(&Ok(())));
    let mut answered = new();
    answered.received(b"");
    assert_eq!(answered.outcome(), Some(&Ok(())));
    let mut closed = new();
    closed.failed(REFUSED);
    let Some(Err(failure)) = closed.outcome() else {
        panic!("good");
    };
    let lines = failure.lines("192.0.2.1:53".parse().unwrap());
    assert_eq!(lines, ["READ returned error 111:Connection refused"]);
}

#[test]
fn udp_judges_one_datagram_alone() {
    let new = || check(Transport::Udp, Some("q"), literal("PONG"));
    assert_eq!(answered(new(), &[b"PONGxyz"]), Ok(()));
    assert_eq!(
        answered(new(), &[b"PO", b"NG"]),
        Err(Failure::Short { got: 2, needed: 4 })
    );
    let mut unasked = check(Transport::Udp, None, literal("PONG"));
    unasked.connected(Mono::ZERO);
    assert!(
        matches!(unasked.want(), Want::Receive(_)),
        "nothing to send"
    );
    let mut silent = new();
    silent.connected(Mono::ZERO);
    silent.sent(1);
    silent.expire(at(2.0));
    assert!(matches!(
        silent.outcome(),
        Some(Err(Failure::ReadTimeout(_)))
    ));
}

#[test]
fn whatever_happens_a_check_ends_within_two_intervals() {
    for seed in seeds(20_000) {
        let mut random = Random::new(seed);
        let mut below = |limit| random.below(limit);
        let transport = if below(2) == 0 {
            Transport::Tcp
        } else {
            Transport::Udp
        };
        let expect = match below(4) {
            0 => None,
            1 => literal("*"),
            2 => literal("abcabcabc"),
            _ => pattern("c$"),
        };
        let send = (below(2) == 0).then_some("hello");
        let mut probe = check(transport, send, expect);
        let mut now = Mono::ZERO;
        while probe.outcome().is_none() {
            now = now + Duration::from_millis(below(700));
            match below(6) {
                0 => probe.connected(now),
                1 => probe.sent(usize::try_from(below(9)).unwrap()),
                2 => probe.received(b"abc"),
                3 if below(4) == 0 => probe.failed(REFUSED),
                _ => {}
            }
            // Only the shell's lateness in reporting the connection comes on top of two intervals.
            assert!(probe.deadline() < at(4.7));
            probe.expire(now);
        }
        assert!(now < at(5.4), "{now}");
    }
}
