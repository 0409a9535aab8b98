//! `lvsd -t` as configuration management runs it before a file is put in place (`validate=`): exit
//! status, standard error, and odd things given as the file. No kernel with IPVS and no right needed.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use testkit::{DryRun, Ended, Place};

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

const LVSD: DryRun = DryRun {
    program: env!("CARGO_BIN_EXE_lvsd"),
    words: &["-t"],
    says: "lvs",
};

#[test]
fn a_clean_file_gives_status_0_and_the_plan() {
    let place = Place::new("clean");
    let Ended { status, out, err } = LVSD.check(&place.file(GOOD));
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
    let Ended { status, out, err } = LVSD.check(&place.file(format!("nannies = shared\n{two}")));
    assert_eq!(status, 0, "{err}");
    let plan: Vec<&str> = out.lines().skip(2).collect();
    assert_eq!(plan.len(), 3, "{out}");
    assert_eq!(plan[0], "/usr/sbin/nanny -c --shared --lvs");
    assert!(plan[1].starts_with("# /usr/sbin/nanny -c -h 192.0.2.11 "));
    assert!(plan[2].starts_with("# /usr/sbin/nanny -c -h 192.0.2.12 "));
}

#[test]
fn those_that_start_programs_share_a_process_of_their_own() {
    let place = Place::new("programs");
    let web = GOOD.replace("serial_no = 1\n", "nannies = shared\n");
    let program = web
        .replace("nannies = shared\n", "")
        .replace("2.1 ", "2.2 ");
    let program = program.replace(
        " port = 80\n",
        " port = 80\n send_program = \"/bin/true\"\n",
    );
    let Ended { status, out, err } = LVSD.check(&place.file(format!("{web}{program}")));
    assert_eq!(status, 0, "{err}");
    let pools: Vec<&str> = out
        .lines()
        .filter(|line| line.contains("--shared"))
        .collect();
    assert_eq!(
        pools,
        [
            "/usr/sbin/nanny -c --shared --lvs",
            "/usr/sbin/nanny -c --shared --programs --lvs"
        ]
    );
}

#[test]
fn an_expression_that_costs_too_much_is_refused_with_line_and_column() {
    let place = Place::new("costly");
    let expect = " use_regex = 1\n expect = \"(((a{1,100}){1,100}){1,100})\"\n server a {";
    let lines = LVSD.refusal(&place.file(GOOD.replace(" server a {", expect)));
    let said = ":7:11: invalid argument: expect with use_regex = 1: expression is too large: ";
    assert!(lines.iter().any(|line| line.contains(said)), "{lines:?}");
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
        let ended = LVSD.check(&path);
        assert_eq!(ended.status, 0, "{}", ended.err);
        let plan = ended.out;
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
    let output = LVSD.command(&place.file(&text)).output().unwrap();
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
    LVSD.tells_a_warning_and_a_note(&Place::new("warning"), GOOD);
}

#[test]
fn what_is_left_out_gives_status_1_beside_the_plan() {
    let place = Place::new("left-out");
    let Ended { status, out, err } = LVSD.check(&place.file(GOOD.repeat(2).as_bytes()));
    assert_eq!(status, 1, "{err}");
    assert!(err.contains(": left out: virtual web"), "{err}");
    assert_eq!(out.lines().count(), 3, "{out}");
}

#[test]
fn a_refused_file_gives_status_1_and_every_fault_with_line_and_column() {
    let first = |name: &str| format!("lvs: error parsing {name} on line 1.");
    LVSD.names_both_faults(&Place::new("refused"), GOOD, first);
}

#[test]
fn what_is_no_file_is_named_with_the_reason() {
    LVSD.refuses_what_is_no_file(&Place::new("no-file"));
}

#[test]
fn an_empty_file_is_refused() {
    let place = Place::new("empty");
    let lines = LVSD.refusal(&place.file(""));
    assert!(lines[1].contains(": Empty configuration: "), "{lines:?}");
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
    let Ended { status, out, err } = LVSD.check(&place.file(&text));
    assert_eq!((status, out.lines().count()), (0, 20_001), "{err}");
}

/// As root this drops root; without root there is nothing to drop.
#[test]
fn without_privilege_a_file_is_checked_and_a_secret_one_is_named() {
    let place = Place::new("nobody");
    let Ended { status, out, err } = LVSD.check_without_privilege(&place, &place.file(GOOD));
    assert_eq!((status, out.lines().count()), (0, 3), "{err}");
    let why = "lvs: plan against an empty table: ";
    assert!(err.starts_with(why), "{err}");

    let secret = place.path().join("secret.cf");
    let mut options = fs::OpenOptions::new();
    options
        .write(true)
        .create_new(true)
        .mode(0o000)
        .open(&secret)
        .unwrap();
    let Ended { status, err, .. } = LVSD.check_without_privilege(&place, &secret);
    let name = secret.display();
    let expected = format!("lvs: failed to open {name}\n{name}: Permission denied\n");
    assert_eq!((status, err), (1, expected));
}
