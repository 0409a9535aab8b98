//! Addresses that change faster than anybody can follow: a list that was interrupted is not taken
//! for the whole, and a virtual address that went in the storm comes back.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use caribe_tests::wait_until;
use kernel_wire::netlink::Requests;
use link::Links;
use netlink::{Completeness, NetlinkError, NetlinkSocket, Protocol};
use nix::sched::{CloneFlags, setns};

use crate::pair::{A, B, Pair, ip};
use crate::{LOADING, settle};

/// So many addresses come and go in one round.
const MANY: usize = 2000;

/// `ip` that adds and removes addresses of a namespace, over and over.
struct Storm(Child);

impl Storm {
    fn over(pair: &Pair, side: usize) -> Self {
        let (name, file) = (pair.name(side), storm_of(pair, side));
        let script = format!(
            "while :; do ip -n {name} -force -batch {}; done",
            file.display()
        );
        let mut command = Command::new("sh");
        command.args(["-c", &script]).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("sh runs"))
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        // Its `ip` ends with the round.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An interface for the storm, and what `ip -batch` is to do to it in one round.
fn storm_of(pair: &Pair, side: usize) -> PathBuf {
    let name = pair.name(side);
    ip(&format!("-n {name} link add storm0 type dummy"));
    ip(&format!("-n {name} link set storm0 up"));
    let line = |verb, number: usize| {
        let (high, low) = (number / 250, number % 250 + 1);
        format!("addr {verb} 10.77.{high}.{low}/32 dev storm0\n")
    };
    let round = ["add", "del"].map(|verb| (0..MANY).map(|n| line(verb, n)).collect::<String>());
    let file = pair.file("storm");
    std::fs::write(&file, round.concat()).expect("a file");
    file
}

/// Runs in a director's namespace.
fn inside<T: Send + 'static>(pair: &Pair, side: usize, task: fn() -> T) -> T {
    let file = File::open(format!("/run/netns/{}", pair.name(side))).expect("a namespace");
    let thread = std::thread::spawn(move || {
        setns(&file, CloneFlags::CLONE_NEWNET).expect("the namespace");
        task()
    });
    thread.join().expect("the task")
}

/// Reads all addresses and changes one when the first part has been read.
fn read_a_list_that_changes() -> Completeness {
    let mut socket = NetlinkSocket::open(Protocol::Route).expect("a socket");
    let mut requests = Requests::new();
    let sequence = socket.next_sequence();
    kernel_wire::rtnetlink::request_addresses(&mut requests, sequence);
    socket.send(&requests).expect("sent");
    let mut is_changed = false;
    let completeness = socket.answers(sequence, |_| {
        if !std::mem::replace(&mut is_changed, true) {
            // This thread is in the director's namespace, and so is what it starts.
            ip("addr add 10.78.0.1/32 dev storm0");
        }
        Ok::<_, NetlinkError>(())
    });
    completeness.expect("a list")
}

#[test]
fn a_list_of_addresses_that_changed_meanwhile_is_known_to_be_interrupted_and_read_again() {
    let pair = Pair::new();
    let file = storm_of(&pair, A);
    let adding = format!("-n {} -batch {}", pair.name(A), file.display());
    let text = std::fs::read_to_string(&file).expect("the storm");
    let half = text.split_inclusive('\n').take(MANY);
    std::fs::write(&file, half.collect::<String>()).expect("a file");
    ip(&adding);
    assert_eq!(
        inside(&pair, A, read_a_list_that_changes),
        Completeness::Interrupted
    );
    let read = || Links::open().and_then(|mut links| links.addresses());
    let found = inside(&pair, A, read).expect("whole");
    let storm = found
        .iter()
        .filter(|held| held.address.to_string().starts_with("10.7"));
    assert_eq!(storm.count(), MANY + 1);
}

#[test]
fn a_storm_of_changes_loses_no_virtual_address() {
    let default = "/proc/sys/net/core/rmem_default";
    let room = std::fs::read_to_string(default).expect("a setting");
    // So little that the kernel has to drop notifications.
    std::fs::write(default, "4096").expect("a setting");
    let pair = Pair::new();
    // The storm is the guest's own load: heartbeats may be late, and are not what this is about.
    pair.replace("deadtime = 1.5", "deadtime = 60");
    let pair = settle(pair);
    std::fs::write(default, room).expect("a setting");
    let storm = Storm::over(&pair, A);
    assert!(
        pair.stays_with(A, Duration::from_secs(4)),
        "{}",
        pair.log(A)
    );
    let log = pair.log(A);
    assert!(!log.contains("removed by somebody"), "{log}");
    // One that goes in the storm is back within a second of its end.
    pair.remove_address(A);
    drop(storm);
    let quiet = || !pair.processes(A).iter().any(|(_, name)| name == "ip");
    wait_until(LOADING, quiet).expect("the storm is over");
    let ended = Instant::now();
    let back = wait_until(Duration::from_secs(1), || pair.owns(A));
    assert!(back.is_some(), "{:?} {}", ended.elapsed(), pair.log(A));
    assert!(!pair.owns(B));
    assert!(!pair.log(B).contains("activating"), "{}", pair.log(B));
}
