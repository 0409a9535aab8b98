//! Names in a file on disk, looked up by a child: without libtest, whose threads forbid a fork.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use config_file::{
    ConfigFile, Fault, Follower, LIMIT, Outcome, Program, Reading, Step, check, read,
};
use daemon::{Clock, PollFd, PollFlags};
use lvs_model::Mono;
use lvs_sys::{Forked, fork};
use nix::sys::ptrace;
use nix::unistd::Pid;

fn main() -> ExitCode {
    a_host_and_a_service_are_looked_up();
    an_unknown_host_is_named_in_the_refusal();
    a_reading_waits_beside_a_loop_and_is_given_up_when_dropped();
    a_name_that_does_not_resolve_leaves_out_its_part_and_keeps_an_address_it_had();
    a_follower_asks_again_and_tells_of_what_it_found();
    r_a_file_that_the_caller_refuses_is_not_followed();
    r_a_process_that_cannot_be_ended_is_not_waited_for();
    what_the_machine_lacks_is_said_at_its_line();
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
    let fault = read(&path).unwrap_err();
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
    let mut follower = Follower::new(&read(&path).unwrap(), Mono::ZERO);
    let clock = Clock::start();
    let none = HashMap::new();
    let Step::Waiting(reading) = Reading::begin(&path, &none, clock.now()) else {
        panic!("names need a child");
    };
    assert!(reading.deadline() > clock.now());
    drop(reading);
    assert!(is_reaped_as_one_given_up(&mut follower), "killed");

    // The limit ends it, whatever the resolver does: the answers that came until then count.
    let Step::Waiting(reading) = Reading::begin(&path, &none, clock.now()) else {
        panic!("names need a child");
    };
    let late = reading.deadline();
    let Step::Done(_) = reading.advance(late) else {
        panic!("the limit has passed");
    };
    assert!(is_reaped_as_one_given_up(&mut follower));
    fs::remove_file(path).unwrap();
}

/// Reaps the one child as a daemon's loop does.
fn is_reaped_as_one_given_up(follower: &mut Follower) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < LIMIT {
        if let Some((pid, _)) = daemon::reap() {
            return follower.ended(pid) && !follower.ended(pid) && daemon::reap().is_none();
        }
    }
    false
}

/// A block with a server that is found and one by this name.
fn two_servers(name: &str, host: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("names-{}-{name}", std::process::id()));
    let text = format!(
        "virtual v {{\nactive = 1\naddress = 192.0.2.1 eth0:1\nserver good {{\nactive = 1\n\
         address = localhost\n}}\nserver gone {{\nactive = 1\naddress = {host}\n}}\n}}\n"
    );
    fs::write(&path, text).unwrap();
    path
}

fn finished(mut step: Step, clock: Clock) -> ConfigFile {
    loop {
        match step {
            Step::Done(result) => return *result.unwrap(),
            Step::Waiting(reading) => step = reading.advance(clock.now()),
        }
    }
}

fn a_name_that_does_not_resolve_leaves_out_its_part_and_keeps_an_address_it_had() {
    let path = two_servers("part", "server.invalid");
    let file = read(&path).unwrap();
    assert_eq!(file.loaded.config.virtuals[0].servers.len(), 1);
    let said = format!(
        "{}:10:11: left out: server gone: the host name server.invalid does not resolve",
        path.display()
    );
    assert_eq!(file.faults(), [said]);
    assert!(file.has_faults());

    let clock = Clock::start();
    let earlier: IpAddr = "192.0.2.77".parse().unwrap();
    let before = HashMap::from([("server.invalid".to_owned(), earlier)]);
    let file = finished(Reading::begin(&path, &before, clock.now()), clock);
    assert_eq!(file.loaded.config.virtuals[0].servers[1].address, earlier);
    assert!(!file.has_faults());
    let warning =
        "10:11: warning: server.invalid does not resolve: its last address, 192.0.2.77, stays";
    assert!(
        file.remarks(false)[0].ends_with(warning),
        "{:?}",
        file.remarks(false)
    );
    fs::remove_file(path).unwrap();
}

/// The file on disk has changed meanwhile: it is in an editor, and not looked at.
fn a_follower_asks_again_and_tells_of_what_it_found() {
    let path = two_servers("again", "server.invalid");
    let file = read(&path).unwrap();
    let clock = Clock::start();
    let mut follower = Follower::new(&file, clock.now());
    fs::write(&path, "half a fi").unwrap();
    assert!(follower.advance(clock.now()).is_none());
    let due = follower.deadline().unwrap();
    assert_eq!((due - clock.now()).as_secs(), 4);
    assert!(follower.advance(due).is_none());
    let asked = follower.deadline().unwrap();
    assert!(asked > due, "looked up in a process of its own");
    assert!(follower.poll_fd().is_some());
    // It has not come to resolve: later again, and not a word.
    assert!(follower.advance(asked).is_none());
    assert!(follower.deadline().unwrap() > asked);

    let path_of_other = two_servers("other", "localhost");
    fs::rename(&path_of_other, &path).unwrap();
    let mut outcome = follower.reload(clock.now());
    while outcome.is_none() {
        outcome = follower.advance(clock.now());
    }
    let Some(Outcome::Read(Ok(file))) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(file.loaded.unresolved.is_empty());
    follower.accept(&file, clock.now());
    assert_eq!(follower.deadline(), None);
    fs::remove_file(path).unwrap();
}

/// A good file may be nothing for a daemon that runs: the names of the one in force are asked on.
fn r_a_file_that_the_caller_refuses_is_not_followed() {
    let path = two_servers("refused", "server.invalid");
    let file = read(&path).unwrap();
    let clock = Clock::start();
    let mut follower = Follower::new(&file, clock.now());
    let due = follower.deadline();
    fs::rename(on_disk("other-refused", "localhost"), &path).unwrap();
    let mut outcome = follower.reload(clock.now());
    while outcome.is_none() {
        outcome = follower.advance(clock.now());
    }
    assert!(matches!(outcome, Some(Outcome::Read(Ok(_)))), "{outcome:?}");
    assert_eq!(follower.deadline(), due);
    assert!(follower.advance(due.unwrap()).is_none());
    assert!(follower.poll_fd().is_some(), "server.invalid is asked for");
    fs::remove_file(path).unwrap();
}

/// Another process traces the helper: killed, it is not to be reaped before that one has let go. So is
/// one whose disk hangs.
fn r_a_process_that_cannot_be_ended_is_not_waited_for() {
    // More answers than a pipe holds: it is there until they are read.
    let path = std::env::temp_dir().join(format!("names-{}-held", std::process::id()));
    let _ours = [
        File::open("/dev/null").unwrap(),
        File::open("/dev/null").unwrap(),
    ];
    let text: String = (0..200).map(block_with_a_long_program).collect();
    fs::write(&path, text).unwrap();
    let clock = Clock::start();
    let Step::Waiting(reading) = Reading::begin(&path, &HashMap::new(), clock.now()) else {
        panic!("programs need a child");
    };
    let helper = only_child();
    assert!(
        holds_nothing_but_its_pipe(helper),
        "{:?}",
        descriptors(helper)
    );

    let (mut ours, mut theirs) = UnixStream::pair().unwrap();
    let Forked::Parent(tracer) = fork().unwrap() else {
        drop(ours);
        let held = ptrace::seize(Pid::from_raw(helper), ptrace::Options::empty());
        theirs.write_all(&[u8::from(held.is_ok())]).unwrap();
        // Until the other end is closed.
        let mut fds = [PollFd::new(theirs.as_fd(), PollFlags::POLLIN)];
        let limit = clock.now() + LIMIT;
        daemon::wait(&mut fds, &clock, Some(limit)).unwrap();
        std::process::exit(0);
    };
    drop(theirs);
    let mut held = [0];
    ours.read_exact(&mut held).unwrap();
    drop(reading);
    // Had that waited for it, the tracer would have ended meanwhile.
    if held == [1] {
        assert_eq!(daemon::reap(), None, "it is held");
    }
    drop(ours);
    let mut reaped = Vec::new();
    while reaped.len() < 2 {
        reaped.extend(daemon::reap().map(|(pid, _)| pid));
    }
    reaped.sort_unstable();
    let mut expected = [helper, tracer];
    expected.sort_unstable();
    assert_eq!(reaped, expected);
    fs::remove_file(path).unwrap();
}

/// Those given up earlier are reaped first.
fn only_child() -> i32 {
    let me = std::process::id();
    let begun = Instant::now();
    while begun.elapsed() < LIMIT {
        let children = fs::read_to_string(format!("/proc/{me}/task/{me}/children")).unwrap();
        if let Ok(pid) = children.trim().parse() {
            return pid;
        }
        let _ = daemon::reap();
    }
    panic!("there are several");
}

fn block_with_a_long_program(number: usize) -> String {
    let program = format!("/nowhere{}/{number}", "/check".repeat(100));
    format!(
        "virtual v{number} {{\nactive = 1\naddress = 192.0.2.1 eth0:1\nport = {}\n\
         send_program = {program}\nexpect = OK\n}}\n",
        number + 1
    )
}

fn descriptors(pid: i32) -> Vec<String> {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let links = open.filter_map(|it| fs::read_link(it.ok()?.path()).ok());
    links.map(|it| it.display().to_string()).collect()
}

/// It closes them as soon as it runs; standard input, output and error are others then. Ours may be the pipe by
/// which somebody sees our end, or waits for a word of ours.
fn holds_nothing_but_its_pipe(pid: i32) -> bool {
    let begun = Instant::now();
    let is_null = |number: i32| {
        let path = fs::read_link(format!("/proc/{pid}/fd/{number}"));
        path.is_ok_and(|path| path == Path::new("/dev/null"))
    };
    while begun.elapsed() < LIMIT {
        if descriptors(pid).len() == 4 && (0..3).all(is_null) {
            return true;
        }
    }
    false
}

fn what_the_machine_lacks_is_said_at_its_line() {
    let path = std::env::temp_dir().join(format!("names-{}-machine", std::process::id()));
    let text = "virtual v {\nactive = 1\naddress = 192.0.2.1 eth0:1\nscheduler = pcc\n\
                send_program = /nowhere/check\nexpect = OK\n}\n";
    fs::write(&path, text).unwrap();
    let file = check(&path).unwrap();
    let remarks = file.remarks(false);
    assert!(remarks[0].contains(":4:13: "), "{remarks:?}");
    assert!(remarks[0].contains("scheduler = pcc, "), "{remarks:?}");
    let expected = ":5:16: warning: send_program = /nowhere/check: no such file: /nowhere/check";
    assert!(remarks[1].ends_with(expected), "{remarks:?}");
    fs::remove_file(path).unwrap();
}
