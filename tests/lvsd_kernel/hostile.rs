//! Check programs: one that means harm takes out its own server only; whom they run as.

use std::fs;
use std::process::Command;

use caribe_tests::{SOON, wait_until};
use nix::sys::signal::Signal;

use crate::director::*;

/// Ends every nanny that it may.
const HOSTILE: &str = "#!/bin/sh
for file in /proc/[0-9]*/comm; do
    read -r name <$file && test \"$name\" = nanny || continue
    pid=${file#/proc/}
    kill -KILL ${pid%/comm} && exit 9
done 2>/dev/null
exit 3
";

/// A check program in a directory that only root can change.
fn program(director: &Director, mode: &str, text: &str) -> String {
    let path = director.file("check");
    fs::write(&path, text).unwrap();
    run("chmod", &format!("{mode} {}", path.display()));
    path.display().to_string()
}

/// Its server s1 is checked by the program.
fn checked_by(program: &str) -> String {
    let check = format!(" send_program = \"{program}\"\n expect = \"OK\"");
    block("web", "192.0.2.1", &check, &[&server(1)])
}

#[test]
fn a_hostile_check_program_takes_out_its_own_server_only() {
    for form in ["process", "shared"] {
        let mut director = Director::new(&[1, 2]);
        let web = checked_by(&program(&director, "755", HOSTILE));
        let mail = block("mail", "192.0.2.2", "", &[&server(2)]);
        // Five deaths would take its server out as well.
        // The program looks at every process of the guest, which may be slow; silence is no death here.
        let site =
            format!("nannies = {form}\n{web}{mail}").replace(" timeout = 1\n", " timeout = 15\n");
        director.start(&site);
        director.wait_for_table(3);
        director.wait_for_log("check program ended with status 3");
        let nannies = [director.nannies(1), director.nannies(2)];
        let checks = || {
            let status = director.status();
            status
                .iter()
                .filter(|line| line.contains("ended with status 3"))
                .count()
        };
        wait_until(SOON, || checks() > 0).expect("its reason");
        director.operations(0);
        assert_eq!(
            [director.nannies(1), director.nannies(2)],
            nannies,
            "{form}"
        );
        assert!(!director.has_logged("died!"), "{form}");
        assert!(director.end(Signal::SIGTERM).success());
    }
}

/// A user for this test's mount namespace.
fn add_user(name: &str, home: &str) {
    let mut users = fs::read_to_string("/etc/passwd").unwrap();
    if !users.contains(name) {
        users += &format!("{name}:x:64600:64600:tests:{home}:/bin/sh\n");
    }
    fs::write("/run/passwd", users).unwrap();
    run("mount", "--bind /run/passwd /etc/passwd");
}

/// Prints who runs it and what it finds itself with, the second time it is asked for.
const WHO: &str = "#!/bin/sh\necho $(id -un):$HOME:$USER:$LOGNAME:$(pwd):$PATH\n";
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

#[test]
fn check_programs_are_their_users_and_have_its_home() {
    for form in ["process", "shared"] {
        for (user, home, cwd) in [
            ("", "lvscheck:/nonexistent", "/"),
            ("check_user = carla\n", "carla:/srv", "/srv"),
            ("check_user = root\n", "root:/root", "/root"),
        ] {
            let mut director = Director::new(&[2]);
            add_user("carla", "/srv");
            let web = checked_by(&program(&director, "755", WHO));
            let mail = block("mail", "192.0.2.2", "", &[&server(2)]);
            director.start(&format!("nannies = {form}\n{user}{web}{mail}"));
            director.wait_for_table(3);
            let name = home.split(':').next().unwrap();
            let printed = format!("{home}:{name}:{name}:{cwd}:{PATH}");
            director.wait_for_log(&format!("Got result ({printed}"));
            // Who needs no program stays who it was.
            let network = director.nannies(2)[0];
            assert_eq!(owner(network), owner_of("lvscheck"), "{form} {user}");
            assert!(director.end(Signal::SIGTERM).success());
        }
    }
}

/// Its user, as the kernel shows it.
fn owner(pid: i32) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("Uid:"))
        .unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().to_owned()
}

fn owner_of(name: &str) -> String {
    let output = Command::new("id").args(["-u", name]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Says whose it is, before anything else, and stays.
const MONITOR: &str = "#!/bin/sh\n\
    echo monitor of $(grep -E '^(Uid|CapPrm):' /proc/self/status) for user \"$CARIBE_USER\".\n\
    exec sleep 1000\n";

/// Nothing says that it would give up root by itself, as our nanny does.
#[test]
fn a_monitor_of_the_sites_own_is_no_roots_from_its_first_line_on() {
    let mut director = Director::new(&[1]);
    let monitor = program(&director, "755", MONITOR);
    let own = format!(" client_monitor = \"{monitor}\"");
    director.start(&block("web", "192.0.2.1", &own, &[&server(1)]));
    let user = owner_of("lvscheck");
    director.wait_for_log(&format!(
        "monitor of Uid: {user} {user} {user} {user} CapPrm: 0000000000000000 for user ."
    ));
    assert!(director.end(Signal::SIGTERM).success());
}

#[test]
fn a_program_of_root_alone_fails_with_its_name_and_user_and_runs_as_root() {
    let mut director = Director::new(&[]);
    let program = program(&director, "700", "#!/bin/sh\necho OK\n");
    let web = checked_by(&program);
    director.start(&web);
    director.wait_for_log(&format!(
        "not started: {program} as user lvscheck: Permission denied"
    ));
    director.reload(&format!("check_user = root\n{web}"));
    director.wait_for_log("check_user = root: check and load programs run with root's files");
    director.wait_for_line("-a -t 192.0.2.1:8080 -r 127.0.0.1:8080 -m -w 1");
}

#[test]
fn an_unknown_check_user_is_refused_with_line_and_column() {
    let director = Director::new(&[]);
    director.write(&format!(
        "serial_no = 1\ncheck_user = nobodyhere\n{}",
        checked_by("/bin/true")
    ));
    let refused = Command::new("/usr/sbin/lvsd")
        .args(["-t", "-n", "-c"])
        .arg(director.config())
        .output()
        .unwrap();
    assert_ne!(refused.status.code(), Some(0));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    let wanted = "lvs.cf:2:14: invalid argument: check_user = nobodyhere, no such user here";
    assert!(said.contains(wanted), "{said}");
}
