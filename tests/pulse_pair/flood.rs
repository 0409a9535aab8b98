//! Datagrams of a host that is no director.

use std::fs::File;
use std::net::UdpSocket;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use nix::sched::{CloneFlags, setns};

use crate::pair::{A, B, Pair, ip};
use crate::{DEAD_TIME, settled};

/// Bytes of the queue that a heartbeat or two take, as the kernel counts them.
const FEW: u64 = 16 * 1024;
/// More than the queue holds.
const BURST: u64 = 1000;
const BURSTS: usize = 20;

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

/// A host of the pair's network. For each number it gets, it sends that many datagrams to B's heartbeat
/// port.
fn flooder(pair: &Pair) -> (Sender<()>, Receiver<()>) {
    ip(&format!(
        "-n {} addr add 10.1.0.99/24 dev br0",
        pair.switch()
    ));
    let file = File::open(format!("/run/netns/{}", pair.switch())).unwrap();
    let ((ask, asked), (done, is_done)) = (channel(), channel());
    thread::spawn(move || {
        setns(&file, CloneFlags::CLONE_NEWNET).unwrap();
        let socket = UdpSocket::bind("10.1.0.99:539").unwrap();
        while asked.recv().is_ok() {
            for _ in 0..BURST {
                socket.send_to(&[0; 32], "10.1.0.2:539").unwrap();
            }
            done.send(()).unwrap();
        }
    });
    (ask, is_done)
}

#[test]
fn a_flood_from_another_host_takes_no_heartbeats_place() {
    let pair = settled();
    let (ask, is_done) = flooder(&pair);
    // The pulses have their turn between the bursts, as on a machine with several processors.
    let mut most = 0;
    for _ in 0..BURSTS {
        ask.send(()).unwrap();
        is_done.recv().unwrap();
        most = most.max(queue(&pair, B).0);
    }
    let dropped = queue(&pair, B).1;
    assert!(most <= FEW, "{most} bytes of strangers waited");
    assert!(dropped >= BURST, "the kernel counts them: {dropped}");
    assert!(pair.stays_with(A, DEAD_TIME), "{}", pair.log(B));
    assert!(!pair.log(B).contains("partner dead"), "{}", pair.log(B));
}
