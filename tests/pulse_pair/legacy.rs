//! An original pulse as the partner, in each role: start, failure, return, clean stop, partition.
//!
//! The partner is a stand-in made from the original's bytes and rules. With
//! `CARIBE_ORIGINAL_PULSE=PATH` the same scenarios are lived through a second time beside the
//! original itself, a binary that is not part of this project; its `lvsd` is the one in the same
//! directory, if there is one. `CARIBE_LEGACY_LONG=1` runs every start order beside the stand-in too.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use caribe_lab::measure::Stalls;
use caribe_tests::wait_until;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::LOADING;
use crate::pair::{A, B, Pair, VIP};
use crate::peer::{self, Peer};
use crate::tap::{Seen, Tap};

/// What stands for the old director.
#[derive(Clone, Debug)]
enum Old {
    StandIn,
    Original(String),
}

impl Old {
    fn all() -> Vec<Self> {
        let original = std::env::var("CARIBE_ORIGINAL_PULSE").ok();
        std::iter::once(Self::StandIn)
            .chain(original.map(Self::Original))
            .collect()
    }

    /// keepalive and deadtime; an original knows whole seconds only.
    fn times(&self) -> (Duration, Duration) {
        match self {
            Self::StandIn => (Duration::from_millis(500), Duration::from_millis(1500)),
            Self::Original(_) => (Duration::from_secs(1), Duration::from_secs(3)),
        }
    }

    fn is_long(&self) -> bool {
        matches!(self, Self::Original(_)) || std::env::var_os("CARIBE_LEGACY_LONG").is_some()
    }
}

/// A pair of which one director is old.
struct Mixed {
    pair: Pair,
    kind: Old,
    /// Its side.
    old: usize,
    peer: Option<Peer>,
    original: Option<Child>,
}

impl Mixed {
    fn new(kind: &Old, old: usize) -> Self {
        let pair = Pair::new();
        let (keepalive, dead_time) = kind.times();
        let text = |time: Duration| time.as_secs_f64().to_string();
        pair.replace(
            "keepalive = 0.5",
            &format!("keepalive = {}", text(keepalive)),
        );
        pair.replace("deadtime = 1.5", &format!("deadtime = {}", text(dead_time)));
        Self {
            pair,
            kind: kind.clone(),
            old,
            peer: None,
            original: None,
        }
    }

    fn keepalive(&self) -> Duration {
        self.kind.times().0
    }

    fn dead_time(&self) -> Duration {
        self.kind.times().1
    }

    fn new_side(&self) -> usize {
        1 - self.old
    }

    /// Starts a director; returns when it listens.
    fn start(&mut self, side: usize) {
        if side != self.old {
            self.pair.start(side);
            let runs = wait_until(LOADING, || self.pair.log(side).contains("STARTING PULSE"));
            runs.expect("ours starts");
            return;
        }
        match &self.kind {
            Old::StandIn => {
                let (keepalive, dead_time) = self.kind.times();
                let peer = Peer::start(&self.pair.name(side), side, keepalive, dead_time);
                self.peer = Some(peer);
            }
            Old::Original(program) => {
                let lvsd = std::path::Path::new(program).with_file_name("lvsd");
                let lvsd = if lvsd.exists() {
                    lvsd.display().to_string()
                } else {
                    "/usr/sbin/lvsd".to_owned()
                };
                let log = std::fs::File::create(self.pair.file("original.log")).expect("a log");
                let child = Command::new("ip")
                    .args(["netns", "exec", &self.pair.name(side), program])
                    .args(["-n", "--lvsd", &lvsd, "-c"])
                    .arg(self.pair.file("lvs.cf"))
                    .stdin(Stdio::null())
                    .stderr(log.try_clone().expect("a log"))
                    .stdout(log)
                    .spawn();
                self.original = Some(child.expect("the original starts"));
                let listens = || {
                    let name = self.pair.name(side);
                    crate::pair::ip(&format!("netns exec {name} ss -lun")).contains(":539")
                };
                wait_until(LOADING, listens).expect("the original listens");
            }
        }
    }

    /// SIGTERM; returns at once with ours, after the end with the old one.
    fn stop(&mut self, side: usize) {
        if side != self.old {
            self.pair.terminate(side);
        } else if let Some(peer) = self.peer.take() {
            peer.stop();
        } else if let Some(mut child) = self.original.take() {
            let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
            kill(pid, Signal::SIGTERM).expect("a signal");
            child.wait().expect("a child");
        }
    }

    /// The machine dies: cut off, every process killed, the address gone.
    fn die(&mut self, side: usize) {
        self.pair.cut(side, true);
        if side == self.old {
            drop(self.peer.take());
        }
        self.pair.die(side);
        if let Some(mut child) = self.original.take().filter(|_| side == self.old) {
            child.wait().expect("a child");
        } else if side == self.old {
            self.original = None;
        }
    }

    /// It is switched on again.
    fn return_of(&mut self, side: usize) {
        self.pair.cut(side, false);
        self.start(side);
    }

    fn becomes_owner(&self, side: usize, after: &str) -> Duration {
        self.owners(&[side], after)
    }

    fn owners(&self, owners: &[usize], after: &str) -> Duration {
        let right = || {
            let fits = |side: &usize| self.pair.owns(*side) == owners.contains(side);
            [A, B].iter().all(fits)
        };
        let took = wait_until(LOADING, right);
        took.unwrap_or_else(|| panic!("{after}: not {owners:?}: {}", self.logs()))
    }

    fn stays_with(&self, side: usize, after: &str) {
        let time = self.keepalive() * 2;
        let stays = self.pair.stays_with(side, time);
        assert!(stays, "{after}: {}", self.logs());
    }

    fn old_log(&self) -> String {
        let old = self.peer.as_ref().map(Peer::log);
        let original = std::fs::read_to_string(self.pair.file("original.log"));
        old.or(original.ok()).unwrap_or_default()
    }

    /// How often the old one has said this since it was started.
    fn old_said(&self, text: &str) -> usize {
        self.old_log().matches(text).count()
    }

    fn logs(&self) -> String {
        let (ours, old) = (self.pair.log(self.new_side()), self.old_log());
        format!(
            "{:?} as {}\nours:\n{ours}\nold:\n{old}",
            self.kind, self.old
        )
    }
}

impl Drop for Mixed {
    fn drop(&mut self) {
        for (pid, _) in self.pair.processes(self.old) {
            crate::pair::kill(pid);
        }
        if let Some(mut child) = self.original.take() {
            let _ = child.wait();
        }
    }
}

/// Once with each stand-in, once with the old director in each role.
fn each(mut scenario: impl FnMut(&Old, usize)) {
    for kind in Old::all() {
        for old in [A, B] {
            scenario(&kind, old);
        }
    }
}

#[test]
fn beside_an_original_every_start_order_ends_with_one_owner() {
    each(|kind, old| {
        // Not between D - K and D: then both take over, as two originals do, and an original that
        // yields while it still raises its address can keep it.
        let after_dead_time = kind.times().1 + Duration::from_secs(1);
        let mut gaps = vec![Duration::from_millis(100)];
        gaps.extend(kind.is_long().then_some(after_dead_time));
        for first in [A, B] {
            for gap in &gaps {
                let mut mixed = Mixed::new(kind, old);
                mixed.start(first);
                // What lies between the two starts is tested.
                std::thread::sleep(*gap);
                mixed.start(1 - first);
                let one = || mixed.pair.owns(A) != mixed.pair.owns(B);
                let settled = || wait_until(mixed.keepalive() * 2, || !one()).is_none();
                let limit = LOADING + mixed.dead_time();
                let found = wait_until(limit, || one() && settled());
                assert!(found.is_some(), "{first} first, {gap:?}: {}", mixed.logs());
            }
        }
    });
}

#[test]
fn beside_an_original_the_service_moves_by_failure_and_clean_stop_and_by_no_return() {
    each(|kind, old| {
        let mut mixed = Mixed::new(kind, old);
        let new = mixed.new_side();
        let tap = Tap::on(&mixed.pair.name(old));
        mixed.start(old);
        mixed.becomes_owner(old, "alone");
        check_bytes(&tap);
        mixed.start(new);
        mixed.stays_with(old, "ours comes");
        // An original says no farewell.
        mixed.stop(old);
        mixed.becomes_owner(new, "clean stop of the old one");
        mixed.start(old);
        mixed.stays_with(new, "the old one returns");
        mixed.die(new);
        mixed.becomes_owner(old, "death of ours");
        mixed.return_of(new);
        mixed.stays_with(old, "ours returns");
        let (died, stalls) = (Instant::now(), Stalls::watch());
        mixed.die(old);
        mixed.becomes_owner(new, "death of the old one");
        let earliest = mixed.dead_time().saturating_sub(mixed.keepalive());
        let before = died.checked_sub(mixed.dead_time()).unwrap_or(died);
        let (took, stalled) = (died.elapsed(), stalls.between(before, died));
        assert!(took + stalled > earliest, "{took:?}, {stalled:?}");
        let said = mixed.pair.log(new);
        assert!(said.contains("partner dead: activating lvs"), "{said}");
        mixed.return_of(old);
        mixed.stays_with(new, "the old one returns from death");
        // It is told, and needs no dead time.
        let before = mixed.old_said("inactive: activating lvs");
        mixed.stop(new);
        mixed.becomes_owner(old, "clean stop of ours");
        let after = mixed.old_said("inactive: activating lvs");
        assert_eq!(after, before + 1, "{}", mixed.logs());
        mixed.start(new);
        mixed.stays_with(old, "ours returns from its stop");
    });
}

#[test]
fn beside_an_original_the_primary_stays_after_a_partition() {
    each(|kind, old| {
        let mut mixed = Mixed::new(kind, old);
        mixed.start(A);
        mixed.becomes_owner(A, "alone");
        mixed.start(B);
        mixed.stays_with(A, "the backup comes");
        mixed.pair.cut(B, true);
        mixed.owners(&[A, B], "partition");
        let tap = Tap::on(&mixed.pair.name(B));
        let healed = Instant::now();
        mixed.pair.cut(B, false);
        let took = mixed.becomes_owner(A, "repair");
        let limit = mixed.keepalive() + Duration::from_secs(1);
        assert!(took < limit, "{took:?} {}", mixed.logs());
        // The stand-in says nothing on Ethernet.
        if old == B || matches!(kind, Old::Original(_)) {
            let vip = VIP.parse().expect("an address");
            let announced = || tap.first(healed, |frame| !frame.outgoing && frame.announces(vip));
            let heard = wait_until(LOADING, || announced().is_some());
            assert!(heard.is_some(), "{}", mixed.logs());
        }
        mixed.stays_with(A, "after the repair");
    });
}

/// STOPPED, the first a keepalive after the start, then RUNNING, four bytes each: what the
/// original's packets have behind their UDP header.
fn check_bytes(tap: &Tap) {
    let beats = || -> Vec<Vec<u8>> {
        let frames = tap.frames().into_iter().filter(|frame| frame.outgoing);
        frames
            .filter_map(|frame| match frame.seen {
                Seen::Beat(bytes) => Some(bytes),
                _ => None,
            })
            .collect()
    };
    let running = || beats().iter().any(|said| *said == peer::RUNNING);
    wait_until(LOADING, running).expect("RUNNING");
    let said = beats();
    let stopped = said
        .iter()
        .take_while(|said| **said == peer::STOPPED)
        .count();
    assert!((1..=3).contains(&stopped), "{said:02x?}");
    let rest = &said[stopped..];
    assert!(
        rest.iter().all(|said| *said == peer::RUNNING),
        "{said:02x?}"
    );
}
