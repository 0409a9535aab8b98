//! pulse under systemd, with the unit that is installed: what a director lives through without an
//! administrator. After each, without a command: one owner within a minute, a client is served, the
//! unit runs.

mod journal;
mod machine;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use caribe_lab::measure::Account;
use caribe_tests::{SOON, wait_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use machine::{CONFIG, LVS_CF, Machine, run, said, write};

/// An interface whose address comes late: a slow DHCP server, a bond that is negotiated.
const LATE: Duration = Duration::from_secs(20);
/// What lies in /usr/sbin.
const PROGRAMS: [&str; 5] = ["pulse", "lvsd", "nanny", "fos", "send_arp"];

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
    let runs = wait_until(SOON, || machine.is_well());
    assert!(runs.is_some(), "{}", machine.journal());
    assert_eq!(machine.unit("NRestarts"), "0", "it waited");
    machine.serves("B", "A has its address");
    machine.stop_b();
    machine.serves("A", "B is gone");
}

#[test]
fn pulse_starts_on_the_path_that_is_there() {
    let machine = Machine::new();
    let private = "primary_private = 10.9.0.1\nbackup_private = 10.9.0.2\n";
    write(&format!("{private}{LVS_CF}"));
    said("ip addr add 10.1.0.1/24 dev eth0");
    said("systemctl start --no-block pulse");
    machine.serves("A", "without the private path");
    assert!(machine.is_well());
    let journal = machine.journal();
    assert!(
        journal.contains("10.9.0.1"),
        "the missing one is named: {journal}"
    );
}

#[test]
fn a_reload_of_a_bad_file_fails_and_moves_nothing() {
    let machine = Machine::running();
    let before = machine.unit("MainPID");
    write(&LVS_CF.replace("10.1.0.50 eth0:1", "10.1.0.50"));
    let reload = run(&["systemctl", "reload", "pulse"]);
    assert!(!reload.status.success(), "{}", machine.journal());
    let report = machine.report("A").expect("pulse answers");
    assert!(report.pulse.reload_failed, "{report:?}");
    machine.serves("A", "a bad file");
    assert!(machine.is_well());
    write(LVS_CF);
    said("systemctl reload pulse");
    machine.serves("A", "a good file again");
    let report = machine.report("A").expect("pulse answers");
    assert!(!report.pulse.reload_failed, "{report:?}");
    assert_eq!(machine.unit("MainPID"), before);
}

/// It is the same at every start: one says so, and the log is not filled.
#[test]
fn a_refused_file_is_tried_once_and_a_good_one_starts() {
    let machine = Machine::new();
    said("ip addr add 10.1.0.1/24 dev eth0");
    write(&LVS_CF.replace("keepalive = 0.5", "keepalive = soon"));
    machine.does_not_start();
    write(LVS_CF);
    said("systemctl start pulse");
    machine.serves("A", "a good file");
}

#[test]
fn beside_a_pulse_that_runs_the_unit_fails_once_and_starts_when_that_is_gone() {
    let machine = Machine::new();
    said("ip addr add 10.1.0.1/24 dev eth0");
    said("/usr/sbin/pulse");
    machine.serves("A", "started by hand");
    machine.does_not_start();
    assert_eq!(machine.owners(), ["A"], "its addresses stay");
    let pid = fs::read_to_string("/run/pulse.pid").expect("a pid file");
    said(&format!("kill {}", pid.trim()));
    // It may still be stopping: that is waited for.
    said("systemctl start pulse");
    machine.serves("A", "as the unit");
}

/// Nothing failed there, so it is not started again and again.
#[test]
fn a_backup_that_is_marked_inactive_ends_once() {
    let machine = Machine::new();
    let swapped = LVS_CF.replace("backup_active = 1", "backup_active = 0");
    let swapped = swapped.replace("primary = 10.1.0.1", "primary = 10.1.0.2");
    write(&swapped.replace("backup = 10.1.0.2", "backup = 10.1.0.1"));
    said("ip addr add 10.1.0.1/24 dev eth0");
    said("systemctl start pulse");
    let ended = || machine.unit("ActiveState") == "inactive";
    assert!(wait_until(SOON, ended).is_some(), "{}", machine.journal());
    assert!(wait_until(Duration::from_secs(3), || !ended()).is_none());
    assert_eq!(machine.unit("Result"), "success");
    assert_eq!(machine.unit("NRestarts"), "0");
}

#[test]
fn whatever_is_killed_is_there_again() {
    let machine = Machine::running();
    for name in ["nanny", "lvsd", "--runner", "--guardian", "pulse"] {
        let pid = machine
            .pid_of(name)
            .unwrap_or_else(|| panic!("no {name}: {}", machine.journal()));
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("a signal");
        let again = || machine.pid_of(name).is_some_and(|new| new != pid) && machine.is_well();
        let back = wait_until(SOON, again);
        assert!(back.is_some(), "{name}: {}", machine.journal());
        machine.serves_at_all(&format!("kill -9 of {name}"));
    }
    // lvsd is not the service: systemd refuses what it says.
    let journal = machine.journal();
    assert!(!journal.contains("Got notification message"), "{journal}");
}

/// A director without a partner.
fn serve_alone(machine: &Machine) {
    write(&LVS_CF.replace("backup_active = 1", "backup_active = 0"));
    said("ip addr add 10.1.0.1/24 dev eth0");
    said("systemctl start pulse");
    machine.serves("A", "alone");
}

fn kill_pulse(machine: &Machine) {
    let pid = machine.pid_of("pulse").expect("pulse");
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("a signal");
}

/// What follows a failure takes no address that the next start adopts.
#[test]
fn a_lone_director_whose_pulse_is_killed_loses_nothing() {
    let machine = Machine::new();
    serve_alone(&machine);
    let client = machine.client();
    kill_pulse(&machine);
    let again = || {
        assert_eq!(machine.owners(), ["A"], "{}", machine.journal());
        machine.pid_of("nanny").is_some() && machine.report("A").is_some()
    };
    let back = wait_until(SOON, again);
    assert!(back.is_some(), "{}", machine.journal());
    machine.serves("A", "again");
    let account = Account::of(&client.finish());
    assert_eq!(account.all_served(20), Ok(()), "{}", machine.journal());
}

/// What was in force goes on, as behind a refused reload.
#[test]
fn a_lone_director_that_is_killed_while_lvs_cf_is_refused_or_gone_loses_nothing() {
    let machine = Machine::new();
    serve_alone(&machine);
    let good = fs::read_to_string(CONFIG).expect("lvs.cf");
    let client = machine.client();
    for spoil in [true, false] {
        if spoil {
            write(&good.replace("keepalive = 0.5", "keepalive = soon"));
        } else {
            fs::remove_file(CONFIG).expect("lvs.cf");
        }
        kill_pulse(&machine);
        let again = || {
            assert_eq!(machine.owners(), ["A"], "{}", machine.journal());
            let report = machine.report("A");
            let is_told = report.is_some_and(|report| report.pulse.reload_failed);
            is_told && machine.pid_of("nanny").is_some() && machine.is_well()
        };
        let back = wait_until(SOON, again);
        assert!(back.is_some(), "{}", machine.journal());
        write(&good);
        said("systemctl reload pulse");
    }
    machine.serves("A", "again");
    let account = Account::of(&client.finish());
    assert_eq!(account.all_served(20), Ok(()), "{}", machine.journal());
}

/// Nobody cleans up behind that stop: the unit has ended already.
#[test]
fn a_lone_director_that_is_stopped_before_its_restart_leaves_no_address() {
    let machine = Machine::new();
    machine.set("RestartSec=1", "RestartSec=300");
    serve_alone(&machine);
    kill_pulse(&machine);
    let waits = || machine.unit("SubState") == "auto-restart";
    assert!(wait_until(SOON, waits).is_some(), "{}", machine.journal());
    assert_eq!(machine.owners(), ["A"], "it is left to the next start");
    said("systemctl stop pulse");
    let gone = wait_until(SOON, || machine.owners().is_empty());
    assert!(gone.is_some(), "{}", machine.journal());
}

/// systemd kills what is left of a unit whose program has ended.
#[test]
fn a_hook_has_its_time_at_a_stop() {
    let machine = Machine::new();
    let hook = Path::new("/usr/sbin/let-go");
    testkit::write_script(hook, "#!/bin/sh\nsleep 8\necho let go >/tmp/inactive\n");
    write(&format!("inactive_cmd = {}\n{LVS_CF}", hook.display()));
    said("ip addr add 10.1.0.1/24 dev eth0");
    said("systemctl start pulse");
    machine.serves("A", "at the start");
    let first = wait_until(SOON, || Path::new("/tmp/inactive").exists());
    assert!(first.is_some(), "that of the start: {}", machine.journal());
    fs::remove_file("/tmp/inactive").expect("a file");
    said("systemctl stop pulse");
    let text = fs::read_to_string("/tmp/inactive").unwrap_or_default();
    assert_eq!(text, "let go\n", "{}", machine.journal());
}

/// Nobody starts it again: what it has must not stay behind.
#[test]
fn a_lone_director_that_does_not_stop_in_time_leaves_no_address() {
    let machine = Machine::new();
    // It does not hear that it is to stop.
    machine.set(
        "TimeoutStopSec=150",
        "TimeoutStopSec=3\nKillSignal=SIGWINCH",
    );
    serve_alone(&machine);
    said("systemctl stop pulse");
    assert_eq!(machine.unit("Result"), "timeout", "{}", machine.journal());
    let nobody: [&str; 0] = [];
    assert_eq!(machine.owners(), nobody, "{}", machine.journal());
}

#[test]
fn programs_are_exchanged_under_a_running_director() {
    let machine = Machine::running();
    for name in PROGRAMS {
        exchange(&format!("/usr/sbin/{name}"));
    }
    exchange("/sbin/ipvsadm");
    machine.serves("A", "exchanged under the running ones");
    // The old lvsd starts nannies by path: the new ones.
    let nanny = machine.pid_of("nanny").expect("a nanny");
    kill(Pid::from_raw(nanny), Signal::SIGKILL).expect("a signal");
    let again = || machine.pid_of("nanny").is_some_and(|new| new != nanny);
    assert!(wait_until(SOON, again).is_some(), "{}", machine.journal());
    machine.serves("A", "a new nanny under the old lvsd");
    said("systemctl restart pulse");
    machine.serves_at_all("the restart");
    assert!(machine.is_well());
    let pulse = machine.pid_of("pulse").expect("pulse");
    let program = fs::read_link(format!("/proc/{pulse}/exe")).expect("a program");
    assert_eq!(program, Path::new("/usr/sbin/pulse"), "the new one runs");
    assert_eq!(fs::read_to_string(CONFIG).expect("lvs.cf"), LVS_CF);
}

/// Beside the package of the C ipvsadm, from a tree that is built: every program there is ours, and the
/// package keeps its files.
#[test]
fn an_installation_below_usr_local_works_as_a_whole() {
    let machine = Machine::new();
    let built = std::env::temp_dir().join("built");
    fs::create_dir_all(&built).expect("a directory");
    for name in PROGRAMS {
        fs::copy(format!("/usr/sbin/{name}"), built.join(name)).expect("a copy");
    }
    let _back = MovedAway::begin();
    fs::copy("/sbin/ipvsadm", built.join("ipvsadm")).expect("a copy");
    let script = fs::read("/etc/init.d/ipvsadm").ok();
    let tree = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let install = format!(
        "make -C {tree} install PREFIX=/usr/local FAMILY=debian BUILT={}",
        built.display()
    );
    let copied = said(&install);
    assert_eq!(fs::read("/etc/init.d/ipvsadm").ok(), script, "{copied}");
    machine.use_installed_unit();
    said("ip addr add 10.1.0.1/24 dev eth0");
    said("systemctl start pulse");
    machine.serves("A", "installed below /usr/local");
    for name in ["pulse", "lvsd", "nanny"] {
        let pid = machine.pid_of(name).expect("it runs");
        let program = fs::read_link(format!("/proc/{pid}/exe")).expect("a program");
        assert_eq!(program, Path::new("/usr/local/sbin").join(name));
    }
    said("systemctl stop pulse");
}

/// Where the script of an installation lies on Debian, systemctl asks `update-rc.d` about it first.
#[test]
fn a_director_is_enabled_at_boot_by_one_command() {
    const SCRIPT: &str = "/etc/init.d/pulse";
    let _machine = Machine::new();
    fs::create_dir_all("/etc/init.d").expect("a directory");
    fs::copy(
        concat!(env!("CARGO_MANIFEST_DIR"), "/..", "/etc/init.d/pulse"),
        SCRIPT,
    )
    .expect("a copy");
    let enabled = run(&["systemctl", "enable", "pulse"]);
    let is_enabled = run(&["systemctl", "is-enabled", "pulse"]);
    let disabled = run(&["systemctl", "disable", "pulse"]);
    fs::remove_file(SCRIPT).expect("removed");
    for output in [enabled, is_enabled, disabled] {
        assert!(output.status.success(), "{output:?}");
    }
}

/// The programs of /usr/sbin are away until this is dropped, and then the only ones.
struct MovedAway;

impl MovedAway {
    fn begin() -> Self {
        for name in PROGRAMS {
            fs::rename(format!("/usr/sbin/{name}"), format!("/root/{name}")).expect("moved away");
        }
        Self
    }
}

impl Drop for MovedAway {
    fn drop(&mut self) {
        for name in PROGRAMS {
            let _ = fs::remove_file(format!("/usr/local/sbin/{name}"));
            let _ = fs::rename(format!("/root/{name}"), format!("/usr/sbin/{name}"));
        }
    }
}

/// As an installation does it: a new file beside the old one, then its name.
fn exchange(program: &str) {
    let new = format!("{program}.new");
    fs::copy(program, &new).expect("a copy");
    fs::rename(new, program).expect("a rename");
}
