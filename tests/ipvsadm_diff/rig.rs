//! Two directors in namespaces of their own, one driven by the C program, one by ours.

use std::fs::File;
use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use ipvs::{Ipvs, NetlinkIpvs};
use lvs_model::{DestinationEntry, IpvsOp, ServiceEntry, SyncDaemon, Timeouts};
use nix::sched::{CloneFlags, setns, unshare};

/// A command line, and what it reads on standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub words: Vec<String>,
    pub input: String,
}

impl Line {
    /// Words separated by blanks; `''` is an empty one, `~` a blank within one.
    pub fn new(text: &str) -> Self {
        Self {
            words: text.split(' ').map(word).collect(),
            input: String::new(),
        }
    }

    /// `-R` with this input.
    pub fn restore(input: impl Into<String>) -> Self {
        Self {
            words: vec!["-R".into()],
            input: input.into(),
        }
    }

    /// Whether it only looks at the table: then both programs look at the same one, because the
    /// kernel's order differs between namespaces.
    fn is_reading(&self) -> bool {
        let first = self.words.first().map_or("", String::as_str);
        ["-L", "-l", "-S", "--list", "--save"]
            .iter()
            .any(|command| first.starts_with(command))
    }
}

fn word(text: &str) -> String {
    if text == "''" {
        String::new()
    } else {
        text.replace('~', " ")
    }
}

/// What a program said and how it ended; 128 and the signal's number if it was killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub status: i32,
    pub out: String,
    pub err: String,
}

/// Everything that a command line can change, in an order of its own.
#[derive(Debug, PartialEq, Eq)]
pub struct Snapshot {
    services: Vec<(ServiceEntry, Vec<DestinationEntry>)>,
    timeouts: Timeouts,
    daemons: Vec<SyncDaemon>,
}

/// One director and the program that drives it.
pub struct Side {
    program: PathBuf,
    namespace: File,
    pub table: NetlinkIpvs,
}

impl Side {
    /// Makes the namespace, an `eth0` that goes nowhere in it, and opens its table.
    fn new(program: PathBuf) -> Self {
        unshare(CloneFlags::CLONE_NEWNET).expect("root, in the lab");
        for arguments in [
            "link set lo up",
            "link add eth0 type dummy",
            "addr add 10.9.0.1/24 dev eth0",
            "link set eth0 up",
            "link add fifteen-letters type dummy",
        ] {
            let status = Command::new("ip").args(arguments.split(' ')).status();
            assert!(status.unwrap().success(), "ip {arguments}");
        }
        Self {
            program,
            namespace: File::open("/proc/thread-self/ns/net").unwrap(),
            table: NetlinkIpvs::open_or_load("/sbin/modprobe".as_ref()).expect("IPVS"),
        }
    }

    /// Goes where this director is.
    pub fn enter(&self) {
        setns(&self.namespace, CloneFlags::CLONE_NEWNET).unwrap();
    }

    /// Runs the program here.
    pub fn run(&self, line: &Line) -> Outcome {
        self.enter();
        self.run_here(line)
    }

    /// Runs the program where this thread is.
    pub fn run_here(&self, line: &Line) -> Outcome {
        if line.words.iter().any(|it| it.starts_with("--stop-daemon")) {
            wait_for_sync_threads();
        }
        let mut child = Command::new(&self.program)
            .arg0("ipvsadm")
            .args(&line.words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        // A program that ends early closes the pipe.
        let _ = input.write_all(line.input.as_bytes());
        drop(input);
        let output = child.wait_with_output().unwrap();
        Outcome {
            status: output
                .status
                .code()
                .or(output.status.signal().map(|signal| 128 + signal))
                .unwrap(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// What this director's table holds.
    pub fn snapshot(&mut self) -> Snapshot {
        let mut services = Vec::new();
        for service in self.table.services().unwrap() {
            let key = service.service.key;
            let mut servers = self.table.destinations(&key).unwrap();
            servers.sort_by_key(|server| server.destination.key);
            services.push((service, servers));
        }
        services.sort_by_key(|(service, _)| service.service.key);
        Snapshot {
            services,
            timeouts: self.table.timeouts().unwrap(),
            daemons: self.table.daemons().unwrap(),
        }
    }

    fn reset(&mut self) {
        let timeouts = Timeouts {
            tcp: 900,
            tcp_fin: 120,
            udp: 300,
        };
        let ops = [IpvsOp::Flush, IpvsOp::SetTimeouts(timeouts)];
        assert!(self.table.apply(&ops).unwrap().is_empty());
        let stop: Vec<_> = self.table.daemons().unwrap();
        let stop: Vec<_> = stop.iter().map(|it| IpvsOp::StopDaemon(it.role)).collect();
        assert!(self.table.apply(&stop).unwrap().is_empty());
    }
}

/// Both directors.
pub struct Rig {
    pub original: Side,
    pub ours: Side,
    /// Command lines compared.
    pub compared: usize,
    /// Those that came out differently.
    pub differences: Vec<String>,
}

impl Rig {
    pub fn new() -> Self {
        without_name_servers();
        Self {
            original: Side::new(caribe_tests::c_ipvsadm().into()),
            ours: Side::new("/sbin/ipvsadm".into()),
            compared: 0,
            differences: Vec::new(),
        }
    }

    /// Empties both tables.
    pub fn reset(&mut self) {
        self.original.reset();
        self.ours.reset();
    }

    /// Runs a line with both programs; notes what differs. Returns the original's outcome.
    pub fn compare(&mut self, line: &Line) -> Outcome {
        let theirs = self.original.run(line);
        let ours = if line.is_reading() {
            self.ours.run_here(line)
        } else {
            self.ours.run(line)
        };
        self.compared += 1;
        if theirs != ours {
            self.note(line, &format!("original {theirs:?}\nours     {ours:?}"));
        } else if !line.is_reading() {
            let (left, right) = (self.original.snapshot(), self.ours.snapshot());
            if left != right {
                self.note(line, &format!("original {left:?}\nours     {right:?}"));
                self.reset();
            }
        }
        theirs
    }

    fn note(&mut self, line: &Line, what: &str) {
        let Line { words, input } = line;
        self.differences
            .push(format!("ipvsadm {words:?} < {input:?}\n{what}"));
    }

    /// Fails with every difference there was.
    pub fn finish(self) {
        let Self {
            compared,
            differences,
            ..
        } = self;
        assert!(
            differences.is_empty(),
            "{} of {compared} command lines differ:\n{}",
            differences.len(),
            differences.join("\n\n")
        );
    }
}

/// Waits until every sync thread of the kernel, master or backup, has begun and sleeps. One that is
/// stopped before it began has the request interrupted, nothing is acknowledged, and the original
/// waits for ever. (The threads that estimate rates, which newer kernels have, never do sleep so.)
fn wait_for_sync_threads() {
    let sleep = || {
        let mut processes = std::fs::read_dir("/proc").unwrap().flatten();
        processes.all(|process| {
            let stat = std::fs::read_to_string(process.path().join("stat")).unwrap_or_default();
            let (name, rest) = stat.split_once(") ").unwrap_or_default();
            let is_sync = ["(ipvs-m:", "(ipvs-b:"]
                .iter()
                .any(|begin| name.contains(begin));
            !is_sync || rest.starts_with('S')
        })
    };
    caribe_tests::wait_until(Duration::from_secs(20), sleep).expect("sync threads that sleep");
}

/// Names come from files only: a look-up that waits for a name server would hang.
fn without_name_servers() {
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    let script = "mount --make-rprivate / && mount -t tmpfs names /mnt && \
                  echo 'hosts: files\nservices: files' > /mnt/nsswitch.conf && \
                  echo '127.0.0.1 localhost\n10.0.0.1 vip1.example.com\n10.1.0.1 rip1.example.com\n\
                  fd00::1 vip6.example.com\n10.1.0.2 a-very-long-real-server-name.example.com' \
                  > /mnt/hosts && mount --bind /mnt/hosts /etc/hosts && \
                  mount --bind /mnt/nsswitch.conf /etc/nsswitch.conf";
    let status = Command::new("sh").args(["-c", script]).status().unwrap();
    assert!(status.success());
}
