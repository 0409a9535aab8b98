//! Connection synchronisation: established connections live through a takeover and the return, in
//! direct routing. `CARIBE_CONNECTIONS` sets how many, 100 by default.

use std::fs;
use std::time::Duration;

use caribe_lab::cluster::{Cluster, Settings};
use caribe_lab::measure::Connections;
use caribe_lab::topology::DIRECTORS;
use caribe_tests::demand_lab;

/// In the second that a sync daemon may keep a message back, and on a slow machine.
const SYNCHRONISED: Duration = Duration::from_secs(4);

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

#[test]
fn open_connections_live_through_a_takeover_and_the_return() {
    demand_lab();
    let count = std::env::var("CARIBE_CONNECTIONS").ok();
    let count = count.and_then(|text| text.parse().ok()).unwrap_or(100);
    let cluster = Cluster::build(Settings {
        weights: vec![1, 1, 1],
        ..Settings::default()
    })
    .unwrap();
    let sync = "syncdaemon = 1\nsyncd_iface = eth1\nsyncd_id = 7\n";
    for director in DIRECTORS {
        let host = cluster.site().host(director).unwrap();
        let file = host.exec(&["cat", "/etc/sysconfig/ha/lvs.cf"]).unwrap();
        let text = format!("{sync}{}", String::from_utf8_lossy(&file.stdout));
        host.write_file("/etc/sysconfig/ha/lvs.cf", &text).unwrap();
        // Every packet, so that one request after the return is enough.
        let every = || fs::write("/proc/sys/net/ipv4/vs/sync_threshold", "0 1");
        host.run(every).unwrap();
        cluster.start_pulse(director).unwrap();
    }
    let first = active(&cluster, None);
    let mut open = Connections::open(cluster.client().unwrap(), cluster.target(), count).unwrap();
    std::thread::sleep(SYNCHRONISED);
    cluster.power_off(first).unwrap();
    let second = active(&cluster, Some(other(first)));
    assert_eq!(open.lost(), 0, "after the takeover by {second}");

    cluster.power_on(first).unwrap();
    std::thread::sleep(SYNCHRONISED);
    assert_eq!(open.lost(), 0, "beside the returned {first}");
    std::thread::sleep(SYNCHRONISED);
    cluster.power_off(second).unwrap();
    active(&cluster, Some(first));
    assert_eq!(open.lost(), 0, "after the return to {first}");
}
