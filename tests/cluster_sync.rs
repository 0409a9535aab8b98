//! Connection synchronisation: established connections live through a takeover and the return, and
//! through the restarts of both directors one after the other. `CARIBE_CONNECTIONS` sets how many, 100 by
//! default.

use std::fs;
use std::time::{Duration, Instant};

use caribe_lab::cluster::{Cluster, Settings};
use caribe_lab::measure::Connections;
use caribe_lab::topology::{DIRECTORS, Forwarding};
use caribe_tests::demand_lab;

/// For what must come and is not timed.
const SOON: Duration = Duration::from_secs(60);

fn other(director: &str) -> &'static str {
    let mut directors = DIRECTORS.into_iter();
    directors.find(|name| *name != director).unwrap()
}

fn active(cluster: &Cluster, wanted: Option<&str>) -> &'static str {
    let right = |cluster: &Cluster| match cluster.active()? {
        Some(now) if wanted.is_none_or(|wanted| wanted == now) => cluster.has_full_weights(now),
        _ => Ok(false),
    };
    let limit = Duration::from_secs(60);
    let at = cluster.wait(limit, right).unwrap();
    assert!(at.is_some(), "{wanted:?} is not active");
    cluster.active().unwrap().unwrap()
}

/// Both directors run, with a sync daemon; `more` is put before lvs.cf. Also who is active.
fn synchronising(forwarding: Forwarding, more: &str) -> (Cluster, &'static str) {
    demand_lab();
    let cluster = Cluster::build(Settings {
        weights: vec![1, 1, 1],
        forwarding,
        ..Settings::default()
    })
    .unwrap();
    let sync = "syncdaemon = 1\nsyncd_iface = eth1\nsyncd_id = 7\n";
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
    synchronises(&cluster, first, "master");
    synchronises(&cluster, other(first), "backup");
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
    assert!(at.is_some(), "{director} is not the {role}");
}

/// Waits until a director's kernel knows `count` connections to the service that are open.
fn learns(cluster: &Cluster, director: &str, count: usize) {
    let known = |cluster: &Cluster| {
        let read = || fs::read_to_string("/proc/thread-self/net/ip_vs_conn");
        let list = cluster.site().host(director)?.run(read)?;
        let open = list.lines().filter(|line| line.contains(" ESTABLISHED "));
        Ok(open.count() >= count)
    };
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
    // It knows its partner, and has been told of few connections.
    std::thread::sleep(Duration::from_secs(1));
    cluster.stop_pulse(second).unwrap();
    synchronises(&cluster, first, "backup");
    synchronises(&cluster, second, "master");
    assert_eq!(open.lost(), 0, "while {second} waits");
    learns(&cluster, first, open.count());
    while back.elapsed() < wait - Duration::from_secs(1) {
        assert_eq!(open.lost(), 0, "while {second} waits");
        assert_eq!(cluster.active().unwrap(), Some(second));
        std::thread::sleep(Duration::from_millis(200));
    }
    active(&cluster, Some(first));
    assert_eq!(open.lost(), 0, "after the return to {first}");
}
