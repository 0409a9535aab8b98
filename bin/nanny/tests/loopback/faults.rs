//! Servers between good and bad: no answer to a SYN, slow within the limits, up and down in turn.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use control::{Phase, Report, Standing};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, bind, getsockname, listen, socket,
};

use crate::harness::{INTERVAL, Nanny, SLACK, hold, server};

const UP: Standing = Standing {
    phase: Phase::Up,
    place: control::Place::In(lvs_model::Weight::ONE),
    count: 9,
};

/// The phases that the nanny reports during its next `checks` checks, changes only.
fn phases(nanny: &Nanny, checks: u32) -> Vec<Phase> {
    let mut phases = Vec::new();
    let mut left = checks;
    while left > 0 {
        match nanny.report(Duration::from_secs(10)) {
            Report::Check { .. } => left -= 1,
            Report::State { standing, .. } => phases.push(standing.phase),
            Report::Alive => {}
        }
    }
    phases.dedup();
    phases
}

/// A port whose kernel drops every SYN: its queue holds one connection, and that one is in it.
fn deaf_port() -> (SocketAddr, impl Sized) {
    let flags = SockFlag::SOCK_CLOEXEC;
    let listener = socket(AddressFamily::Inet, SockType::Stream, flags, None).unwrap();
    bind(listener.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).unwrap();
    listen(&listener, Backlog::new(0).unwrap()).unwrap();
    let address: SockaddrIn = getsockname(listener.as_raw_fd()).unwrap();
    let address = SocketAddr::from(std::net::SocketAddrV4::from(address));
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
        queue.push(stream);
    }
    (address, (listener, queue))
}

#[test]
fn a_server_that_drops_every_syn_is_down_after_the_failed_checks_it_takes() {
    const FALL: u32 = 3;
    let (address, _held) = deaf_port();
    let start = Instant::now();
    let nanny = Nanny::adopting(address, &["--fall", "3"], UP);
    let mut failed = 0;
    loop {
        match nanny.report(SLACK) {
            Report::State { standing, .. } if standing.phase == Phase::Down => break,
            Report::Check { .. } => failed += 1,
            _ => {}
        }
    }
    // The last one may be told behind what became of it.
    assert!((FALL - 1..=FALL).contains(&failed), "{failed}");
    // So many connects until they time out, and the pauses between them, 10 % less at most.
    let least = INTERVAL * FALL + INTERVAL * 9 / 10 * (FALL - 1);
    let took = start.elapsed();
    assert!(took >= least, "{took:?}");
}

#[test]
fn a_server_that_needs_95_percent_of_the_time_stays_up() {
    let slow = |mut stream: TcpStream| {
        // So slow the server is.
        thread::sleep(Duration::from_millis(950));
        let _ = stream.write_all(b"220 ready\r\n");
        hold(stream);
    };
    let nanny = Nanny::adopting(server(slow), &["-t", "1", "-x", "220"], UP);
    assert_eq!(phases(&nanny, 5), [Phase::Up]);
}

#[test]
fn a_flapping_server_changes_once_and_not_again_before_it_was_good_long_enough() {
    let count = Arc::new(AtomicU32::new(0));
    let flapping = move |mut stream: TcpStream| {
        if count.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
            let _ = stream.write_all(b"220 ready\r\n");
        }
        hold(stream);
    };
    // Back after three good checks in a row, which never come.
    let args = ["-t", "0.1", "-a", "0.3", "-x", "220"];
    let nanny = Nanny::start(server(flapping), &args);
    let phases = phases(&nanny, 20);
    let changes = phases
        .windows(2)
        .filter(|two| two[0].is_up() != two[1].is_up());
    assert_eq!(
        changes.count(),
        2,
        "in, out, and never in again: {phases:?}"
    );
}
