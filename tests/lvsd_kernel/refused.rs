//! What the kernel refuses is what `lvsd -t` says it will, and the status shows what it has; files that
//! root does not go by.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use caribe_tests::{SOON, c_ipvsadm, wait_until};
use nix::sys::stat::Mode;

use crate::director::*;

/// Whether `-t` has an error about a server with this address.
fn is_told(director: &Director, vip: &str, address: &str) -> bool {
    let server = format!(" server s {{\n address = {address}\n active = 1\n }}\n");
    director.write(&block("web", vip, "", &[&server]));
    let output = dry_run(&director.config());
    let said = String::from_utf8_lossy(&output.stderr);
    let is_error = said.contains(&format!("error: address = {address}, "));
    assert_eq!(
        output.status.code(),
        Some(i32::from(is_error)),
        "{address}: {said}"
    );
    is_error
}

fn dry_run(file: &Path) -> Output {
    let mut lvsd = Command::new("/usr/sbin/lvsd");
    lvsd.args(["-t", "-c"]).arg(file).output().unwrap()
}

#[test]
fn the_addresses_that_the_kernel_refuses_are_those_that_are_told() {
    let director = Director::new(&[]);
    for (vip, addresses) in [
        (
            "192.0.2.1",
            &[
                "224.0.0.5",
                "239.255.255.255",
                "255.255.255.255",
                "127.0.0.1",
                "127.9.9.9",
                "240.0.0.1",
                "192.0.2.9",
                "0.0.0.1",
            ][..],
        ),
        (
            "2001:db8::1",
            &[
                "ff02::1",
                "ff0e::1",
                "fe80::5",
                "::ffff:192.0.2.9",
                "::1",
                "fec0::1",
                "fd00::1",
                "2001:db8::9",
                "::192.0.2.9",
            ][..],
        ),
    ] {
        let service = match vip.contains(':') {
            true => format!("[{vip}]:8080"),
            false => format!("{vip}:8080"),
        };
        director.by_hand(&format!("-A -t {service} -s rr"));
        for address in addresses {
            let server = match address.contains(':') {
                true => format!("[{address}]:8080"),
                false => format!("{address}:8080"),
            };
            let arguments = ["-a", "-t", &service, "-r", &server, "-m"];
            let added = Command::new(c_ipvsadm()).args(arguments).output().unwrap();
            let is_refused = !added.status.success();
            assert_eq!(
                is_told(&director, vip, address),
                is_refused,
                "{address}: {added:?}"
            );
        }
    }
}

#[test]
fn a_scheduler_that_the_kernel_does_not_have_is_told_and_the_status_shows_the_one_it_has() {
    let mut director = Director::new(&[1]);
    let web = |scheduler: &str| {
        let extra = format!(" scheduler = {scheduler}\n");
        block("web", "192.0.2.1", &extra, &[&server(1)])
    };
    director.write(&web("pcc"));
    let output = dry_run(&director.config());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("error: scheduler = pcc, this kernel has no such scheduler"),
        "{said}"
    );

    director.start(&web("wlc"));
    director.wait_for_table(2);
    director.reload(&web("pcc"));
    director.wait_for_log("No such file or directory");
    director.wait_for_line("-A -t 192.0.2.1:8080 -s wlc");
    let status = director.status();
    assert!(
        status[0].contains("scheduler = pcc, this kernel has no such"),
        "{}",
        status[0]
    );
    for part in [
        "\"scheduler\":\"wlc\"",
        "\"wanted_scheduler\":\"pcc\"",
        "\"refused\":[\"-E -t 192.0.2.1:8080 -s pcc: No such file or directory\"]",
    ] {
        assert!(status[1].contains(part), "{part}: {}", status[1]);
    }
    director.reload(&web("rr"));
    director.wait_for_line("-A -t 192.0.2.1:8080 -s rr");
    let status = director.status();
    assert!(
        status[1].contains("\"scheduler\":\"rr\",\"present\":true"),
        "{}",
        status[1]
    );
    assert!(status[1].contains("\"refused\":[]"), "{}", status[1]);
}

/// What `-t` warns of: the check of a server that is the service itself goes to the service, which has
/// no server.
#[test]
fn a_server_that_is_its_own_service_does_not_come_up() {
    let mut director = Director::new(&[2]);
    let round = block("round", "127.0.0.2", "", &[&server(2)]);
    director.write(&round);
    let said = String::from_utf8(dry_run(&director.config()).stderr).unwrap();
    assert!(
        said.contains("warning: server s2 is the virtual service itself"),
        "{said}"
    );
    director.start(&round);
    director.wait_for_table(1);
    let is_down = || {
        director
            .status()
            .iter()
            .any(|line| line.contains("\"state\":\"down\""))
    };
    assert!(
        wait_until(SOON, is_down).is_some(),
        "{:?}",
        director.status()
    );
    assert_eq!(director.table(), ["-A -t 127.0.0.2:8080 -s wlc"]);
}

#[test]
fn a_file_or_program_that_others_may_change_is_refused_at_a_start_and_a_reload() {
    let mut director = Director::new(&[1]);
    let one = block("web", "192.0.2.1", "", &[&server(1)]);
    director.write(&one);
    let file = director.config();
    let set = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let start = || {
        let mut lvsd = Command::new("/usr/sbin/lvsd");
        let output = lvsd.args(["-n", "-c"]).arg(&file).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    set(&file, 0o666);
    let why = format!("anybody may change {}, mode 0666", file.display());
    let said = start();
    assert!(said.contains(&why), "{said}");
    // Who only asks is told.
    let output = dry_run(&file);
    let note = format!(": note: {why}");
    assert_eq!(output.status.code(), Some(0));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains(&note),
        "{output:?}"
    );

    set(&file, 0o644);
    let program = director.file("ipvsadm");
    fs::copy(c_ipvsadm(), &program).unwrap();
    set(&program, 0o777);
    director.write(&format!("ipvsadm = {}\n{one}", program.display()));
    let said = start();
    let why = format!(
        ":1:11: invalid argument: ipvsadm: anybody may change {}",
        program.display()
    );
    assert!(said.contains(&why), "{said}");

    director.start(&one);
    let table = director.wait_for_table(2);
    set(&file, 0o622);
    director.reload(&one.replace("192.0.2.1", "192.0.2.2"));
    director.wait_for_log("mode 0622: refused");
    assert_eq!(director.table(), table);
    let status = director.status();
    assert!(
        status[0].contains("\"reload_failed\":true"),
        "{}",
        status[0]
    );
}

#[test]
fn a_fifo_or_device_in_the_files_place_is_refused_at_once() {
    let mut director = Director::new(&[1]);
    let one = block("web", "192.0.2.1", "", &[&server(1)]);
    director.start(&one);
    let table = director.wait_for_table(2);
    let file = director.config();
    fs::remove_file(&file).unwrap();
    nix::unistd::mkfifo(&file, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    director.signal(nix::sys::signal::Signal::SIGHUP);
    director.wait_for_log("not a regular file");
    assert_eq!(director.table(), table);
    for path in [&*file, Path::new("/dev/zero"), Path::new("/")] {
        let mut lvsd = Command::new("/usr/sbin/lvsd");
        let output = lvsd.args(["-n", "-c"]).arg(path).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
    }
}
