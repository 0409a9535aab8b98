//! The init script of pulse with a stand-in for the program, in a directory of the test's own: what
//! each verb says and answers, whichever of the two files is there, or none.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};

/// What the script reads and writes, all below one directory.
struct Machine {
    root: PathBuf,
}

const USUAL: &str = "etc/sysconfig/ha/lvs.cf";
const OLD: &str = "etc/lvs.cf";
const PID_FILE: &str = "var/run/pulse.pid";

/// Goes to the background under its own name and leaves its pid, as pulse does.
const PULSE: &str = "#!/bin/sh
if [ \"$*\" = '--order reload' ]; then
	grep -q mistyped ROOT/etc/lvs.cf && echo 'line 1, column 1: mistyped' >&2 && exit 1
	grep -q unknown ROOT/etc/lvs.cf && echo 'left out: unknown' >&2
	echo 'serial_no 1'
	exit 0
fi
[ -z \"$REFUSES\" ] || exit 1
if [ \"$*\" = '-t --here' ]; then
	cat ROOT/etc/lvs.cf ROOT/etc/sysconfig/ha/lvs.cf 2>/dev/null >ROOT/run/both
	grep -q mistyped ROOT/run/both && echo 'line 1, column 1: mistyped' >&2 && exit 1
	echo 'role: primary'
	grep -q elsewhere ROOT/run/both && echo 'neither director' >&2 && exit 6
	grep -q unknown ROOT/run/both && echo 'left out: unknown' >&2 && exit 1
	exit 0
fi
trap '' HUP
ROOT/run/pulse 1000 >/dev/null 2>&1 &
echo $! >ROOT/var/run/pulse.pid
";

impl Machine {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("init-{}-{name}", std::process::id()));
        let machine = Self { root };
        for folder in [
            "etc/sysconfig/ha",
            "var/run",
            "var/lock/subsys",
            "usr/sbin",
            "run/lvs/lock",
        ] {
            fs::create_dir_all(machine.at(folder)).unwrap();
        }
        testkit::copy_program("/bin/sleep".as_ref(), &machine.at("run/pulse"));
        let root = machine.root.display().to_string();
        machine.put_program("usr/sbin/pulse", &PULSE.replace("ROOT", &root));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../etc/init.d/pulse");
        let mut script = fs::read_to_string(script).unwrap();
        for folder in [
            "/etc/sysconfig",
            "/etc/lvs.cf",
            "/var/",
            "/usr/sbin",
            "/run/lvs",
            "/run/systemd/system",
        ] {
            script = script.replace(folder, &format!("{root}{folder}"));
        }
        machine.put_program("script", &script);
        machine
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    fn put(&self, path: &str, text: &str) {
        fs::write(self.at(path), text).unwrap();
    }

    fn put_program(&self, path: &str, text: &str) {
        self.put(path, text);
        // Not by the process that wrote it: another thread's child may still hold it open.
        let done = Command::new("chmod").arg("755").arg(self.at(path)).status();
        assert!(done.unwrap().success());
    }

    fn script(&self, verb: &str) -> Output {
        Command::new("/bin/sh")
            .arg(self.at("script"))
            .arg(verb)
            .output()
            .unwrap()
    }

    /// The verb's status, and that it has said something.
    fn status(&self, verb: &str) -> i32 {
        let output = self.script(verb);
        let said = [output.stdout.as_slice(), &output.stderr].concat();
        let status = output.status.code().unwrap();
        assert!(status == 0 || !said.is_empty(), "{verb} says nothing");
        status
    }

    fn pid(&self) -> Option<String> {
        let pid = fs::read_to_string(self.at(PID_FILE)).ok()?;
        Some(pid.trim().to_owned())
    }

    fn started(name: &str, file: &str) -> Self {
        let machine = Self::new(name);
        machine.put(file, "");
        assert_eq!(machine.status("start"), 0);
        machine
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.script("stop");
        let _ = fs::remove_dir_all(&self.root);
    }
}

#[test]
fn either_file_is_enough_for_every_verb() {
    for file in [USUAL, OLD] {
        let machine = Machine::started("either", file);
        assert_eq!(machine.status("status"), 0, "{file}");
        for verb in [
            "start",
            "reload",
            "force-reload",
            "restart",
            "condrestart",
            "try-restart",
        ] {
            assert_eq!(machine.status(verb), 0, "{file}: {verb}");
            assert_eq!(machine.status("status"), 0, "{file}: after {verb}");
        }
        assert_eq!(machine.status("stop"), 0);
        assert_eq!(machine.status("status"), 3);
    }
}

#[test]
fn without_a_file_each_verb_says_what_is_missing() {
    let machine = Machine::new("none");
    for verb in ["start", "restart"] {
        assert_eq!(machine.status(verb), 6, "{verb}");
        let said = String::from_utf8(machine.script(verb).stderr).unwrap();
        assert!(said.contains(USUAL) && said.contains(OLD), "{verb}: {said}");
    }
    for (verb, status) in [
        ("status", 3),
        ("stop", 0),
        ("reload", 7),
        ("force-reload", 7),
    ] {
        assert_eq!(machine.status(verb), status, "{verb}");
    }
    for verb in ["condrestart", "try-restart"] {
        assert_eq!(
            machine.status(verb),
            0,
            "{verb}: there is nothing to restart"
        );
    }
}

#[test]
fn a_reload_that_is_refused_says_so_and_keeps_what_runs() {
    let machine = Machine::started("refused", OLD);
    let pid = machine.pid();
    let _socket = UnixListener::bind(machine.at("run/lvs/pulse.sock")).unwrap();
    for verb in ["reload", "force-reload"] {
        machine.put(OLD, "primary = mistyped\n");
        assert_eq!(machine.status(verb), 1, "{verb}");
        let said = String::from_utf8(machine.script(verb).stderr).unwrap();
        assert_eq!(said, "line 1, column 1: mistyped\n", "{verb}");
        machine.put(OLD, "");
        assert_eq!(machine.status(verb), 0, "{verb}");
        // What of it does not work is said all the same.
        machine.put(OLD, "server = unknown\n");
        let output = machine.script(verb);
        assert!(output.status.success(), "{verb}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, "left out: unknown\n", "{verb}");
        assert_eq!(machine.pid(), pid);
    }
}

#[test]
fn a_running_pulse_whose_file_has_gone_is_not_restarted_and_can_be_stopped() {
    let machine = Machine::started("gone", OLD);
    let pid = machine.pid();
    fs::remove_file(machine.at(OLD)).unwrap();
    for verb in ["restart", "condrestart", "try-restart"] {
        assert_eq!(machine.status(verb), 6, "{verb}");
        assert_eq!(machine.pid(), pid, "{verb} ends nothing");
    }
    assert_eq!(machine.status("status"), 0);
    assert_eq!(machine.status("stop"), 0);
    assert_eq!(machine.pid(), None);
    assert_eq!(machine.status("status"), 3);
}

#[test]
fn a_restart_with_a_bad_file_is_refused_and_ends_nothing() {
    for file in [USUAL, OLD] {
        let machine = Machine::started("bad", file);
        let pid = machine.pid();
        machine.put(file, "primary = mistyped\n");
        for verb in ["restart", "condrestart", "try-restart"] {
            let output = machine.script(verb);
            assert_eq!(output.status.code(), Some(6), "{verb}");
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(said.starts_with("line 1, column 1: mistyped\n"), "{said}");
            assert_eq!(said.matches("mistyped").count(), 1, "{said}");
            assert_eq!(machine.pid(), pid, "{verb} ends nothing");
            assert_eq!(machine.status("status"), 0);
        }
        // Good, and not for this machine: no key, neither director, a backup that is switched off.
        machine.put(file, "primary = elsewhere\nserver = unknown\n");
        let output = machine.script("restart");
        assert_eq!(output.status.code(), Some(6));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with("neither director\n"), "{said}");
        assert_eq!(machine.pid(), pid);
        // Of this one a part is left out, now as at every start.
        machine.put(file, "server = unknown\n");
        assert_eq!(machine.status("restart"), 0);
        assert_ne!(machine.pid(), pid);
    }
}

/// What a pulse of the unit leaves: no pid file, its pid in the file of its lock. `name` of the file.
fn started_by_the_unit(machine: &Machine, lock: &str) -> Child {
    let pulse = Command::new(machine.at("run/pulse")).arg("1000").spawn();
    let pulse = pulse.unwrap();
    machine.put(
        &format!("run/lvs/lock/{lock}"),
        &format!("{}\n", pulse.id()),
    );
    pulse
}

#[test]
fn a_pulse_without_a_pid_file_is_seen_and_stopped() {
    let machine = Machine::new("lock");
    machine.put(USUAL, "");
    machine.put("run/lvs/lock/pulse.4-1", "0\n");
    let mut pulse = started_by_the_unit(&machine, "pulse.4-4026531840");
    let pid = pulse.id().to_string();
    let status = machine.script("status");
    assert_eq!(status.status.code(), Some(0));
    let said = String::from_utf8(status.stdout).unwrap();
    assert_eq!(said, format!("pulse (pid {pid}) is running...\n"));
    assert_eq!(machine.status("start"), 0, "it runs");
    assert_eq!(machine.pid(), None, "no second one");
    assert_eq!(machine.status("stop"), 0);
    let ended = pulse.try_wait().unwrap();
    // Only one that was not stopped is still there.
    let _ = pulse.kill();
    assert!(ended.is_some(), "it has ended");
    assert_eq!(machine.status("status"), 3, "the lock's file stays");
}

/// The pid file is one for all network namespaces that share /run.
#[test]
fn a_pulse_of_another_network_namespace_is_none_of_ours() {
    let machine = Machine::new("namespace");
    machine.put(USUAL, "");
    let mut other = Command::new("unshare");
    let other = other.arg("-n").arg(machine.at("run/pulse")).arg("1000");
    let mut other = other.stderr(std::process::Stdio::null()).spawn().unwrap();
    let pid = other.id();
    let is_there = || {
        let name = fs::read_to_string(format!("/proc/{pid}/comm"));
        name.is_ok_and(|name| name == "pulse\n")
    };
    while !is_there() {
        if other.try_wait().unwrap().is_some() {
            testkit::skipped("only root makes namespaces");
            return;
        }
    }
    machine.put(PID_FILE, &format!("{pid}\n"));
    machine.put("run/lvs/lock/pulse.4-2", &format!("{pid}\n"));
    assert_eq!(machine.status("stop"), 0);
    assert_eq!(machine.status("reload"), 7);
    assert_eq!(other.try_wait().unwrap(), None, "it runs on");
    assert_eq!(machine.pid(), Some(pid.to_string()), "and keeps its file");
    other.kill().unwrap();
    other.wait().unwrap();
}

/// A stand-in for systemctl: the unit's state is a file.
const SYSTEMCTL: &str = "#!/bin/sh
echo \"$*\" >>ROOT/run/calls
case $1 in
show) echo \"FragmentPath=$(cat ROOT/run/fragment)\"; echo \"ActiveState=$(cat ROOT/run/state)\" ;;
start) echo active >ROOT/run/state ;;
stop) echo inactive >ROOT/run/state ;;
esac
";

#[test]
fn the_unit_is_started_and_stopped_as_a_unit() {
    let machine = Machine::new("unit");
    machine.put(USUAL, "");
    let root = machine.root.display().to_string();
    machine.put_program("usr/sbin/systemctl", &SYSTEMCTL.replace("ROOT", &root));
    fs::create_dir_all(machine.at("run/systemd/system")).unwrap();
    machine.put("run/fragment", "/usr/lib/systemd/system/pulse.service");
    let calls = |state: &str, verb: &str| {
        machine.put("run/state", state);
        machine.put("run/calls", "");
        assert_eq!(machine.status(verb), 0, "{verb}");
        let calls = fs::read_to_string(machine.at("run/calls")).unwrap();
        let calls = calls.lines().filter(|line| !line.starts_with("show"));
        calls.map(str::to_owned).collect::<Vec<_>>()
    };
    for (state, verb, expected) in [
        ("inactive", "start", vec!["start pulse.service"]),
        ("failed", "start", vec!["start pulse.service"]),
        ("inactive", "stop", vec![]),
        ("active", "stop", vec!["stop pulse.service"]),
        // It is about to be started again.
        ("activating", "stop", vec!["stop pulse.service"]),
        (
            "active",
            "restart",
            vec!["stop pulse.service", "start pulse.service"],
        ),
    ] {
        assert_eq!(calls(state, verb), expected, "{verb} while {state}");
        assert_eq!(machine.pid(), None, "{verb}: none beside the unit's");
    }
    // systemd has made a unit of the script itself: it would call itself for ever.
    machine.put("run/fragment", "/run/systemd/generator.late/pulse.service");
    assert_eq!(calls("inactive", "start"), [""; 0]);
    assert!(machine.pid().is_some());
}

#[test]
fn a_file_that_the_options_name_is_pulses_own_business() {
    for options in [
        "-c /srv/lvs.cf",
        "-v -c/srv/lvs.cf",
        "-vc /srv/lvs.cf",
        "--configfile=/x",
    ] {
        let machine = Machine::new("options");
        machine.put("etc/sysconfig/pulse", &format!("OPTIONS=\"{options}\"\n"));
        assert_eq!(machine.status("start"), 0, "{options}");
    }
    let machine = Machine::new("options");
    machine.put("etc/sysconfig/pulse", "OPTIONS=\"-v --forceactive\"\n");
    assert_eq!(machine.status("start"), 6);
}

#[test]
fn a_program_that_is_missing_or_refuses_is_no_success() {
    let machine = Machine::new("refuses");
    machine.put(USUAL, "");
    machine.put("etc/sysconfig/pulse", "export REFUSES=yes\n");
    assert_eq!(machine.status("start"), 1);
    assert_eq!(machine.status("restart"), 1);
    fs::remove_file(machine.at("usr/sbin/pulse")).unwrap();
    assert_eq!(machine.status("start"), 5);
    assert_eq!(machine.status("status"), 3);
    assert_eq!(machine.status("stop"), 0);
}

#[test]
fn a_machine_without_a_network_starts_none_and_stops_one() {
    let machine = Machine::started("network", USUAL);
    machine.put("etc/sysconfig/network", "NETWORKING=no\n");
    assert_eq!(machine.status("restart"), 1);
    assert_eq!(machine.status("status"), 0);
    assert_eq!(machine.status("stop"), 0);
    assert_eq!(machine.status("start"), 1);
}

#[test]
fn an_unknown_verb_is_answered_with_the_known_ones() {
    let machine = Machine::new("verb");
    for verb in ["bogus", ""] {
        assert_eq!(machine.status(verb), 2, "{verb}");
        let said = String::from_utf8(machine.script(verb).stderr).unwrap();
        let verbs = "{start|stop|status|restart|condrestart|try-restart|reload|force-reload}";
        assert!(
            said.starts_with("Usage: ") && said.contains(verbs),
            "{said}"
        );
    }
}

/// The script of the table without a pulse, on a machine without this program and without rules.
#[test]
fn the_ipvsadm_script_says_what_is_missing() {
    let machine = Machine::new("ipvsadm");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../etc/init.d/ipvsadm");
    let mut script = fs::read_to_string(script).unwrap();
    script = script.replace("SBIN=/sbin", "SBIN=/usr/sbin");
    script = script.replace("PATH=$SBIN:/sbin:/usr/sbin:", "PATH=$SBIN:");
    for folder in ["/etc/", "/var/", "SBIN=/usr/sbin"] {
        let root = machine.root.display();
        let below = match folder.split_once('=') {
            Some((name, path)) => format!("{name}={root}{path}"),
            None => format!("{root}{folder}"),
        };
        script = script.replace(folder, &below);
    }
    machine.put_program("script", &script);
    for verb in ["start", "stop", "status", "bogus"] {
        assert_eq!(machine.status(verb), 5, "{verb}");
    }
    machine.put_program("usr/sbin/ipvsadm", "#!/bin/sh\n");
    for verb in ["start", "load", "reload"] {
        assert_eq!(machine.status(verb), 6, "{verb}");
        let said = String::from_utf8(machine.script(verb).stderr).unwrap();
        assert!(said.contains("/etc/sysconfig/ipvsadm"), "{verb}: {said}");
    }
    assert_eq!(machine.status("bogus"), 2);
}
