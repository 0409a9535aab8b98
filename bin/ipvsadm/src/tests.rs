//! The program as a whole, on a fake table: the original's refusals and effects, restore, streams.

use std::ffi::OsString;
use std::io::{self, Write};

use testkit::FakeIpvs;

use crate::test_names::ENVIRONMENT;
use crate::{Streams, run};

/// Cases run with the original: exit status, arguments, standard error.
const REFUSALS: &str = include_str!("vectors/refusals.tsv");
/// Commands run with the original on an empty table, and what it saved then.
const EFFECTS: &str = include_str!("vectors/effects.txt");

/// What a run left behind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) status: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn run_words(table: &mut FakeIpvs, words: &[&str], input: &str) -> Outcome {
    let arguments: Vec<OsString> = ["ipvsadm"]
        .iter()
        .chain(words)
        .map(OsString::from)
        .collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let streams = Streams {
        input: &mut input.as_bytes(),
        out: &mut out,
        err: &mut err,
    };
    let status = run(&arguments, || Ok(table), ENVIRONMENT, streams);
    Outcome {
        status,
        out: String::from_utf8(out).unwrap(),
        err: String::from_utf8(err).unwrap(),
    }
}

/// Runs a line whose only quoting is `''` for an empty word.
pub(crate) fn run_line(table: &mut FakeIpvs, line: &str) -> Outcome {
    let word = |word| if word == "''" { "" } else { word };
    let words: Vec<_> = line.split(' ').map(word).collect();
    run_words(table, &words, "")
}

pub(crate) fn done(out: &str) -> Outcome {
    Outcome {
        status: 0,
        out: out.to_owned(),
        err: String::new(),
    }
}

pub(crate) fn failed(status: u8, err: &str) -> Outcome {
    Outcome {
        status,
        out: String::new(),
        err: err.to_owned(),
    }
}

pub(crate) fn table_with(lines: &[&str]) -> FakeIpvs {
    let mut table = FakeIpvs::default();
    for line in lines {
        assert_eq!(run_line(&mut table, line), done(""), "{line}");
    }
    table
}

pub(crate) fn saved(table: &mut FakeIpvs) -> String {
    let outcome = run_line(table, "-S -n");
    assert_eq!((outcome.status, outcome.err.as_str()), (0, ""));
    outcome.out
}

#[test]
fn every_refusal_reads_as_the_originals() {
    for row in REFUSALS.lines() {
        let mut fields = row.split('\t');
        let (status, line, message) = (
            fields.next().unwrap(),
            fields.next().unwrap(),
            fields.next().unwrap(),
        );
        let mut table = table_with(&[
            "-A -t 10.0.0.9:80 -s rr",
            "-a -t 10.0.0.9:80 -r 10.0.0.20 -g",
        ]);
        if line.contains("nodev0") {
            table.refuse_op(0, ipvs::Errno::ENODEV);
        }
        let message = message.replace("\\n", "\n") + "\n";
        assert_eq!(
            run_line(&mut table, line),
            failed(status.parse().unwrap(), &message),
            "{line}"
        );
    }
}

#[test]
fn every_effect_is_saved_as_the_originals() {
    let mut cases: Vec<(&str, String)> = Vec::new();
    for line in EFFECTS.lines() {
        match line.strip_prefix("    ") {
            Some(wanted) => {
                let case = cases.last_mut().unwrap();
                case.1.push_str(wanted);
                case.1.push('\n');
            }
            None => cases.push((line, String::new())),
        }
    }
    for (commands, wanted) in cases {
        let lines: Vec<_> = commands.split(" ;; ").collect();
        let mut table = table_with(&lines);
        assert_eq!(saved(&mut table), wanted, "{commands}");
        let mut restored = FakeIpvs::default();
        assert_eq!(run_words(&mut restored, &["-R"], &wanted), done(""));
        assert_eq!(saved(&mut restored), wanted, "{commands}");
    }
}

#[test]
fn help_and_version_need_no_kernel_and_name_every_option() {
    for (words, start) in [
        (&["-h", "-L", "-q"][..], "ipvsadm v1."),
        (&["--help"], "ipvsadm v1."),
        (&["-vL"], "ipvsadm v1."),
    ] {
        let arguments: Vec<OsString> = ["/sbin/ipvsadm"]
            .iter()
            .chain(words)
            .map(OsString::from)
            .collect();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let streams = Streams {
            input: &mut io::empty(),
            out: &mut out,
            err: &mut err,
        };
        let open = || -> Result<FakeIpvs, ipvs::IpvsError> { Err(ipvs::IpvsError::NoIpvs) };
        assert_eq!(run(&arguments, open, ENVIRONMENT, streams), 0);
        let out = String::from_utf8(out).unwrap();
        assert!(out.starts_with(start) && out.contains("IPVS v1.2.1"));
        if words.contains(&"--help") {
            assert!(out.contains("\n  /sbin/ipvsadm -D virtual-service\n"));
            for row in crate::options::TABLE.all() {
                let long = row.long_name().map(|name| format!("--{name} "));
                let letter = row.short_name().map(|letter| format!("-{letter} "));
                for name in [long, letter].into_iter().flatten() {
                    assert!(out.contains(&name), "{name}");
                }
            }
        }
    }
}

#[test]
fn the_manual_names_every_option() {
    let manual = include_str!("../../../man/ipvsadm.8").replace('\\', "");
    for row in crate::options::TABLE.all() {
        let long = row.long_name().map(|name| format!("fB--{name}fP"));
        let letter = row.short_name().map(|letter| format!("fB-{letter}fP"));
        for name in [long, letter].into_iter().flatten() {
            assert!(manual.contains(&name), "{name}");
        }
    }
}

#[test]
fn without_a_kernel_even_a_wrong_argument_is_a_failed_start() {
    let arguments: Vec<OsString> = ["ipvsadm", "-q"].map(OsString::from).into();
    let mut err = Vec::new();
    let streams = Streams {
        input: &mut io::empty(),
        out: &mut io::sink(),
        err: &mut err,
    };
    let open = || -> Result<FakeIpvs, ipvs::IpvsError> {
        Err(ipvs::IpvsError::Kernel(ipvs::Errno::EPERM))
    };
    assert_eq!(run(&arguments, open, ENVIRONMENT, streams), 2);
    assert_eq!(
        String::from_utf8(err).unwrap(),
        "Can't initialize ipvs: Permission denied (you must be root)\n\
         Are you sure that IP Virtual Server is built in the kernel or as module?\n"
    );
}

#[test]
fn no_arguments_list_everything() {
    let mut table = table_with(&[
        "-A -t 10.0.0.1:80 -s rr",
        "-a -t 10.0.0.1:80 -r 10.0.0.2 -m",
    ]);
    let outcome = run_words(&mut table, &[], "");
    assert_eq!(outcome, run_line(&mut table, "-L"));
    let lines: Vec<_> = outcome.out.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            "Prot LocalAddress:Port Scheduler Flags",
            "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn",
            "TCP  10.0.0.1:http rr",
            "  -> 10.0.0.2:http                Masq    1      0          0         ",
        ]
    );
}

const SERVICE_1: &str = "-A -t 10.0.0.1:80 -s rr";
const SERVICE_2: &str = "-A -t 10.0.0.2:80 -s rr";

/// Restores `input` on an empty table: status, messages, the table afterwards.
fn restored(input: &str) -> (u8, String, String) {
    let mut table = FakeIpvs::default();
    let outcome = run_words(&mut table, &["-R"], input);
    assert_eq!(outcome.out, "");
    (outcome.status, outcome.err, saved(&mut table))
}

#[test]
fn a_restore_forgets_what_the_kernel_refused_unless_it_was_the_last_line() {
    let exists = "Service already exists\n";
    let (one, both) = (
        format!("{SERVICE_1}\n"),
        format!("{SERVICE_1}\n{SERVICE_2}\n"),
    );
    assert_eq!(
        restored(&format!("{one}{one}{SERVICE_2}")),
        (0, exists.to_owned(), both)
    );
    assert_eq!(
        restored(&format!("{one}{one}\n \t\r\n")),
        (255, exists.to_owned(), one)
    );
}

#[test]
fn a_restore_stops_at_an_argument_error_but_not_at_one_of_popt() {
    let one = format!("{SERVICE_1}\n");
    let both = format!("{SERVICE_1}\n{SERVICE_2}\n");
    let bad = "illegal virtual server address[:port] specified\n".to_owned();
    assert_eq!(
        restored(&format!("{one}-A -t bad:port:x\n{SERVICE_2}\n")),
        (2, bad, one.clone())
    );
    assert_eq!(
        restored(&format!("{one}-A -t 10.0.0.3:80 -q\n{SERVICE_2}\n")),
        (0, "-q: unknown option\n".to_owned(), both)
    );
    let hint = "Try `ipvsadm -h' or 'ipvsadm --help' for more information.\n".to_owned();
    for line in ["# comment", "-R"] {
        assert_eq!(
            restored(&format!("{one}{line}\n{SERVICE_2}\n")),
            (255, hint.clone(), one.clone())
        );
    }
    assert_eq!(
        restored(&format!("{one}-L -t 10.0.0.7:80\n{SERVICE_2}\n")),
        (1, "No such service\n".to_owned(), one)
    );
}

#[test]
fn r_a_restore_within_a_restore_is_checked_before_it_is_refused() {
    let one = "-A -t 10.0.0.1:80 -s rr\n";
    let after = |line: &str| restored(&format!("{one}{line}\n{SERVICE_2}\n"));
    let hint = "Try `ipvsadm -h' or 'ipvsadm --help' for more information.\n";
    assert_eq!(after("-R"), (255, hint.into(), one.into()));
    for (line, message) in [
        (
            "-R -n",
            "Illegal 'numeric' option with the 'restore' command\n",
        ),
        ("-R word", "unexpected argument word\n"),
    ] {
        assert_eq!(after(line), (2, message.into(), one.into()), "{line}");
    }
    let table = format!("{one}{SERVICE_2}\n");
    assert_eq!(after("-R -q"), (0, "-q: unknown option\n".into(), table));
}

#[test]
fn a_restore_takes_the_last_line_however_it_ends() {
    let both = format!("{SERVICE_1}\n{SERVICE_2}\n");
    for end in ["", "\n", "  ", " \t\r", "\r\n"] {
        let input = format!("{SERVICE_1}\r\n ipvsadm {SERVICE_2}{end}");
        assert_eq!(
            restored(&input),
            (0, String::new(), both.clone()),
            "{end:?}"
        );
    }
}

#[test]
fn listings_within_a_restore_see_the_lines_before_them() {
    let mut table = FakeIpvs::default();
    let input = format!("{SERVICE_1}\n-S -n\n{SERVICE_2}\n-v\n-C\n");
    let outcome = run_words(&mut table, &["-R"], &input);
    assert_eq!((outcome.status, outcome.err.as_str()), (0, ""));
    assert!(
        outcome
            .out
            .starts_with(&format!("{SERVICE_1}\nipvsadm v1."))
    );
    assert_eq!(saved(&mut table), format!("{SERVICE_1}\n{SERVICE_2}\n"));
}

#[test]
fn messages_of_a_long_restore_come_in_line_order() {
    let mut input = String::new();
    for number in 0..3000 {
        input.push_str(&format!("-A -f {}\n", number / 2 + 1));
        if number % 1000 == 999 {
            input.push_str(&format!("-L -f {number} -q\n"));
        }
    }
    let mut table = FakeIpvs::default();
    let outcome = run_words(&mut table, &["-R"], &input);
    let refused: Vec<_> = outcome.err.lines().collect();
    assert_eq!(refused.len(), 1503);
    let popt: Vec<_> = refused
        .iter()
        .enumerate()
        .filter(|(_, line)| **line == "-q: unknown option")
        .map(|(place, _)| place)
        .collect();
    assert_eq!(popt, [500, 1001, 1502]);
    assert_eq!(saved(&mut table).lines().count(), 1500);
}

struct Broken(io::ErrorKind);

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn output_that_cannot_be_written_is_noticed_and_a_closed_pipe_is_quiet() {
    for (kind, message) in [
        (io::ErrorKind::BrokenPipe, false),
        (io::ErrorKind::StorageFull, true),
    ] {
        let mut table = table_with(&[SERVICE_1]);
        let arguments: Vec<OsString> = ["ipvsadm", "-S"].map(OsString::from).into();
        let mut err = Vec::new();
        let streams = Streams {
            input: &mut io::empty(),
            out: &mut Broken(kind),
            err: &mut err,
        };
        assert_eq!(run(&arguments, || Ok(&mut table), ENVIRONMENT, streams), 1);
        assert_eq!(!err.is_empty(), message);
    }
}
