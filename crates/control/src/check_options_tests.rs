//! What is written is read as the same.

use std::os::unix::ffi::OsStringExt;
use std::sync::LazyLock;

use lvs_model::Random;
use popt::{Item, Scanner, Table};

use super::*;

/// What the original knows, in the order of lvsd.
static ORIGINAL: &[&CheckOption] = &[
    &PORT,
    &SEND_PROGRAM,
    &SEND,
    &EXPECT,
    &REGEX,
    &SUPPRESS,
    &REENTRY,
    &INTERVAL,
];

fn all() -> impl Iterator<Item = &'static CheckOption> {
    ORIGINAL.iter().chain(EXTENSIONS).copied()
}

static TABLE: LazyLock<Table<&CheckOption>> = LazyLock::new(|| {
    let rows: Vec<_> = all().map(|option| option.row.with_key(option)).collect();
    Table {
        rows: rows.leak(),
        help_rows: &[],
    }
});

fn written(check: &CheckSpec) -> Vec<OsString> {
    let mut argv = Vec::new();
    for option in all() {
        option.write(check, &mut argv);
    }
    argv
}

fn read(argv: &[OsString]) -> Result<CheckSpec, String> {
    let mut check = CheckSpec::default();
    for item in Scanner::new(&TABLE, argv.iter().map(OsString::as_os_str)) {
        match item.map_err(|error| error.to_string())? {
            Item::Word(word) => return Err(format!("{word:?} is left")),
            Item::Option(option, value) => option
                .read(&mut check, value)
                .map_err(|error| error.to_string())?,
        }
    }
    Ok(check)
}

fn text(random: &mut Random) -> Option<OsString> {
    const BYTES: &[u8] = b"-=ae \\nrt\"'%\x01\n\xff\xc3";
    let length = random.below(8);
    let bytes = (0..length).map(|_| random.pick(BYTES)).collect();
    random.once_in(2).then(|| OsString::from_vec(bytes))
}

fn number(random: &mut Random, limit: u32) -> u32 {
    u32::try_from(random.below(limit.into())).unwrap()
}

fn seconds(random: &mut Random) -> Duration {
    let any = number(random, 1_000_000_000);
    let nanos = random.pick(&[0, 250_000_000, any]);
    // An interval is more than 0.
    Duration::new(1 + random.below(86_400), nanos)
}

/// Each field by its name: one that no option writes falls.
fn any_check(random: &mut Random) -> CheckSpec {
    let port = u16::try_from(random.below(65_536)).unwrap();
    let rise = number(random, 101);
    CheckSpec {
        port: random.once_in(2).then_some(port),
        send: text(random),
        expect: text(random),
        use_regex: random.once_in(2),
        send_program: text(random),
        keeps_backslashes: random.once_in(2),
        timeout: seconds(random),
        reentry: seconds(random),
        fall: number(random, 101),
        rise: random.once_in(2).then_some(rise),
    }
}

#[test]
fn every_check_is_read_as_it_was_written() {
    let mut random = Random::new(1);
    for _ in 0..20_000 {
        let check = any_check(&mut random);
        let argv = written(&check);
        assert_eq!(read(&argv), Ok(check), "{argv:?}");
    }
}

#[test]
fn a_check_is_written_in_the_originals_words() {
    let check = CheckSpec {
        port: Some(8080),
        send: Some("x".into()),
        timeout: Duration::from_millis(1500),
        ..CheckSpec::default()
    };
    let words = ["-r", "8080", "-s", "x", "-a", "180", "-t", "1.5"];
    assert_eq!(written(&check), words);
}

#[test]
fn seconds_are_written_as_in_lvs_cf() {
    for (millis, text) in [
        (10_000, "10"),
        (250, "0.25"),
        (180_000, "180"),
        (1500, "1.5"),
    ] {
        assert_eq!(write_seconds(Duration::from_millis(millis)), text);
    }
}

#[test]
fn what_no_option_takes_is_refused_with_the_word() {
    for (words, message) in [
        (["-t", "x"], "x: invalid numeric value"),
        (["-t", "-1"], "-1: invalid numeric value"),
        (["-t", "0"], "0: an interval must be more than 0"),
        (["-a", "1e9"], "1e9: invalid numeric value"),
        (
            ["-a", "2147483648"],
            "2147483648: number too large or too small",
        ),
        (["-r", "65536"], "65536: number too large or too small"),
        (["--fall", "-1"], "-1: number too large or too small"),
    ] {
        assert_eq!(read(&words.map(OsString::from)), Err(message.into()));
    }
}
