//! `lvsd -t` as configuration management runs it before a file is put in place (`validate=`): exit
//! status, standard error, and odd things given as the file. No kernel with IPVS and no right needed.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::stat::Mode;
use nix::unistd::{Uid, mkfifo};

const NOBODY: u32 = 65534;
/// Many times what it takes on a loaded machine; a FIFO's writer would never come.
const LIMIT: Duration = Duration::from_secs(60);

const GOOD: &str = "\
serial_no = 1
virtual web {
 active = 1
 address = 192.0.2.1 eth0:1
 port = 80
 server a {
  active = 1
  address = 192.0.2.11
 }
}
";

/// A directory of the test's own, gone at its end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lvsd-t-{}-{name}", std::process::id()));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
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
fn check(path: &Path) -> (i32, String, String) {
    ended(Command::new(env!("CARGO_BIN_EXE_lvsd")), path)
}

fn ended(mut lvsd: Command, path: &Path) -> (i32, String, String) {
    lvsd.arg("-t").arg("-c").arg(path).stdin(Stdio::null());
    let began = Instant::now();
    let output = lvsd.output().unwrap();
    assert!(began.elapsed() < LIMIT, "{:?}", began.elapsed());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// Standard error of a run that failed with status 1 and said nothing on standard output.
fn refusal(path: &Path) -> Vec<String> {
    let (status, out, err) = check(path);
    assert_eq!((status, out.as_str()), (1, ""), "{err}");
    err.lines().map(str::to_owned).collect()
}

#[test]
fn a_clean_file_gives_status_0_and_the_plan() {
    let place = Place::new("clean");
    let (status, out, err) = check(&place.file(GOOD));
    assert_eq!(status, 0, "{err}");
    let plan: Vec<&str> = out.lines().collect();
    assert_eq!(plan[0], "/sbin/ipvsadm --set 0 0 0");
    assert_eq!(plan[1], "/sbin/ipvsadm -A -t 192.0.2.1:80 -s wlc");
    assert!(plan[2].starts_with("/usr/sbin/nanny -c -h 192.0.2.11 -p 80 "));
}

#[test]
fn a_shared_process_is_printed_once_and_its_nannies_as_comments() {
    let place = Place::new("shared");
    let server = "server a {\n  active = 1\n  address = 192.0.2.11\n }\n";
    let other = server
        .replace("server a", " server b")
        .replace("2.11", "2.12");
    let two = GOOD.replace(server, &format!("{server}{other}"));
    let (status, out, err) = check(&place.file(format!("nannies = shared\n{two}")));
    assert_eq!(status, 0, "{err}");
    let plan: Vec<&str> = out.lines().skip(2).collect();
    assert_eq!(plan.len(), 3, "{out}");
    assert_eq!(plan[0], "/usr/sbin/nanny -c --shared --lvs");
    assert!(plan[1].starts_with("# /usr/sbin/nanny -c -h 192.0.2.11 "));
    assert!(plan[2].starts_with("# /usr/sbin/nanny -c -h 192.0.2.12 "));
}

/// Each sample file of the configuration against `golden/NAME.plan`; `UPDATE_GOLDEN=1` rewrites
/// those, and the difference is read.
#[test]
fn each_sample_gives_the_recorded_plan() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let samples = here.join("../../crates/lvs-config/tests/samples");
    let mut count = 0;
    for entry in fs::read_dir(samples).unwrap() {
        let path = entry.unwrap().path();
        let (status, plan, err) = check(&path);
        assert_eq!(status, 0, "{err}");
        let name = path.file_stem().unwrap().to_str().unwrap();
        let golden = here.join(format!("golden/{name}.plan"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &plan).unwrap();
        }
        assert_eq!(plan, fs::read_to_string(golden).unwrap(), "{name}");
        count += 1;
    }
    assert!(count >= 10, "{count} samples");
}

/// The words that a shell makes of a line.
fn shell(line: &[u8]) -> Vec<Vec<u8>> {
    let script = [b"set -- ", line, b"\nprintf '%s\\0' \"$@\""].concat();
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(OsStr::from_bytes(&script));
    let output = shell.stdin(Stdio::null()).output().unwrap();
    let words = output.stdout.strip_suffix(b"\0").unwrap_or_default();
    words.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect()
}

#[test]
fn a_shell_takes_each_line_apart_into_the_words_that_are_meant() {
    let place = Place::new("shell");
    let send = b"-a $HOME `id` $(id) 'y' ; * %s \xe4\\\\";
    let mut text = b"ipvsadm = \"/opt/my tools/ipvsadm\"\n".to_vec();
    text.extend(GOOD.replace(" port = 80\n", "").into_bytes());
    let at = text.iter().rposition(|byte| *byte == b'}').unwrap();
    let more = [
        b" client_monitor = \"/opt/it's/nanny\"\n send = \"",
        &send[..],
        b"\"\n expect = \"\"\n",
    ];
    text.splice(at..at, more.concat());
    let output = Command::new(env!("CARGO_BIN_EXE_lvsd"))
        .arg("-t")
        .arg("-c")
        .arg(place.file(&text))
        .output()
        .unwrap();
    let lines: Vec<&[u8]> = output.stdout.split(|byte| *byte == b'\n').collect();
    let words = |line: usize| shell(lines[line]);
    assert_eq!(words(0)[..2], [&b"/opt/my tools/ipvsadm"[..], b"--set"]);
    assert_eq!(words(1)[1..4], [&b"-A"[..], b"-t", b"192.0.2.1:80"]);
    let nanny = words(2);
    assert_eq!(nanny[..2], [&b"/opt/it's/nanny"[..], b"-c"]);
    assert_eq!(nanny[8..12], [b"-s", &send[..], b"-x", b""]);
}

#[test]
fn a_warning_gives_status_0_too_and_a_note_is_told() {
    let place = Place::new("warning");
    let file = place.file(format!("serial_no = 1\naudit_interval = 2\n{GOOD}"));
    let (status, _, err) = check(&file);
    assert_eq!(status, 0, "{err}");
    let name = file.display();
    assert!(
        err.contains(&format!("{name}:3:13: warning: serial_no")),
        "{err}"
    );
    assert!(err.contains(&format!("{name}:2:1: note: ")), "{err}");
}

#[test]
fn what_is_left_out_gives_status_1_beside_the_plan() {
    let place = Place::new("left-out");
    let (status, out, err) = check(&place.file(GOOD.repeat(2).as_bytes()));
    assert_eq!(status, 1, "{err}");
    assert!(err.contains(": left out: virtual web"), "{err}");
    assert_eq!(out.lines().count(), 3, "{out}");
}

#[test]
fn a_refused_file_gives_status_1_and_every_fault_with_line_and_column() {
    let place = Place::new("refused");
    let file = place.file(format!("keepalive = soon\n{GOOD}bogus = 1\n"));
    let lines = refusal(&file);
    let name = file.display();
    assert_eq!(lines[0], format!("lvs: error parsing {name} on line 1."));
    assert!(lines[1].starts_with(&format!("{name}:1:13: integer expected: ")));
    assert!(lines[2].starts_with(&format!("{name}:12:1: unknown command: ")));
    assert_eq!(lines.len(), 3, "{lines:?}");
}

#[test]
fn what_is_no_file_is_named_with_the_reason() {
    let place = Place::new("no-file");
    let fifo = place.0.join("fifo");
    mkfifo(&fifo, Mode::S_IRUSR).unwrap();
    let cases = [
        (place.0.clone(), "Is a directory"),
        (fifo, "not a regular file"),
        ("/dev/zero".into(), "not a regular file"),
        (place.0.join("none"), "No such file or directory"),
        (place.0.join("none/lvs.cf"), "No such file or directory"),
    ];
    for (path, reason) in cases {
        let name = path.display();
        let expected = [
            format!("lvs: failed to open {name}"),
            format!("{name}: {reason}"),
        ];
        assert_eq!(refusal(&path), expected);
    }
}

#[test]
fn empty_and_endless_files_are_refused_as_a_whole() {
    let place = Place::new("size");
    let file = place.file("");
    assert!(refusal(&file)[1].contains(": Empty configuration: "));
    let file = place.file("#".repeat(1024 * 1024 + 1));
    assert!(refusal(&file)[1].contains("1 MiB"));
}

#[test]
fn ten_thousand_services_are_planned() {
    use std::fmt::Write;
    let place = Place::new("many");
    let mut text = String::new();
    for port in 1..=10_000 {
        writeln!(
            text,
            "virtual v {{\nactive = 1\naddress = 10.0.0.1 e\nport = {port}\nserver s {{\n\
             active = 1\naddress = 10.0.0.2\n}}\n}}"
        )
        .unwrap();
    }
    let (status, out, err) = check(&place.file(&text));
    assert_eq!((status, out.lines().count()), (0, 20_001), "{err}");
}

/// As root this drops root; without root there is nothing to drop.
#[test]
fn without_privilege_a_file_is_checked_and_a_secret_one_is_named() {
    let place = Place::new("nobody");
    // Where the build lies, another user may not be let in.
    let program = place.0.join("lvsd");
    fs::copy(env!("CARGO_BIN_EXE_lvsd"), &program).unwrap();
    let run = |file: &Path| {
        let mut lvsd = Command::new(&program);
        if Uid::effective().is_root() {
            lvsd.uid(NOBODY).gid(NOBODY);
        }
        ended(lvsd, file)
    };

    let file = place.file(GOOD);
    let (status, out, err) = run(&file);
    assert_eq!((status, out.lines().count()), (0, 3), "{err}");
    let why = "lvs: plan against an empty table: ";
    assert!(err.starts_with(why), "{err}");

    let secret = place.0.join("secret.cf");
    let mut options = fs::OpenOptions::new();
    options
        .write(true)
        .create_new(true)
        .mode(0o000)
        .open(&secret)
        .unwrap();
    let (status, _, err) = run(&secret);
    let name = secret.display();
    let expected = format!("lvs: failed to open {name}\n{name}: Permission denied\n");
    assert_eq!((status, err), (1, expected));
}
