//! What pulse keeps for its next start, on a disk that does not answer.

use std::path::PathBuf;
use std::process::Command;

use caribe_tests::wait_until;

use crate::pair::{A, B, Pair};
use crate::signed::keyed;
use crate::{DEAD_TIME, LOADING, settle};

/// A file system of its own in the place of a director's state directory.
struct Disk {
    place: PathBuf,
    /// The term's file there.
    file: PathBuf,
}

impl Disk {
    fn mount(pair: &Pair, side: usize) -> Self {
        let place = pair.file(&format!("state.{side}"));
        let image = pair.file("disk");
        let (to, from) = (place.display(), image.display());
        shell(&format!(
            "modprobe loop; mkdir {to} && truncate -s 8M {from} && mkfs.ext4 -q {from} && mount -o loop {from} {to}"
        ));
        let file = place.join(format!("pulse.term.{}", pair.name(side)));
        Self { place, file }
    }

    /// A program that writes waits, and no signal ends that.
    fn freeze(&self) {
        shell(&format!("fsfreeze -f {}", self.place.display()));
    }

    fn thaw(&self) {
        shell(&format!("fsfreeze -u {}", self.place.display()));
    }

    fn term(&self) -> Option<u64> {
        let text = std::fs::read_to_string(&self.file).ok()?;
        text.trim().parse().ok()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let place = self.place.display().to_string();
        // It is thawed already, unless a test fails.
        let _ = Command::new("fsfreeze").args(["-u", &place]).output();
        let _ = Command::new("umount").args(["-l", &place]).output();
    }
}

fn shell(script: &str) {
    let output = Command::new("sh").args(["-c", script]).output();
    let output = output.expect("sh runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {error}");
}

#[test]
fn r_a_disk_that_hangs_behind_a_takeover_stops_no_heartbeat() {
    let pair = keyed("sign");
    let disk = Disk::mount(&pair, B);
    let mut pair = settle(pair);
    // Behind the pair: thawed before it is waited for the pair's processes, should a test fail.
    let disk = disk;
    // B has learnt it.
    wait_until(LOADING, || disk.term().is_some()).expect("a term is kept");
    let before = disk.term();
    disk.freeze();
    pair.die(A);
    pair.wait_for_owners(&[B], LOADING);
    // A partner that comes back is heard and answered.
    pair.cut(A, false);
    pair.start(A);
    let line = "the partner is active, this director stands by";
    let stands_by = wait_until(LOADING, || pair.log(A).contains(line));
    stands_by.expect("A hears B");
    assert!(pair.stays_with(B, DEAD_TIME * 2), "{}", pair.log(A));
    let said = ": ownership term not kept: no answer of the disk for 10 s";
    let is_said = wait_until(LOADING, || pair.log(B).contains(said));
    is_said.unwrap_or_else(|| panic!("{}", pair.log(B)));
    assert!(pair.report(B).contains(said), "{}", pair.report(B));
    assert_eq!(disk.term(), before);
    disk.thaw();
    wait_until(LOADING, || disk.term() > before).expect("the term is kept");
    let is_over = wait_until(LOADING, || !pair.report(B).contains(said));
    is_over.expect("nothing is lacking any more");
}
