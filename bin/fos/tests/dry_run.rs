//! `fos -t` before a file is put in place: exit status, plan, standard error, and odd things given
//! as the file. No right needed.

use std::process::Command;

use testkit::{DryRun, Ended, Place, ended};

const GOOD: &str = "\
serial_no = 1
primary = 192.0.2.1
backup = 192.0.2.2
backup_active = 1
service = fos
failover web {
 active = 1
 address = 192.0.2.77 eth0:1
 port = 80
 start_cmd = \"/bin/echo start\"
 stop_cmd = \"/bin/echo stop\"
}
";

const ACTIVE: DryRun = DryRun {
    program: env!("CARGO_BIN_EXE_fos"),
    words: &["-F", "-t"],
    says: "fos",
};

#[test]
fn a_clean_file_gives_status_0_and_the_commands_of_that_side() {
    let place = Place::new("clean");
    let file = place.file(GOOD);
    for option in ["-t", "--test-start", "--norun"] {
        let run = |side| {
            let mut fos = Command::new(ACTIVE.program);
            ended(fos.args([side, option, "-c"]).arg(&file))
        };
        let Ended { status, out, err } = run("-F");
        assert_eq!((status, err.as_str()), (0, ""), "{out}");
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[..2], ["/bin/echo stop", "/bin/echo start"]);
        assert!(lines[2].starts_with("/usr/sbin/nanny -c -h 192.0.2.77 "));
        assert_eq!(lines.len(), 3);
        let out = run("-f").out;
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[0], "/bin/echo stop");
        assert!(lines[1].ends_with(" --fos"), "{out}");
        assert_eq!(lines.len(), 2);
    }
}

/// As pulse, which would not start it: one rule for both.
#[test]
fn a_shared_disk_that_nobody_would_reserve_keeps_it_from_starting() {
    let place = Place::new("shared");
    let disk = "primary_shared = /dev/sda\nbackup_shared = /dev/sdb\n";
    let lines = ACTIVE.refusal(&place.file([GOOD, disk].concat()));
    let said = "fos: primary_shared and backup_shared: nothing here reserves a shared disk, ";
    assert!(lines.len() == 1 && lines[0].starts_with(said), "{lines:?}");
    let half = "primary_shared = /dev/sda\n";
    let Ended { status, err, .. } = ACTIVE.check(&place.file([GOOD, half].concat()));
    assert_eq!(status, 0, "{err}");
}

#[test]
fn a_warning_gives_status_0_too_and_a_note_is_told() {
    ACTIVE.tells_a_warning_and_a_note(&Place::new("warning"), GOOD);
}

#[test]
fn what_lvsd_would_leave_out_is_a_note_for_fos() {
    let place = Place::new("other-service");
    let block = "virtual v {\n active = 1\n address = 192.0.2.50 eth0:2\n port = 80\n}\n";
    let file = place.file([GOOD, block, block].concat());
    let Ended { status, out, err } = ACTIVE.check(&file);
    assert_eq!(status, 0, "{err}");
    assert!(err.contains(": note: switched off: virtual v"), "{err}");
    assert_eq!(out.lines().count(), 3, "{out}");
}

#[test]
fn a_file_without_anything_for_fos_is_refused_in_the_originals_words() {
    let place = Place::new("lvs");
    let file = place.file("serial_no = 1\n");
    let line = format!("fos: Service type is not \"fos\" in {}", file.display());
    assert_eq!(ACTIVE.refusal(&file), [line]);
    let file = place.file("service = fos\n");
    let line = format!("fos: No Failover Services defined in {}.", file.display());
    assert_eq!(ACTIVE.refusal(&file), [line]);
}

#[test]
fn a_refused_file_gives_status_1_and_every_fault() {
    let first = |name: &str| format!("fos: error parsing {name} on line 1.");
    ACTIVE.names_both_faults(&Place::new("refused"), GOOD, first);
}

#[test]
fn what_is_no_file_is_named_with_the_reason() {
    ACTIVE.refuses_what_is_no_file(&Place::new("no-file"));
}

/// As root this drops root; without root there is nothing to drop.
#[test]
fn without_privilege_a_file_is_checked_all_the_same() {
    let place = Place::new("nobody");
    let Ended { status, out, err } = ACTIVE.check_without_privilege(&place, &place.file(GOOD));
    assert_eq!((status, out.lines().count()), (0, 3), "{err}");
}
