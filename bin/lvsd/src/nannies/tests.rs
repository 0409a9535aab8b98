//! Nannies that lvsd talks to: scripts in their place.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use control::{Phase, Place, Report, Standing};
use lvs_model::{ForwardingMethod, Protocol, Weight};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;

use super::*;

#[test]
fn only_what_the_machine_lacks_is_a_shortage() {
    let shortage = |errno: Errno| is_shortage(&io::Error::from(errno));
    assert!(shortage(Errno::EAGAIN));
    assert!(shortage(Errno::EMFILE));
    assert!(!shortage(Errno::ENOENT));
    assert!(!shortage(Errno::EACCES));
}

/// A program in the place of nanny, whose standard input is the socket to lvsd.
struct Script(PathBuf);

impl Script {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lvsd-{name}-{}", std::process::id()));
        testkit::write_script(&path, text);
        Self(path)
    }

    fn options(&self, shared: bool) -> NannyOptions {
        let address = IpAddr::from([192, 0, 2, 1]);
        NannyOptions {
            program: self.0.clone(),
            rip: address,
            port: 80,
            fwmark: None,
            protocol: Protocol::Tcp,
            check: Default::default(),
            quiesce: false,
            verbose: false,
            ipvsadm: Path::new("/sbin/ipvsadm").into(),
            weight: Weight::ONE,
            vip: address,
            forwarding: ForwardingMethod::Masquerading,
            load_program: None,
            foreground: false,
            shared,
            deaths: 0,
            account: None,
        }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// What is heard until `is_enough` says so.
fn hear_until(nannies: &mut Nannies, is_enough: impl Fn(&[Input]) -> bool) -> Vec<Input> {
    testkit::wait_for("what a nanny says", || {
        Some(nannies.hear()).filter(|heard| is_enough(heard))
    })
}

fn reap(pid: u32) {
    waitpid(Pid::from_raw(i32::try_from(pid).unwrap()), None).unwrap();
}

/// Waits until it has ended, and leaves it to be reaped.
fn wait_for_end(pid: u32) {
    let id = Id::Pid(Pid::from_raw(i32::try_from(pid).unwrap()));
    waitid(id, WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).unwrap();
}

#[test]
fn r_a_nanny_that_never_stops_talking_is_interrupted() {
    let script = Script::new("talks", "while :; do printf alive >&0; done 2>&-");
    let mut nannies = Nannies::new(false, false).unwrap();
    let pid = nannies.start(NannyId(1), &script.options(false)).unwrap();
    let heard = hear_until(&mut nannies, |heard| heard.len() >= PATIENCE);
    nannies.signal(NannyId(1), Signal::SIGKILL);
    reap(pid);
    assert_eq!(heard.len(), PATIENCE);
}

#[test]
fn all_are_heard_in_one_turn() {
    let script = Script::new("many", "printf alive >&0");
    let mut nannies = Nannies::new(false, false).unwrap();
    let count = 2 * SPEAKERS + 1;
    let start = |number| {
        let nanny = NannyId(u64::try_from(number).unwrap());
        nannies.start(nanny, &script.options(false)).unwrap()
    };
    let pids: Vec<u32> = (1..=count).map(start).collect();
    pids.iter().copied().for_each(wait_for_end);
    let heard = nannies.hear();
    pids.into_iter().for_each(reap);
    assert_eq!(heard.len(), count);
}

#[test]
fn r_what_a_nanny_said_last_is_heard_when_it_has_ended() {
    for (shared, said) in [(false, ""), (true, "1 ")] {
        let said = format!("{said}state down out 0 of 2 target 1 x");
        let script = Script::new("last", &format!("printf '{said}' >&0; exit 3"));
        let mut nannies = Nannies::new(false, false).unwrap();
        let pid = nannies.start(NannyId(1), &script.options(shared)).unwrap();
        reap(pid);
        let heard = nannies.remove(i32::try_from(pid).unwrap(), ChildExit::Status(3));
        let down = Standing {
            phase: Phase::Down,
            place: Place::Out,
            count: 0,
        };
        assert!(
            matches!(
                heard.as_slice(),
                [
                    Input::Report(NannyId(1), Report::State { standing, .. }),
                    Input::Ended(NannyId(1), ChildExit::Status(3)),
                ] if *standing == down
            ),
            "{heard:?}"
        );
    }
}

#[test]
fn r_a_nanny_with_more_arguments_than_an_errand_holds_has_a_process_of_its_own() {
    let script = Script::new("long", "exec sleep 60");
    let mut nannies = Nannies::new(false, false).unwrap();
    let mut options = script.options(true);
    for (length, is_alone) in [(20_000, false), (60_000, true)] {
        options.check.send = Some("x".repeat(length).into());
        options.check.expect = options.check.send.clone();
        let pid = nannies.start(NannyId(1), &options).unwrap();
        let names: Vec<String> = nannies.pools.values().map(Pool::to_string).collect();
        nannies.signal(NannyId(1), Signal::SIGKILL);
        reap(pid);
        nannies.remove(i32::try_from(pid).unwrap(), ChildExit::Signal(9));
        let name = if is_alone {
            "nanny 1".to_owned()
        } else {
            format!("process {pid}")
        };
        assert_eq!(names, [name], "{length}");
    }
}

#[test]
fn r_a_nanny_that_hides_from_lvsd_is_killed() {
    let scripts = [
        ("hides", false, "exec sleep 20 <&-"),
        ("hide", true, "exec sleep 20 <&-"),
        ("left", true, "printf '1 ended 0\\n' >&0; exec sleep 20"),
    ];
    for (name, shared, text) in scripts {
        let script = Script::new(name, text);
        let mut nannies = Nannies::new(false, false).unwrap();
        let pid = nannies.start(NannyId(1), &script.options(shared)).unwrap();
        let pid = Pid::from_raw(i32::try_from(pid).unwrap());
        let end = loop {
            nannies.hear();
            match waitpid(pid, Some(WaitPidFlag::WNOHANG)).unwrap() {
                WaitStatus::StillAlive => {}
                end => break end,
            }
        };
        assert_eq!(
            end,
            WaitStatus::Signaled(pid, Signal::SIGKILL, false),
            "{name}"
        );
    }
}

/// Its pid may be another process's by then.
#[test]
fn r_a_nanny_that_was_reaped_is_sent_no_signal() {
    let script = Script::new("reaped", "exec sleep 20 <&-");
    let mut nannies = Nannies::new(false, false).unwrap();
    let pid = nannies.start(NannyId(1), &script.options(false)).unwrap();
    let pid = i32::try_from(pid).unwrap();
    let mut events = [EpollEvent::empty()];
    // Other tests' children end meanwhile, which interrupts it.
    while nannies.links.wait(&mut events, EpollTimeout::NONE) != Ok(1) {}
    nannies.remove(pid, ChildExit::Status(0));
    let pid = Pid::from_raw(pid);
    // The first signal that ends it counts.
    nix::sys::signal::kill(pid, Signal::SIGTERM).unwrap();
    let end = waitpid(pid, None);
    assert_eq!(end, Ok(WaitStatus::Signaled(pid, Signal::SIGTERM, false)));
}

/// Otherwise a process that parses servers' answers would have the rights that one program needs.
#[test]
fn nannies_with_programs_and_those_of_another_user_share_no_process_with_the_others() {
    let script = Script::new("kinds", "exec sleep 60");
    let mut nannies = Nannies::new(false, false).unwrap();
    let plain = script.options(true);
    let mut programs = plain.clone();
    programs.check.send_program = Some("/bin/true".into());
    let mut other = programs.clone();
    other.account = Some(Account {
        name: "nobody".into(),
        uid: 65534,
        gid: 65534,
        home: "/".into(),
    });
    let mut pids = Vec::new();
    for (number, options) in (1..).zip([&plain, &programs, &other, &plain, &programs]) {
        pids.push(nannies.start(NannyId(number), options).unwrap());
    }
    for pid in &pids[..3] {
        let pid = Pid::from_raw(i32::try_from(*pid).unwrap());
        nix::sys::signal::kill(pid, Signal::SIGKILL).unwrap();
        waitpid(pid, None).unwrap();
    }
    assert_eq!([pids[3], pids[4]], [pids[0], pids[1]]);
    assert!(pids[0] != pids[1] && pids[1] != pids[2] && pids[0] != pids[2]);
}

/// One hostile server among thousands: after three deaths it is alone, and the others live on.
#[test]
fn nannies_that_die_again_share_a_process_with_fewer_others() {
    let script = Script::new("sets", "exec sleep 60");
    let mut nannies = Nannies::new(false, false).unwrap();
    let mut processes = |deaths: usize| {
        let started = (1..=64).map(|number| {
            let mut options = script.options(true);
            options.rip = IpAddr::from([192, 0, 2, number]);
            options.deaths = deaths;
            let nanny = NannyId(u64::from(number) + 1000 * u64::try_from(deaths).unwrap());
            nannies.start(nanny, &options).unwrap()
        });
        let pids: BTreeSet<u32> = started.collect();
        for pid in &pids {
            let pid = Pid::from_raw(i32::try_from(*pid).unwrap());
            nix::sys::signal::kill(pid, Signal::SIGKILL).unwrap();
            waitpid(pid, None).unwrap();
        }
        pids.len()
    };
    let counts = [0, 1, 2, 3].map(&mut processes);
    assert_eq!([counts[0], counts[3]], [1, 64]);
    assert!((8..=16).contains(&counts[1]), "{counts:?}");
    assert!((40..64).contains(&counts[2]), "{counts:?}");
}

/// A copy of this process, which looks names up, holds its sockets too.
#[test]
fn r_a_socket_that_another_process_still_holds_wakes_nobody_up_once_it_is_closed() {
    let script = Script::new("ends", "printf '1 ended 0\\n' >&0; exit 0");
    for (shared, is_heard) in [(false, true), (false, false), (true, true), (true, false)] {
        let mut nannies = Nannies::new(false, false).unwrap();
        let pid = nannies.start(NannyId(1), &script.options(shared)).unwrap();
        let process = i32::try_from(pid).unwrap();
        let link = nannies.pools.get(&process).and_then(Pool::link);
        let copy = link.unwrap().try_clone_to_owned().unwrap();
        wait_for_end(pid);
        if is_heard {
            nannies.hear();
        }
        reap(pid);
        nannies.remove(process, ChildExit::Status(0));
        let mut events = [EpollEvent::empty()];
        let woken = nannies.links.wait(&mut events, EpollTimeout::ZERO).unwrap();
        drop(copy);
        assert_eq!(woken, 0, "shared: {shared}, heard: {is_heard}");
    }
}

#[test]
fn r_a_process_of_many_speaks_for_those_in_it_only() {
    let script = Script::new("pool", "printf '2 alive\\n1 alive\\n' >&0; exec sleep 60");
    let mut nannies = Nannies::new(false, false).unwrap();
    let pid = nannies.start(NannyId(1), &script.options(true)).unwrap();
    let heard = hear_until(&mut nannies, |heard| !heard.is_empty());
    nannies.signal(NannyId(1), Signal::SIGKILL);
    reap(pid);
    assert!(
        matches!(heard.as_slice(), [Input::Report(NannyId(1), Report::Alive)]),
        "{heard:?}"
    );
}
