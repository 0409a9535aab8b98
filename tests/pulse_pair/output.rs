//! What pulse writes while nobody reads it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;

use caribe_tests::{fill, wait_until};
use nix::fcntl::OFlag;
use nix::sys::signal::Signal;
use nix::unistd::pipe2;

use crate::pair::{A, B, Pair};
use crate::{DEAD_TIME, LOADING};

/// `pulse -n | less`, and nobody pages on.
#[test]
fn a_stalled_reader_of_standard_output_moves_nothing_and_hears_what_it_missed() {
    let mut pair = Pair::new();
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).unwrap();
    pair.start_into(A, writer.try_clone().unwrap(), Stdio::null());
    // The slower one to start would find the other one active.
    pair.wait_for_owners(&[A], LOADING);
    pair.start(B);
    let runs = wait_until(LOADING, || pair.log(B).contains("STARTING PULSE"));
    runs.expect("the backup starts");
    fill(&writer).unwrap();
    for _ in 0..3 {
        pair.signal(A, Signal::SIGHUP);
        assert!(pair.stays_with(A, DEAD_TIME), "{}", pair.log(B));
    }
    drop(writer);
    let (tell, hear) = mpsc::channel();
    thread::spawn(move || {
        let mut lines = BufReader::new(File::from(reader)).lines();
        lines.try_for_each(|line| tell.send(line.unwrap_or_default()))
    });
    let is_said = || {
        let line = hear.try_iter().find(|line| {
            let counted = line.strip_suffix(" log lines lost: standard output was full");
            counted.is_some_and(|line| line.starts_with("pulse: "))
        });
        line.is_some()
    };
    wait_until(LOADING, is_said).expect("what was lost is said");
    assert!(pair.stays_with(A, DEAD_TIME));
}

/// In the foreground lvsd speaks to pulse by the pipe that has its log, too: "ready", "checked". A monitor that was
/// taken over must not speak in its place, and its log lines still go where pulse's go.
#[test]
fn r_a_monitor_has_no_descriptor_of_the_pipe_by_which_lvsd_speaks_to_pulse() {
    let mut pair = Pair::new();
    pair.start(A);
    pair.wait_for_owners(&[A], LOADING);
    let nanny = || pair.pid_of(A, "nanny");
    wait_until(LOADING, || nanny().is_some()).expect("a nanny");
    let lvsd = pair.pid_of(A, "lvsd").expect("lvsd");
    let said = descriptors(lvsd).remove(1);
    assert!(said.starts_with("pipe:"), "{said}");
    let of_nanny = descriptors(nanny().expect("a nanny"));
    assert!(!of_nanny.contains(&said), "{said} in {of_nanny:?}");
    let logs = || pair.log(A).contains("nanny: ");
    assert!(wait_until(LOADING, logs).is_some(), "{}", pair.log(A));
}

/// What a process has open, by number.
pub fn descriptors(pid: i32) -> Vec<String> {
    let directory = format!("/proc/{pid}/fd");
    let numbers = std::fs::read_dir(&directory).expect("a process");
    let mut numbers: Vec<u32> = numbers
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    numbers.sort_unstable();
    let links = numbers
        .iter()
        .filter_map(|it| std::fs::read_link(format!("{directory}/{it}")).ok());
    links.map(|link| link.display().to_string()).collect()
}
