//! lvsd where the machine is at its limits: no processes, no descriptors, no module, reused pids,
//! another program that changes the table all the time. Settings of the whole kernel: a guest of
//! their own.

use std::fs;
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use caribe_tests::director::*;
use caribe_tests::pair::{A, B, Pair};
use caribe_tests::{SOON, wait_until};
use ipvs::{Ipvs, NetlinkIpvs};
use lvs_model::{IpvsOp, Protocol, ServiceKey, VirtualService};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use testkit::processor_ticks;

/// A setting of the kernel; it has its old value again when this goes.
struct Setting {
    path: &'static str,
    usual: String,
}

impl Setting {
    fn set(path: &'static str, value: &str) -> Self {
        let usual = fs::read_to_string(path).unwrap();
        fs::write(path, value).unwrap();
        Self { path, usual }
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        // A test that fails here has failed already.
        let _ = fs::write(self.path, self.usual.trim_end());
    }
}

const THREADS_MAX: &str = "/proc/sys/kernel/threads-max";
const PID_MAX: &str = "/proc/sys/kernel/pid_max";
const FIVE_SECONDS: Duration = Duration::from_secs(5);

fn web(extra: &str) -> String {
    let text = block("web", "192.0.2.1", extra, &[&server(1), &server(2)]);
    format!("hard_shutdown = 0\naudit_interval = 0.1\n{text}")
}

/// One test at a time, whatever the number of processors: the settings are the whole kernel's.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Both servers are up, nothing done since.
fn running() -> (Director, Vec<String>) {
    let mut director = Director::new(&[1, 2]);
    director.start(&web(""));
    let table = director.wait_for_table(3);
    director.operations(0);
    (director, table)
}

/// Kills the nanny of the first server, has a shortage for six seconds and ends it.
fn a_shortage<T>(begin: impl Fn(&Director) -> T, end: impl Fn(&Director, T)) {
    let (mut director, table) = running();
    let old = director.nannies(1)[0];
    let shortage = begin(&director);
    kill(Pid::from_raw(old), Signal::SIGKILL).unwrap();
    director.wait_for_log("create_monitor for web/s1 failed: ");
    // The shortage lasts for this time; a start that fails meanwhile does not count.
    std::thread::sleep(Duration::from_secs(6));
    assert_eq!(director.nannies(1).len(), 0);
    end(&director, shortage);
    let is_back = || director.nannies(1).len() == 1;
    let took = wait_until(SOON, is_back).expect("a nanny again");
    assert!(took <= FIVE_SECONDS, "{took:?}");
    assert_eq!(director.operations(0), [""; 0]);
    assert_eq!(director.table(), table);
}

#[test]
fn without_processes_no_weight_changes_and_the_nanny_is_back_in_five_seconds() {
    let _alone = alone();
    a_shortage(|_| Setting::set(THREADS_MAX, "20"), |_, limit| drop(limit));
}

/// Sets the soft limit of lvsd's descriptors.
fn limit_descriptors(director: &Director, count: usize) {
    let (pid, limit) = (director.pid().to_string(), format!("--nofile={count}:4096"));
    let status = Command::new("prlimit")
        .args(["--pid", &pid, &limit])
        .status();
    assert!(status.unwrap().success());
}

#[test]
fn without_descriptors_no_weight_changes_and_the_nanny_is_back_in_five_seconds() {
    let _alone = alone();
    // Those that it has stay; each new one would have a number above the limit.
    a_shortage(
        |director| limit_descriptors(director, 3),
        |director, ()| limit_descriptors(director, 1024),
    );
}

#[test]
fn lvsd_does_not_spin_when_a_client_connects_and_no_descriptor_is_left() {
    let _alone = alone();
    let (director, _) = running();
    limit_descriptors(&director, director.open_descriptors());
    let _asks = UnixStream::connect(daemon::own_name(Path::new("/run/lvs/lvsd.sock"))).unwrap();
    let before = processor_ticks(director.pid());
    // What it uses while nothing happens.
    std::thread::sleep(Duration::from_secs(2));
    let used = processor_ticks(director.pid()) - before;
    assert!(used < 50, "{used} ticks in 2 s");
    limit_descriptors(&director, 1024);
    assert_eq!(director.status().len(), 4);
}

/// The nanny of the first server, as lvsd knows it: a pid in the log may be somebody else's by now.
fn first_nanny(director: &Director) -> Option<i32> {
    let status = director.status();
    let (_, rest) = status.get(2)?.split_once("\"pid\":")?;
    rest.split(',').next()?.parse().ok()
}

#[test]
fn a_process_with_a_pid_that_a_nanny_had_is_never_signalled() {
    let _alone = alone();
    let (director, _) = running();
    let _few = Setting::set(PID_MAX, "400");
    for round in 0..4 {
        let old = first_nanny(&director).unwrap();
        kill(Pid::from_raw(old), Signal::SIGKILL).unwrap();
        // A hundred pids are in use in turn, from 300 on: after this many processes one of them has, or
        // had, the dead nanny's.
        for _ in 0..40 {
            run("true", "");
        }
        let mut bystanders = Vec::new();
        for _ in 0..60 {
            let mut sleeper = Command::new("sleep");
            bystanders.push(sleeper.arg("100").stdin(Stdio::null()).spawn().unwrap());
        }
        // Every nanny is replaced: SIGTERM to all that run.
        director.reload(&web(&format!("reentry = {}\n", 2 + round)));
        let ended = |it: &mut Child| it.try_wait().unwrap().is_some();
        let struck = wait_until(Duration::from_secs(3), || bystanders.iter_mut().any(ended));
        assert_eq!(struck, None, "a bystander was signalled");
        for bystander in &mut bystanders {
            bystander.kill().unwrap();
            bystander.wait().unwrap();
        }
        let is_back = || first_nanny(&director).is_some();
        wait_until(SOON, is_back).expect("a nanny again");
    }
}

/// Services of lvs.cf among which a dump can miss one: each may stand where a part of it begins.
const OWN: usize = 300;
const FOREIGN: usize = 1000;

fn foreign(number: usize) -> VirtualService {
    let port = u16::try_from(1 + number % FOREIGN).unwrap();
    VirtualService::new(ServiceKey::Address {
        protocol: Protocol::Tcp,
        address: IpAddr::from([198, 51, 100, 1]),
        port,
    })
}

/// Gives this thread precedence: on one processor it else ran only while lvsd waits.
fn take_precedence() {
    let tid = nix::unistd::gettid();
    run("chrt", &format!("-f -p 1 {tid}"));
}

/// 15 seconds of it, or as many rounds as `CARIBE_DUMP_ROUNDS` says.
#[test]
fn a_dump_that_another_program_disturbs_leads_to_no_operation() {
    let _alone = alone();
    let mut director = Director::new(&[]);
    let blocks = (0..OWN).map(|number| {
        let vip = format!("192.0.2.{}", 1 + number % 250);
        let port = format!("port = {}\n", 80 + number);
        block("v", &vip, "", &[]).replace("port = 8080\n", &port)
    });
    let blocks: String = blocks.collect();
    director.start(&format!("audit_interval = 0.1\n{blocks}"));
    director.wait_for_table(OWN);
    director.operations(0);
    let mut kernel = NetlinkIpvs::open().unwrap();
    let all: Vec<IpvsOp> = (0..FOREIGN)
        .map(|n| IpvsOp::AddService(foreign(n)))
        .collect();
    assert_eq!(kernel.apply(&all).unwrap(), []);
    let wanted = std::env::var("CARIBE_DUMP_ROUNDS").ok();
    let wanted: Option<usize> = wanted.map(|rounds| rounds.parse().expect("a number"));
    let begun = Instant::now();
    let is_over = |rounds: usize| match wanted {
        Some(wanted) => rounds >= wanted,
        None => begun.elapsed() >= Duration::from_secs(15),
    };
    take_precedence();
    let mut rounds = 0;
    while !is_over(rounds) {
        rounds += 1;
        let some = (0..20).map(|n| foreign(rounds * 20 + n));
        let (away, back) = some
            .map(|s| (IpvsOp::DeleteService(s.key), IpvsOp::AddService(s)))
            .unzip::<_, _, Vec<_>, Vec<_>>();
        for ops in [away, back] {
            assert_eq!(kernel.apply(&ops).unwrap(), []);
            // lvsd reads on meanwhile: between two changes as well.
            std::thread::sleep(Duration::from_micros(200));
        }
    }
    let took = begun.elapsed();
    assert_eq!(director.operations(0), [""; 0], "{rounds} rounds, {took:?}");
    assert_eq!(director.table().len(), OWN + FOREIGN);
    kernel.apply(&[IpvsOp::Flush]).unwrap();
}

/// IPVS is not there, and no request for it loads it, until this goes.
struct WithoutIpvs {
    _helper: Setting,
}

impl WithoutIpvs {
    const RULE: &str = "/run/modprobe.d/none.conf";

    fn begin() -> Self {
        let helper = Setting::set("/proc/sys/kernel/modprobe", "/bin/false");
        // Namespaces of the tests before hold the module until they are gone.
        let is_gone = || {
            let modules = fs::read_to_string("/proc/modules").unwrap();
            let names = modules.lines().filter_map(|line| line.split(' ').next());
            let mut names: Vec<&str> = names.filter(|name| name.starts_with("ip_vs")).collect();
            // The schedulers first.
            names.sort_by_key(|name| std::cmp::Reverse(name.len()));
            let remove = |name: &&str| Command::new("rmmod").arg(name).output().unwrap();
            names.iter().all(|name| remove(name).status.success())
        };
        wait_until(SOON, is_gone).expect("no module in use");
        fs::create_dir_all("/run/modprobe.d").unwrap();
        fs::write(Self::RULE, "install ip_vs /bin/false\n").unwrap();
        Self { _helper: helper }
    }
}

impl Drop for WithoutIpvs {
    fn drop(&mut self) {
        // A test that fails here has failed already.
        let _ = fs::remove_file(Self::RULE);
    }
}

// By their names this and the next test are the first: after others the module may be held for a minute.
#[test]
fn a_director_without_ipvs_ends_with_a_reason() {
    let _alone = alone();
    let director = Director::new(&[1]);
    let _without = WithoutIpvs::begin();
    director.write(&web(""));
    let refused = Command::new("/usr/sbin/lvsd")
        .args(["-n", "-c"])
        .arg(director.config())
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("IPVS"), "{said}");
}

#[test]
fn a_pair_without_ipvs_claims_once_each_and_serves_ten_seconds_after_its_module_came() {
    let _alone = alone();
    let _own_run = Director::new(&[]);
    let mut pair = Pair::new();
    let without = WithoutIpvs::begin();
    pair.start(A);
    pair.start(B);
    // Both try again once by then, and not more often.
    std::thread::sleep(Duration::from_secs(15));
    for side in [A, B] {
        let said = pair.log(side);
        let reason = "pulse: lvs: the kernel has no IPVS (module ip_vs)";
        // Once at the takeover and the trial, and once ten seconds later.
        let count = said.matches(reason).count();
        assert!((1..=3).contains(&count), "{count}: {said}");
        assert!(!said.contains("lvs: lvs:"), "{said}");
        assert!(said.matches("next attempt in").count() <= 3, "{said}");
        assert_eq!(said.matches(": activating lvs").count(), 1, "{said}");
        assert!(!pair.owns(side), "{said}");
    }
    drop(without);
    let took = wait_until(SOON, || pair.owns(A) != pair.owns(B)).expect("an owner");
    assert!(took <= 2 * FIVE_SECONDS, "{took:?}");
}
