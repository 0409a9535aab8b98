//! Two directors in namespaces on one bridge, pulse in the foreground in each.

use std::fs::File;
use std::io::Read;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use crate::{SOON, wait_until};

/// The primary.
pub const A: usize = 0;
/// The backup.
pub const B: usize = 1;

/// The virtual address.
pub const VIP: &str = "10.1.0.50";
const CONFIG: &str = "\
primary = 10.1.0.1
backup = 10.1.0.2
backup_active = 1
keepalive = 0.5
deadtime = 1.5
network = direct
virtual web {
 active = 1
 address = 10.1.0.50 eth0:1
 vip_nmask = 255.255.255.0
 port = 80
 server a {
  address = 10.1.0.11
  active = 1
 }
}
";

/// Runs a program with a `/run/lvs` of its own, as on a machine of its own.
const OWN_RUN: &str = "mkdir -p \"$0\" /run/lvs && mount --bind \"$0\" /run/lvs && exec \"$@\"";

/// One pair at a time: they measure times.
static ALONE: Mutex<()> = Mutex::new(());
static COUNT: AtomicU32 = AtomicU32::new(0);

/// The pair; everything of it goes when it is dropped.
pub struct Pair {
    tag: String,
    directory: PathBuf,
    pulses: [Option<Child>; 2],
    shares_files: bool,
    _alone: MutexGuard<'static, ()>,
}

/// What `ip` prints; it must succeed.
pub fn ip(words: &str) -> String {
    let output = Command::new("ip")
        .args(words.split(' '))
        .output()
        .expect("ip runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {words}: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// SIGKILL.
pub fn kill(pid: i32) {
    signal(pid, Signal::SIGKILL);
}

/// Sends `signal` to a process of the pair.
pub fn signal(pid: i32, signal: Signal) {
    // It may have ended by itself.
    let _ = signal::kill(Pid::from_raw(pid), signal);
}

fn program(variable: &str, installed: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| installed.to_owned())
}

impl Default for Pair {
    fn default() -> Self {
        Self::new()
    }
}

impl Pair {
    /// Bridge and namespaces; no pulse yet.
    pub fn new() -> Self {
        Self::with("")
    }

    /// The same with a second path between the directors, `more` put before lvs.cf. `%d` in it is
    /// a directory of this pair's own.
    pub fn with_private_path(more: &str) -> Self {
        let private = "primary_private = 10.9.0.1\nbackup_private = 10.9.0.2\n";
        let pair = Self::with(&format!("{private}{more}"));
        let switch = pair.switch();
        ip(&format!("-n {switch} link add br1 type bridge"));
        ip(&format!("-n {switch} link set br1 up"));
        for side in [A, B] {
            let (name, own) = (pair.name(side), side + 1);
            ip(&format!(
                "link add eth1 netns {name} type veth peer name q{side} netns {switch}"
            ));
            ip(&format!("-n {switch} link set q{side} master br1 up"));
            ip(&format!("-n {name} link set eth1 up"));
            ip(&format!("-n {name} addr add 10.9.0.{own}/24 dev eth1"));
        }
        pair
    }

    /// The same as [`Pair::new`], `more` put before lvs.cf. `%d` is as above.
    pub fn with(more: &str) -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let tag = format!("pp{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(&tag);
        std::fs::create_dir_all(&directory).expect("a directory");
        let more = more.replace("%d", &directory.display().to_string());
        std::fs::write(directory.join("lvs.cf"), more + CONFIG).expect("lvs.cf");
        let pair = Self {
            tag,
            directory,
            pulses: [None, None],
            shares_files: false,
            _alone: alone,
        };
        let switch = pair.switch();
        ip(&format!("netns add {switch}"));
        ip(&format!("-n {switch} link add br0 type bridge"));
        ip(&format!("-n {switch} link set br0 up"));
        for side in [A, B] {
            let name = pair.name(side);
            ip(&format!("netns add {name}"));
            ip(&format!(
                "link add eth0 netns {name} type veth peer name p{side} netns {switch}"
            ));
            ip(&format!("-n {switch} link set p{side} master br0 up"));
            ip(&format!("-n {name} link set lo up"));
            ip(&format!("-n {name} link set eth0 up"));
            let own = side + 1;
            ip(&format!("-n {name} addr add 10.1.0.{own}/24 dev eth0"));
        }
        pair
    }

    /// Name of the switch's namespace.
    pub fn switch(&self) -> String {
        format!("{}-sw", self.tag)
    }

    /// Name of a director's namespace.
    pub fn name(&self, side: usize) -> String {
        format!("{}-{side}", self.tag)
    }

    fn log_file(&self, side: usize) -> PathBuf {
        self.directory.join(format!("log.{side}"))
    }

    /// What a director's present or last pulse said.
    pub fn log(&self, side: usize) -> String {
        std::fs::read_to_string(self.log_file(side)).unwrap_or_default()
    }

    /// Starts pulse in the foreground.
    pub fn start(&mut self, side: usize) {
        let log = File::create(self.log_file(side)).expect("a log");
        let errors = log.try_clone().expect("a log");
        self.start_into(side, log, errors);
    }

    /// The same with another standard output and error than its log.
    pub fn start_into(&mut self, side: usize, log: impl Into<Stdio>, errors: impl Into<Stdio>) {
        let mut command = self.command(side);
        let child = command.stdout(log).stderr(errors).spawn();
        self.pulses[side] = Some(child.expect("ip runs"));
    }

    /// What starts a pulse in the foreground there.
    pub fn command(&self, side: usize) -> Command {
        let (pulse, lvsd) = (
            program("CARIBE_PULSE", "/usr/sbin/pulse"),
            program("CARIBE_LVSD", "/usr/sbin/lvsd"),
        );
        let mut command = self.command_of(side, &pulse);
        command
            .args(["-n", "--lvsd", &lvsd, "-c"])
            .arg(self.directory.join("lvs.cf"))
            // Each has its own, as two machines have.
            .env(
                "STATE_DIRECTORY",
                self.directory.join(format!("state.{}", self.of(side))),
            )
            .stdin(Stdio::null());
        command
    }

    /// What starts a program there.
    pub fn command_of(&self, side: usize, program: &str) -> Command {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.name(side)])
            .args(["sh", "-c", OWN_RUN])
            .arg(self.run_directory(side))
            .arg(program);
        command
    }

    /// `pulse --order` there: its status and what it said, both outputs together.
    pub fn order(&self, side: usize, order: &str) -> (Option<i32>, String) {
        self.pulse(side, &["--order", order])
    }

    /// `pulse -t --here` there, with the pair's lvs.cf: as for [`Pair::order`].
    pub fn check_here(&self, side: usize) -> (Option<i32>, String) {
        let file = self.file("lvs.cf").display().to_string();
        self.pulse(side, &["-t", "--here", "-c", &file])
    }

    fn pulse(&self, side: usize, words: &[&str]) -> (Option<i32>, String) {
        let mut command = self.command_of(side, &program("CARIBE_PULSE", "/usr/sbin/pulse"));
        let output = command.args(words).output().expect("ip runs");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        (output.status.code(), text)
    }

    fn run_directory(&self, side: usize) -> PathBuf {
        self.directory.join(format!("run.{}", self.of(side)))
    }

    /// Whose files a director has.
    fn of(&self, side: usize) -> usize {
        if self.shares_files { A } else { side }
    }

    /// A socket of a director, which has a suffix there: the number of the namespace.
    pub fn socket(&self, side: usize, name: &str) -> PathBuf {
        let namespace = std::fs::metadata(format!("/run/netns/{}", self.name(side)));
        let namespace = namespace.expect("a namespace");
        let (device, inode) = (namespace.dev(), namespace.ino());
        let name = format!("{name}.{device}-{inode}");
        self.run_directory(side).join(name)
    }

    /// The directors have one /run and one state directory.
    pub fn share_files(&mut self) {
        self.shares_files = true;
    }

    /// What pulse says of itself, as JSON lines; nothing while none runs.
    pub fn report(&self, side: usize) -> String {
        let mut text = String::new();
        let socket = self.socket(side, "pulse.sock");
        let read = UnixStream::connect(socket).and_then(|mut it| {
            it.set_read_timeout(Some(SOON))?;
            it.read_to_string(&mut text)
        });
        read.map(|_| text).unwrap_or_default()
    }

    /// Starts pulse in the background, with `/run/pulse.pid`; what its starter ended with.
    pub fn start_in_background(&self, side: usize) -> ExitStatus {
        let status = Command::new("ip")
            .args(["netns", "exec", &self.name(side)])
            .args(["sh", "-c", OWN_RUN])
            .arg(self.run_directory(side))
            .arg(program("CARIBE_PULSE", "/usr/sbin/pulse"))
            .args(["--lvsd", &program("CARIBE_LVSD", "/usr/sbin/lvsd"), "-c"])
            .arg(self.directory.join("lvs.cf"))
            .env("STATE_DIRECTORY", self.directory.join("state"))
            .stdin(Stdio::null())
            .status();
        status.expect("ip runs")
    }

    /// Waits for the end of pulse; its exit status.
    pub fn status(&mut self, side: usize) -> Option<i32> {
        let child = self.pulses[side].as_mut().expect("pulse runs");
        let ended = wait_until(SOON, || matches!(child.try_wait(), Ok(Some(_))));
        ended.expect("pulse ends");
        child.wait().expect("a child").code()
    }

    /// SIGTERM to pulse; not waited for.
    pub fn terminate(&self, side: usize) {
        self.signal(side, Signal::SIGTERM);
    }

    /// `kill -9` of pulse alone.
    pub fn kill_pulse(&mut self, side: usize) {
        let mut child = self.pulses[side].take().expect("pulse runs");
        child.kill().expect("a signal");
        child.wait().expect("a child");
    }

    /// The whole machine dies: no link, no process, no address.
    pub fn die(&mut self, side: usize) {
        self.cut(side, true);
        for (pid, _) in self.processes(side) {
            kill(pid);
        }
        if let Some(mut child) = self.pulses[side].take() {
            child.wait().expect("a child");
        }
        let _ = Command::new("ip")
            .args(["-n", &self.name(side), "addr", "del"])
            .args([&format!("{VIP}/24"), "dev", "eth0"])
            .stderr(Stdio::null())
            .status();
    }

    /// Takes a director's port of the switch down, or up again.
    pub fn cut(&self, side: usize, cut: bool) {
        let state = if cut { "nomaster" } else { "master br0" };
        ip(&format!("-n {} link set p{side} {state}", self.switch()));
    }

    /// Takes a director's port of the private switch down: its carrier goes.
    pub fn cut_private_link(&self, side: usize) {
        ip(&format!("-n {} link set q{side} down", self.switch()));
    }

    /// Nothing that a director sends to its partner arrives, what it is sent does.
    pub fn mute(&self, side: usize, mute: bool) {
        let (name, partner) = (self.name(side), 2 - side);
        let verb = if mute { "add" } else { "del" };
        ip(&format!(
            "-n {name} route {verb} blackhole 10.1.0.{partner}/32"
        ));
    }

    /// What a director sends meets this, in the words of `tc` for `netem`.
    pub fn disturb(&self, side: usize, how: &str) {
        let name = self.name(side);
        let words = format!("-n {name} qdisc replace dev eth0 root netem {how}");
        let output = Command::new("tc").args(words.split(' ')).output();
        let output = output.expect("tc runs");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tc {words}: {error}");
    }

    /// Whether a director knows its partner's hardware address.
    pub fn knows_partner(&self, side: usize) -> bool {
        let (name, partner) = (self.name(side), 2 - side);
        ip(&format!("-n {name} neigh show to 10.1.0.{partner}")).contains("lladdr")
    }

    /// A director no longer answers who has its address, and asks about its neighbours within
    /// two seconds where the kernel's default is half a minute.
    pub fn keep_silent_about_addresses(&self, side: usize) {
        let script = "cd /proc/sys/net/ipv4 && \
             echo 1000 > neigh/eth0/base_reachable_time_ms && \
             echo 1 > neigh/eth0/delay_first_probe_time && \
             echo 8 > conf/eth0/arp_ignore";
        let status = Command::new("ip")
            .args(["netns", "exec", &self.name(side), "sh", "-c", script])
            .status();
        assert!(status.expect("ip runs").success());
    }

    /// The switch's end of a director's cable: its carrier.
    pub fn port(&self, side: usize, up: bool) {
        let state = if up { "up" } else { "down" };
        ip(&format!("-n {} link set p{side} {state}", self.switch()));
    }

    /// A director's network card goes, with everything on it.
    pub fn pull_out(&self, side: usize) {
        ip(&format!("-n {} link del eth0", self.name(side)));
    }

    /// A network card of the same name, with the director's own address.
    pub fn plug_in(&self, side: usize) {
        let (name, switch, own) = (self.name(side), self.switch(), side + 1);
        ip(&format!(
            "link add eth0 netns {name} type veth peer name p{side} netns {switch}"
        ));
        ip(&format!("-n {switch} link set p{side} master br0 up"));
        ip(&format!("-n {name} link set eth0 up"));
        ip(&format!("-n {name} addr add 10.1.0.{own}/24 dev eth0"));
    }

    /// Whether `ip` shows a word with an address.
    pub fn has_flag(&self, side: usize, address: &str, flag: &str) -> bool {
        ip(&format!("-n {} -o addr show to {address}", self.name(side))).contains(flag)
    }

    /// A gateway on the switch, and the directors' default route to it.
    pub fn add_gateway(&self) {
        let switch = self.switch();
        ip(&format!("-n {switch} addr add 10.1.0.254/24 dev br0"));
        for side in [A, B] {
            let name = self.name(side);
            ip(&format!("-n {name} route add default via 10.1.0.254"));
        }
    }

    /// A file of this pair's own directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Replaces a text of lvs.cf and lets a director's pulse read it again.
    pub fn reload(&self, side: usize, old: &str, new: &str) {
        self.replace(old, new);
        self.signal(side, Signal::SIGHUP);
    }

    /// Replaces a text of lvs.cf, which must be there.
    pub fn replace(&self, old: &str, new: &str) {
        let file = self.file("lvs.cf");
        let text = std::fs::read_to_string(&file).expect("lvs.cf");
        assert!(text.contains(old), "{text}");
        std::fs::write(&file, text.replace(old, new)).expect("lvs.cf");
    }

    /// Sends a signal to pulse.
    pub fn signal(&self, side: usize, signal: Signal) {
        let child = self.pulses[side].as_ref().expect("pulse runs");
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
        signal::kill(pid, signal).expect("a signal");
    }

    fn address(&self, side: usize, verb: &str) {
        let name = self.name(side);
        ip(&format!("-n {name} addr {verb} {VIP}/24 dev eth0"));
    }

    /// Takes the virtual address away, as somebody else does.
    pub fn remove_address(&self, side: usize) {
        self.address(side, "del");
    }

    /// Puts the virtual address there, as somebody else does.
    pub fn add_address(&self, side: usize) {
        self.address(side, "add");
    }

    /// The virtual address as `ip` shows it there; empty if it is not.
    pub fn label(&self, side: usize) -> String {
        ip(&format!("-n {} -o addr show to {VIP}", self.name(side)))
    }

    /// Whether a director has the virtual address.
    pub fn owns(&self, side: usize) -> bool {
        self.has(side, VIP)
    }

    /// A director's addresses. No program is started to look: in a busy guest that costs more time
    /// than what is measured.
    fn addresses(&self, side: usize) -> Vec<IpAddr> {
        let file = File::open(format!("/run/netns/{}", self.name(side))).expect("a namespace");
        let look = std::thread::spawn(move || {
            setns(&file, CloneFlags::CLONE_NEWNET).expect("the namespace");
            let interfaces = getifaddrs().expect("addresses");
            let address = |interface: InterfaceAddress| {
                let held = interface.address?;
                let v4 = held.as_sockaddr_in().map(|held| IpAddr::V4(held.ip()));
                v4.or(held.as_sockaddr_in6().map(|held| IpAddr::V6(held.ip())))
            };
            interfaces.filter_map(address).collect()
        });
        look.join().expect("a look")
    }

    /// Waits until exactly these own the address; how long that took.
    pub fn wait_for_owners(&self, owners: &[usize], limit: Duration) -> Duration {
        let right = || {
            [A, B]
                .iter()
                .all(|side| self.owns(*side) == owners.contains(side))
        };
        wait_until(limit, right).unwrap_or_else(|| {
            panic!(
                "owners are not {owners:?}\nA:\n{}\nB:\n{}",
                self.log(A),
                self.log(B)
            )
        })
    }

    /// Whether `side` is the only owner for all of this time.
    pub fn stays_with(&self, side: usize, time: Duration) -> bool {
        wait_until(time, || !self.owns(side) || self.owns(1 - side)).is_none()
    }

    /// Whether a director has this address, virtual or not.
    pub fn has(&self, side: usize, address: &str) -> bool {
        let address = address.parse().expect("an address");
        self.addresses(side).contains(&address)
    }

    /// Every process of a director, with its name.
    pub fn processes(&self, side: usize) -> Vec<(i32, String)> {
        let pids = ip(&format!("netns pids {}", self.name(side)));
        pids.lines()
            .filter_map(|pid| {
                let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
                Some((pid.parse().ok()?, name.trim().to_owned()))
            })
            .collect()
    }

    /// The first process of that name, or of a stand-in that `CARIBE_LVSD` names.
    pub fn pid_of(&self, side: usize, name: &str) -> Option<i32> {
        let stand_in = program("CARIBE_LVSD", name);
        let all = self.processes(side);
        all.iter()
            .find(|(_, n)| n == name || stand_in.ends_with(n.as_str()))
            .map(|(pid, _)| *pid)
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        for side in [A, B] {
            for (pid, _) in self.processes(side) {
                kill(pid);
            }
            if let Some(mut child) = self.pulses[side].take() {
                let _ = child.wait();
            }
        }
        for name in [self.name(A), self.name(B), self.switch()] {
            let _ = Command::new("ip").args(["netns", "del", &name]).status();
        }
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
