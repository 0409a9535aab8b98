//! Odd files by families: each keyword, extensions among them, at each place in both forms with each
//! kind of bad value, and files odd as a whole. Each has its expected verdict.

use lvs_config::{Consequence, EXTENSIONS, KEYWORDS, Keyword, Kind, Place, Reason};

use crate::support::{read_text, verdict};

/// What a bad value is.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Missing,
    Twice,
    WrongType,
    Negative,
    TwoToThe31,
    TwoToThe63,
    EmptyQuotes,
    OpenQuote,
    SixtyFourKib,
}

use Fault::{
    EmptyQuotes, Missing, Negative, OpenQuote, SixtyFourKib, Twice, TwoToThe31, TwoToThe63,
    WrongType,
};

const FAULTS: [Fault; 9] = [
    Missing,
    Twice,
    WrongType,
    Negative,
    TwoToThe31,
    TwoToThe63,
    EmptyQuotes,
    OpenQuote,
    SixtyFourKib,
];

/// A value that the kind takes.
fn good(kind: Kind) -> String {
    match kind {
        Kind::Integer { min, .. } => min.to_string(),
        Kind::Bool => "0".into(),
        Kind::Seconds { max, .. } => (max / 1000).to_string(),
        Kind::Host | Kind::HostOrNone | Kind::Address => "192.0.2.9".into(),
        Kind::AddressDevice => "192.0.2.9 eth0:1".into(),
        Kind::Mask => "255.255.255.0".into(),
        Kind::Port => "8080".into(),
        Kind::Choice(choices) => choices[0].into(),
        Kind::Device => "eth0".into(),
        Kind::User => "checker".into(),
        Kind::Scheduler => "rr".into(),
        Kind::List => "[ /a ]".into(),
        Kind::Word | Kind::Program | Kind::Command | Kind::Text => "word".into(),
        Kind::QuotedCommand | Kind::CheckProgram => "/bin/word".into(),
    }
}

/// A value of another type; a word that is none where any word is good.
fn wrong(kind: Kind) -> &'static str {
    match kind {
        Kind::Scheduler => "sixteen-bytes-xx",
        Kind::Text => "\\d",
        Kind::List => "{ /a }",
        _ => "a/b",
    }
}

/// The statement with the fault in it.
fn statement(keyword: &Keyword, fault: Fault) -> String {
    let first = match fault {
        Missing => return format!("{} =", keyword.name),
        Twice => {
            let value = match keyword.name {
                "scheduler_flags" => "flag-1".into(),
                _ => good(keyword.kind),
            };
            let line = format!("{} = {value}", keyword.name);
            return format!("{line}\n{line}");
        }
        WrongType => wrong(keyword.kind).into(),
        Negative => "-1".into(),
        TwoToThe31 => "2147483648".into(),
        TwoToThe63 => "9223372036854775808".into(),
        EmptyQuotes => "\"\"".into(),
        OpenQuote => "\"x y".into(),
        SixtyFourKib => "x".repeat(64 * 1024),
    };
    let second = match keyword.kind {
        Kind::AddressDevice => " eth0",
        _ => "",
    };
    format!("{} = {first}{second}", keyword.name)
}

/// Why the file is refused, if it is.
fn refused(keyword: &Keyword, fault: Fault) -> Option<Reason> {
    let kind = keyword.kind;
    match (fault, kind) {
        (Missing, Kind::List) => Some(Reason::ListExpected),
        (Missing, _) => Some(Reason::MissingArguments),
        (Twice, _) => None,
        (OpenQuote, _) => Some(Reason::QuotationMismatch),
        (SixtyFourKib, _) => Some(Reason::UnknownError),
        (_, Kind::Integer { .. } | Kind::Seconds { .. } | Kind::Bool) => {
            refused_number(kind, fault)
        }
        (_, Kind::Host | Kind::HostOrNone | Kind::AddressDevice | Kind::Port | Kind::Choice(_)) => {
            Some(Reason::InvalidArgument)
        }
        (_, Kind::Address) => Some(Reason::InvalidHost),
        (_, Kind::Mask) => Some(Reason::BadSubnetMask),
        (_, Kind::List) => Some(Reason::ListExpected),
        // A number of up to fifteen digits may be the name of an interface or a scheduler.
        (Negative | TwoToThe31, Kind::Device | Kind::Scheduler) => None,
        (_, Kind::Device | Kind::Scheduler | Kind::User) => Some(Reason::InvalidArgument),
        (EmptyQuotes, Kind::Program | Kind::CheckProgram) => Some(Reason::InvalidArgument),
        (WrongType, Kind::Text) => Some(Reason::InvalidArgument),
        (EmptyQuotes, Kind::Word) => None,
        // Words, but of those that the scheduler knows.
        (_, Kind::Word) if keyword.name == "scheduler_flags" => Some(Reason::InvalidArgument),
        (_, Kind::Word | Kind::Program | Kind::Command) => None,
        (_, Kind::QuotedCommand | Kind::CheckProgram | Kind::Text) => None,
    }
}

fn refused_number(kind: Kind, fault: Fault) -> Option<Reason> {
    match (fault, kind) {
        (WrongType | EmptyQuotes, _) => Some(Reason::IntegerExpected),
        (_, Kind::Bool) => Some(Reason::BooleanExpected),
        (TwoToThe31, Kind::Integer { max, .. }) if max > 1 << 31 => None,
        _ => Some(Reason::InvalidArgument),
    }
}

/// The file around a statement, and the line that it stands in.
fn file(place: Place, statement: &str) -> (String, u32) {
    match place {
        Place::Global => (
            format!("# odd\n{statement}\n{}", beside(statement, SWITCHES)),
            2,
        ),
        Place::Virtual => (block("virtual", statement, BLOCK), 2),
        Place::Failover => (block("failover", statement, FAILOVER), 2),
        Place::Server => {
            let server = block("server", statement, SERVER);
            (format!("virtual v {{\n{server}{}}}\n", BLOCK.concat()), 3)
        }
    }
}

/// What makes a statement count.
const SWITCHES: &[&str] = &[
    "backup = 192.0.2.2\n",
    "backup_active = 1\n",
    "deadtime = 86400\n",
    "syncdaemon = 1\n",
];
const BLOCK: &[&str] = &["active = 1\n", "address = 192.0.2.1 eth0\n"];
const FAILOVER: &[&str] = &[
    "active = 1\n",
    "address = 192.0.2.1 eth0\n",
    "start_cmd = /x\n",
    "stop_cmd = /x\n",
];
const SERVER: &[&str] = &[
    "active = 1\n",
    "address = 192.0.2.41\n",
    "upper_threshold = 4294967295\n",
];

/// Those of the lines that do not have the statement's keyword.
fn beside(statement: &str, lines: &[&str]) -> String {
    let is_empty = statement.ends_with("_cmd = \"\"");
    let is_no_statement = is_empty || statement.contains("\"x y") || statement.len() > 64 * 1024;
    if is_no_statement {
        // Its keyword is missing then, which is another message.
        return String::new();
    }
    let keyword = |line: &str| line.split(' ').next().map(str::to_owned);
    let own = keyword(statement.trim_start_matches("#:"));
    let others = lines.iter().filter(|line| keyword(line) != own);
    others.copied().collect()
}

/// A block that is in use, unless the statement is about what makes it so.
fn block(kind: &str, statement: &str, lines: &[&str]) -> String {
    let lines = beside(statement, lines);
    format!("{kind} b {{\n{statement}\n{lines}}}\n")
}

#[test]
fn every_keyword_with_every_bad_value_gets_its_verdict_in_both_forms() {
    let mut count = 0;
    for keyword in KEYWORDS.iter().chain(EXTENSIONS) {
        for (place, fault) in keyword
            .places
            .iter()
            .flat_map(|place| FAULTS.map(|fault| (*place, fault)))
        {
            for mark in ["", "#:"] {
                count += 1;
                one_odd_file(keyword, place, fault, mark);
            }
        }
    }
    assert!(count >= 1500, "{count} files");
}

fn one_odd_file(keyword: &Keyword, place: Place, fault: Fault, mark: &str) {
    let what = format!("{mark}{} {place:?} {fault:?}", keyword.name);
    let statement =
        statement(keyword, fault).replace(keyword.name, &format!("{mark}{}", keyword.name));
    let (text, line) = file(place, &statement);
    match (refused(keyword, fault), read_text(text.as_bytes())) {
        (Some(reason), Err(refusal)) => {
            assert_eq!((refusal.reason(), refusal.line()), (reason, line), "{what}");
            let column = refusal.first().map_or(0, |first| first.position.column);
            assert!(column > 0, "{what} has no column");
            assert_eq!(
                refusal
                    .findings
                    .iter()
                    .filter(|f| f.reason.is_some())
                    .count(),
                1,
                "{what}"
            );
        }
        (None, Ok(loaded)) => {
            let warns = |f: &&lvs_config::Finding| f.consequence == Consequence::Warn;
            let second = loaded
                .findings
                .iter()
                .filter(warns)
                .any(|f| f.position.line > line);
            assert_eq!(
                second,
                matches!(fault, Twice),
                "{what}: {:?}",
                loaded.findings
            );
        }
        (Some(reason), Ok(_)) => panic!("{what} was accepted, {reason} expected"),
        (None, Err(refusal)) => panic!("{what} was refused: {refusal}"),
    }
}

#[test]
fn every_keyword_without_effect_at_its_place_is_said_to_have_none() {
    let mut count = 0;
    for keyword in KEYWORDS {
        for place in keyword.idle {
            count += 1;
            let statement = format!("{} = {}", keyword.name, good(keyword.kind));
            let (text, line) = file(*place, &statement);
            let loaded = read_text(text.as_bytes()).expect("accepted");
            let what = format!("{} has no effect in a ", keyword.name);
            let is_it = |f: &lvs_config::Finding| f.position.line == line && f.what.contains(&what);
            assert!(loaded.findings.iter().any(is_it), "{text}");
        }
    }
    assert!(count >= 10, "{count} keywords");
}

#[test]
fn every_keyword_is_unknown_at_every_other_place() {
    for place in [
        Place::Global,
        Place::Virtual,
        Place::Failover,
        Place::Server,
    ] {
        for keyword in KEYWORDS {
            let known = KEYWORDS
                .iter()
                .any(|row| row.name == keyword.name && row.places.contains(&place));
            let (text, line) = file(place, &format!("{} = 1", keyword.name));
            let expected = format!("unknown command {line}");
            assert_eq!(
                verdict(text.as_bytes()) == expected,
                !known,
                "{} {place:?}",
                keyword.name
            );
        }
    }
}

#[test]
fn braces_at_every_level() {
    let rows = [
        ("virtual v {\nserver s {\n}\n", "unexpected end of file 3"),
        ("virtual v {\nserver s {\n", "unexpected end of file 2"),
        ("failover f {\n", "unexpected end of file 1"),
        ("}\n", "unknown command 1"),
        ("virtual v {\nserver s {\n}\n}\n}\n", "unknown command 5"),
        (
            "virtual v {\nserver s {\nserver t {\n}\n}\n}\n",
            "unknown command 3",
        ),
        ("virtual v {\nvirtual w {\n}\n}\n", "unknown command 2"),
        ("server s {\n}\n", "unknown command 1"),
        ("virtual v\n{\n}\n", "missing arguments 1"),
        ("virtual {\n}\n", "missing arguments 1"),
        ("virtual v{\n}\n", "missing arguments 1"),
        ("virtual v { x\n}\n", "unexpected arguments 1"),
        ("virtual v { active = 1 }\n", "unexpected arguments 1"),
        ("virtual v w\n}\n", "missing arguments 1"),
        ("virtual \"my v\"{\n}\n", "unexpected arguments 1"),
        ("virtual \"my v\" \"{\"\n}\n", "ok"),
        ("{\n}\n", "unknown command 1"),
        ("expect {\n}\n", "unknown command 1"),
    ];
    for (text, expected) in rows {
        assert_eq!(verdict(text.as_bytes()), expected, "{text:?}");
    }
}

#[test]
fn bytes_and_comments_in_odd_places() {
    let rows: [(&[u8], &str); 12] = [
        (b"\t\tserial_no\t=\t5\t\n", "ok"),
        (b"serial_no\x0b= 5\n", "unknown command 1"),
        (
            b"serial_no =\xc2\xa05\n",
            "equal (=) expected after command 1",
        ),
        (b"#\n  #\n\t# #\n#\"\n", "ok"),
        (b"# a\rserial_no = 5\r", "ok"),
        (b"serial_no = 5\n\rsync = 0\n\r", "warn 2"),
        (b"virtual v { # web\n}\n", "unexpected arguments 1"),
        (b"virtual \xff\xfe {\n}\n", "ok"),
        (b"\xff\xfes\0", "unknown error 1"),
        (b"\xef\xbb\xbf", "warn 1"),
        (b"#:serial_no = 5\n", "ok"),
        (b"#:serial_no = 5 # c\n", "unexpected arguments 1"),
    ];
    for (text, expected) in rows {
        assert_eq!(
            verdict(text),
            expected,
            "{:?}",
            String::from_utf8_lossy(text)
        );
    }
}

#[test]
fn names_may_repeat_and_ten_thousand_services_are_read() {
    let block = |n: usize| {
        let (high, low) = (n / 250, n % 250);
        format!("virtual v {{\nactive = 1\naddress = 10.1.{high}.{low} eth0\nsend = a\n}}\n")
    };
    let text: String = (0..10_000).map(block).collect();
    let loaded = read_text(text.as_bytes()).expect("accepted");
    assert_eq!(loaded.config.virtuals.len(), 10_000);
}
