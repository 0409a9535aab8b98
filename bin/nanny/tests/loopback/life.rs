//! Start, reports, signals and end.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use control::{Order, Phase, Place, Report, Standing};
use daemon::Signal;
use lvs_model::Weight;
use testkit::wait_until;

use crate::harness::{Nanny, SLACK, closed_port, hold, server, until};

fn next_state(nanny: &Nanny) -> (Standing, String) {
    loop {
        if let Report::State {
            standing, reason, ..
        } = nanny.report(Duration::from_secs(5))
        {
            return (standing, reason.to_string());
        }
    }
}

#[test]
fn a_good_server_is_reported_up_with_its_first_weight() {
    let nanny = Nanny::start(server(hold), &["-w", "64"]);
    assert_eq!(next_state(&nanny).0.phase, Phase::New);
    let (standing, _) = next_state(&nanny);
    assert_eq!(standing.phase, Phase::Ramp);
    assert_eq!(standing.place, Place::In(Weight::new(2).unwrap()));
}

#[test]
fn a_successor_keeps_weight_and_phase() {
    let standing = Standing {
        phase: Phase::Ramp,
        place: Place::In(Weight::new(16).unwrap()),
        count: 700,
    };
    let nanny = Nanny::adopting(server(hold), &["-w", "64"], standing);
    assert_eq!(next_state(&nanny).0, standing);
    assert_eq!(nanny.check().0, "good");
    nanny.order(Order::Target(Weight::new(8).unwrap()));
    assert_eq!(
        next_state(&nanny).0.place,
        Place::In(Weight::new(8).unwrap())
    );
}

#[test]
fn a_server_that_fails_is_reported_down_with_the_reason() {
    let standing = Standing {
        phase: Phase::Up,
        place: Place::In(Weight::ONE),
        count: 9,
    };
    let nanny = Nanny::adopting(closed_port(), &["-q"], standing);
    assert_eq!(next_state(&nanny).0.phase, Phase::Up);
    let (standing, reason) = next_state(&nanny);
    assert_eq!(standing.phase, Phase::Down);
    assert_eq!(standing.place, Place::In(Weight::ZERO));
    assert_eq!(reason, "connect: Connection refused");
}

#[test]
fn a_nanny_says_that_it_is_alive_also_while_a_check_waits() {
    let nanny = Nanny::start(server(hold), &["-x", "never", "-t", "1"]);
    let interval = Duration::from_secs(1);
    let mut alive = 0;
    for _ in 0..8 {
        if nanny.report(interval + SLACK) == Report::Alive {
            alive += 1;
        }
    }
    assert!(alive > 1);
}

/// Its socket is full long before the server fails: one takes fewer than 300 messages.
#[test]
fn a_verdict_that_a_busy_lvsd_could_not_take_comes_when_it_listens_again() {
    const GOOD: u32 = 400;
    let checks = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&checks);
    let real = server(move |mut stream: TcpStream| {
        let is_good = count.fetch_add(1, Ordering::SeqCst) < GOOD;
        let _ = stream.write_all(if is_good { b"220" } else { b"554" });
    });
    let nanny = Nanny::start(real, &["-x", "220", "-t", "2"]);
    until(Duration::from_secs(60), || {
        nanny.order(Order::Check);
        checks.load(Ordering::SeqCst) > GOOD + 2
    });
    let is_verdict = |report: Report| match report {
        Report::State { standing, .. } => standing.phase == Phase::Down,
        Report::Alive | Report::Check { .. } => false,
    };
    let mut reports = (0..GOOD + 20).map(|_| nanny.report(Duration::from_secs(5)));
    assert!(reports.any(is_verdict));
}

#[test]
fn a_nanny_ends_with_the_socket_whatever_it_does() {
    let connected = Arc::new(AtomicBool::new(false));
    let is_connected = Arc::clone(&connected);
    let holds = move |stream: TcpStream| {
        connected.store(true, Ordering::Relaxed);
        hold(stream);
    };
    let ends = |mut nanny: Nanny| {
        nanny.leave();
        assert_eq!(nanny.exit_status(Duration::from_secs(1)), 0);
    };
    // It waits for an answer.
    let nanny = Nanny::start(server(holds), &["-x", "never", "-t", "30"]);
    wait_until("a connection", || is_connected.load(Ordering::Relaxed));
    ends(nanny);
    // It waits for a program.
    let nanny = Nanny::start(server(hold), &["-e", "/bin/sleep 60", "-t", "30"]);
    wait_until("a program", || nanny.has_child());
    ends(nanny);
    // It waits for its next check.
    let nanny = Nanny::start(server(hold), &["-t", "30"]);
    nanny.check();
    ends(nanny);
}

#[test]
fn sigterm_ends_a_nanny_at_once() {
    let mut nanny = Nanny::start(server(hold), &["-x", "never", "-t", "30"]);
    nanny.report(Duration::from_secs(5));
    nanny.signal(Signal::SIGTERM);
    assert_eq!(nanny.exit_status(Duration::from_secs(1)), 0);
}

/// On a kernel without Landlock that is said.
#[test]
fn only_a_nanny_without_programs_gives_its_files_up() {
    let gives_up = |args: &[&str]| {
        let mut nanny = Nanny::start(server(hold), &[&["-n", "-v"], args].concat());
        nanny.check();
        nanny.leave();
        let lines = nanny.lines_until("Landlock");
        lines.contains("Landlock: ")
    };
    assert!(gives_up(&["-s", "x"]));
    assert!(!gives_up(&["-e", "/bin/true"]));
}

/// It looks for what programs left behind, and may not open /proc for that.
#[test]
fn r_a_nanny_that_has_no_files_ends_without_an_error() {
    let mut nanny = Nanny::start(server(hold), &["-n"]);
    nanny.check();
    nanny.leave();
    let lines = nanny.lines_until("cannot");
    assert!(lines.contains("starting LVS client monitor"), "{lines}");
    assert!(!lines.contains("cannot"), "{lines}");
}

#[test]
fn an_order_to_check_ends_the_pause() {
    let nanny = Nanny::start(server(hold), &["-t", "30"]);
    nanny.check();
    let start = Instant::now();
    nanny.order(Order::Check);
    nanny.check();
    // The pause is at least nine tenths of 30 s.
    assert!(start.elapsed() < SLACK);
}

#[test]
fn forced_states_hold_until_sighup() {
    let nanny = Nanny::start(server(hold), &[]);
    assert_eq!(next_state(&nanny).0.phase, Phase::New);
    next_state(&nanny);
    nanny.signal(Signal::SIGUSR1);
    assert_eq!(next_state(&nanny).0.phase, Phase::ForcedDown);
    nanny.signal(Signal::SIGHUP);
    assert_eq!(next_state(&nanny).0.phase, Phase::New);
    assert!(next_state(&nanny).0.phase.is_up());
}
