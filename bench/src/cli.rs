//! The command line, and the half that stays on the host: starts the lab, shows what came back.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::checks;
use crate::checks::settings::Settings;
use crate::failover;
use crate::failover::settings::{Beat, NoBeat};
use crate::figure::Subject;
use crate::guest::Bench;
use crate::meter;
use crate::report::Report;
use crate::suite::{CHECKS, FAILOVER, Suite, TABLES};

const USAGE: &str = "\
usage: bench [tables] [--candidate PROGRAM] [--runs N] [COMMON]   what ipvsadm costs
       bench checks [--servers N] [--interval S] [--window S] [--daemons D,D...] [COMMON]
                                                     what health checks cost
       bench failover [--runs N] [--beats S,S...] [COMMON]
                                                     how long a client waits for the partner
--candidate PROGRAM  the ipvsadm to measure (the one beside this program)
--runs N             runs of each measurement; the median counts (3)
--servers N          real servers, up to 20000 (1000)
--interval S         seconds between two checks of one (6)
--window S           seconds of the lab's time in which checks are counted (30)
--daemons D,D...     which are measured (keepalived,nannies,shared)
--beats S,S...       seconds between two heartbeats, to the millisecond; default: as an lvs.cf
                     that says nothing of it (1,0.1,0.01,default)
COMMON:
--json FILE          where the values go, too (bench.json, bench-checks.json,
                     bench-failover.json beside this program)
--timeout SECONDS    limit of the whole run (1200)
The programs lab, bench-floor and bench-empty, and for checks and failover pulse, lvsd and nanny,
are expected beside this program; keepalived is the installed one.
Status: 0 every goal is met, 1 one is missed, 2 wrong usage, 97 no measurement.
";

/// A goal is missed.
const MISSED_STATUS: u8 = 1;
const USAGE_STATUS: u8 = 2;
/// As `lab` ends when the guest came to nothing.
const NO_MEASUREMENT: u8 = 97;

/// Where `lab` keeps the C ipvsadm, and the variable in which it says so.
const PEER_VARIABLE: &str = "CARIBE_C_IPVSADM";
const PEER: &str = "/sbin/ipvsadm";

/// Why there is no measurement.
#[derive(Debug)]
enum Failure {
    Usage(String),
    Io(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) => write!(f, "{what}\n{USAGE}"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

/// Runs `bench` with its arguments (without the program's name); the exit status.
pub fn run(args: &[OsString], out: &mut (dyn Write + Send), err: &mut dyn Write) -> u8 {
    match dispatch(args, out, err) {
        Ok(status) => status,
        Err(failure) => {
            // Nobody is left to hear that standard error is closed.
            let _ = writeln!(err, "bench: {failure}");
            match failure {
                Failure::Usage(_) => USAGE_STATUS,
                Failure::Io(_) => NO_MEASUREMENT,
            }
        }
    }
}

fn dispatch(
    args: &[OsString],
    out: &mut (dyn Write + Send),
    err: &mut dyn Write,
) -> Result<u8, Failure> {
    let own = std::env::current_exe()?;
    let first = args.first().and_then(|word| word.to_str());
    match (first, args) {
        (Some("peak"), [_, file, argv @ ..]) => {
            meter::peak(file, argv)?;
            Ok(0)
        }
        (Some("guest"), [_, suite, words @ ..]) => {
            measure_here(&suite.to_string_lossy(), words, &own, out)?;
            Ok(0)
        }
        (Some("--help" | "-h"), _) => {
            write!(out, "{USAGE}")?;
            Ok(0)
        }
        _ => {
            let options = Options::parse(args, &own)?;
            let report = options.measure(&own, err)?;
            report.write_table(out)?;
            report.write_json(&mut File::create(&options.json)?)?;
            Ok(if report.is_good() { 0 } else { MISSED_STATUS })
        }
    }
}

fn parse_number<T: std::str::FromStr>(word: &OsString) -> Result<T, Failure> {
    word.to_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Failure::Usage(format!("{}: not a number", word.to_string_lossy())))
}

/// The guest half: the words are those of [`Options::guest_words`].
fn measure_here(
    suite: &str,
    words: &[OsString],
    own: &Path,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    match (suite, words) {
        ("tables", [runs, candidate]) => {
            let peer = std::env::var_os(PEER_VARIABLE).unwrap_or_else(|| PEER.into());
            let (peer, candidate) = (Path::new(&peer), Path::new(candidate));
            Bench::new(peer, candidate, own, parse_number(runs)?, out)?.run()?;
        }
        ("checks", [servers, interval, window, daemons]) => {
            let settings = Settings {
                servers: parse_number(servers)?,
                interval: parse_number(interval)?,
            };
            let window = Duration::from_secs(parse_number(window)?);
            checks::run(settings, window, &parse_daemons(daemons)?, out)?;
        }
        ("failover", [runs, beats]) => {
            failover::run(parse_number(runs)?, &parse_beats(beats)?, out)?;
        }
        _ => return Err(Failure::Usage(format!("guest: {suite}"))),
    }
    Ok(())
}

/// Daemons by the names of their columns.
fn parse_daemons(list: &OsString) -> Result<Vec<Subject>, Failure> {
    let text = list.to_string_lossy();
    let one = |word: &str| {
        let is_it = |daemon: &&Subject| daemon.to_string() == word;
        checks::DAEMONS.iter().find(is_it).copied()
    };
    let daemons: Option<Vec<Subject>> = text.split(',').map(one).collect();
    daemons.ok_or_else(|| Failure::Usage(format!("--daemons {text}: no such daemon")))
}

/// Intervals with commas between them.
fn parse_beats(list: &OsString) -> Result<Vec<Beat>, Failure> {
    let text = list.to_string_lossy();
    let beats: Result<Vec<Beat>, NoBeat> = text.split(',').map(str::parse).collect();
    beats.map_err(|NoBeat| Failure::Usage(format!("--beats {text}: neither seconds nor default")))
}

/// The command line of the host half.
#[derive(Debug)]
struct Options {
    suite: &'static Suite,
    candidate: PathBuf,
    runs: usize,
    servers: usize,
    interval: u64,
    window: u64,
    daemons: OsString,
    beats: OsString,
    json: PathBuf,
    timeout: u64,
}

impl Options {
    fn parse(args: &[OsString], own: &Path) -> Result<Self, Failure> {
        let (suite, json, args) = match args.split_first() {
            Some((word, rest)) if word == "tables" => (&TABLES, "bench.json", rest),
            Some((word, rest)) if word == "checks" => (&CHECKS, "bench-checks.json", rest),
            Some((word, rest)) if word == "failover" => (&FAILOVER, "bench-failover.json", rest),
            _ => (&TABLES, "bench.json", args),
        };
        let mut options = Self {
            suite,
            candidate: own.with_file_name("ipvsadm"),
            runs: 3,
            servers: 1000,
            interval: 6,
            window: 30,
            daemons: "keepalived,nannies,shared".into(),
            beats: "1,0.1,0.01,default".into(),
            json: own.with_file_name(json),
            timeout: 1200,
        };
        let mut args = args.iter();
        while let Some(name) = args.next() {
            let name = name.to_string_lossy();
            let value = args
                .next()
                .ok_or_else(|| Failure::Usage(format!("{name}: missing argument or unknown")))?;
            options.set(&name, value)?;
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &OsString) -> Result<(), Failure> {
        match (self.suite.name, name) {
            ("tables", "--candidate") => self.candidate = std::path::absolute(value)?,
            ("tables" | "failover", "--runs") => self.runs = parse_number(value)?,
            ("checks", "--servers") => self.servers = parse_number(value)?,
            ("checks", "--interval") => self.interval = parse_number(value)?,
            ("checks", "--window") => self.window = parse_number(value)?,
            ("checks", "--daemons") => {
                parse_daemons(value)?;
                self.daemons.clone_from(value);
            }
            ("failover", "--beats") => {
                parse_beats(value)?;
                self.beats.clone_from(value);
            }
            (_, "--json") => self.json = value.into(),
            (_, "--timeout") => self.timeout = parse_number(value)?,
            _ => return Err(Failure::Usage(format!("{name}: unknown option"))),
        }
        Ok(())
    }

    /// What the guest half is told.
    fn guest_words(&self) -> Vec<OsString> {
        let number = |number: usize| OsString::from(number.to_string());
        let seconds = |seconds: u64| OsString::from(seconds.to_string());
        let mut words = vec!["guest".into(), self.suite.name.into()];
        match self.suite.name {
            "checks" => words.extend([
                number(self.servers),
                seconds(self.interval),
                seconds(self.window),
                self.daemons.clone(),
            ]),
            "failover" => words.extend([number(self.runs), self.beats.clone()]),
            _ => words.extend([number(self.runs), self.candidate.clone().into()]),
        }
        words
    }

    /// Runs the guest half in the lab and collects its lines; they go to `err` as they come.
    fn measure(&self, own: &Path, err: &mut dyn Write) -> io::Result<Report> {
        let mut lab = Command::new(own.with_file_name("lab"))
            .args(["run", "--kernel", "qemu", "--icount", "--memory", "4G"])
            .args(["--timeout", &self.timeout.to_string(), "--"])
            .arg(own)
            .args(self.guest_words())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut report = Report::of(self.suite);
        let lines = lab.stdout.take().map(BufReader::new);
        for line in lines.into_iter().flat_map(BufRead::lines) {
            let line = line?;
            writeln!(err, "{line}")?;
            match line.parse() {
                Ok(figure) => report.figures.0.push(figure),
                Err(_) => report
                    .notes
                    .push(line.strip_prefix("note ").unwrap_or(&line).into()),
            }
        }
        let status = lab.wait()?;
        if status.success() {
            return Ok(report);
        }
        Err(io::Error::other(format!("the lab's run: {status}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn the_candidate_is_the_one_beside_unless_given() {
        let own = Path::new("/x/bench");
        let options = Options::parse(&words("--runs 5"), own).unwrap();
        assert_eq!(options.candidate, Path::new("/x/ipvsadm"));
        assert_eq!(options.runs, 5);
        let options = Options::parse(&words("--candidate /y/ipvsadm"), own).unwrap();
        assert_eq!(options.candidate, Path::new("/y/ipvsadm"));
    }

    #[test]
    fn beats_are_read_with_commas_between_them() {
        let beats = |text: &str| parse_beats(&text.into()).ok();
        let all = vec![Beat::Every(1000), Beat::Every(100), Beat::Default];
        assert_eq!(beats("1,0.1,default"), Some(all));
        assert_eq!(beats("1,,2"), None);
    }

    #[test]
    fn daemons_go_by_their_columns() {
        let daemons = |text: &str| parse_daemons(&text.into()).ok();
        let two = vec![Subject::Shared, Subject::Keepalived];
        assert_eq!(daemons("shared,keepalived"), Some(two));
        for wrong in ["", "pulse", "shared,", "x"] {
            assert_eq!(daemons(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_wrong_command_line_ends_with_status_2() {
        for line in ["--runs", "--runs x", "--fast yes", "checks --runs 3"] {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            assert_eq!(
                run(&words(line), &mut out, &mut err),
                USAGE_STATUS,
                "{line}"
            );
        }
    }
}
