//! The command line, and the half that stays on the host: starts the lab, shows what came back.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use caribe_lab::boot::is_guest;
use caribe_lab::tool::{complete, tell};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, value_parser};
use clap_complete::Shell;

use crate::checks;
use crate::checks::settings::Settings;
use crate::failover;
use crate::failover::settings::Beat;
use crate::figure::Subject;
use crate::guest::Bench;
use crate::meter;
use crate::report::Report;
use crate::suite::{CHECKS, FAILOVER, Suite, TABLES};

/// A goal is missed.
const MISSED_STATUS: u8 = 1;
/// As `lab` ends when the guest came to nothing.
const NO_MEASUREMENT: u8 = 97;

/// Where `lab` keeps the C ipvsadm, and the variable in which it says so.
const PEER_VARIABLE: &str = "CARIBE_C_IPVSADM";
const PEER: &str = "/sbin/ipvsadm";

/// Said instead of a command line: run a program, write the memory it took to a file.
const PEAK: &str = "peak";

/// Measures Caribe in the lab beside the C ipvsadm and keepalived; without a command it does tables.
///
/// It expects the programs lab, bench-floor and bench-empty beside itself; for checks and failover also
/// pulse, lvsd and nanny. keepalived is the installed one.
///
/// The exit status is 0 if every goal is met, 1 if one is missed, 2 for a command line that is not
/// understood, 97 if there is no measurement.
#[derive(Debug, Parser)]
#[command(
    name = "bench",
    bin_name = "bench",
    version,
    no_binary_name = true,
    args_override_self = true,
    args_conflicts_with_subcommands = true
)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<BenchCommand>,
    #[command(flatten)]
    tables: Tables,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    #[command(flatten)]
    Measure(Measurement),
    /// Print the script with which SHELL completes this command line.
    Completions {
        #[arg(value_enum)]
        shell: Shell,
    },
    /// The half inside: measures, and prints a line for each value.
    #[command(hide = true)]
    Guest {
        #[command(subcommand)]
        measurement: Measurement,
    },
}

#[derive(Clone, Debug, Subcommand)]
enum Measurement {
    /// What ipvsadm costs.
    Tables(Tables),
    /// What health checks cost.
    Checks(Checks),
    /// How long a client waits for the partner.
    Failover(Failover),
}

#[derive(Args, Clone, Debug)]
struct Tables {
    /// The ipvsadm to measure; by default the one beside this program.
    #[arg(long, value_name = "PROGRAM")]
    candidate: Option<PathBuf>,
    /// Runs of each measurement; the median counts.
    #[arg(long, value_name = "N", default_value = "3", value_parser = value_parser!(u16).range(1..))]
    runs: u16,
    #[command(flatten)]
    common: Common,
}

#[derive(Args, Clone, Debug)]
struct Checks {
    /// Real servers, as many as fit into an lvs.cf: up to 15000.
    #[arg(long, value_name = "N", default_value = "1000")]
    #[arg(value_parser = value_parser!(u16).range(1..=15_000))]
    servers: u16,
    /// Seconds between two checks of a server.
    #[arg(long, value_name = "SECONDS", default_value = "6", value_parser = value_parser!(u64).range(1..))]
    interval: u64,
    /// Seconds of the lab's time in which checks are counted.
    #[arg(long, value_name = "SECONDS", default_value = "30")]
    #[arg(value_parser = value_parser!(u64).range(1..).map(Duration::from_secs))]
    window: Duration,
    /// What is measured.
    #[arg(long, value_name = "DAEMON,…", value_delimiter = ',', value_parser = daemon())]
    #[arg(default_value = "keepalived,nannies,shared")]
    daemons: Vec<Subject>,
    #[command(flatten)]
    common: Common,
}

#[derive(Args, Clone, Debug)]
struct Failover {
    /// Runs of each measurement; the median counts.
    #[arg(long, value_name = "N", default_value = "3", value_parser = value_parser!(u16).range(1..))]
    runs: u16,
    /// Seconds between two heartbeats, to the millisecond; `default`: an lvs.cf without these settings.
    #[arg(long, value_name = "SECONDS,…", value_delimiter = ',')]
    #[arg(default_value = "1,0.1,0.01,default")]
    beats: Vec<Beat>,
    #[command(flatten)]
    common: Common,
}

#[derive(Args, Clone, Debug)]
struct Common {
    /// File for the values; by default bench.json, bench-checks.json or bench-failover.json beside this
    /// program.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Limit of the whole run.
    #[arg(long, value_name = "SECONDS", default_value = "1200")]
    timeout: u64,
}

/// The daemons by the names of their columns.
fn daemon() -> impl TypedValueParser<Value = Subject> {
    let names = checks::DAEMONS.map(Subject::name);
    PossibleValuesParser::new(names).try_map(|name| {
        let is_it = |daemon: &Subject| daemon.name() == name;
        checks::DAEMONS
            .into_iter()
            .find(is_it)
            .ok_or("no such daemon")
    })
}

/// Runs `bench` with its arguments (without the program's name); the exit status.
pub fn run(args: &[OsString], out: &mut (dyn Write + Send), err: &mut dyn Write) -> u8 {
    dispatch(args, out, err).unwrap_or_else(|error| {
        // Nobody is left to hear that standard error is closed.
        let _ = writeln!(err, "bench: {error}");
        NO_MEASUREMENT
    })
}

fn dispatch(
    args: &[OsString],
    out: &mut (dyn Write + Send),
    err: &mut dyn Write,
) -> io::Result<u8> {
    // Before clap: what this process has touched counts as the peak of the program that it starts.
    if let [word, file, argv @ ..] = args
        && word == PEAK
    {
        return meter::peak(file, argv).map(|()| 0);
    }
    let own = std::env::current_exe()?;
    let line = match CommandLine::try_parse_from(args) {
        Ok(line) => line,
        Err(said) => return tell(&said, out, err),
    };
    match line.command {
        Some(BenchCommand::Measure(measurement)) => measurement.show(args, &own, out, err),
        Some(BenchCommand::Completions { shell }) => {
            complete::<CommandLine>(shell, out).map(|()| 0)
        }
        // As root elsewhere it would empty this machine's own table.
        Some(BenchCommand::Guest { .. }) if !is_guest() => {
            Err(io::Error::other("guest: only the lab itself starts this"))
        }
        Some(BenchCommand::Guest { measurement }) => measurement.here(&own, out).map(|()| 0),
        None => {
            let words = [&["tables".into()], args].concat();
            Measurement::Tables(line.tables).show(&words, &own, out, err)
        }
    }
}

impl Measurement {
    /// What it shows and must reach, and the name of its file.
    fn suite(&self) -> (&'static Suite, &'static str) {
        match self {
            Self::Tables(_) => (&TABLES, "bench.json"),
            Self::Checks(_) => (&CHECKS, "bench-checks.json"),
            Self::Failover(_) => (&FAILOVER, "bench-failover.json"),
        }
    }

    fn common(&self) -> &Common {
        match self {
            Self::Tables(Tables { common, .. })
            | Self::Checks(Checks { common, .. })
            | Self::Failover(Failover { common, .. }) => common,
        }
    }

    /// Measures in the lab, which is told `words`, and shows what came of it; the exit status.
    fn show(
        &self,
        words: &[OsString],
        own: &Path,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> io::Result<u8> {
        let (suite, file) = self.suite();
        let common = self.common();
        let report = in_the_lab(words, common.timeout, Report::of(suite), own, err)?;
        report.write_table(out)?;
        let beside = || own.with_file_name(file);
        report.write_json(&mut File::create(
            common.json.clone().unwrap_or_else(beside),
        )?)?;
        Ok(if report.is_good() { 0 } else { MISSED_STATUS })
    }

    /// The half inside.
    fn here(&self, own: &Path, out: &mut (dyn Write + Send)) -> io::Result<()> {
        match self {
            Self::Tables(tables) => {
                let peer = std::env::var_os(PEER_VARIABLE).unwrap_or_else(|| PEER.into());
                let (peer, candidate) = (Path::new(&peer), tables.candidate(own));
                Bench::new(peer, &candidate, own, tables.runs.into(), out)?.run()
            }
            Self::Checks(checks) => {
                let settings = Settings {
                    servers: checks.servers.into(),
                    interval: checks.interval,
                };
                checks::run(settings, checks.window, &checks.daemons, out)
            }
            Self::Failover(failover) => failover::run(failover.runs.into(), &failover.beats, out),
        }
    }
}

impl Tables {
    fn candidate(&self, own: &Path) -> PathBuf {
        let beside = || own.with_file_name("ipvsadm");
        self.candidate.clone().unwrap_or_else(beside)
    }
}

/// Runs the guest half in the lab, `words` its command line behind `guest`, and collects its lines in
/// `report`; they go to `err` as they come.
fn in_the_lab(
    words: &[OsString],
    timeout: u64,
    mut report: Report,
    own: &Path,
    err: &mut dyn Write,
) -> io::Result<Report> {
    let mut lab = Command::new(own.with_file_name("lab"))
        .args(["run", "--kernel", "qemu", "--icount", "--memory", "4G"])
        .args(["--timeout", &timeout.to_string(), "--"])
        .arg(own)
        .arg("guest")
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
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

#[cfg(test)]
mod tests;
