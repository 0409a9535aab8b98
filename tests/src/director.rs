//! A director in namespaces of the test's own, network and `/run`: real servers on loopback addresses,
//! an lvs.cf and an lvsd that logs into a file.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::sched::CloneFlags;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::{SOON, c_ipvsadm, demand_lab, wait_until};

const LVSD: &str = "/usr/sbin/lvsd";
/// Longer than until the next check or audit.
const QUIET: Duration = Duration::from_millis(1500);

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A virtual block; what is not here has the original's default.
pub fn block(name: &str, vip: &str, extra: &str, servers: &[&str]) -> String {
    let mut text = format!(
        "virtual {name} {{\n active = 1\n address = {vip} eth0:1\n port = 8080\n timeout = 1\n \
         reentry = 1\n{extra}\n"
    );
    for server in servers {
        text += server;
    }
    text + "}\n"
}

/// An active server on 127.0.0.LAST.
pub fn server(last: u8) -> String {
    weighing(last, 1)
}

/// The same with a weight.
pub fn weighing(last: u8, weight: u32) -> String {
    format!(" server s{last} {{\n address = 127.0.0.{last}\n active = 1\n weight = {weight}\n }}\n")
}

/// The director; its lvsd ends when it is dropped.
pub struct Director {
    dir: PathBuf,
    lvsd: Option<Child>,
    /// What a real server answers on while it is alive.
    listeners: Vec<(u8, TcpListener)>,
    seen: usize,
}

impl Director {
    /// An empty table and real servers 127.0.0.LAST:8080 that accept connections.
    pub fn new(servers: &[u8]) -> Self {
        demand_lab();
        let own = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS;
        nix::sched::unshare(own).expect("root, in the lab");
        run("mount", "--make-rprivate /");
        run("mount", "-t tmpfs tmpfs /run");
        run("ip", "link set lo up");
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("lvsd-{}-{number}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let mut director = Self {
            dir,
            lvsd: None,
            listeners: Vec::new(),
            seen: 0,
        };
        for last in servers {
            director.raise(*last);
        }
        director
    }

    /// A real server is alive.
    pub fn raise(&mut self, last: u8) {
        let listener = TcpListener::bind((format!("127.0.0.{last}"), 8080)).unwrap();
        self.listeners.push((last, listener));
    }

    /// A real server is dead: it refuses connections.
    pub fn fell(&mut self, last: u8) {
        self.listeners.retain(|(other, _)| *other != last);
    }

    /// Its lvs.cf, written or not.
    pub fn config(&self) -> PathBuf {
        self.dir.join("lvs.cf")
    }

    /// A file beside it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Writes its lvs.cf.
    pub fn write(&self, text: &str) {
        fs::write(self.config(), text).unwrap();
    }

    /// Runs the C ipvsadm by hand.
    pub fn by_hand(&self, arguments: &str) {
        run(&c_ipvsadm(), arguments);
    }

    /// Starts lvsd in the foreground; with `-v` it logs each operation.
    pub fn start(&mut self, text: &str) {
        let mut command = self.command();
        self.launch(text, command.arg("-v"));
    }

    /// The same without `-v`, where a line for each check would be the most of the work.
    pub fn start_quietly(&mut self, text: &str) {
        let mut command = self.command();
        self.launch(text, &mut command);
    }

    /// The same where a process begins with a low limit of open descriptors, and may have more.
    pub fn start_with_descriptors(&mut self, text: &str, count: usize) {
        let mut command = Command::new("prlimit");
        command.arg(format!("--nofile={count}:4096"));
        command.args([LVSD, "-v", "-n", "-c"]).arg(self.config());
        self.launch(text, &mut command);
    }

    fn launch(&mut self, text: &str, command: &mut Command) {
        self.write(text);
        let mut appending = File::options();
        let log = appending
            .create(true)
            .append(true)
            .open(self.dir.join("log"))
            .unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        self.lvsd = Some(command.stdin(Stdio::null()).spawn().unwrap());
    }

    /// Starts lvsd in the foreground with another standard output than its log.
    pub fn start_into(&mut self, text: &str, output: impl Into<Stdio>) {
        self.write(text);
        let mut command = self.command();
        command.arg("-v").stdout(output).stdin(Stdio::null());
        self.lvsd = Some(command.spawn().unwrap());
    }

    /// What starts lvsd in the foreground.
    fn command(&self) -> Command {
        let mut command = Command::new(LVSD);
        command.args(["-n", "-c"]).arg(self.config());
        command
    }

    /// What the running lvsd says of itself, a line for each thing.
    pub fn status(&self) -> Vec<String> {
        let output = Command::new(LVSD).arg("--status").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// Descriptors that lvsd has open.
    pub fn open_descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid()))
            .unwrap()
            .count()
    }

    /// Writes its lvs.cf and has it read.
    pub fn reload(&self, text: &str) {
        self.write(text);
        self.signal(Signal::SIGHUP);
        self.wait_for_log("rereading configuration file");
    }

    /// Of lvsd.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.lvsd.as_ref().unwrap().id()).unwrap()
    }

    /// Sends lvsd a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).unwrap();
    }

    /// Sends a signal and waits for the end.
    pub fn end(&mut self, signal: Signal) -> ExitStatus {
        self.signal(signal);
        self.lvsd.take().unwrap().wait().unwrap()
    }

    fn log(&self) -> Vec<String> {
        let text = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The operations since the last call, once there are `count` of them.
    pub fn operations(&mut self, count: usize) -> Vec<String> {
        let operations = |log: &[String]| -> Vec<String> {
            let operation = |line: &String| line.strip_prefix("lvs: ipvsadm ").map(str::to_owned);
            log.iter()
                .filter_map(operation)
                .filter(|op| op.starts_with('-'))
                .collect()
        };
        let seen = self.seen;
        wait_until(SOON, || operations(&self.log()).len() >= seen + count);
        // A surplus operation would come by then: that none does is tested.
        std::thread::sleep(QUIET);
        let all = operations(&self.log());
        self.seen = all.len();
        all[seen..].to_vec()
    }

    /// The log lines that contain `text`, once there is one.
    pub fn wait_for_log(&self, text: &str) -> Vec<String> {
        let lines = || -> Vec<String> {
            let log = self.log().into_iter();
            log.filter(|line| line.contains(text)).collect()
        };
        let found = wait_until(SOON, || !lines().is_empty());
        assert!(found.is_some(), "no {text:?} in {:#?}", self.log());
        lines()
    }

    /// Whether a log line contains `text` by now.
    pub fn has_logged(&self, text: &str) -> bool {
        self.log().iter().any(|line| line.contains(text))
    }

    /// Pids of the nannies that were started for a server and still run, oldest first.
    pub fn nannies(&self, last: u8) -> Vec<i32> {
        let mark = format!("/s{last} running as pid ");
        let log = self.log().into_iter();
        let pids = log.filter_map(|line| line.split_once(&mark)?.1.parse().ok());
        pids.filter(|pid| is_alive(*pid)).collect()
    }

    /// The table as `ipvsadm -S -n` prints it.
    pub fn table(&self) -> Vec<String> {
        let output = Command::new(c_ipvsadm())
            .args(["-S", "-n"])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        // The kernel repeats lines while tests beside this one change their tables.
        lines.dedup();
        lines
    }

    /// Waits until the table has this line.
    pub fn wait_for_line(&self, line: &str) {
        let has_line = || self.table().iter().any(|found| found == line);
        let found = wait_until(SOON, has_line);
        assert!(found.is_some(), "no {line:?} in {:?}", self.table());
    }

    /// Waits for a table of so many lines.
    pub fn wait_for_table(&self, lines: usize) -> Vec<String> {
        let mut table = Vec::new();
        wait_until(SOON, || {
            table = self.table();
            table.len() == lines
        });
        assert_eq!(table.len(), lines, "{table:?} {:#?}", self.log());
        table
    }
}

impl Drop for Director {
    fn drop(&mut self) {
        if let Some(mut lvsd) = self.lvsd.take() {
            // It may have ended; the test has failed or is over in any case.
            let _ = lvsd.kill();
            let _ = lvsd.wait();
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Whether a process runs; one that is not reaped yet does not.
pub fn is_alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().unwrap_or_default().trim_start();
    !state.is_empty() && !state.starts_with('Z')
}

/// Runs a program that must succeed; arguments are parted by single blanks.
pub fn run(program: &str, arguments: &str) {
    let status = Command::new(program).args(arguments.split(' ')).status();
    assert!(status.unwrap().success(), "{program} {arguments}");
}
