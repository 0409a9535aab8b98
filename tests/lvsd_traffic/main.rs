//! lvsd under traffic: reloads, its death and what others do to the table, with clients that count.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use caribe_lab::measure::{Account, Connections, HttpServer, Requests, Table};
use caribe_lab::topology::{Family, Forwarding, Host, Layout, Process, Site};
use caribe_tests::{SOON, demand_lab, wait_until};
use nix::sys::signal::Signal;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};

const DIRECTOR: &str = "director-a";
/// What lvsd says of each reload.
const READ: &str = "rereading configuration file";
/// Five hundred requests a second.
const EVERY: Duration = Duration::from_millis(2);
/// A request that ends later is lost; a busy guest itself stands still for seconds.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longer than until the next check or audit.
const QUIET: Duration = Duration::from_millis(1200);

/// A director with four real servers in direct routing, without pulse.
struct Rig {
    site: Site,
    servers: Vec<HttpServer>,
    lvsd: Option<Process>,
    log: PathBuf,
    seen: usize,
}

impl Rig {
    fn build() -> Self {
        demand_lab();
        let site = Site::build(Layout {
            forwarding: Forwarding::DirectRouting,
            family: Family::V4,
            real_servers: 4,
            router: false,
        });
        let mut rig = Self {
            site: site.unwrap(),
            servers: Vec::new(),
            lvsd: None,
            log: std::env::temp_dir().join(format!("traffic-{}.log", std::process::id())),
            seen: 0,
        };
        for (name, _) in rig.site.real_servers() {
            let server = HttpServer::start(rig.site.host(&name).unwrap(), 80).unwrap();
            rig.servers.push(server);
        }
        let vip = format!("{}/32", rig.site.vip());
        let added = rig
            .director()
            .exec(&["ip", "addr", "add", &vip, "dev", "eth0"]);
        assert!(added.unwrap().status.success());
        rig
    }

    fn director(&self) -> &Host {
        self.site.host(DIRECTOR).unwrap()
    }

    fn write(&self, text: &str) {
        self.director()
            .write_file("/etc/sysconfig/ha/lvs.cf", text)
            .unwrap();
    }

    fn start(&mut self, text: &str, up: usize) {
        self.write(text);
        let log = File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .unwrap();
        let lvsd = self
            .director()
            .spawn(&["/usr/sbin/lvsd", "-n", "-v"], Some(log));
        self.lvsd = Some(lvsd.unwrap());
        let all = wait_until(SOON, || self.destinations() == up);
        all.unwrap_or_else(|| panic!("{:?} {}", self.table(), self.said()));
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn table(&self) -> Table {
        Table::of(self.director()).unwrap()
    }

    fn destinations(&self) -> usize {
        self.table()
            .0
            .first()
            .map_or(0, |service| service.destinations.len())
    }

    fn signal(&self, signal: Signal) {
        self.lvsd.as_ref().unwrap().signal(signal).unwrap();
    }

    fn client(&self) -> Requests {
        let target = SocketAddr::new(self.site.vip(), 80);
        Requests::start(self.site.host("client").unwrap(), target, EVERY, PATIENCE).unwrap()
    }

    /// Table operations since the last call, once there are `count`.
    fn operations(&mut self, count: usize) -> Vec<String> {
        let all = |rig: &Self| -> Vec<String> {
            let said = rig.said();
            let operations = said.lines().filter_map(|l| l.strip_prefix("lvs: ipvsadm "));
            operations.map(str::to_owned).collect()
        };
        let seen = self.seen;
        wait_until(SOON, || all(self).len() >= seen + count);
        // A surplus operation would come by then: that none does is tested.
        std::thread::sleep(QUIET);
        let operations = all(self);
        self.seen = operations.len();
        operations[seen..].to_vec()
    }

    /// Changes lvs.cf; the operations that follow.
    fn reload(&mut self, text: &str, count: usize) -> Vec<String> {
        let read = |rig: &Self| rig.said().matches(READ).count();
        let before = read(self);
        self.write(text);
        self.signal(Signal::SIGHUP);
        wait_until(SOON, || read(self) > before).expect("it is read");
        self.operations(count)
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // It goes with the guest.
        let _ = fs::remove_file(&self.log);
    }
}

/// lvs.cf with one service; servers are numbers and weights.
fn file(section: &str, scheduler: &str, servers: &[(u8, u32)]) -> String {
    let mut text = format!(
        "network = direct\naudit_interval = 0.5\nvirtual {section} {{\n active = 1\n \
         address = 10.9.0.100 eth0:1\n port = 80\n timeout = 10\n reentry = 20\n \
         send = \"GET / HTTP/1.0\\r\\n\\r\\n\"\n expect = \"HTTP/1.1 200\"\n \
         scheduler = {scheduler}\n"
    );
    for (number, weight) in servers {
        text += &format!(
            " server {section}{number} {{\n address = 10.9.0.2{number}\n active = 1\n \
             weight = {weight}\n }}\n"
        );
    }
    text + "}\n"
}

#[test]
fn reloads_under_five_hundred_requests_a_second_lose_none_and_send_what_differs() {
    let mut rig = Rig::build();
    rig.start(&file("web", "wrr", &[(1, 1), (2, 1), (3, 1)]), 3);
    rig.operations(0);
    let client = rig.client();
    asked(&client, 50);

    let operations = rig.reload(&file("web", "wrr", &[(1, 1), (2, 1), (3, 1), (4, 1)]), 1);
    assert_eq!(operations, ["-a -t 10.9.0.100:80 -r 10.9.0.24:80 -g -w 1"]);
    let operations = rig.reload(&file("web", "wrr", &[(1, 2), (2, 1), (3, 1), (4, 1)]), 1);
    assert_eq!(operations, ["-e -t 10.9.0.100:80 -r 10.9.0.21:80 -g -w 2"]);
    let operations = rig.reload(&file("web", "rr", &[(1, 2), (2, 1), (3, 1), (4, 1)]), 1);
    assert_eq!(operations, ["-E -t 10.9.0.100:80 -s rr"]);
    let operations = rig.reload(&file("shop", "rr", &[(4, 1), (3, 1), (2, 1), (1, 2)]), 0);
    assert_eq!(operations, [""; 0]);
    let account = Account::of(&client.finish());
    // A busy machine does not keep the pace: that is the machine's figure, not lvsd's.
    assert_eq!(account.all_served(200), Ok(()));
    // What lvsd hurries the kernel with is switched off again; a kernel for one processor has no such switch.
    let hurried = fs::read_to_string("/sys/kernel/rcu_expedited").unwrap_or("0\n".into());
    assert_eq!(hurried, "0\n");

    let client = rig.client();
    let operations = rig.reload(&file("shop", "rr", &[(1, 2), (2, 1), (4, 1)]), 1);
    assert_eq!(operations, ["-d -t 10.9.0.100:80 -r 10.9.0.23:80"]);
    // A request to the server that goes may be lost while it is under way; later ones may not.
    let gone = Instant::now();
    wait_until(SOON, || client.since(gone).sent >= 40).expect("it asks on");
    let later = client.since(gone);
    assert_eq!(later.all_served(20), Ok(()));
    assert!(!later.served.contains_key("rs3"), "{later:?}");
    // No server refuses or resets: what is lost had its packets dropped for the one that went.
    let account = Account::of(&client.finish());
    let is_dropped = |how: &String| how == "timed out";
    assert!(account.lost_by.keys().all(is_dropped), "{account:?}");
    rig.signal(Signal::SIGTERM);
    assert!(rig.lvsd.take().unwrap().wait().unwrap().success());
}

/// Waits until so many requests have ended.
fn asked(client: &Requests, count: usize) {
    wait_until(SOON, || client.replies().len() >= count).expect("requests end");
}

/// Some of the servers with some weight, in a block of some name; the first is always there.
fn random_file(dice: &mut u64) -> (String, usize) {
    let mut below = |limit: u64| {
        *dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (*dice >> 33) % limit
    };
    let mut servers = vec![(1, 1)];
    servers.extend((2..=4).filter(|_| below(3) > 0).map(|number| (number, 1)));
    for (_, weight) in &mut servers {
        *weight = 1 + u32::try_from(below(3)).unwrap();
    }
    let section = ["web", "shop"][usize::from(below(2) == 0)];
    (file(section, "wrr", &servers), servers.len())
}

/// Four reloads, or as many as `CARIBE_RELOADS` says.
#[test]
fn random_reloads_never_take_the_service_away_and_refuse_nobody() {
    let reloads = std::env::var("CARIBE_RELOADS").ok();
    let reloads = reloads.map_or(4, |number| number.parse::<u32>().expect("a number"));
    let mut rig = Rig::build();
    let mut dice = 23;
    rig.start(&file("web", "wrr", &[(1, 1), (2, 1)]), 2);
    rig.operations(0);
    let client = rig.client();
    let mut up = 2;
    for _ in 0..reloads {
        let text;
        (text, up) = random_file(&mut dice);
        rig.reload(&text, 0);
    }
    wait_until(SOON, || rig.destinations() == up).expect("what the last file says");
    rig.operations(0);
    let account = Account::of(&client.finish());
    // What is under way to a server that goes is dropped; nobody is refused or reset.
    let is_dropped = |how: &String| how == "timed out";
    assert!(account.lost_by.keys().all(is_dropped), "{account:?}");
    assert!(!rig.said().contains("ipvsadm -D "), "{}", rig.said());
}

/// A request from a certain port of the client; the server that answered within three seconds.
fn request_from_port(rig: &Rig, port: u16) -> Option<String> {
    let SocketAddr::V4(vip) = SocketAddr::new(rig.site.vip(), 80) else {
        panic!("the site is IPv4");
    };
    let made = rig.site.host("client").unwrap().run(|| {
        let flags = SockFlag::SOCK_CLOEXEC;
        Ok(socket(AddressFamily::Inet, SockType::Stream, flags, None)?)
    });
    let made = made.unwrap();
    setsockopt(&made, sockopt::ReuseAddr, &true).unwrap();
    let limit = TimeVal::seconds(3);
    setsockopt(&made, sockopt::SendTimeout, &limit).unwrap();
    setsockopt(&made, sockopt::ReceiveTimeout, &limit).unwrap();
    bind(made.as_raw_fd(), &SockaddrIn::new(0, 0, 0, 0, port)).unwrap();
    connect(made.as_raw_fd(), &SockaddrIn::from(vip)).ok()?;
    let mut stream = TcpStream::from(made);
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer
        .split_once("\r\n\r\n")
        .map(|(_, name)| name.to_owned())
}

/// A busy client comes round to its old ports while the kernel still remembers their connections.
#[test]
fn a_port_used_with_a_removed_server_is_good_for_another_one_where_lvsd_may_set_the_switch() {
    let mut rig = Rig::build();
    let may_set = |text: &str| format!("set_sysctls = 1\n{text}");
    rig.start(&may_set(&file("web", "rr", &[(1, 1), (2, 1)])), 2);
    rig.operations(0);
    let first = request_from_port(&rig, 4000).expect("an answer");
    let left = if first == "rs1" { (2, 1) } else { (1, 1) };
    rig.reload(&may_set(&file("web", "rr", &[left])), 1);
    let second = request_from_port(&rig, 4000);
    assert_eq!(second, Some(format!("rs{}", left.0)));
}

#[test]
fn two_thousand_connections_outlive_lvsd_and_its_successor_touches_nothing() {
    let mut rig = Rig::build();
    let file = file("web", "wrr", &[(1, 1), (2, 1), (3, 1), (4, 1)]);
    rig.start(&file, 4);
    rig.operations(0);
    let pid = std::process::id().to_string();
    let limit = ["--pid", &pid, "--nofile=16384:16384"];
    let raised = std::process::Command::new("prlimit").args(limit).status();
    assert!(raised.unwrap().success());
    let target = SocketAddr::new(rig.site.vip(), 80);
    let client = rig.site.host("client").unwrap();
    let mut open = Connections::open(client, target, 2000).unwrap();
    let before = rig.table().without_counts();

    rig.signal(Signal::SIGKILL);
    rig.lvsd.take().unwrap().wait().unwrap();
    rig.start(&file, 4);
    assert_eq!(rig.operations(1), ["--set 0 0 0"]);
    assert_eq!(rig.table().without_counts(), before);
    assert_eq!(open.lost(), 0);
}
