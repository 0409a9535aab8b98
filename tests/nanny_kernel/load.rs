//! `-U`: the load of a server, of rstatd and rwhod without any program, or of a program, down to the
//! kernel's weight.

use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use lvs_model::{Destination, DestinationKey, ForwardingMethod, IpvsOp, Weight};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use crate::{Site, listen};

/// Of an idle server with weight 4, scaled as rstatd does: 0.
const IDLE: u32 = 0;

/// Good checks between two weight steps with `-t 0.2`, less the one that leads to the step.
const RISE: &str = "99";

/// A server with weight 4 in the table, whose nanny asks for the load at its first check.
fn asks(load_monitor: &str, mut site: Site) {
    let (_listener, real) = listen();
    let mut found = Destination::new(DestinationKey {
        address: real.ip(),
        port: real.port(),
    });
    found.forwarding = ForwardingMethod::Masquerading;
    found.weight = Weight::new(4).unwrap();
    let service = site.service;
    site.apply(IpvsOp::AddDestination(service, found));
    let args = ["-w", "4", "--rise", RISE, "-s", "x", "-U", load_monitor];
    site.start(real, &args);
    site.comes_to(&[(real.port(), ForwardingMethod::Masquerading, 6)]);
}

/// Answers every call on `socket` with `result` behind the header of a good reply.
fn answer(socket: UdpSocket, result: Vec<u32>) {
    thread::spawn(move || {
        let mut call = [0; 512];
        while let Ok((_, from)) = socket.recv_from(&mut call) {
            let header = [1, 0, 0, 0, 0_u32];
            let words = header.iter().chain(&result);
            let mut reply = call[..4].to_vec();
            reply.extend(words.flat_map(|word| word.to_be_bytes()));
            let _ = socket.send_to(&reply, from);
        }
    });
}

#[test]
fn the_weight_follows_what_rstatd_says() {
    let site = Site::new();
    let rstatd = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = rstatd.local_addr().unwrap().port();
    let mut figures = vec![1; 26];
    figures[18] = IDLE;
    answer(rstatd, figures);
    let portmapper = UdpSocket::bind((Ipv4Addr::LOCALHOST, 111)).unwrap();
    answer(portmapper, vec![port.into()]);
    asks("rup", site);
}

#[test]
fn the_weight_follows_what_rwhod_has_heard() {
    let site = Site::new();
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).unwrap();
    // What stands in its place ends with the namespace.
    mount(Some("t"), "/mnt", Some("tmpfs"), MsFlags::empty(), none).unwrap();
    fs::write("/mnt/hosts", "127.0.0.1 real1.example\n").unwrap();
    mount(
        Some("/mnt/hosts"),
        "/etc/hosts",
        none,
        MsFlags::MS_BIND,
        none,
    )
    .unwrap();
    mount(
        Some("t"),
        "/var/spool",
        Some("tmpfs"),
        MsFlags::empty(),
        none,
    )
    .unwrap();
    let spool = Path::new("/var/spool/rwho");
    fs::create_dir(spool).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let mut record = [0; 60];
    record[..2].copy_from_slice(&[1, 1]);
    record[8..12].copy_from_slice(&now.as_secs().to_ne_bytes()[..4]);
    fs::write(spool.join("whod.real1"), record).unwrap();
    asks("ruptime", site);
}

#[test]
fn the_weight_follows_what_a_program_of_root_says() {
    let directory = Path::new("/run/caribe-load");
    fs::create_dir_all(directory).unwrap();
    let program = directory.join("idle");
    fs::write(
        &program,
        "#!/bin/sh\necho $1 up, load average: 0.00, 1.00\n",
    )
    .unwrap();
    for path in [directory, &program] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    asks(program.to_str().unwrap(), Site::new());
}
