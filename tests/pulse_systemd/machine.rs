//! The guest itself as director A, with systemd, the installed unit and the installed programs;
//! director B, a client and a real server in namespaces on one switch.

use std::fs;
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use caribe_lab::cluster::PulseReport;
use caribe_lab::measure::{HttpServer, Requests};
use caribe_lab::topology::Network;
use caribe_tests::{SOON, demand_lab, wait_until};

pub const CONFIG: &str = "/etc/sysconfig/ha/lvs.cf";
const UNIT: &str = include_str!("../../etc/systemd/pulse.service");
const UNIT_FILE: &str = "/etc/systemd/system/pulse.service";
const VIP: &str = "10.1.0.50";
const B: &str = "director-b";

pub const LVS_CF: &str = "\
primary = 10.1.0.1
backup = 10.1.0.2
backup_active = 1
keepalive = 0.5
deadtime = 1.5
network = direct
virtual web {
 active = 1
 address = 10.1.0.50 eth0:1
 vip_nmask = 255.255.255.255
 port = 80
 send = \"GET / HTTP/1.0\\r\\n\\r\\n\"
 expect = \"HTTP\"
 timeout = 2
 reentry = 2
 server one {
  address = 10.1.0.41
  active = 1
 }
}
";

/// There is one guest: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// The network and what serves in it. A has neither address nor pulse yet, B no pulse.
pub struct Machine {
    network: Network,
    server: Option<HttpServer>,
    _alone: MutexGuard<'static, ()>,
}

pub fn run(words: &[&str]) -> Output {
    let (program, args) = words.split_first().expect("a program");
    Command::new(program).args(args).output().expect("it runs")
}

/// What a command says; it has to succeed.
pub fn said(line: &str) -> String {
    let output = run(&line.split(' ').collect::<Vec<_>>());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {error}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Machine {
    pub fn new() -> Self {
        demand_lab();
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let network = wired().expect("a network");
        let server = HttpServer::start(network.get("rs1").expect("rs1"), 80).expect("a server");
        fs::write(UNIT_FILE, UNIT).expect("the unit");
        said("systemctl daemon-reload");
        write(LVS_CF);
        Self {
            network,
            server: Some(server),
            _alone: alone,
        }
    }

    /// A with its address, both pulses started, A active and served.
    pub fn running() -> Self {
        let machine = Self::new();
        said("ip addr add 10.1.0.1/24 dev eth0");
        said("systemctl start pulse");
        machine.serves("A", "at the start");
        machine.start_b();
        machine
    }

    /// The unit of an installation, which one of the administrator's would hide.
    pub fn use_installed_unit(&self) {
        fs::remove_file(UNIT_FILE).expect("the unit");
        said("systemctl daemon-reload");
    }

    /// The unit with another setting, until the next machine.
    pub fn set(&self, from: &str, to: &str) {
        assert!(UNIT.contains(from), "{from}");
        fs::write(UNIT_FILE, UNIT.replace(from, to)).expect("the unit");
        said("systemctl daemon-reload");
    }

    /// The unit fails, and is not started again by itself.
    pub fn does_not_start(&self) {
        let start = run(&["systemctl", "start", "pulse"]);
        assert!(!start.status.success(), "{}", self.journal());
        let changes = || self.unit("ActiveState") != "failed" || self.unit("NRestarts") != "0";
        let again = wait_until(Duration::from_secs(4), changes);
        assert!(again.is_none(), "{}", self.journal());
        assert_eq!(self.unit("ExecMainStatus"), "6");
    }

    /// The real server answers no more.
    pub fn end_server(&mut self) {
        self.server = None;
    }

    pub fn start_b(&self) {
        let b = self.network.get(B).expect("B");
        b.write_file(CONFIG, LVS_CF).expect("lvs.cf");
        b.spawn(&["/usr/sbin/pulse"], None).expect("pulse");
    }

    /// As its init script stops it.
    pub fn stop_b(&self) {
        let b = self.network.get(B).expect("B");
        b.exec(&["sh", "-c", "kill -TERM $(cat /run/pulse.pid)"])
            .expect("sh");
    }

    /// Who holds the virtual address.
    pub fn owners(&self) -> Vec<&'static str> {
        let a = !said(&format!("ip -o addr show to {VIP}")).is_empty();
        let b = self.network.get(B).expect("B");
        let b = b
            .has_address(VIP.parse().expect("an address"))
            .expect("addresses");
        [("A", a), ("B", b)]
            .into_iter()
            .filter(|(_, held)| *held)
            .map(|(name, _)| name)
            .collect()
    }

    /// Within a minute this one alone holds the address, a client is served through it.
    pub fn serves(&self, owner: &str, after: &str) {
        let alone = wait_until(SOON, || self.owners() == [owner]);
        assert!(
            alone.is_some(),
            "{after}: {:?} owns\n{}",
            self.owners(),
            self.journal()
        );
        let client = self.client();
        let answered = || client.replies().iter().any(|reply| reply.is_served());
        let served = wait_until(SOON, answered);
        assert!(
            served.is_some(),
            "{after}: nobody answers\n{}",
            self.journal()
        );
        let said = wait_until(SOON, || self.says_so(owner));
        assert!(
            said.is_some(),
            "{after}: A says {:?}, B {:?}\n{}",
            self.report("A"),
            self.report("B"),
            self.journal()
        );
    }

    /// What pulse says of itself on a director; `None` where none answers.
    pub fn report(&self, director: &str) -> Option<PulseReport> {
        // Wherever it is installed.
        let words = ["pulse", "--status", "--json"];
        let output = match director {
            "A" => run(&words),
            _ => self.network.get(B).expect("B").exec(&words).expect("pulse"),
        };
        PulseReport::decode(&String::from_utf8_lossy(&output.stdout))
    }

    /// Each pulse that runs says of itself what is so.
    fn says_so(&self, owner: &str) -> bool {
        let phase = |director: &str| self.report(director).map(|report| report.pulse.phase);
        let other = if owner == "A" { "B" } else { "A" };
        phase(owner).as_deref() == Some("active")
            && phase(other).is_none_or(|phase| phase == "standby")
    }

    /// The same, whichever of the two it is: a director that was away may come back as the standby.
    pub fn serves_at_all(&self, after: &str) {
        let alone = wait_until(SOON, || self.owners().len() == 1);
        assert!(
            alone.is_some(),
            "{after}: {:?} owns\n{}",
            self.owners(),
            self.journal()
        );
        self.serves(self.owners().first().unwrap_or(&"nobody"), after);
    }

    pub fn client(&self) -> Requests {
        let client = self.network.get("client").expect("a client");
        let every = Duration::from_millis(100);
        let target = format!("{VIP}:80").parse().expect("an address");
        Requests::start(client, target, every, Duration::from_secs(5)).expect("a client")
    }

    /// The unit's state, for example `active`.
    pub fn unit(&self, property: &str) -> String {
        said(&format!(
            "systemctl show --value --property={property} pulse"
        ))
    }

    /// The unit runs, and pulse has said that it is ready.
    pub fn is_well(&self) -> bool {
        self.unit("ActiveState") == "active" && self.unit("SubState") == "running"
    }

    /// The process of the unit with this name, or with this word on its command line.
    pub fn pid_of(&self, name: &str) -> Option<i32> {
        let pids =
            fs::read_to_string("/sys/fs/cgroup/system.slice/pulse.service/cgroup.procs").ok()?;
        let is_it = |pid: &str| {
            let comm = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let mut words = line.split('\0');
            let helper = |word: &str| word == "--runner" || word == "--guardian";
            match name.strip_prefix("--") {
                Some(_) => words.any(|word| word == name),
                None => comm.trim() == name && !words.any(helper),
            }
        };
        pids.lines()
            .find(|pid| is_it(pid))
            .and_then(|pid| pid.parse().ok())
    }

    pub fn journal(&self) -> String {
        let lines = run(&[
            "journalctl",
            "--no-pager",
            "-o",
            "short-monotonic",
            "-n",
            "60",
        ]);
        let b = self.network.get(B).ok().and_then(|host| host.log());
        let b = b.map(|log| log.lines()).unwrap_or_default();
        let b: Vec<_> = b.iter().map(|line| line.text.as_str()).collect();
        format!(
            "A:\n{}\nB:\n{}",
            String::from_utf8_lossy(&lines.stdout),
            b.join("\n")
        )
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        run(&["systemctl", "stop", "pulse"]);
        // One that was started by hand.
        run(&["sh", "-c", "kill $(cat /run/pulse.pid)"]);
        run(&["systemctl", "reset-failed", "pulse"]);
        run(&["ip", "link", "del", "eth0"]);
    }
}

pub fn write(lvs_cf: &str) {
    fs::write(CONFIG, lvs_cf).expect("lvs.cf");
}

fn wired() -> std::io::Result<Network> {
    let mut network = Network::new();
    network.switch("switch")?;
    network.host("client")?;
    network.host("rs1")?;
    network.director(B)?;
    for (host, own) in [("client", 9), ("rs1", 41), (B, 2)] {
        network.connect(host, "eth0", "switch", &[format!("10.1.0.{own}/24")])?;
    }
    network.later("rs1", &format!("addr add {VIP}/32 dev lo"))?;
    network.build()?;
    let real_server = network.get("rs1")?;
    real_server.set("net/ipv4/conf/all/arp_ignore", "1")?;
    real_server.set("net/ipv4/conf/all/arp_announce", "2")?;
    let switch = network.get("switch")?.namespace();
    said(&format!(
        "ip link add eth0 type veth peer name port99 netns {switch}"
    ));
    said(&format!("ip -n {switch} link set port99 master bridge up"));
    said("ip link set eth0 up");
    Ok(network)
}
