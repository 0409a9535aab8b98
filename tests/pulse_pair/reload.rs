//! Another prefix, label or device for an address that is up: carried out, with no moment without it where the
//! kernel allows that.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};

use caribe_tests::wait_until;

use crate::pair::{A, B, Pair, VIP, ip};
use crate::wire::{VIP6, with_ipv6};
use crate::{DEAD_TIME, LOADING, settle, settled};

/// `ip addr show` of an address on a director.
fn shown(pair: &Pair, address: &str) -> String {
    ip(&format!("-n {} -o addr show to {address}", pair.name(A)))
}

/// Waits until the address is shown with each of `words`, once.
fn wait_for(pair: &Pair, address: &str, words: &[&str]) {
    let is_right = || {
        let shown = shown(pair, address);
        shown.lines().count() == 1 && words.iter().all(|word| shown.contains(word))
    };
    let done = wait_until(LOADING, is_right);
    assert!(done.is_some(), "{}\n{}", shown(pair, address), pair.log(A));
}

#[test]
fn a_reload_with_another_mask_and_label_changes_both() {
    let pair = settled();
    wait_for(&pair, VIP, &["10.1.0.50/24", "eth0:1"]);
    let right = || pair.label(A).contains("/32") && pair.label(A).lines().count() == 1;
    let looking = AtomicBool::new(true);
    let (changed, missed) = std::thread::scope(|scope| {
        let look = scope.spawn(|| {
            let mut missed = 0;
            while looking.load(Ordering::Relaxed) {
                missed += u32::from(!pair.owns(A));
                std::thread::yield_now();
            }
            missed
        });
        pair.reload(A, "255.255.255.0", "255.255.255.255");
        let changed = wait_until(LOADING, right);
        looking.store(false, Ordering::Relaxed);
        (changed, look.join().expect("a look"))
    });
    assert!(changed.is_some(), "{}", pair.log(A));
    assert_eq!(missed, 0, "there is a moment without it");
    pair.reload(A, "eth0:1", "eth0:7");
    wait_for(&pair, VIP, &["10.1.0.50/32", "eth0:7"]);
    assert!(pair.has(A, "10.1.0.1"));
    assert!(pair.stays_with(A, DEAD_TIME), "{}", pair.log(B));
    assert!(!pair.log(A).contains("restoring"), "{}", pair.log(A));
}

#[test]
fn an_address_that_is_up_with_another_mask_is_adopted_with_lvs_cfs() {
    let mut pair = settled();
    let name = pair.name(B);
    ip(&format!("-n {name} addr add {VIP}/32 dev eth0"));
    pair.die(A);
    let right = || pair.label(B).contains("10.1.0.50/24") && !pair.label(B).contains("/32");
    assert!(
        wait_until(LOADING, right).is_some(),
        "{}\n{}",
        pair.label(B),
        pair.log(B)
    );
    pair.terminate(B);
    pair.wait_for_owners(&[], LOADING);
}

#[test]
fn a_reload_with_another_ipv6_prefix_changes_it() {
    let pair = settle(with_ipv6());
    wait_for(&pair, VIP6, &["/128"]);
    let file = std::fs::read_to_string(pair.file("lvs.cf")).expect("lvs.cf");
    assert!(!file.contains("vip_nmask = 64"), "{file}");
    pair.reload(A, "vip_nmask = 128", "vip_nmask = 64");
    wait_for(&pair, VIP6, &["2001:db8::50/64"]);
    assert!(pair.stays_with(A, DEAD_TIME), "{}", pair.log(B));
}

#[test]
fn a_reload_moves_the_nat_routers_address_to_another_mask_and_device() {
    let mut pair = Pair::with("nat_router = 10.7.0.50 dev7:1\nnat_nmask = 255.255.255.0\n");
    for side in [A, B] {
        let name = pair.name(side);
        for device in ["dev7", "dev8"] {
            ip(&format!("-n {name} link add {device} type dummy"));
            ip(&format!("-n {name} link set {device} up"));
        }
    }
    pair.replace("network = direct", "network = nat");
    pair.start(A);
    wait_until(LOADING, || pair.owns(A)).expect("the only director is active");
    wait_for(&pair, "10.7.0.50", &["10.7.0.50/24", "dev7:1"]);
    pair.reload(A, "nat_nmask = 255.255.255.0", "nat_nmask = 255.255.0.0");
    wait_for(&pair, "10.7.0.50", &["10.7.0.50/16", "dev7:1"]);
    pair.reload(A, "10.7.0.50 dev7:1", "10.7.0.50 dev8:3");
    wait_for(&pair, "10.7.0.50", &["10.7.0.50/16", "dev8:3"]);
}

/// As the kernel tells it: the new one comes before the old one goes.
#[test]
fn a_reload_with_another_device_leaves_no_moment_without_the_address() {
    let mut pair = Pair::new();
    let name = pair.name(A);
    for device in ["dev7", "dev8"] {
        ip(&format!("-n {name} link add {device} type dummy"));
        ip(&format!("-n {name} link set {device} up"));
    }
    pair.replace("10.1.0.50 eth0:1", "10.7.0.50 dev7:1");
    pair.start(A);
    wait_for(&pair, "10.7.0.50", &["10.7.0.50/24", "dev7:1"]);
    let told = Told::on(&name);
    pair.reload(A, "10.7.0.50 dev7:1", "10.7.0.50 dev8:3");
    wait_for(&pair, "10.7.0.50", &["10.7.0.50/24", "dev8:3"]);
    let of_it = || told.lines_with("10.7.0.50");
    wait_until(LOADING, || of_it().len() == 2).expect("the kernel tells of both");
    let [new, old] = &of_it()[..] else {
        panic!("{:?}", of_it());
    };
    assert!(new.contains("dev8") && !new.contains("Deleted"), "{new}");
    assert!(old.contains("dev7") && old.contains("Deleted"), "{old}");
    // The log has the same order.
    let place = |line: &str| pair.log(A).find(line);
    let up = "10.7.0.50/24 dev8:3 up";
    wait_until(LOADING, || place(up).is_some()).expect("it is said");
    assert!(
        place(up) < place("10.7.0.50/24 dev7:1 down"),
        "{}",
        pair.log(A)
    );
}

/// What the kernel tells of a director's addresses, in its order.
struct Told {
    monitor: Child,
    file: PathBuf,
}

impl Told {
    fn on(name: &str) -> Self {
        let file = std::env::temp_dir().join(format!("told-{name}"));
        let out = File::create(&file).expect("a file");
        let mut command = Command::new("ip");
        command.args(["-n", name, "-o", "monitor", "address"]);
        let monitor = command.stdout(out).spawn().expect("ip runs");
        let told = Self { monitor, file };
        // It listens once it tells of something.
        let listens = wait_until(LOADING, || {
            ip(&format!("-n {name} addr replace 10.77.0.1/32 dev dev7"));
            !told.lines_with("10.77.0.1").is_empty()
        });
        listens.expect("it listens");
        told
    }

    fn lines_with(&self, word: &str) -> Vec<String> {
        let text = std::fs::read_to_string(&self.file).expect("a file");
        let lines = text.lines().filter(|line| line.contains(word));
        lines.map(ToOwned::to_owned).collect()
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.monitor.kill();
        let _ = self.monitor.wait();
        let _ = std::fs::remove_file(&self.file);
    }
}
