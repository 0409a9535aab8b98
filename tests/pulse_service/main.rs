//! The init script of pulse, as an administrator and the machine's start call it.

use std::fs;
use std::process::{Command, Output};
use std::time::Duration;

use caribe_tests::{SOON, demand_lab, wait_until};
use nix::sched::{CloneFlags, unshare};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../etc/init.d/pulse");
const CONFIG: &str = "/etc/sysconfig/ha/lvs.cf";
const PID_FILE: &str = "/var/run/pulse.pid";
const LVS_CF: &str = "\
primary = 10.1.0.1
backup = 0.0.0.0
keepalive = 1
deadtime = 2
network = direct
virtual web {
 active = 1
 address = 10.1.0.50 lo:1
 port = 80
 server a {
  address = 10.1.0.11
  active = 1
 }
}
";

fn script(verb: &str) -> Output {
    let mut command = Command::new("/bin/sh");
    command.arg(SCRIPT).arg(verb).output().expect("sh runs")
}

fn status(verb: &str) -> i32 {
    script(verb).status.code().expect("no signal")
}

fn ip(words: &str) -> String {
    let output = Command::new("ip").args(words.split(' ')).output();
    String::from_utf8(output.expect("ip runs").stdout).expect("text")
}

fn holds() -> bool {
    !ip("-o addr show to 10.1.0.50").is_empty()
}

fn pid() -> String {
    fs::read_to_string(PID_FILE).unwrap_or_default()
}

/// One test: there is one pid file and one /etc.
#[test]
fn each_verb_ends_with_the_status_of_the_standard_base() {
    demand_lab();
    unshare(CloneFlags::CLONE_NEWNET).expect("root");
    ip("link set lo up");
    ip("addr add 10.1.0.1/24 dev lo");

    fs::remove_file(CONFIG).ok();
    assert_eq!(status("start"), 6, "no lvs.cf");
    fs::write(CONFIG, LVS_CF).expect("lvs.cf");
    fs::write("/etc/sysconfig/network", "NETWORKING=no\n").expect("a file");
    assert_eq!(status("start"), 1, "no network");
    fs::remove_file("/etc/sysconfig/network").expect("a file");

    assert_eq!(status("status"), 3);
    assert_eq!(status("stop"), 0, "stopping what does not run");
    assert_eq!(status("reload"), 7);
    assert_eq!(status("condrestart"), 0);
    assert_eq!(status("status"), 3, "condrestart starts nothing");

    assert_eq!(status("start"), 0);
    assert_eq!(status("status"), 0);
    assert!(fs::exists("/var/lock/subsys/pulse").expect("a lock"));
    assert!(wait_until(SOON, holds).is_some(), "takes over alone");
    let first = pid();
    assert_eq!(status("start"), 0, "a second start is none");
    assert_eq!(pid(), first);

    assert_eq!(status("reload"), 0);
    assert!(wait_until(Duration::from_secs(1), || !holds()).is_none());
    assert_eq!(pid(), first);

    fs::write(CONFIG, LVS_CF.replace("lo:1", "lo00:1 x")).expect("lvs.cf");
    let refused = script("reload");
    assert_eq!(refused.status.code(), Some(1), "a mistyped file");
    let said = String::from_utf8(refused.stderr).expect("text");
    assert!(said.contains("lvs.cf:8"), "{said}");
    assert!(wait_until(Duration::from_secs(1), || !holds()).is_none());
    fs::write(CONFIG, LVS_CF).expect("lvs.cf");
    assert_eq!(status("reload"), 0);

    assert_eq!(status("restart"), 0);
    assert_ne!(pid(), first);
    assert!(wait_until(SOON, holds).is_some());
    let second = pid();
    assert_eq!(status("condrestart"), 0);
    assert_ne!(pid(), second);
    assert!(wait_until(SOON, holds).is_some());

    assert_eq!(status("stop"), 0);
    assert!(!holds(), "a stop waits until the address is down");
    assert_eq!(status("status"), 3);
    fs::write("/var/lock/subsys/pulse", "").expect("a lock");
    assert_eq!(status("status"), 2);
    fs::write(PID_FILE, "1\n").expect("a pid file");
    assert_eq!(status("status"), 1, "another process has that pid");
    assert_eq!(status("stop"), 0);
    assert_eq!(status("status"), 3);

    // What systemd calls behind a pulse that is gone.
    ip("addr add 10.1.0.50/32 dev lo label lo:1");
    let dropped = Command::new("/usr/sbin/pulse")
        .arg("--drop-addresses")
        .status();
    assert!(dropped.expect("pulse runs").success());
    assert!(!holds());
}
