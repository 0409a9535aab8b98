//! What is measured, in which order. Runs in the lab; one line on `out` for each value.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::figure::{Figure, Subject, Unit};
use crate::meter::{Job, median};
use crate::tables::{Size, in_fresh_namespace};
use crate::traffic;

/// The tables whose restore and listing are measured.
const SIZES: [Size; 3] = [size(1, 100), size(100, 100), size(1000, 1)];
/// 100 000 rules: for memory.
const LARGE: Size = size(1000, 99);
/// Entries of the connection table.
const CONNECTIONS: u32 = 30_000;

const fn size(services: u32, destinations: u32) -> Size {
    Size {
        services,
        destinations,
    }
}

/// The programs, copied into memory so that no file sharing is measured, and a place for files.
#[derive(Debug)]
pub struct Bench<'o> {
    peer: PathBuf,
    candidate: PathBuf,
    floor: PathBuf,
    empty: PathBuf,
    own: PathBuf,
    dir: PathBuf,
    runs: usize,
    out: Out<'o>,
}

/// Where the values go.
struct Out<'o>(&'o mut (dyn Write + Send));

impl std::fmt::Debug for Out<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Out")
    }
}

impl<'o> Bench<'o> {
    /// Copies the programs to /run, which is memory in the lab. The floor and the empty program
    /// are beside `own`.
    ///
    /// # Errors
    /// A program is missing, or /run cannot be written.
    pub fn new(
        peer: &Path,
        candidate: &Path,
        own: &Path,
        runs: usize,
        out: &'o mut (dyn Write + Send),
    ) -> io::Result<Self> {
        let dir = PathBuf::from("/run/bench");
        fs::create_dir_all(&dir)?;
        let copy = |program: &Path, name: &str| {
            let place = dir.join(name);
            fs::copy(program, &place).map(|_| place).map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", program.display()))
            })
        };
        Ok(Self {
            peer: copy(peer, "peer")?,
            candidate: copy(candidate, "candidate")?,
            floor: copy(&own.with_file_name("bench-floor"), "floor")?,
            empty: copy(&own.with_file_name("bench-empty"), "empty")?,
            own: copy(own, "bench")?,
            dir,
            runs,
            out: Out(out),
        })
    }

    /// Measures everything.
    ///
    /// # Errors
    /// The C program or the floor fails, or the lab does. A candidate that fails is a note, and the
    /// value is missing.
    pub fn run(&mut self) -> io::Result<()> {
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
        self.note(&format!("kernel {}", kernel.trim()))?;
        Job::new(&self.peer, &["-C"]).run()?;
        self.start()?;
        for size in SIZES {
            self.restore(size)?;
            self.list(size)?;
        }
        self.restore_calls()?;
        self.restore_memory()?;
        in_fresh_namespace(|| self.connections())
    }

    fn start(&mut self) -> io::Result<()> {
        let (peer, candidate) = self.tools();
        let empty = self.empty.clone();
        let scratch = self.dir.join("scratch");
        for (subject, program, args) in [
            (Subject::Peer, &peer, &["-Ln"][..]),
            (Subject::Candidate, &candidate, &["-Ln"]),
            (Subject::Empty, &empty, &[]),
        ] {
            let job = Job::new(program, args);
            self.cpu("start", subject, || job.cpu())?;
            let calls = job.calls(&scratch);
            self.value("start", subject, Unit::Calls, calls)?;
            let peak = job.peak(&self.own, &scratch);
            self.value("start", subject, Unit::Kibibytes, peak)?;
        }
        Ok(())
    }

    fn restore(&mut self, size: Size) -> io::Result<()> {
        let rules = self.write_rules(size)?;
        let what = format!("restore-{size}");
        let (peer, candidate) = self.tools();
        for (subject, program) in [(Subject::Peer, peer), (Subject::Candidate, candidate)] {
            let job = Job::new(&program, &["-R"]).reading(&rules);
            self.cpu(&what, subject, || in_fresh_namespace(|| job.cpu()))?;
        }
        let floor = self.floor.clone();
        let size = size.to_string();
        let args = ["add", &size];
        let job = Job::new(&floor, &args);
        self.cpu(&what, Subject::Floor, || in_fresh_namespace(|| job.cpu()))
    }

    fn list(&mut self, size: Size) -> io::Result<()> {
        let rules = self.dir.join(format!("rules-{size}"));
        in_fresh_namespace(|| {
            Job::new(&self.peer, &["-R"]).reading(&rules).run()?;
            self.compare(&format!("list-{size}"), &["-Ln"], Order::Same)?;
            self.compare(&format!("save-{size}"), &["-Sn"], Order::Same)?;
            if size == SIZES[0] {
                self.compare(&format!("names-{size}"), &["-L"], Order::Same)?;
            }
            let floor = self.floor.clone();
            let job = Job::new(&floor, &["list"]);
            self.cpu(&format!("list-{size}"), Subject::Floor, || job.cpu())?;
            let scratch = self.dir.join("scratch");
            let calls = Job::new(&self.candidate, &["-Ln"]).calls(&scratch);
            self.value(
                &format!("list-{size}"),
                Subject::Candidate,
                Unit::Calls,
                calls,
            )
        })
    }

    /// Calls of nothing, of a small and of a large restore. The C program only does the small one:
    /// under strace its 16 calls a rule take minutes.
    fn restore_calls(&mut self) -> io::Result<()> {
        let (peer, candidate) = self.tools();
        for (what, subject, program, size) in [
            ("restore-nothing", Subject::Candidate, &candidate, None),
            ("restore-nothing", Subject::Peer, &peer, None),
            ("restore-1x100", Subject::Peer, &peer, Some(SIZES[0])),
            (
                "restore-1x100",
                Subject::Candidate,
                &candidate,
                Some(SIZES[0]),
            ),
            (
                "restore-100x100",
                Subject::Candidate,
                &candidate,
                Some(SIZES[1]),
            ),
        ] {
            let rules = size.map(|size| self.write_rules(size)).transpose()?;
            let mut job = Job::new(program, &["-R"]);
            job.input = rules.as_deref();
            let scratch = self.dir.join("scratch");
            let calls = in_fresh_namespace(|| job.calls(&scratch));
            self.value(what, subject, Unit::Calls, calls)?;
        }
        Ok(())
    }

    fn restore_memory(&mut self) -> io::Result<()> {
        let rules = self.write_rules(LARGE)?;
        let scratch = self.dir.join("scratch");
        let job = Job::new(&self.candidate, &["-R"]).reading(&rules);
        let peak = in_fresh_namespace(|| job.peak(&self.own, &scratch));
        let what = format!("restore-{LARGE}");
        self.value(&what, Subject::Candidate, Unit::Kibibytes, peak)
    }

    fn connections(&mut self) -> io::Result<()> {
        traffic::lay_links()?;
        let rules = self.dir.join("rules-traffic");
        fs::write(&rules, traffic::rules())?;
        Job::new(&self.peer, &["-R"]).reading(&rules).run()?;
        // None may expire while they are counted.
        Job::new(&self.peer, &["--set", "0", "0", "86400"]).run()?;
        let found = traffic::fill(CONNECTIONS)?;
        if found != usize::try_from(CONNECTIONS).unwrap_or(usize::MAX) {
            self.note(&format!("{found} connections instead of {CONNECTIONS}"))?;
        }
        let what = format!("connections-{CONNECTIONS}");
        // The timers run on between two runs.
        self.compare(&what, &["-Lcn"], Order::Untold)?;
        let floor = self.floor.clone();
        let job = Job::new(&floor, &["connections"]);
        self.cpu(&what, Subject::Floor, || job.cpu())
    }

    /// Measures both tools with `args`; a note if they do not say the same.
    fn compare(&mut self, what: &str, args: &[&str], order: Order) -> io::Result<()> {
        let (peer, candidate) = self.tools();
        let texts = [self.dir.join("text-c"), self.dir.join("text-candidate")];
        let subjects = [(Subject::Peer, peer), (Subject::Candidate, candidate)];
        for ((subject, program), text) in subjects.iter().zip(&texts) {
            let job = Job::new(program, args).writing(text);
            self.cpu(what, *subject, || job.cpu())?;
        }
        let [c, own] = [fs::read(&texts[0])?, fs::read(&texts[1])?];
        let same = match order {
            Order::Same => c == own,
            Order::Untold => lines(&c) == lines(&own),
        };
        if same {
            return Ok(());
        }
        self.note(&format!("{what}: the outputs differ"))
    }

    /// Measures `runs` runs, after one that does not count.
    fn cpu(
        &mut self,
        what: &str,
        subject: Subject,
        mut once: impl FnMut() -> io::Result<u64>,
    ) -> io::Result<()> {
        let values: io::Result<Vec<u64>> = (0..=self.runs).map(|_| once()).collect();
        let value = values.and_then(|values| {
            let counted = values.into_iter().skip(1).collect();
            median(counted).ok_or_else(|| io::Error::other("no runs"))
        });
        self.value(what, subject, Unit::Kiloinstructions, value)
    }

    fn value(
        &mut self,
        what: &str,
        subject: Subject,
        unit: Unit,
        value: io::Result<u64>,
    ) -> io::Result<()> {
        match value {
            Ok(value) => writeln!(
                self.out.0,
                "{}",
                Figure {
                    what: what.into(),
                    subject,
                    unit,
                    value
                }
            ),
            Err(error) if subject == Subject::Candidate => self.note(&format!("{what}: {error}")),
            Err(error) => Err(error),
        }
    }

    fn note(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out.0, "note {text}")
    }

    fn tools(&self) -> (PathBuf, PathBuf) {
        (self.peer.clone(), self.candidate.clone())
    }

    fn write_rules(&self, size: Size) -> io::Result<PathBuf> {
        let file = self.dir.join(format!("rules-{size}"));
        let mut out = BufWriter::new(File::create(&file)?);
        size.write_rules(&mut out)?;
        out.flush()?;
        Ok(file)
    }
}

/// How two outputs are compared.
#[derive(Clone, Copy)]
enum Order {
    /// Byte for byte.
    Same,
    /// As many lines: they hold what changes with time.
    Untold,
}

fn lines(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}
