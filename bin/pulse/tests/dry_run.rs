//! `pulse -t` before a file is put in place: exit status, plan, standard error, and odd things given
//! as the file. No right needed.

use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use testkit::{DryRun, Ended, Place, ended};

/// Neither address is a machine's.
const PAIR: &str = "\
serial_no = 1
primary = 203.0.113.201
backup = 203.0.113.202
backup_active = 1
keepalive = 2
deadtime = 6
";
const VIRTUAL: &str = "\
virtual web {
 active = 1
 address = 192.0.2.50 eth0:1
 port = 80
}
";

const PULSE: DryRun = DryRun {
    program: env!("CARGO_BIN_EXE_pulse"),
    words: &["-t"],
    says: "pulse",
};

#[test]
fn a_clean_file_gives_status_0_and_the_plan_wherever_it_is_checked() {
    let place = Place::new("clean");
    let extra = "primary_private = 198.51.100.1\nbackup_private = 198.51.100.2\nsyncdaemon = 1\n\
                 syncd_iface = eth1\nactive_cmd = \"/bin/echo up now\"\ninactive_cmd = /bin/echo\n";
    let file = place.file([PAIR, extra, VIRTUAL].concat());
    let name = file.display().to_string();
    let plan = [
        "role: unknown",
        "heartbeat: UDP port 539, every 2 s, the partner is dead after 6 s",
        "heartbeat: primary 203.0.113.201, backup 203.0.113.202",
        "heartbeat: primary 198.51.100.1, backup 198.51.100.2",
        "active: /bin/echo up now",
        &format!("active: /usr/sbin/lvsd --nofork -c {name}"),
        "active: /sbin/ipvsadm --stop-daemon master",
        "active: /sbin/ipvsadm --start-daemon master --mcast-interface eth1 --syncid 0",
        "active: /sbin/ipvsadm --stop-daemon backup",
        "active: address 192.0.2.50/32 on eth0 as eth0:1",
        "standby: /bin/echo",
        "standby: /sbin/ipvsadm --stop-daemon backup",
        "standby: /sbin/ipvsadm --start-daemon backup --mcast-interface eth1 --syncid 0",
        "standby: /sbin/ipvsadm --stop-daemon master",
    ];
    for option in ["-t", "--test-start", "--norun"] {
        let mut pulse = Command::new(PULSE.program);
        let Ended { status, out, err } = ended(pulse.args([option, "-c", &name]));
        assert_eq!(status, 0, "{err}");
        assert_eq!(out.lines().collect::<Vec<_>>(), plan);
        let role =
            "pulse: this machine has neither primary = 203.0.113.201 nor backup = 203.0.113.202\n";
        assert_eq!(err, role);
    }
}

#[test]
fn the_role_is_told_where_it_can_be() {
    let place = Place::new("role");
    // A loopback address is every machine's, and noted: no partner could reach it.
    let text = [PAIR, VIRTUAL].concat();
    let text = text.replace("backup_active = 1", "backup_active = 0");
    for (own, role) in [("203.0.113.201", "primary"), ("203.0.113.202", "backup")] {
        let Ended { status, out, err } = PULSE.check(&place.file(text.replace(own, "127.0.0.1")));
        assert_eq!(status, 0, "{err}");
        assert!(err.contains(&format!(": note: switched off: {role} is 127.0.0.1")));
        assert_eq!(out.lines().next(), Some(&*format!("role: {role}")));
    }
}

/// Installed below /usr/local, say.
#[test]
fn the_programs_that_are_run_are_named_where_they_lie() {
    let place = Place::new("installed");
    let at = |name: &str| place.path().join(name);
    testkit::copy_program(PULSE.program.as_ref(), &at("pulse"));
    for name in ["lvsd", "send_arp"] {
        testkit::copy_program("/bin/true".as_ref(), &at(name));
    }
    let hooks = "active_cmd = \"/usr/sbin/send_arp x\"\ninactive_cmd = /nowhere/away\n";
    let file = place.file([PAIR, hooks, VIRTUAL].concat());
    let mut pulse = Command::new(at("pulse"));
    let output = pulse.args(["-t", "-c"]).arg(&file).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    for (name, words) in [("send_arp", "x"), ("lvsd", "--nofork -c")] {
        let line = format!("active: {} {words}", at(name).display());
        assert!(out.contains(&line), "{line}: {out}");
    }
    let missing = "warning: inactive_cmd = /nowhere/away: no such file: /nowhere/away";
    assert!(err.contains(missing), "{err}");
    assert!(!err.contains("no such file: /usr/sbin"), "{err}");
}

#[test]
fn a_warm_standby_runs_lvsd_too() {
    let place = Place::new("warm");
    let file = place.file([PAIR, "#:warm_standby = 1\n", VIRTUAL].concat());
    let Ended { status, out, err } = PULSE.check(&file);
    assert_eq!(status, 0, "{err}");
    let lvsd = format!("/usr/sbin/lvsd --nofork -c {}", file.display());
    let expected = [
        format!("active: {lvsd}"),
        "active: address 192.0.2.50/32 on eth0 as eth0:1".to_owned(),
        format!("standby: {lvsd}"),
    ];
    assert_eq!(out.lines().skip(3).collect::<Vec<_>>(), expected);
}

#[test]
fn services_of_the_directors_come_behind_their_addresses() {
    let place = Place::new("fos");
    let block = "service = fos\nfailover web {\n active = 1\n address = 192.0.2.77 eth0:1\n\
                 port = 80\n start_cmd = \"/bin/echo start\"\n stop_cmd = \"/bin/echo stop\"\n}\n";
    let file = place.file([PAIR, block].concat());
    let Ended { status, out, err } = PULSE.check(&file);
    assert_eq!(status, 0, "{err}");
    let name = file.display();
    let expected = [
        "active: address 192.0.2.77/32 on eth0 as eth0:1".to_owned(),
        format!("active: /usr/sbin/fos --active -c {name} --nofork"),
        format!("standby: /usr/sbin/fos --monitor -c {name} --nofork"),
    ];
    assert_eq!(out.lines().skip(3).collect::<Vec<_>>(), expected);
}

#[test]
fn a_warning_gives_status_0_too_and_a_note_is_told() {
    PULSE.tells_a_warning_and_a_note(&Place::new("warning"), &[PAIR, VIRTUAL].concat());
}

#[test]
fn what_is_left_out_gives_status_1_beside_the_plan() {
    let place = Place::new("left-out");
    let Ended { status, out, err } = PULSE.check(&place.file([PAIR, VIRTUAL, VIRTUAL].concat()));
    assert_eq!(status, 1, "{err}");
    assert!(err.contains(": left out: virtual web"), "{err}");
    assert!(out.contains("active: address 192.0.2.50/32 "), "{out}");
}

#[test]
fn a_file_that_pulse_would_not_start_with_gives_status_1() {
    let place = Place::new("nothing");
    let file = place.file(PAIR);
    let name = file.display();
    let line = format!("pulse: no active lvs services defined in {name}");
    assert_eq!(PULSE.refusal(&file), [line]);
    let file = place.file(VIRTUAL);
    assert_eq!(PULSE.refusal(&file), ["pulse: lvs.cf names no primary"]);
}

#[test]
fn a_shared_disk_that_nobody_would_reserve_keeps_fos_from_starting() {
    let place = Place::new("shared");
    let disk = "service = fos\nprimary_shared = /dev/sda\nbackup_shared = /dev/sdb\n";
    let failover = "failover web {\n active = 1\n address = 192.0.2.50 eth0:1\n \
                    start_cmd = \"/bin/true\"\n stop_cmd = \"/bin/true\"\n}\n";
    let lines = PULSE.refusal(&place.file([PAIR, disk, failover].concat()));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("nothing here reserves a shared disk"),
        "{lines:?}"
    );
    let half = disk.replace("backup_shared = /dev/sdb\n", "");
    let Ended { status, err, .. } = PULSE.check(&place.file([PAIR, &half, failover].concat()));
    assert_eq!(status, 0, "{err}");
}

#[test]
fn what_pulse_does_otherwise_than_the_file_says_is_told() {
    let place = Place::new("otherwise");
    let alone = PAIR.replace("backup = 203.0.113.202\n", "active_cmd = up\n");
    let Ended { status, out, err } = PULSE.check(&place.file([&*alone, VIRTUAL].concat()));
    assert_eq!(status, 0, "{err}");
    assert!(out.contains("heartbeat: none, there is no partner\n"));
    for line in [
        "pulse: Undefined backup node marked as active? -- clearing that!\n",
        ": warning: active_cmd = up: a command needs its whole path\n",
    ] {
        assert!(err.contains(line), "{err}");
    }
}

#[test]
fn a_refused_file_gives_status_1_and_every_fault() {
    let first = |name: &str| format!("pulse: error parsing {name} at line 1: integer expected");
    PULSE.names_both_faults(&Place::new("refused"), VIRTUAL, first);
}

#[test]
fn what_is_no_file_is_named_with_the_reason() {
    PULSE.refuses_what_is_no_file(&Place::new("no-file"));
}

/// systemd hands keys over in a directory of the service's own; lvs.cf names no file then.
#[test]
fn keys_come_from_a_systemd_credential_if_lvs_cf_names_no_file() {
    let place = Place::new("credential");
    let file = place.file([PAIR, "#:heartbeat_auth = require\n", VIRTUAL].concat());
    let run = |directory: Option<&Path>| {
        let mut pulse = PULSE.command(&file);
        pulse.env_remove("CREDENTIALS_DIRECTORY");
        pulse.envs(directory.map(|directory| ("CREDENTIALS_DIRECTORY", directory)));
        let Ended { status, out, err } = ended(&mut pulse);
        // The file is good; what this machine lacks is another matter.
        assert_eq!(status, 0, "{err}");
        (out, err)
    };
    let (out, err) = run(None);
    assert!(err.contains("no heartbeat_key in lvs.cf and no credential heartbeat_key"));
    assert!(!out.contains("keys:"), "{out}");

    let credential = place.path().join("heartbeat_key");
    let key = "5a".repeat(32);
    fs::write(&credential, format!("7 {key}\n3 {key}\n")).unwrap();
    fs::set_permissions(&credential, fs::Permissions::from_mode(0o400)).unwrap();
    let (out, err) = run(Some(place.path()));
    assert!(out.contains("keys: 7, 3\n"), "{out}{err}");
    assert!(!out.contains(&key) && !err.contains(&key));

    fs::set_permissions(&credential, fs::Permissions::from_mode(0o444)).unwrap();
    let (_, err) = run(Some(place.path()));
    assert!(err.contains("readable by nobody else"), "{err}");
}

/// As root this drops root; without root there is nothing to drop.
#[test]
fn without_privilege_a_file_is_checked_all_the_same() {
    let place = Place::new("nobody");
    let file = place.file(
        [PAIR, VIRTUAL]
            .concat()
            .replace("203.0.113.201\n", "127.0.0.1\n")
            .replace("backup_active = 1", "backup_active = 0"),
    );
    let Ended { status, out, err } = PULSE.check_without_privilege(&place, &file);
    assert_eq!(status, 0, "{err}");
    assert!(err.lines().all(|line| line.contains(": note: ")), "{err}");
    assert!(out.starts_with("role: primary\n"), "{out}");
}

/// On a director, what it lacks is told of: a network card of another name, an address that is not there yet.
#[test]
fn a_missing_device_and_a_missing_own_address_are_told_of_with_their_names() {
    let place = Place::new("lacking");
    let private = "primary_private = 198.51.100.1\nbackup_private = 198.51.100.2\n";
    let text = [PAIR, private, VIRTUAL].concat();
    let text = text.replace("backup_active = 1", "backup_active = 0");
    let text = text.replace("eth0:1", "nosuch0:1");
    let text = text.replace("primary = 203.0.113.201", "primary = 127.0.0.1");
    let Ended { status, err, .. } = PULSE.check(&place.file(text));
    assert_eq!(status, 0, "{err}");
    for line in [
        "pulse: primary_private = 198.51.100.1 is not on this machine: no heartbeat goes that way until it is\n",
        "pulse: address 192.0.2.50: there is no device nosuch0\n",
    ] {
        assert!(err.contains(line), "{err}");
    }
}

/// A good file by which this machine would not serve; the init script refuses a restart with it.
#[test]
fn whether_this_machine_would_serve_is_a_status_of_its_own() {
    let place = Place::new("here");
    let of = |text: &str| {
        let file = place.file(text);
        let status = |word: Option<&str>| ended(PULSE.command(&file).args(word)).status;
        (status(None), status(Some("--here")))
    };
    // Every machine has that device.
    let status = |pair: &str| of(&[pair, &on_lo()].concat());
    let other = "primary = 203.0.113.201\nbackup = 203.0.113.202\nbackup_active = 1\n";
    assert_eq!(status(other), (0, 6));
    assert_eq!(status("primary = 203.0.113.300\n"), (1, 1));
    let Some(own) = own_address() else {
        return testkit::skipped("this machine has no address but loopback");
    };
    let ours = other.replace("203.0.113.201", &own);
    let backup = other.replace("203.0.113.202", &own);
    assert_eq!(status(&ours), (0, 0));
    assert_eq!(status(&backup), (0, 0));
    assert_eq!(status(&backup.replace("active = 1", "active = 0")), (0, 6));
    assert_eq!(status(&format!("{ours}#:heartbeat_auth = sign\n")), (0, 6));
    // A device that a block needs: with a typing error what runs goes on.
    let missing = [&*ours, &on_lo().replace(" lo:1", " nosuch0:1")].concat();
    assert_eq!(of(&missing), (0, 6));
    assert_eq!(of(&[&*ours, &on_lo()].concat()), (0, 0));
}

fn on_lo() -> String {
    VIRTUAL.replace(" eth0:1", " lo:1")
}

/// Announced where nobody listens; elsewhere than on a director that is known of `lo` alone.
#[test]
fn an_address_on_a_device_that_announces_nothing_is_told_of_with_its_line() {
    let place = Place::new("unannounced");
    let on = |device: &str| {
        let text = [PAIR, &VIRTUAL.replace(" eth0:1", device)].concat();
        PULSE.check(&place.file(text))
    };
    let said = "no announcement leaves that device";
    let Ended { status, err, .. } = on(" lo:1");
    assert_eq!(status, 0, "{err}");
    let line = "address 192.0.2.50 on lo: no announcement leaves that device";
    assert!(err.contains(line) && err.contains(" of line "), "{err}");
    assert!(!on(" eth0:1").err.contains(said));
}

/// The one that would be sent from; nothing is sent.
fn own_address() -> Option<String> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("203.0.113.9:9").ok()?;
    Some(socket.local_addr().ok()?.ip().to_string())
}
