//! Verdicts on servers of all kinds, within the deadline.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

use crate::harness::{INTERVAL, Nanny, SLACK, closed_port, hold, server, write_slowly};

/// One check of `real` comes to a result that starts with `verdict`, within two intervals.
#[track_caller]
fn comes_to(real: SocketAddr, args: &[&str], verdict: &str) -> Duration {
    let (result, duration) = Nanny::start(real, args).check();
    assert!(result.starts_with(verdict), "{result}");
    assert!(duration <= 2 * INTERVAL + SLACK, "{duration:?}");
    duration
}

const BANNER: [&str; 2] = ["-x", "220 ready"];

#[test]
fn a_server_that_accepts_is_good_without_send_and_expect() {
    comes_to(server(hold), &[], "good");
}

#[test]
fn a_refused_connection_fails_at_once() {
    let interval = ["-t", "60"];
    comes_to(
        closed_port(),
        &interval,
        "failed: connect: Connection refused",
    );
}

#[test]
fn a_silent_server_fails_after_one_interval() {
    let duration = comes_to(server(hold), &BANNER, "failed: answer timed out");
    assert!(duration >= INTERVAL);
}

#[test]
fn a_trickle_ends_at_the_deadline() {
    let trickle = |stream: TcpStream| {
        write_slowly(&stream, &[b"2".as_slice(); 1], Duration::ZERO);
        write_slowly(&stream, &[b"2".as_slice(); 100], INTERVAL * 9 / 10);
    };
    let duration = comes_to(
        server(trickle),
        &["-x", "2222222222"],
        "failed: answer timed out after \"2",
    );
    assert!(duration >= INTERVAL);
}

#[test]
fn an_answer_in_segments_of_one_byte_is_put_together() {
    let dribble = |stream: TcpStream| {
        let pieces: Vec<&[u8]> = b"220 ready\r\n".chunks(1).collect();
        write_slowly(&stream, &pieces, Duration::from_millis(2));
        hold(stream);
    };
    comes_to(server(dribble), &BANNER, "good");
    comes_to(server(dribble), &["--regex", "-x", "rea.y\r\n$"], "good");
}

#[test]
fn a_banner_in_two_segments_is_good() {
    let split = |stream: TcpStream| {
        write_slowly(&stream, &[b"22", b"0 ready"], Duration::from_millis(20));
        hold(stream);
    };
    comes_to(server(split), &BANNER, "good");
}

#[test]
fn an_endless_answer_fails_when_enough_was_read() {
    let endless = |mut stream: TcpStream| while stream.write_all(&[b'x'; 8192]).is_ok() {};
    let real = server(endless);
    let behind = "failed: no match within the first 4096 bytes of the answer: \"xxx";
    assert!(comes_to(real, &["--regex", "-x", "needle"], behind) < INTERVAL);
    assert!(comes_to(real, &BANNER, "failed: other answer: \"xxx") < INTERVAL);
    comes_to(real, &["-x", "xxxx"], "good");
}

#[test]
fn a_server_that_closes_at_once_is_good_for_a_star_only() {
    let real = server(drop);
    comes_to(real, &[], "good");
    comes_to(real, &["-x", "*"], "good");
    comes_to(real, &["-x", "abc"], "failed: short answer: 0 of 3 bytes");
}

#[test]
fn a_reset_fails() {
    // Closed with unread input: the kernel sends a reset instead of an end.
    let reset = |mut stream: TcpStream| {
        let _ = stream.read(&mut [0; 1]);
    };
    let words = "failed: answer: Connection reset by peer";
    comes_to(server(reset), &["-s", "hello", "-x", "abc"], words);
}

#[test]
fn the_string_is_sent_with_its_escapes_undone() {
    let echo = |mut stream: TcpStream| {
        let mut got = [0; 5];
        if stream.read_exact(&mut got).is_ok() {
            let _ = stream.write_all(&got);
        }
        hold(stream);
    };
    comes_to(server(echo), &["-s", r"ab\r\nc", "-x", r"ab\r\nc"], "good");
    comes_to(
        server(echo),
        &["-T", "-s", r"ab\r\n", "-x", r"ab\r\"],
        "good",
    );
}

#[test]
fn a_reader_that_never_reads_fails_a_long_string_in_time() {
    let deaf = |stream: TcpStream| {
        // Reads nothing for longer than the check may take.
        thread::sleep(Duration::from_secs(5));
        drop(stream);
    };
    let long = "x".repeat(100_000);
    // What the kernel buffers counts as sent.
    comes_to(server(deaf), &["-s", &long, "-x", "y"], "failed: ");
}

fn udp(answer: &'static [u8]) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 64];
        while let Ok((_, from)) = socket.recv_from(&mut buffer) {
            if !answer.is_empty() {
                let _ = socket.send_to(answer, from);
            }
        }
    });
    address
}

fn closed_udp_port() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

#[test]
fn udp_with_expect_needs_the_answer() {
    const PING: [&str; 5] = ["-u", "-s", "q", "-x", "PONG"];
    comes_to(udp(b"PONGxyz"), &PING, "good");
    comes_to(udp(b"PO"), &PING, "failed: short answer: 2 of 4 bytes");
    comes_to(udp(b""), &PING, "failed: answer timed out");
    comes_to(
        closed_udp_port(),
        &PING,
        "failed: answer: Connection refused",
    );
}

#[test]
fn udp_without_expect_fails_only_if_the_port_is_closed() {
    comes_to(udp(b"anything"), &["-u"], "good");
    comes_to(udp(b""), &["-u", "-s", "q"], "good");
    comes_to(
        closed_udp_port(),
        &["-u"],
        "failed: answer: Connection refused",
    );
}
