//! Names in a file on disk, looked up by a child: without libtest, whose threads forbid a fork.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use config_file::{Fault, LIMIT, Program, Reading, Step, read};
use daemon::Clock;

fn main() -> ExitCode {
    a_host_and_a_service_are_looked_up();
    an_unknown_host_is_named_in_the_refusal();
    a_reading_waits_beside_a_loop_and_is_given_up_when_dropped();
    ExitCode::SUCCESS
}

fn on_disk(name: &str, host: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("names-{}-{name}", std::process::id()));
    let text = format!(
        "primary = {host}\nvirtual v {{\nactive = 1\naddress = 192.0.2.1 eth0:1\nport = domain\n\
         protocol = udp\nexpect = x\n}}\n"
    );
    fs::write(&path, text).unwrap();
    path
}

fn a_host_and_a_service_are_looked_up() {
    let path = on_disk("good", "localhost");
    let file = read(&path).unwrap();
    assert!(file.loaded.config.heartbeat.primary.unwrap().is_loopback());
    assert_eq!(file.loaded.config.virtuals[0].port, 53);
    fs::remove_file(path).unwrap();
}

fn an_unknown_host_is_named_in_the_refusal() {
    // RFC 6761 6.4: no resolver may find a name under invalid.
    let path = on_disk("bad", "director.invalid");
    let before = Instant::now();
    let fault = read(&path).unwrap_err();
    assert!(before.elapsed() < LIMIT + LIMIT / 5);
    let lines = fault.lines(Program::Lvsd);
    assert!(matches!(fault, Fault::Refused { .. }));
    assert!(lines[0].ends_with(" on line 1."), "{lines:?}");
    assert!(
        lines[1].contains("the host name director.invalid does not resolve"),
        "{lines:?}"
    );
    fs::remove_file(path).unwrap();
}

fn a_reading_waits_beside_a_loop_and_is_given_up_when_dropped() {
    let path = on_disk("given-up", "localhost");
    let clock = Clock::start();
    let Step::Waiting(reading) = Reading::begin(&path, clock.now()) else {
        panic!("names need a child");
    };
    assert!(reading.deadline() > clock.now());
    drop(reading);
    assert_eq!(daemon::reap(), None, "killed and reaped");

    // The limit ends it, whatever the resolver does: the answers that came until then count.
    let Step::Waiting(reading) = Reading::begin(&path, clock.now()) else {
        panic!("names need a child");
    };
    let late = reading.deadline();
    let Step::Done(_) = reading.advance(late) else {
        panic!("the limit has passed");
    };
    assert_eq!(daemon::reap(), None);
    fs::remove_file(path).unwrap();
}
