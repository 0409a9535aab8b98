//! `ipvsadm = PROGRAM`: another program makes the changes, with the original's arguments.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use caribe_tests::c_ipvsadm;
use nix::sys::signal::Signal;

use crate::director::*;

/// A program in ipvsadm's place that notes its arguments and then lets ipvsadm work.
fn noting_program(director: &Director) -> (String, impl Fn() -> Vec<String> + use<>) {
    let program = director.file("program");
    let notes = director.file("notes");
    let script = format!(
        "#!/bin/sh\necho \"$@\" >> {}\nexec {} \"$@\"\n",
        notes.display(),
        c_ipvsadm()
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let read = move || {
        let text = fs::read_to_string(&notes).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    };
    (program.display().to_string(), read)
}

#[test]
fn a_program_of_lvs_cf_is_run_with_the_originals_arguments() {
    let mut director = Director::new(&[1, 2]);
    let (program, notes) = noting_program(&director);
    let head = format!("ipvsadm = {program}\ntcp_timeout = 100\n");
    let web =
        |extra: &str, servers: &[&str]| head.clone() + &block("web", "192.0.2.1", extra, servers);
    let persistent = "persistent = 60\npmask = 255.255.255.0\nscheduler = rr\n";
    director.start(&web(persistent, &[&server(1)]));
    director.wait_for_table(2);
    assert_eq!(
        notes(),
        [
            "--set 100 0 0",
            "-A -t 192.0.2.1:8080 -s rr -p 60 -M 255.255.255.0",
            "-a -t 192.0.2.1:8080 -r 127.0.0.1:8080 -m -w 1",
        ]
    );
    director.reload(&web("quiesce_server = 1\n", &[&server(1), &server(2)]));
    director.wait_for_table(3);
    director.fell(2);
    director.wait_for_line("-a -t 192.0.2.1:8080 -r 127.0.0.2:8080 -m -w 0");
    assert_eq!(
        notes()[3..],
        [
            "-E -t 192.0.2.1:8080 -s wlc",
            "-a -t 192.0.2.1:8080 -r 127.0.0.2:8080 -m -w 1",
            "-e -t 192.0.2.1:8080 -r 127.0.0.2:8080 -m -w 0",
        ]
    );
    director.end(Signal::SIGTERM);
    let end = notes()[6..].to_vec();
    assert_eq!(end.len(), 3, "{end:?}");
    assert_eq!(end[2], "-D -t 192.0.2.1:8080");
    assert!(
        end[..2]
            .iter()
            .all(|line| line.starts_with("-d -t 192.0.2.1:8080 -r 127.0.0."))
    );
}

#[test]
fn a_mark_with_direct_routing_and_a_sorry_server_too() {
    let mut director = Director::new(&[]);
    let (program, notes) = noting_program(&director);
    let extra = "fwmark = 80\nsorry_server = 127.0.0.99\n";
    let text = block("web", "192.0.2.1", extra, &[&server(1)]);
    director.start(&format!("ipvsadm = {program}\nnetwork = direct\n{text}"));
    director.wait_for_table(2);
    director.raise(1);
    director.wait_for_line("-a -f 80 -r 127.0.0.1:8080 -g -w 1");
    director.wait_for_table(2);
    assert_eq!(
        notes(),
        [
            "--set 0 0 0",
            "-A -f 80 -s wlc",
            "-a -f 80 -r 127.0.0.99:8080 -g -w 1",
            "-a -f 80 -r 127.0.0.1:8080 -g -w 1",
            "-d -f 80 -r 127.0.0.99:8080",
        ]
    );
}

#[test]
fn a_reload_takes_another_program_for_the_changes_that_follow_and_back() {
    let mut director = Director::new(&[1]);
    let (program, notes) = noting_program(&director);
    let web = |head: &str, scheduler: &str| {
        let scheduler = format!("scheduler = {scheduler}\n");
        format!(
            "{head}{}",
            block("web", "192.0.2.1", &scheduler, &[&server(1)])
        )
    };
    let named = format!("ipvsadm = {program}\n");
    director.start(&web("", "rr"));
    director.wait_for_table(2);
    director.reload(&web(&named, "wrr"));
    director.wait_for_line("-A -t 192.0.2.1:8080 -s wrr");
    let edit = ["-E -t 192.0.2.1:8080 -s wrr"];
    assert_eq!(notes(), edit);
    director.reload(&web("", "lc"));
    director.wait_for_line("-A -t 192.0.2.1:8080 -s lc");
    assert_eq!(notes(), edit);
}
