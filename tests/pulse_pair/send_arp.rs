//! The frame that `send_arp` sends, taken off the wire on the partner's side.

use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use caribe_tests::wait_until;
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::unistd::Pid;

use crate::LOADING;
use crate::pair::{A, B, Pair, VIP};

/// As recorded from the original.
const FRAME: [u8; 42] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x00, 0x00, 0x00, 0x01, 0x00, 0x08, 0x06, 0x00, 0x01,
    0x08, 0x00, 0x06, 0x04, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x01, 0x00, 0x0a, 0x01, 0x00, 0x4d,
    0x02, 0x00, 0x00, 0x00, 0x01, 0x00, 0x0a, 0x01, 0x00, 0x4d,
];

/// Ethernet types.
const ARP: [u8; 2] = [0x08, 0x06];
const IPV6: [u8; 2] = [0x86, 0xdd];

/// The next frame of this type from the test's own hardware address that reaches `namespace`.
fn listen(namespace: &str, ethernet_type: [u8; 2], send: impl FnOnce()) -> Vec<u8> {
    let file = std::fs::File::open(format!("/run/netns/{namespace}")).expect("a namespace");
    std::thread::scope(|scope| {
        let (ready, wait) = std::sync::mpsc::channel();
        let listener = scope.spawn(move || {
            setns(&file, CloneFlags::CLONE_NEWNET).expect("the namespace");
            let protocol = Some(SockProtocol::EthAll);
            let flags = SockFlag::SOCK_CLOEXEC;
            let fd = socket(AddressFamily::Packet, SockType::Raw, flags, protocol).expect("root");
            let limit = TimeVal::seconds(60);
            setsockopt(&fd, sockopt::ReceiveTimeout, &limit).expect("an option");
            ready.send(()).expect("the test waits");
            let mut bytes = [0; 2048];
            loop {
                let length = recv(fd.as_raw_fd(), &mut bytes, MsgFlags::empty()).expect("a frame");
                if bytes[12..14] == ethernet_type && bytes[6..12] == FRAME[6..12] {
                    return bytes[..length].to_vec();
                }
            }
        });
        wait.recv_timeout(LOADING).expect("a listener");
        send();
        listener.join().expect("a frame")
    })
}

/// Runs it on A with these arguments, parted by blanks; it must succeed.
fn send_arp(pair: &Pair, arguments: &str) {
    let program = std::env::var("CARIBE_SEND_ARP").unwrap_or_else(|_| "/usr/sbin/send_arp".into());
    let status = Command::new("ip")
        .args(["netns", "exec", &pair.name(A), &program])
        .args(arguments.split(' '))
        .status();
    assert!(status.expect("ip runs").success());
}

#[test]
fn send_arp_sends_the_frame_of_the_original() {
    let pair = Pair::new();
    let frame = listen(&pair.name(B), ARP, || {
        send_arp(
            &pair,
            "-i eth0 10.1.0.77 020000000100 10.1.0.255 FFFFFFFFFFFF",
        );
    });
    assert_eq!(frame.len(), 60);
    assert_eq!(frame[..42], FRAME);
    assert_eq!(frame[42..], [0; 18]);
}

#[test]
fn send_arp_advertises_an_ipv6_address_as_often_as_it_is_told() {
    let pair = Pair::new();
    let begun = Instant::now();
    let frame = listen(&pair.name(B), IPV6, || {
        send_arp(
            &pair,
            "-6 -c 2 -i eth0 2001:db8::77 020000000100 :: FFFFFFFFFFFF",
        );
    });
    assert!(begun.elapsed() >= Duration::from_secs(1), "one frame only");
    assert_eq!(frame.len(), 86);
    assert_eq!(frame[..6], [0x33, 0x33, 0, 0, 0, 1]);
    let address: std::net::Ipv6Addr = "2001:db8::77".parse().unwrap();
    assert_eq!(frame[62..78], address.octets());
    assert_eq!(frame[78..], [2, 1, 2, 0, 0, 0, 1, 0]);
}

#[test]
fn a_program_of_lvs_cf_is_run_five_times_a_takeover_with_the_originals_arguments() {
    let mut pair = Pair::with("#:send_arp = %d/tell\n");
    let (told, script) = (pair.file("told"), pair.file("tell"));
    // It takes its time, and nobody waits for it.
    let text = format!(
        "#!/bin/sh\necho \"$*\" >> {}\nexec sleep 60\n",
        told.display()
    );
    std::fs::write(&script, text).expect("a script");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&script, mode).expect("a mode");
    pair.start(A);
    pair.wait_for_owners(&[A], LOADING);
    let lines = || {
        let text = std::fs::read_to_string(&told).unwrap_or_default();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let five = wait_until(LOADING, || lines().len() == 5);
    assert!(five.is_some(), "{:?}\n{}", lines(), pair.log(A));
    let link = crate::pair::ip(&format!("-n {} -o link show dev eth0", pair.name(A)));
    let mut words = link
        .split_whitespace()
        .skip_while(|word| *word != "link/ether");
    let mac = words
        .nth(1)
        .expect("an address")
        .replace(':', "")
        .to_uppercase();
    let expected = format!("-i eth0 {VIP} {mac} 10.1.0.255 ffffffffffff");
    assert_eq!(lines(), [expected.as_str(); 5]);
    // Five seconds each.
    let killed = wait_until(LOADING, || {
        pair.log(A).contains("tell terminated with signal 9")
    });
    assert!(killed.is_some(), "{}", pair.log(A));
    // One that others can change is not run.
    pair.terminate(A);
    pair.wait_for_owners(&[], LOADING);
    let mode = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(&script, mode).expect("a mode");
    pair.start(A);
    let refused = || pair.log(A).contains("send_arp: ");
    assert!(wait_until(LOADING, refused).is_some(), "{}", pair.log(A));
    assert_eq!(lines().len(), 5);
}

/// More addresses than a socket holds messages, and a runner that takes none for a while.
#[test]
fn r_hundreds_of_addresses_keep_no_hook_from_being_run() {
    const MORE: u8 = 250;
    let mut pair = Pair::with(
        "#:send_arp = %d/tell\nactive_cmd = \"%d/hook add\"\ninactive_cmd = \"%d/hook del\"\n",
    );
    let block = |number: u8| {
        format!(
            "virtual more{number} {{\n active = 1\n address = 10.1.1.{number} eth0:1\n \
             vip_nmask = 255.255.255.255\n port = 80\n}}\n"
        )
    };
    let file = pair.file("lvs.cf");
    let text = std::fs::read_to_string(&file).expect("lvs.cf");
    let blocks: String = (1..=MORE).map(block).collect();
    std::fs::write(&file, text + &blocks).expect("lvs.cf");
    crate::hooks::write_hook(&pair, &format!("echo $1 >> {}", pair.file("ran").display()));
    let told = pair.file("told");
    std::fs::copy(pair.file("hook"), pair.file("tell")).expect("a script");
    let text = format!("#!/bin/sh\necho $3 >> {}\n", told.display());
    std::fs::write(pair.file("tell"), text).expect("a script");
    pair.start(A);
    let ran = || std::fs::read_to_string(pair.file("ran")).unwrap_or_default();
    let begun = || told.exists() && ran().contains("add");
    wait_until(LOADING, begun).unwrap_or_else(|| panic!("{}", pair.log(A)));
    let runner = Pid::from_raw(pair.pid_of(A, "pulse-runner").expect("a runner"));
    kill(runner, Signal::SIGSTOP).expect("a signal");
    // The burst ends meanwhile, whatever of it has not gone.
    assert!(wait_until(Duration::from_secs(5), || !pair.owns(A)).is_none());
    let before = ran();
    pair.terminate(A);
    wait_until(LOADING, || !pair.owns(A)).expect("the addresses are taken down");
    kill(runner, Signal::SIGCONT).expect("a signal");
    let has_run = || ran().len() > before.len();
    wait_until(LOADING, has_run).unwrap_or_else(|| panic!("not run: {}", pair.log(A)));
    assert_eq!(ran(), before + "del\n");
    let log = pair.log(A);
    assert!(!log.contains("unavailable"), "{log}");
}
