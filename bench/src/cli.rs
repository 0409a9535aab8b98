//! The command line, and the half that stays on the host: starts the lab, shows what came back.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::guest::Bench;
use crate::meter;
use crate::report::Report;

const USAGE: &str = "\
usage: bench [--candidate PROGRAM] [--runs N] [--json FILE] [--timeout SECONDS]
--candidate PROGRAM  the ipvsadm to measure (the one beside this program)
--runs N             runs of each measurement; the median counts (3)
--json FILE          where the values go, too (bench.json beside this program)
--timeout SECONDS    limit of the whole run (1200)
The programs lab, bench-floor and bench-empty are expected beside this program.
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
        (Some("guest"), [_, runs, candidate]) => {
            let runs = parse_number(runs)?;
            let peer = std::env::var_os(PEER_VARIABLE).unwrap_or_else(|| PEER.into());
            let mut bench = Bench::new(Path::new(&peer), Path::new(candidate), &own, runs, out)?;
            bench.run()?;
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

/// The command line of the host half.
#[derive(Debug)]
struct Options {
    candidate: PathBuf,
    runs: usize,
    json: PathBuf,
    timeout: u64,
}

impl Options {
    fn parse(args: &[OsString], own: &Path) -> Result<Self, Failure> {
        let mut options = Self {
            candidate: own.with_file_name("ipvsadm"),
            runs: 3,
            json: own.with_file_name("bench.json"),
            timeout: 1200,
        };
        let mut args = args.iter();
        while let Some(name) = args.next() {
            let name = name.to_string_lossy();
            let value = args
                .next()
                .ok_or_else(|| Failure::Usage(format!("{name}: missing argument or unknown")))?;
            match name.as_ref() {
                "--candidate" => options.candidate = std::path::absolute(value)?,
                "--runs" => options.runs = parse_number(value)?,
                "--json" => options.json = value.into(),
                "--timeout" => options.timeout = parse_number(value)?,
                _ => return Err(Failure::Usage(format!("{name}: unknown option"))),
            }
        }
        Ok(options)
    }

    /// Runs the guest half in the lab and collects its lines; they go to `err` as they come.
    fn measure(&self, own: &Path, err: &mut dyn Write) -> io::Result<Report> {
        let mut lab = Command::new(own.with_file_name("lab"))
            .args(["run", "--kernel", "qemu", "--icount", "--memory", "4G"])
            .args(["--timeout", &self.timeout.to_string(), "--"])
            .arg(own)
            .args(["guest", &self.runs.to_string()])
            .arg(&self.candidate)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut report = Report::default();
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
    fn a_wrong_command_line_ends_with_status_2() {
        for line in ["--runs", "--runs x", "--fast yes"] {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            assert_eq!(
                run(&words(line), &mut out, &mut err),
                USAGE_STATUS,
                "{line}"
            );
        }
    }
}
