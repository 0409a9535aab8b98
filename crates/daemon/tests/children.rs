//! Children started for real. One test function: `reap` takes any child of the process, so two
//! tests at once would take each other's.

use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use daemon::{
    Child, Clock, PollFd, PollFlags, Program, Signal, Signals, Stdin, Stdout, User, reap, wait,
};
use lvs_model::{ChildExit, Mono};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};

/// Waits, at most ten seconds, for the next child to end.
fn next_exit(signals: &mut Signals, clock: &Clock) -> (i32, ChildExit) {
    let deadline = clock.now() + Duration::from_secs(10);
    loop {
        signals.pending();
        if let Some(exit) = reap() {
            return exit;
        }
        assert!(clock.now() < deadline, "no child ended");
        wait(
            &mut [PollFd::new(signals.as_fd(), PollFlags::POLLIN)],
            clock,
            Some(deadline),
        )
        .unwrap();
    }
}

fn wait_until(clock: &Clock, is_so: impl Fn() -> bool) {
    let deadline = clock.now() + Duration::from_secs(30);
    while !is_so() {
        assert!(clock.now() < deadline, "never so");
        std::thread::yield_now();
    }
}

fn shell(script: &str) -> Program {
    let mut program = Program::new("/bin/sh");
    program.args = vec!["-c".into(), script.into()];
    program.parent_name = "test";
    program
}

fn not_started(program: &Program) -> ErrorKind {
    program.start().expect_err("it is not there").kind()
}

fn output(child: &Child) -> String {
    let mut text = String::new();
    let mut pipe = std::fs::File::from(child.output().unwrap().try_clone_to_owned().unwrap());
    pipe.read_to_string(&mut text).unwrap();
    text
}

/// One that whoever started us has left open.
fn an_open_descriptor_gets_no_further(signals: &mut Signals, clock: &Clock) {
    let open = std::fs::File::open("/dev/null").unwrap();
    fcntl(&open, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    let program = shell(&format!("test -e /proc/self/fd/{}", open.as_raw_fd()));
    for (closed, status) in [(false, 0), (true, 1)] {
        if closed && let Err(error) = daemon::close_descriptors_on_exec() {
            testkit::skipped(&format!("close_range: {error}"));
            break;
        }
        let child = program.start().unwrap();
        let ended = (child.pid(), ChildExit::Status(status));
        assert_eq!(next_exit(signals, clock), ended);
    }
}

#[test]
fn children_end_are_reaped_and_see_their_parent_go() {
    let clock = Clock::start();
    let mut signals = Signals::new(&[Signal::SIGCHLD]).unwrap();
    assert_eq!(reap(), None, "no children yet");

    // An exit status and a signal come back as they are.
    let child = shell("exit 3").start().unwrap();
    assert_eq!(
        next_exit(&mut signals, &clock),
        (child.pid(), ChildExit::Status(3))
    );
    let child = shell("kill -KILL $$").start().unwrap();
    assert_eq!(
        next_exit(&mut signals, &clock),
        (child.pid(), ChildExit::Signal(9))
    );
    // The real-time signals have no names, and end a process all the same.
    for signal in [34, 64] {
        let child = shell(&format!("kill -{signal} $$")).start().unwrap();
        wait_until(&clock, || child.has_ended());
        assert!(daemon::is_child(child.pid()));
        assert_eq!(
            next_exit(&mut signals, &clock),
            (child.pid(), ChildExit::Signal(signal))
        );
    }

    // What is reaped is no child any more.
    assert!(!daemon::is_child(child.pid()) && !child.has_ended());

    // A lifeline: `cat` reads nothing and ends when our end is closed; we are named to it.
    let mut program = shell("cat; echo $CARIBE_PARENT");
    program.stdin = Stdin::Lifeline;
    program.stdout = Stdout::Pipe;
    let mut child = program.start().unwrap();
    assert!(daemon::is_child(child.pid()) && !child.has_ended());
    child.close_link();
    assert_eq!(output(&child), "test\n");
    assert_eq!(
        next_exit(&mut signals, &clock),
        (child.pid(), ChildExit::Status(0))
    );

    // Without one the variable is not inherited either.
    let mut program = shell("echo \"[$CARIBE_PARENT]\"");
    program.stdout = Stdout::Pipe;
    let child = program.start().unwrap();
    assert_eq!(output(&child), "[]\n");
    next_exit(&mut signals, &clock);

    // As another user, which only root may start, all the same: named, its ends, its output. It was that
    // user before it was executed, and is not told to become one.
    if nix::unistd::geteuid().is_root() {
        let mut program = shell(
            "cat; echo $CARIBE_PARENT $A $CARIBE_USER; id -u; id -G; \
             grep -E '^(CapEff|CapPrm|SigBlk)' /proc/self/status",
        );
        program.stdin = Stdin::Lifeline;
        program.stdout = Stdout::Pipe;
        program.env = vec![("A".into(), "b".into())];
        program.user = Some(User {
            uid: 64_001,
            gid: 64_002,
        });
        let mut child = program.start().unwrap();
        child.close_link();
        let none = "0000000000000000";
        let status = format!("SigBlk:\t{none}\nCapPrm:\t{none}\nCapEff:\t{none}\n");
        assert_eq!(output(&child), format!("test b\n64001\n64002\n{status}"));
        assert_eq!(
            next_exit(&mut signals, &clock),
            (child.pid(), ChildExit::Status(0))
        );
        program.path = "/nonexistent/program".into();
        assert_eq!(not_started(&program), ErrorKind::NotFound);
        assert_eq!(reap(), None);
    } else {
        testkit::skipped("only root starts a child as another user");
    }

    // A report socket carries what the child writes, a message a write.
    let mut program = shell("printf one >&0; printf two >&0");
    program.stdin = Stdin::Report;
    let child = program.start().unwrap();
    next_exit(&mut signals, &clock);
    let mut bytes = [0; 16];
    let count = nix::unistd::read(child.link().unwrap(), &mut bytes).unwrap();
    assert_eq!(&bytes[..count], b"one");

    // A group goes as a whole.
    let mut program = shell("sleep 60 & wait");
    program.own_group = true;
    let child = program.start().unwrap();
    child.signal_group(Signal::SIGTERM).unwrap();
    assert_eq!(
        next_exit(&mut signals, &clock),
        (child.pid(), ChildExit::Signal(15))
    );

    an_open_descriptor_gets_no_further(&mut signals, &clock);

    // What cannot be started is an error here, not a child that fails.
    let missing = Program::new("/nonexistent/program");
    assert_eq!(not_started(&missing), ErrorKind::NotFound);
    // A bare name is no name in PATH.
    assert_eq!(not_started(&Program::new("sh")), ErrorKind::NotFound);
    assert_eq!(reap(), None);
    assert!(clock.now() > Mono::ZERO);
}
