//! Datagrams of a host that is no director.

use std::fs::File;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use caribe_tests::wait_until;
use nix::sched::{CloneFlags, setns};

use crate::pair::{A, B, Pair, ip};
use crate::{DEAD_TIME, LOADING, settled};

/// Bytes of the queue that a heartbeat or two take, as the kernel counts them.
const FEW: u64 = 16 * 1024;
/// Many times what the queue holds.
const FLOOD: u64 = 20_000;

/// Bytes that wait for pulse on its public socket, and datagrams that the kernel has dropped there.
fn queue(pair: &Pair, side: usize) -> (u64, u64) {
    let file = File::open(format!("/run/netns/{}", pair.name(side))).unwrap();
    let look = thread::spawn(move || {
        setns(&file, CloneFlags::CLONE_NEWNET).unwrap();
        std::fs::read_to_string("/proc/thread-self/net/udp").unwrap()
    });
    let table = look.join().unwrap();
    let line = table.lines().find(|line| line.contains(":021B "));
    let words: Vec<&str> = line
        .expect("a heartbeat socket")
        .split_whitespace()
        .collect();
    let waiting = words[4].split_once(':').unwrap().1;
    (
        u64::from_str_radix(waiting, 16).unwrap(),
        words[12].parse().unwrap(),
    )
}

#[test]
fn a_flood_from_another_host_takes_no_heartbeats_place() {
    let pair = settled();
    ip(&format!(
        "-n {} addr add 10.1.0.99/24 dev br0",
        pair.switch()
    ));
    let file = File::open(format!("/run/netns/{}", pair.switch())).unwrap();
    let sent = Arc::new(AtomicU64::new(0));
    let is_over = Arc::new(AtomicBool::new(false));
    let (count, stop) = (Arc::clone(&sent), Arc::clone(&is_over));
    let flood = thread::spawn(move || {
        setns(&file, CloneFlags::CLONE_NEWNET).unwrap();
        let socket = UdpSocket::bind("10.1.0.99:539").unwrap();
        while !stop.load(Ordering::Relaxed) {
            // A full queue on the way is as good.
            let _ = socket.send_to(&[0; 32], "10.1.0.2:539");
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let mut most = 0;
    let enough = wait_until(LOADING, || {
        most = most.max(queue(&pair, B).0);
        sent.load(Ordering::Relaxed) >= FLOOD
    });
    assert!(pair.stays_with(A, DEAD_TIME), "{}", pair.log(B));
    is_over.store(true, Ordering::Relaxed);
    flood.join().unwrap();
    enough.expect("a flood");
    let dropped = queue(&pair, B).1;
    assert!(most <= FEW, "{most} bytes of strangers waited");
    assert!(dropped >= FLOOD / 2, "the kernel counts them: {dropped}");
    assert!(!pair.log(B).contains("partner dead"), "{}", pair.log(B));
}
