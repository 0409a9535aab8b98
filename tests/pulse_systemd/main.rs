//! pulse under systemd, with the unit that is installed: what a director lives through without an
//! administrator. After each, without a command: one owner within a minute, a client is served, the
//! unit runs.

mod machine;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use caribe_tests::wait_until;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use machine::{CONFIG, LVS_CF, Machine, said};

/// An interface whose address comes late: a slow DHCP server, a bond that is negotiated.
const LATE: Duration = Duration::from_secs(20);

#[test]
fn pulse_starts_when_its_address_has_come() {
    let machine = Machine::new();
    machine.start_b();
    machine.serves("B", "A has no address");
    said("systemctl start --no-block pulse");
    let until = Instant::now() + LATE;
    let looks = wait_until(LATE, || {
        assert_ne!(
            machine.unit("ActiveState"),
            "failed",
            "{}",
            machine.journal()
        );
        Instant::now() >= until
    });
    assert!(looks.is_some());
    said("ip addr add 10.1.0.1/24 dev eth0");
    let runs = wait_until(Duration::from_secs(60), || machine.is_well());
    assert!(runs.is_some(), "{}", machine.journal());
    machine.serves("B", "A has its address");
    machine.stop_b();
    machine.serves("A", "B is gone");
}

#[test]
fn whatever_is_killed_is_there_again() {
    let machine = Machine::running();
    for name in ["nanny", "lvsd", "--guardian", "pulse"] {
        let pid = machine
            .pid_of(name)
            .unwrap_or_else(|| panic!("no {name}: {}", machine.journal()));
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("a signal");
        let again = || machine.pid_of(name).is_some_and(|new| new != pid) && machine.is_well();
        let back = wait_until(Duration::from_secs(60), again);
        assert!(back.is_some(), "{name}: {}", machine.journal());
        machine.serves_at_all(&format!("kill -9 of {name}"));
    }
}

#[test]
fn programs_are_exchanged_under_a_running_director() {
    let machine = Machine::running();
    for name in ["pulse", "lvsd", "nanny", "fos", "send_arp"] {
        exchange(&format!("/usr/sbin/{name}"));
    }
    exchange("/sbin/ipvsadm");
    machine.serves("A", "exchanged under the running ones");
    // The old lvsd starts nannies by path: the new ones.
    let nanny = machine.pid_of("nanny").expect("a nanny");
    kill(Pid::from_raw(nanny), Signal::SIGKILL).expect("a signal");
    let again = || machine.pid_of("nanny").is_some_and(|new| new != nanny);
    assert!(
        wait_until(Duration::from_secs(60), again).is_some(),
        "{}",
        machine.journal()
    );
    machine.serves("A", "a new nanny under the old lvsd");
    said("systemctl restart pulse");
    machine.serves_at_all("the restart");
    assert!(machine.is_well());
    let pulse = machine.pid_of("pulse").expect("pulse");
    let program = fs::read_link(format!("/proc/{pulse}/exe")).expect("a program");
    assert_eq!(program, Path::new("/usr/sbin/pulse"), "the new one runs");
    assert_eq!(fs::read_to_string(CONFIG).expect("lvs.cf"), LVS_CF);
}

/// As an installation does it: a new file beside the old one, then its name.
fn exchange(program: &str) {
    let new = format!("{program}.new");
    fs::copy(program, &new).expect("a copy");
    fs::rename(new, program).expect("a rename");
}
