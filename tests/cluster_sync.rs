//! Connection synchronisation: established connections live through a takeover and the return, and
//! through the restarts of both directors one after the other. `CARIBE_CONNECTIONS` sets how many, 100 by
//! default.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

use caribe_lab::cluster::{Cluster, Settings};
use caribe_lab::measure::Connections;
use caribe_lab::topology::{DIRECTORS, Forwarding};
use caribe_tests::{SOON, demand_lab};

fn other(director: &str) -> &'static str {
    let mut directors = DIRECTORS.into_iter();
    directors.find(|name| *name != director).unwrap()
}

fn active(cluster: &Cluster, wanted: Option<&str>) -> &'static str {
    let right = |cluster: &Cluster| match cluster.active()? {
        Some(now) if wanted.is_none_or(|wanted| wanted == now) => cluster.has_full_weights(now),
        _ => Ok(false),
    };
    let at = cluster.wait(SOON, right).unwrap();
    assert!(at.is_some(), "{wanted:?} is not active");
    cluster.active().unwrap().unwrap()
}

/// Both directors run, with a sync daemon; `more` is put before lvs.cf. Returns also which one is active.
fn synchronising(forwarding: Forwarding, more: &str) -> (Cluster, &'static str) {
    let (cluster, first) = running(forwarding, "eth1", more);
    synchronises(&cluster, first, "master");
    synchronises(&cluster, other(first), "backup");
    (cluster, first)
}

/// The same with the sync daemon on an interface that need not be there.
fn running(forwarding: Forwarding, interface: &str, more: &str) -> (Cluster, &'static str) {
    demand_lab();
    let cluster = Cluster::build(Settings {
        weights: vec![1, 1, 1],
        forwarding,
        ..Settings::default()
    })
    .unwrap();
    let sync = format!("syncdaemon = 1\nsyncd_iface = {interface}\nsyncd_id = 7\n");
    for director in DIRECTORS {
        let host = cluster.site().host(director).unwrap();
        let file = host.exec(&["cat", "/etc/sysconfig/ha/lvs.cf"]).unwrap();
        let text = format!("{sync}{more}{}", String::from_utf8_lossy(&file.stdout));
        host.write_file("/etc/sysconfig/ha/lvs.cf", &text).unwrap();
        // Every packet, so that one request after the return is enough.
        let every = || fs::write("/proc/sys/net/ipv4/vs/sync_threshold", "0 1");
        host.run(every).unwrap();
        cluster.start_pulse(director).unwrap();
    }
    let first = active(&cluster, None);
    (cluster, first)
}

fn connect(cluster: &Cluster) -> Connections {
    let count = std::env::var("CARIBE_CONNECTIONS").ok();
    let count = count.and_then(|text| text.parse().ok()).unwrap_or(100);
    Connections::open(cluster.client().unwrap(), cluster.target(), count).unwrap()
}

/// Waits until a director's kernel tells or learns of connections, and does nothing else.
fn synchronises(cluster: &Cluster, director: &str, role: &str) {
    let alone = |cluster: &Cluster| {
        let host = cluster.site().host(director)?;
        let list = host.exec(&["/sbin/ipvsadm", "-L", "--daemon"])?;
        let list = String::from_utf8_lossy(&list.stdout).into_owned();
        let is_there = list.contains(&format!("{role} sync daemon"));
        Ok(is_there && list.matches("sync daemon").count() == 1)
    };
    let at = cluster.wait(SOON, alone).unwrap();
    assert!(
        at.is_some(),
        "{director} is not the {role}{}",
        cluster.last_words()
    );
}

/// How many open connections to the service a director's kernel knows.
fn known(cluster: &Cluster, director: &str) -> io::Result<usize> {
    let read = || fs::read_to_string("/proc/thread-self/net/ip_vs_conn");
    let list = cluster.site().host(director)?.run(read)?;
    let open = list.lines().filter(|line| line.contains(" ESTABLISHED "));
    Ok(open.count())
}

/// Waits until a director's kernel knows `count` connections to the service that are open.
fn learns(cluster: &Cluster, director: &str, count: usize) {
    let known = |cluster: &Cluster| Ok(known(cluster, director)? >= count);
    let at = cluster.wait(SOON, known).unwrap();
    assert!(
        at.is_some(),
        "{director} does not learn {count} connections"
    );
}

fn takeover_and_return(forwarding: Forwarding) {
    let (cluster, first) = synchronising(forwarding, "");
    let mut open = connect(&cluster);
    learns(&cluster, other(first), open.count());
    cluster.power_off(first).unwrap();
    let second = active(&cluster, Some(other(first)));
    assert_eq!(open.lost(), 0, "after the takeover by {second}");

    cluster.power_on(first).unwrap();
    synchronises(&cluster, first, "backup");
    synchronises(&cluster, second, "master");
    assert_eq!(open.lost(), 0, "beside the returned {first}");
    learns(&cluster, first, open.count());
    cluster.power_off(second).unwrap();
    active(&cluster, Some(first));
    assert_eq!(open.lost(), 0, "after the return to {first}");
}

#[test]
fn open_connections_live_through_a_takeover_and_the_return() {
    takeover_and_return(Forwarding::DirectRouting);
}

#[test]
fn masqueraded_connections_live_through_a_takeover_and_the_return() {
    takeover_and_return(Forwarding::Masquerading);
}

#[test]
fn a_director_that_has_just_come_back_listens_before_it_relieves_the_other_one() {
    let wait = Duration::from_secs(6);
    let (cluster, first) = synchronising(Forwarding::DirectRouting, "sync_wait = 6\n");
    let mut open = connect(&cluster);
    learns(&cluster, other(first), open.count());
    cluster.stop_pulse(first).unwrap();
    let second = active(&cluster, Some(other(first)));
    assert_eq!(open.lost(), 0, "after the clean stop of {first}");

    let host = cluster.site().host(first).unwrap();
    let ended = |_: &Cluster| Ok(host.processes_named("pulse")?.is_empty());
    cluster.wait(SOON, ended).unwrap().expect("it ends");
    cluster.start_pulse(first).unwrap();
    let back = Instant::now();
    // Each knows that the other one is there, and few connections have been told of.
    for director in [first, second] {
        let knows = |cluster: &Cluster| {
            let report = cluster.report(director)?;
            let paths = report.map(|report| report.paths).unwrap_or_default();
            let mut heard = paths.iter().filter_map(|path| path.age);
            Ok(heard.any(|ago| ago < back.elapsed().as_secs_f64()))
        };
        let known = cluster.wait(SOON, knows).unwrap();
        assert!(known.is_some(), "{}", cluster.last_words());
    }
    cluster.stop_pulse(second).unwrap();
    synchronises(&cluster, first, "backup");
    synchronises(&cluster, second, "master");
    assert_eq!(open.lost(), 0, "while {second} waits");
    learns(&cluster, first, open.count());
    while back.elapsed() < wait - Duration::from_secs(1) {
        assert_eq!(open.lost(), 0, "while {second} waits");
        assert_eq!(cluster.active().unwrap(), Some(second));
        // Between two looks: that nothing changes is tested.
        std::thread::sleep(Duration::from_millis(200));
    }
    active(&cluster, Some(first));
    assert_eq!(open.lost(), 0, "after the return to {first}");
}

/// New connections that stay open, one handful after the other.
struct Handfuls<'c> {
    cluster: &'c Cluster,
    standby: &'static str,
    open: Vec<Connections>,
}

impl Handfuls<'_> {
    /// Waits until the standby learns connections that begin now.
    fn are_learnt(&mut self, after: &str) {
        let (cluster, standby) = (self.cluster, self.standby);
        let handful = |open: &mut Vec<Connections>| {
            let before = known(cluster, standby)?;
            let client = cluster.client()?;
            open.push(Connections::open(client, cluster.target(), 5)?);
            let learnt = |cluster: &Cluster| Ok(known(cluster, standby)? >= before + 5);
            Ok::<_, io::Error>(cluster.wait(Duration::from_secs(2), learnt)?.is_some())
        };
        let begun = Instant::now();
        while !handful(&mut self.open).unwrap() {
            let told = cluster.last_words();
            assert!(
                begun.elapsed() < SOON,
                "after {after}: nothing is learnt{told}"
            );
        }
    }
}

fn ip(cluster: &Cluster, director: &str, words: &str) {
    let host = cluster.site().host(director).unwrap();
    let argv: Vec<&str> = std::iter::once("ip").chain(words.split(' ')).collect();
    let output = host.exec(&argv).unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{director}: ip {words}: {error}");
}

fn number(director: &str) -> u8 {
    if director == DIRECTORS[0] { 11 } else { 12 }
}

/// An interface of the sync daemon's own.
fn plug_in(cluster: &Cluster, director: &str) {
    let number = number(director);
    ip(
        cluster,
        director,
        "link add link eth1 name sync7 type vlan id 7",
    );
    ip(
        cluster,
        director,
        &format!("addr add 10.9.7.{number}/24 dev sync7"),
    );
    ip(cluster, director, "link set sync7 up");
}

/// How often a director has said that; waited for if it has not.
fn says(cluster: &Cluster, director: &str, text: &str) -> usize {
    let count = |cluster: &Cluster| {
        let log = cluster.site().host(director)?.log();
        let lines = log.map(caribe_lab::topology::SystemLog::lines);
        let lines = lines.unwrap_or_default();
        Ok::<_, io::Error>(lines.iter().filter(|line| line.text.contains(text)).count())
    };
    cluster
        .wait(SOON, |cluster| Ok(count(cluster)? > 0))
        .unwrap();
    count(cluster).unwrap()
}

impl<'c> Handfuls<'c> {
    fn to(cluster: &'c Cluster, standby: &'static str) -> Self {
        Self {
            cluster,
            standby,
            open: Vec::new(),
        }
    }
}

#[test]
fn a_sync_daemon_that_somebody_stops_is_started_again() {
    let (cluster, active) = synchronising(Forwarding::DirectRouting, "");
    let standby = other(active);
    let mut handfuls = Handfuls::to(&cluster, standby);
    handfuls.are_learnt("the start");
    for (director, role) in [(active, "master"), (standby, "backup")] {
        let host = cluster.site().host(director).unwrap();
        let stop = host
            .exec(&["/sbin/ipvsadm", "--stop-daemon", role])
            .unwrap();
        assert!(stop.status.success(), "{stop:?}");
        handfuls.are_learnt(&format!("the end of the {role}"));
        synchronises(&cluster, director, role);
        assert_eq!(says(&cluster, director, "somebody else stopped it"), 1);
    }
}

#[test]
fn whatever_happens_to_its_interface_connections_are_synchronised_afterwards() {
    let (cluster, active) = running(Forwarding::DirectRouting, "sync7", "");
    let standby = other(active);
    for director in DIRECTORS {
        let said = says(&cluster, director, "there is no interface sync7");
        // At the start, and the one that is active as the master.
        let expected = if director == active { 1..=2 } else { 1..=1 };
        assert!(expected.contains(&said), "{director}: {said}");
        plug_in(&cluster, director);
    }
    let mut handfuls = Handfuls::to(&cluster, standby);
    handfuls.are_learnt("both interfaces were created");
    for director in [active, standby] {
        ip(&cluster, director, "link set sync7 down");
        assert_eq!(says(&cluster, director, "is down or has no carrier"), 1);
        ip(&cluster, director, "link set sync7 up");
        handfuls.are_learnt(&format!("{director}'s interface was down"));
        ip(&cluster, director, "link del sync7");
        plug_in(&cluster, director);
        handfuls.are_learnt(&format!("{director}'s interface was replaced"));
        ip(&cluster, director, "addr flush dev sync7");
        let another = format!("addr add 10.9.7.1{}/24 dev sync7", number(director));
        ip(&cluster, director, &another);
        handfuls.are_learnt(&format!("{director}'s interface got another address"));
        // An interface that is up has no other name on older kernels.
        ip(&cluster, director, "link set sync7 down");
        ip(&cluster, director, "link set sync7 name eth7");
        ip(&cluster, director, "link set eth7 up");
        handfuls.are_learnt(&format!("{director}'s interface was renamed"));
    }
    // The roles change under the new names.
    cluster.stop_pulse(active).unwrap();
    self::active(&cluster, Some(standby));
    synchronises(&cluster, active, "backup");
    synchronises(&cluster, standby, "master");
    Handfuls::to(&cluster, active).are_learnt("the takeover");
}
