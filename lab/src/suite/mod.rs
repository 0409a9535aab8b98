//! The lab tests: builds them, runs each binary in a guest of its own, adds up the results.
//!
//! A test that would be skipped fails the run: in the lab everything that a test needs is there.
//! Guests run side by side, one a processor; tests that measure times have the machine to
//! themselves, before the others. Of those the longest has two guests, each for half of its tests.

mod binaries;
mod tally;

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::boot::{Boot, BootError, Job, Kernel};
use crate::failure::Failure;
use crate::options::Options;
use binaries::TestBinary;
use tally::{Tally, complaints};

/// Limit of one test binary: only a hang comes near it, however busy the machine is.
pub(crate) const LIMIT: Duration = Duration::from_secs(1800);
/// Guests at a time, however many processors there are: each may use 1 GiB.
const MOST_GUESTS: usize = 4;

/// Runs `lab test`: the binaries whose names contain one of `filters`, each with `test_args`. The exit
/// status is 0 if every test of every binary passed.
pub(crate) fn run(
    options: &Options,
    filters: &[String],
    test_args: Vec<OsString>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Failure> {
    let is_meant = |name: &str| filters.is_empty() || filters.iter().any(|it| name.contains(it));
    let binaries: Vec<TestBinary> = binaries::build(&options.programs()?)?
        .into_iter()
        .filter(|binary| is_meant(&binary.name))
        .collect();
    if binaries.is_empty() {
        return Err(Failure::NoTest(filters.join(" ")));
    }
    let suite = Suite { options, test_args };
    let one = binaries.len() == 1;
    let (alone, together): (Vec<_>, Vec<_>) =
        binaries.into_iter().partition(|binary| binary.alone || one);
    let mut sum = Tally::default();
    for binary in &alone {
        if binary.halved && suite.test_args.is_empty() && guests_at_a_time() > 1 {
            sum.add(suite.run_together(suite.halves(binary)?, out, err)?);
            continue;
        }
        writeln!(out, "lab: {}", binary.name)?;
        sum.add(suite.run_watched(binary, out, err)?);
    }
    let whole = |binary: &TestBinary| suite.planned(binary, &suite.test_args);
    let together: io::Result<Vec<Planned>> = together.iter().map(whole).collect();
    sum.add(suite.run_together(together?, out, err)?);
    writeln!(
        out,
        "lab result: {} passed, {} failed, {} skipped",
        sum.passed, sum.failed, sum.skipped
    )?;
    Ok(u8::from(sum.failed > 0 || sum.skipped > 0))
}

/// What all binaries are run with.
struct Suite<'a> {
    options: &'a Options,
    test_args: Vec<OsString>,
}

/// A run that is to come.
struct Planned {
    name: String,
    boot: Boot,
    job: Job,
}

/// A run that is over, its output not yet shown.
struct Finished {
    name: String,
    result: Result<u8, BootError>,
    out: Vec<u8>,
    err: Vec<u8>,
    took: Duration,
}

impl Suite<'_> {
    /// The guest that a binary wants, and what runs in it.
    fn planned(&self, binary: &TestBinary, test_args: &[OsString]) -> io::Result<Planned> {
        let mut argv = vec![binary.file.clone().into_os_string()];
        argv.extend(test_args.iter().cloned());
        let mut boot = self.options.boot.clone();
        boot.systemd |= binary.systemd;
        if binary.landlock {
            boot.kernel = Kernel::Qemu;
        }
        let mut job = self.options.job(argv)?;
        job.systemd = boot.systemd;
        let name = binary.name.clone();
        Ok(Planned { name, boot, job })
    }

    /// Two guests for one binary.
    fn halves(&self, binary: &TestBinary) -> io::Result<Vec<Planned>> {
        let halves = binary.halves()?.into_iter().zip(["first", "second"]);
        halves
            .map(|(tests, half)| {
                let args = std::iter::once("--exact".into());
                let args: Vec<OsString> = args.chain(tests.into_iter().map(Into::into)).collect();
                let mut planned = self.planned(binary, &args)?;
                planned.name = format!("{}, {half} half", binary.name);
                Ok(planned)
            })
            .collect()
    }

    /// Runs one with its output shown as it comes.
    fn run_watched(
        &self,
        binary: &TestBinary,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<Tally, Failure> {
        let start = Instant::now();
        let mut tee = Tee {
            out: &mut *out,
            kept: Vec::new(),
        };
        let Planned { boot, job, .. } = self.planned(binary, &self.test_args)?;
        let status = boot.run(&job, &mut tee, err)?;
        let kept = tee.kept;
        self.judge(&binary.name, status, &kept, start.elapsed(), out)
    }

    /// Runs some side by side, the output of each shown when it is over.
    fn run_together(
        &self,
        planned: Vec<Planned>,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Result<Tally, Failure> {
        let (queue, guests) = (Mutex::new(VecDeque::from(planned)), guests_at_a_time());
        let (done, finished) = mpsc::channel::<Finished>();
        thread::scope(|scope| {
            for _ in 0..guests {
                let (queue, done) = (&queue, done.clone());
                scope.spawn(move || {
                    while let Some(planned) = next(queue) {
                        if done.send(run_unseen(planned)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(done);
            let mut sum = Tally::default();
            for one in finished {
                writeln!(out, "lab: {}", one.name)?;
                out.write_all(&one.out)?;
                err.write_all(&one.err)?;
                sum.add(self.judge(&one.name, one.result?, &one.out, one.took, out)?);
            }
            Ok(sum)
        })
    }

    /// Tells what is wrong with a run; its results, a run without one counted as a failure.
    fn judge(
        &self,
        name: &str,
        status: u8,
        output: &[u8],
        took: Duration,
        out: &mut dyn Write,
    ) -> Result<Tally, Failure> {
        let mut tally = Tally::read(&String::from_utf8_lossy(output));
        let complaints = complaints(status, tally, !self.test_args.is_empty());
        for what in &complaints {
            writeln!(out, "lab: {name}: {what}")?;
        }
        if !complaints.is_empty() && tally.failed == 0 {
            tally.failed = 1;
        }
        writeln!(out, "lab: {name}: {} s\n", took.as_secs())?;
        out.flush()?;
        Ok(tally)
    }
}

fn run_unseen(Planned { name, boot, job }: Planned) -> Finished {
    let (start, mut out, mut err) = (Instant::now(), Vec::new(), Vec::new());
    let result = boot.run(&job, &mut out, &mut err);
    Finished {
        name,
        result,
        out,
        err,
        took: start.elapsed(),
    }
}

fn next<T>(queue: &Mutex<VecDeque<T>>) -> Option<T> {
    let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
    queue.pop_front()
}

fn guests_at_a_time() -> usize {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    processors.min(MOST_GUESTS)
}

/// Copies what it is given and keeps it, to be counted afterwards.
struct Tee<'a> {
    out: &'a mut dyn Write,
    kept: Vec<u8>,
}

impl Write for Tee<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.kept.extend_from_slice(bytes);
        self.out.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
