//! The lab itself: every layout carries requests, every fault is felt. The table is filled by the C
//! ipvsadm, so a failure here is the lab's.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use caribe_lab::measure::{Account, HttpServer, Outcome, Owners, Requests, Table};
use caribe_lab::topology::{Disturbance, Family, Forwarding, Layout, Site, step_clock};
use caribe_tests::{SOON, c_ipvsadm, demand_lab, wait_until};
use nix::time::ClockId;

/// A request without an answer for this time is lost. A busy machine itself stands still for seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// A site whose first director serves, the virtual address on it by hand.
struct Served {
    site: Site,
    _servers: Vec<HttpServer>,
    target: SocketAddr,
}

impl Served {
    fn build(layout: Layout) -> Self {
        let site = Site::build(layout).unwrap();
        let target = SocketAddr::new(site.vip(), 80);
        let director = site.host("director-a").unwrap();
        let servers = site
            .real_servers()
            .iter()
            .map(|(name, _)| HttpServer::start(site.host(name).unwrap(), 80).unwrap())
            .collect();
        // Not preferred: else the kernel sends its tunnel packets from the virtual address, and a
        // real server drops them, since it holds that address too.
        let whole = if layout.family == Family::V4 {
            "32"
        } else {
            "128 preferred_lft 0"
        };
        let mut commands = vec![format!("ip addr add {}/{whole} dev eth0", site.vip())];
        if layout.forwarding == Forwarding::Masquerading {
            commands.push("ip addr add 10.9.2.254/24 dev eth2".into());
            commands.push("ip addr add fd09:0:0:2::254/64 dev eth2 nodad".into());
        }
        let method = match layout.forwarding {
            Forwarding::DirectRouting => "-g",
            Forwarding::Masquerading => "-m",
            Forwarding::Tunnelling => "-i",
        };
        let ipvsadm = c_ipvsadm();
        commands.push(format!("{ipvsadm} -A -t {target} -s rr"));
        for (_, rip) in site.real_servers() {
            let destination = SocketAddr::new(rip, 80);
            commands.push(format!(
                "{ipvsadm} -a -t {target} -r {destination} {method}"
            ));
        }
        for command in commands {
            let output = director.exec(&["sh", "-ec", &command]).unwrap();
            assert!(output.status.success(), "{command}: {output:?}");
        }
        Self {
            site,
            _servers: servers,
            target,
        }
    }

    /// Asks until so many requests have ended.
    fn ask(&self, count: usize) -> Account {
        let client = self.site.host("client").unwrap();
        let every = Duration::from_millis(25);
        let requests = Requests::start(client, self.target, every, PATIENCE).unwrap();
        wait_until(SOON, || requests.replies().len() >= count).expect("requests end");
        Account::of(&requests.finish())
    }
}

fn carries(forwarding: Forwarding, family: Family, router: bool) {
    let served = Served::build(Layout {
        forwarding,
        family,
        real_servers: 2,
        router,
    });
    let account = served.ask(40);
    assert_eq!(account.all_served(40), Ok(()), "{forwarding:?} {family:?}");
    assert!((account.share("rs1") - 50.0).abs() < 5.0, "{account:?}");
    let table = Table::of(served.site.host("director-a").unwrap()).unwrap();
    assert_eq!(table.0[0].destinations.len(), 2);
}

#[test]
fn direct_routing_carries_requests() {
    carries(Forwarding::DirectRouting, Family::V4, false);
    carries(Forwarding::DirectRouting, Family::V6, false);
}

#[test]
fn masquerading_carries_requests() {
    carries(Forwarding::Masquerading, Family::V4, false);
    carries(Forwarding::Masquerading, Family::V6, false);
}

#[test]
fn tunnelling_carries_requests() {
    carries(Forwarding::Tunnelling, Family::V4, false);
    carries(Forwarding::Tunnelling, Family::V6, false);
}

#[test]
fn a_router_in_front_changes_nothing() {
    carries(Forwarding::DirectRouting, Family::V4, true);
    carries(Forwarding::Masquerading, Family::V6, true);
}

fn direct(real_servers: u8) -> Served {
    let (forwarding, family) = (Forwarding::DirectRouting, Family::V4);
    Served::build(Layout {
        forwarding,
        family,
        real_servers,
        router: false,
    })
}

#[test]
fn a_stopped_server_refuses_and_a_cut_link_is_silent() {
    let mut served = direct(1);
    served._servers.clear();
    let network = served.site.network();
    let client = served.site.host("client").unwrap();
    let every = Duration::from_millis(100);
    let requests = Requests::start(client, served.target, every, Duration::from_secs(2)).unwrap();
    wait_until(SOON, || !requests.replies().is_empty()).expect("a first answer");
    network.set_links("director-a", false).unwrap();
    let cut = Instant::now();
    wait_until(SOON, || requests.since(cut).sent > 0).expect("it asks on");
    let replies = requests.finish();
    assert_eq!(replies[0].outcome, Outcome::Refused);
    let later = replies.iter().filter(|reply| reply.begun > cut);
    assert!(later.clone().count() > 0);
    assert!(
        later.clone().all(|reply| reply.outcome != Outcome::Refused),
        "{replies:?}"
    );
}

/// Whether a datagram from one host, said again and again, reaches an address of another within
/// `limit`.
fn hears(site: &Site, from: &str, to: &str, address: &str, limit: Duration) -> bool {
    let ear = site
        .host(to)
        .unwrap()
        .run(|| UdpSocket::bind("0.0.0.0:0"))
        .unwrap();
    let pause = Duration::from_millis(100);
    ear.set_read_timeout(Some(pause)).unwrap();
    let target = format!("{address}:{}", ear.local_addr().unwrap().port());
    let heard = || {
        say(site, from, target.clone());
        ear.recv(&mut [0; 8]).is_ok()
    };
    wait_until(limit, heard).is_some()
}

fn say(site: &Site, from: &str, target: String) {
    let mouth = site
        .host(from)
        .unwrap()
        .run(|| UdpSocket::bind("0.0.0.0:0"))
        .unwrap();
    mouth.send_to(b"hello", target).unwrap();
}

#[test]
fn a_one_way_cut_cuts_one_way() {
    let served = direct(1);
    let network = served.site.network();
    let quiet = Duration::from_millis(500);
    let hears =
        |from: &str, to: &str, address: &str, limit| hears(&served.site, from, to, address, limit);
    // Before the cut, that the way back needs no answer to a question for an address.
    assert!(hears("director-b", "director-a", "10.9.1.11", SOON));
    network.cut_one_way("director-a", "director-b").unwrap();
    assert!(!hears("director-a", "director-b", "10.9.1.12", quiet));
    assert!(hears("director-b", "director-a", "10.9.1.11", SOON));
    network.mend("director-b").unwrap();
    assert!(hears("director-a", "director-b", "10.9.1.12", SOON));
    network.cut("director-a", "director-b").unwrap();
    assert!(!hears("director-b", "director-a", "10.9.0.11", quiet));
}

#[test]
fn a_disturbed_link_delays() {
    let served = direct(1);
    let late = Disturbance {
        delay: Duration::from_millis(200),
        ..Disturbance::default()
    };
    served
        .site
        .network()
        .disturb("client", "eth0", late)
        .unwrap();
    let account = served.ask(40);
    assert_eq!(account.all_served(40), Ok(()));
    assert!(
        account.longest_gap >= Duration::from_millis(400),
        "{account:?}"
    );
}

#[test]
fn the_watcher_hears_who_owns_an_address() {
    let served = direct(1);
    let owners = Owners::listen(served.site.host("watcher").unwrap()).unwrap();
    let start = Instant::now();
    let address = "10.9.0.12".parse().unwrap();
    // An address that nobody has is asked for again and again.
    let told = || {
        say(&served.site, "director-b", "10.9.0.99:9".into());
        !owners.of(address, start).is_empty()
    };
    wait_until(SOON, told).expect("director-b asked for an address and so told its own");
    let heard = owners.of(address, start);
    assert_eq!(
        served.site.network().owner_of(&heard[0].mac),
        Some("director-b")
    );
}

#[test]
fn a_paused_process_stands_still_and_a_killed_host_is_empty() {
    let served = direct(1);
    let host = served.site.host("director-a").unwrap();
    let script = "while :; do echo x >> /run/ticks; sleep 0.05; done";
    host.spawn(&["sh", "-c", script], None).unwrap();
    let ticks = || {
        host.run(|| std::fs::read("/run/ticks"))
            .map_or(0, |text| text.len())
    };
    wait_until(SOON, || ticks() > 4).expect("the loop runs");
    host.pause().unwrap();
    let paused = ticks();
    // Long enough for six of them.
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(ticks(), paused);
    host.resume().unwrap();
    wait_until(SOON, || ticks() > paused).expect("the loop goes on");
    host.kill_all().unwrap();
    wait_until(SOON, || host.processes().unwrap().is_empty()).expect("nothing is left");
}

/// Seconds of the wall clock minus those of the one that only runs on.
fn wall_offset() -> i64 {
    let wall = ClockId::CLOCK_REALTIME.now().unwrap();
    let steady = ClockId::CLOCK_MONOTONIC.now().unwrap();
    wall.tv_sec() - steady.tv_sec()
}

#[test]
fn a_clock_step_moves_the_wall_clock_and_no_other() {
    demand_lab();
    let (before, steady) = (wall_offset(), Instant::now());
    let day = Duration::from_secs(86_400);
    step_clock(true, day).unwrap();
    let forward = wall_offset() - before;
    step_clock(false, day * 2).unwrap();
    let back = wall_offset() - before;
    step_clock(true, day).unwrap();
    assert!((86_399..=86_401).contains(&forward), "{forward}");
    assert!((-86_401..=-86_399).contains(&back), "{back}");
    assert!((wall_offset() - before).abs() <= 1);
    assert!(steady.elapsed() < day);
}
