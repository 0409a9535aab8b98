//! A panic of a daemon. Not under libtest, which has threads, and a hook of its own.
//!
//! The program runs itself: `daemon stdout` logs to standard output, `daemon syslog` to the syslog of a
//! mount namespace of its own, whose socket `CARIBE_TEST_SYSLOG` names. Either then panics.

use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use daemon::log::Target;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getgid, getuid};

const SYSLOG: &str = "CARIBE_TEST_SYSLOG";
/// Status of a process that may have no namespace of its own.
const NOT_HERE: i32 = 77;

/// Where `be_daemon` panics, and what it says.
const LINE: u32 = line!() + 10;
const SAID: &str = "a number that cannot be: 7";

fn be_daemon(how: &str) {
    if how == "syslog" {
        make_syslog_ours();
        daemon::log::start("test", Target::Syslog, false);
    } else {
        daemon::log::start("test", Target::Stdout, false);
    }
    panic!("a number that cannot be: {}\n", how.len() / how.len() + 6);
}

/// `/dev/log` is the socket that the test listens on; nothing else is there.
fn make_syslog_ours() {
    let socket = std::env::var_os(SYSLOG).unwrap();
    let maps = [
        ("uid_map", format!("0 {} 1", getuid())),
        ("setgroups", "deny".to_owned()),
        ("gid_map", format!("0 {} 1", getgid())),
    ];
    let is_ours = unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS).is_ok();
    let write = |(file, text)| std::fs::write(Path::new("/proc/self").join(file), text).is_ok();
    if !is_ours || !maps.into_iter().all(write) {
        std::process::exit(NOT_HERE);
    }
    let nothing: Option<&str> = None;
    mount(
        Some("none"),
        "/dev",
        Some("tmpfs"),
        MsFlags::empty(),
        nothing,
    )
    .unwrap();
    symlink(Path::new(&socket), "/dev/log").unwrap();
}

fn run(how: &str, socket: &Path) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let command = command.args(["daemon", how]).env(SYSLOG, socket);
    command.output().unwrap()
}

fn expected() -> String {
    format!("fault of this program, {}:{LINE}: {SAID}", file!())
}

fn on_standard_output_it_is_a_line_with_its_place() {
    let output = run("stdout", Path::new("/nowhere"));
    assert!(!output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, format!("test: {}\n", expected()));
    assert_eq!(output.stderr, b"", "once");
}

/// Standard error is /dev/null there.
fn in_the_background_it_is_in_syslog() {
    let path: PathBuf =
        std::env::temp_dir().join(format!("caribe-panic-{}.log", std::process::id()));
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_nonblocking(true).unwrap();
    let output = run("syslog", &path);
    std::fs::remove_file(&path).unwrap();
    if output.status.code() == Some(NOT_HERE) {
        testkit::skipped("a panic in syslog: no namespaces for this user");
        return;
    }
    let mut bytes = [0; 1024];
    let length = socket.recv(&mut bytes);
    let length = length.unwrap_or_else(|error| panic!("no line: {error}, {output:?}"));
    let line = String::from_utf8_lossy(&bytes[..length]);
    assert!(line.starts_with("<27>"), "an error: {line}");
    assert!(line.ends_with(&expected()), "{line}");
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, word, how] = args.as_slice() {
        assert_eq!(word, "daemon");
        return be_daemon(how);
    }
    on_standard_output_it_is_a_line_with_its_place();
    in_the_background_it_is_in_syslog();
    let _ = writeln!(
        std::io::stdout(),
        "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out"
    );
}
