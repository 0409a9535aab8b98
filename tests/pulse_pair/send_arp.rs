//! The frame that `send_arp` sends, taken off the wire on the partner's side.

use std::os::fd::AsRawFd;
use std::process::Command;
use std::time::Duration;

use nix::sched::{CloneFlags, setns};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};

use crate::pair::{A, B, Pair};

/// As recorded from the original.
const FRAME: [u8; 42] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x00, 0x00, 0x00, 0x01, 0x00, 0x08, 0x06, 0x00, 0x01,
    0x08, 0x00, 0x06, 0x04, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x01, 0x00, 0x0a, 0x01, 0x00, 0x4d,
    0x02, 0x00, 0x00, 0x00, 0x01, 0x00, 0x0a, 0x01, 0x00, 0x4d,
];

/// The next ARP frame from the test's own hardware address that reaches `namespace`.
fn listen(namespace: &str, send: impl FnOnce()) -> Vec<u8> {
    let file = std::fs::File::open(format!("/run/netns/{namespace}")).expect("a namespace");
    std::thread::scope(|scope| {
        let (ready, wait) = std::sync::mpsc::channel();
        let listener = scope.spawn(move || {
            setns(&file, CloneFlags::CLONE_NEWNET).expect("the namespace");
            let protocol = Some(SockProtocol::EthAll);
            let flags = SockFlag::SOCK_CLOEXEC;
            let fd = socket(AddressFamily::Packet, SockType::Raw, flags, protocol).expect("root");
            let limit = TimeVal::seconds(5);
            setsockopt(&fd, sockopt::ReceiveTimeout, &limit).expect("an option");
            ready.send(()).expect("the test waits");
            let mut bytes = [0; 2048];
            loop {
                let length = recv(fd.as_raw_fd(), &mut bytes, MsgFlags::empty()).expect("a frame");
                if bytes[12..14] == [0x08, 0x06] && bytes[6..12] == FRAME[6..12] {
                    return bytes[..length].to_vec();
                }
            }
        });
        wait.recv_timeout(Duration::from_secs(5))
            .expect("a listener");
        send();
        listener.join().expect("a frame")
    })
}

#[test]
fn send_arp_sends_the_frame_of_the_original() {
    let pair = Pair::new();
    let program = std::env::var("CARIBE_SEND_ARP").unwrap_or_else(|_| "/usr/sbin/send_arp".into());
    let frame = listen(&pair.name(B), || {
        let status = Command::new("ip")
            .args(["netns", "exec", &pair.name(A), &program, "-i", "eth0"])
            .args(["10.1.0.77", "020000000100", "10.1.0.255", "FFFFFFFFFFFF"])
            .status();
        assert!(status.expect("ip runs").success());
    });
    assert_eq!(frame.len(), 60);
    assert_eq!(frame[..42], FRAME);
    assert_eq!(frame[42..], [0; 18]);
}
