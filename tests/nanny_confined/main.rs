//! What a nanny gives up, on a kernel that can take it: its guest boots one with Landlock.

use std::fs;
use std::process::Command;

use caribe_tests::director::{Director, block, server};

/// Without it the rest would show what a nanny does where there is no Landlock.
fn demand_landlock() {
    let mounted = Command::new("mount")
        .args(["-t", "securityfs", "none", "/sys/kernel/security"])
        .status();
    mounted.expect("mount runs");
    let modules = fs::read_to_string("/sys/kernel/security/lsm").expect("the list of modules");
    assert!(
        modules.split(',').any(|name| name == "landlock"),
        "{modules}"
    );
}

#[test]
fn a_nanny_that_needs_no_file_can_open_none() {
    let mut director = Director::new(&[1]);
    demand_landlock();
    let send = " send = \"GET / HTTP/1.0\\r\\n\\r\\n\"\n";
    director.start(&block(
        "web",
        "10.77.0.1",
        send,
        &[server(1)].each_ref().map(String::as_str),
    ));
    director.wait_for_log("Landlock: no file can be opened any more");
}

/// Programs need files; what they start is shut in all the same.
#[test]
fn a_nanny_with_a_program_keeps_its_files_and_shuts_the_program_in() {
    let mut director = Director::new(&[1]);
    demand_landlock();
    let program = " send_program = \"/bin/true\"\n";
    director.start(&block(
        "web",
        "10.77.0.1",
        program,
        &[server(1)].each_ref().map(String::as_str),
    ));
    director.wait_for_log("programs are shut in");
    director.wait_for_log("making 127.0.0.1:8080 available");
    assert!(!director.has_logged("no file can be opened"));
    assert!(!director.has_logged("not shut in by Landlock"));
}
