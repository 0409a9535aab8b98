//! `fos -t` before a file is put in place: exit status, plan, standard error, and odd things given
//! as the file. No right needed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::stat::Mode;
use nix::unistd::{Uid, mkfifo};

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
 start_cmd = \"/nowhere/web start\"
 stop_cmd = \"/nowhere/web stop\"
}
";

/// A directory of the test's own, gone at its end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("fos-t-{}-{name}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join("lvs.cf");
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Status, standard output, standard error.
fn check(side: &str, option: &str, path: &Path) -> (i32, String, String) {
    let mut fos = Command::new(env!("CARGO_BIN_EXE_fos"));
    let output = fos.args([side, option, "-c"]).arg(path).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let status = output.status.code().unwrap();
    (status, text(output.stdout), text(output.stderr))
}

/// Standard error of a run that failed with status 1 and said nothing on standard output.
fn refusal(path: &Path) -> Vec<String> {
    let (status, out, err) = check("-F", "-t", path);
    assert_eq!((status, out.as_str()), (1, ""), "{err}");
    err.lines().map(str::to_owned).collect()
}

#[test]
fn a_clean_file_gives_status_0_and_the_commands_of_that_side() {
    let place = Place::new("clean");
    let file = place.file(GOOD);
    for option in ["-t", "--test-start", "--norun"] {
        let (status, out, err) = check("-F", option, &file);
        assert_eq!((status, err.as_str()), (0, ""), "{out}");
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[..2], ["/nowhere/web stop", "/nowhere/web start"]);
        assert!(lines[2].starts_with("/usr/sbin/nanny -c -h 192.0.2.77 "));
        assert_eq!(lines.len(), 3);
        let (_, out, _) = check("-f", option, &file);
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[0], "/nowhere/web stop");
        assert!(lines[1].ends_with(" --fos"), "{out}");
        assert_eq!(lines.len(), 2);
    }
}

#[test]
fn a_warning_gives_status_0_too_and_a_note_is_told() {
    let place = Place::new("warning");
    let file = place.file(format!("serial_no = 1\naudit_interval = 2\n{GOOD}"));
    let (status, _, err) = check("-F", "-t", &file);
    assert_eq!(status, 0, "{err}");
    assert!(err.contains(":3:13: warning: "), "{err}");
    assert!(err.contains(":2:1: note: "), "{err}");
}

#[test]
fn what_is_left_out_gives_status_1_beside_the_plan() {
    let place = Place::new("left-out");
    let block = "virtual v {\n active = 1\n address = 192.0.2.50 eth0:2\n port = 80\n}\n";
    let file = place.file([GOOD, block, block].concat());
    let (status, out, err) = check("-F", "-t", &file);
    assert_eq!(status, 1, "{err}");
    assert!(err.contains(": left out: "), "{err}");
    assert_eq!(out.lines().count(), 3, "{out}");
}

#[test]
fn a_file_without_anything_for_fos_is_refused_in_the_originals_words() {
    let place = Place::new("lvs");
    let file = place.file("serial_no = 1\n");
    let line = format!("fos: Service type is not \"fos\" in {}", file.display());
    assert_eq!(refusal(&file), [line]);
    let file = place.file("service = fos\n");
    let line = format!("fos: No Failover Services defined in {}.", file.display());
    assert_eq!(refusal(&file), [line]);
}

#[test]
fn a_refused_file_gives_status_1_and_every_fault() {
    let place = Place::new("refused");
    let file = place.file(format!("keepalive = soon\n{GOOD}bogus = 1\n"));
    let name = file.display();
    let lines = refusal(&file);
    assert_eq!(lines[0], format!("fos: error parsing {name} on line 1."));
    assert!(lines[1].starts_with(&format!("{name}:1:13: integer expected: ")));
    assert!(lines[2].starts_with(&format!("{name}:14:1: unknown command: ")));
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(refusal(&place.file("#".repeat(1024 * 1024 + 1)))[1].contains("1 MiB"));
}

#[test]
fn what_is_no_file_is_named_with_the_reason() {
    let place = Place::new("no-file");
    let fifo = place.0.join("fifo");
    mkfifo(&fifo, Mode::S_IRUSR).unwrap();
    for (path, reason) in [
        (place.0.clone(), "Is a directory"),
        (fifo, "not a regular file"),
        (place.0.join("none"), "No such file or directory"),
    ] {
        let name = path.display();
        let expected = [
            format!("fos: failed to open {name}"),
            format!("{name}: {reason}"),
        ];
        assert_eq!(refusal(&path), expected);
    }
}

/// As root this drops root; without root there is nothing to drop.
#[test]
fn without_privilege_a_file_is_checked_all_the_same() {
    const NOBODY: u32 = 65534;
    let place = Place::new("nobody");
    fs::set_permissions(&place.0, fs::Permissions::from_mode(0o755)).unwrap();
    // Where the build lies, another user may not be let in.
    let program = place.0.join("fos");
    fs::copy(env!("CARGO_BIN_EXE_fos"), &program).unwrap();
    let mut fos = Command::new(&program);
    if Uid::effective().is_root() {
        fos.uid(NOBODY).gid(NOBODY);
    }
    let output = fos.args(["-F", "-t", "-c"]).arg(place.file(GOOD)).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout.split(|byte| *byte == b'\n').count(), 4);
}
