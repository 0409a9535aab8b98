//! The whole cluster on a real kernel: pulse, lvsd and nannies on two directors, three real servers,
//! a client that counts.

use std::time::{Duration, Instant};

use caribe_lab::cluster::{Cluster, Settings};
use caribe_lab::measure::{Account, Connections, Outcome, Owners, Requests, Stalls};
use caribe_lab::topology::DIRECTORS;
use caribe_tests::demand_lab;
use nix::sys::signal::Signal;

/// Equal weights of 1: full from the start, no slow start to wait for.
fn settings() -> Settings {
    Settings {
        weights: vec![1, 1, 1],
        ..Settings::default()
    }
}

/// A cluster that serves: one active director, all real servers in its table.
fn serving(settings: Settings) -> (Cluster, &'static str) {
    demand_lab();
    let cluster = Cluster::build(settings).unwrap();
    for director in DIRECTORS {
        cluster.start_pulse(director).unwrap();
    }
    let full = |cluster: &Cluster| match cluster.active()? {
        Some(active) => cluster.has_full_weights(active),
        None => Ok(false),
    };
    let limit = Duration::from_secs(60);
    let served = cluster.wait(limit, full).unwrap();
    assert!(
        served.is_some(),
        "no director serves with full weights{}",
        cluster.last_words()
    );
    let active = cluster.active().unwrap().unwrap();
    (cluster, active)
}

fn other(director: &str) -> &'static str {
    DIRECTORS
        .into_iter()
        .find(|name| *name != director)
        .unwrap()
}

/// A request without an answer for so long is lost; a busy machine itself stands still for seconds.
const PATIENCE: Duration = Duration::from_secs(20);

fn client(cluster: &Cluster) -> Requests {
    let every = Duration::from_millis(50);
    Requests::start(cluster.client().unwrap(), cluster.target(), every, PATIENCE).unwrap()
}

fn let_ask(seconds: u64) {
    std::thread::sleep(Duration::from_secs(seconds));
}

fn outcomes(requests: Requests) -> (Account, Vec<Outcome>) {
    let replies = requests.finish();
    let bad = replies.iter().map(|reply| reply.outcome.clone());
    let bad = bad
        .filter(|outcome| !matches!(outcome, Outcome::Served(_)))
        .collect();
    (Account::of(&replies), bad)
}

#[test]
fn killed_lvsd_is_replaced_and_500_open_connections_live_on() {
    let (cluster, active) = serving(settings());
    let mut open = Connections::open(cluster.client().unwrap(), cluster.target(), 500).unwrap();
    let before = cluster.table(active).unwrap().without_counts();
    let host = cluster.site().host(active).unwrap();
    let old = host.processes_named("lvsd").unwrap();
    let requests = client(&cluster);
    assert!(cluster.signal_lvsd(active, Signal::SIGKILL).unwrap());
    let start = Instant::now();
    let mut replaced = false;
    while start.elapsed() < Duration::from_secs(8) {
        assert_eq!(cluster.table(active).unwrap().without_counts(), before);
        let now = host.processes_named("lvsd").unwrap();
        replaced |= now.iter().any(|pid| !old.contains(pid));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(replaced, "pulse starts lvsd again");
    assert_eq!(open.lost(), 0);
    assert_eq!(outcomes(requests).1, Vec::<Outcome>::new());
    assert_eq!(cluster.active().unwrap(), Some(active));
}

#[test]
fn a_dead_real_server_leaves_in_time_and_takes_no_request_with_it() {
    let (mut cluster, active) = serving(settings());
    let rip = cluster.site().real_servers()[1].1;
    let requests = client(&cluster);
    cluster.kill_server("rs2");
    let limit = Duration::from_secs(3 * cluster.settings().timeout);
    let gone = cluster
        .wait(limit, |cluster| {
            Ok(cluster.table(active)?.weight(rip).is_none())
        })
        .unwrap()
        .expect("out of the table within 3 x timeout");
    let_ask(3);
    let later = requests.since(gone);
    assert!(later.sent >= 40, "{later:?}");
    assert_eq!(later.lost, 0, "{later:?}");
    assert!(!later.served.contains_key("rs2"), "{later:?}");

    cluster.start_server("rs2").unwrap();
    let limit = Duration::from_secs(cluster.settings().reentry + 2 * cluster.settings().timeout);
    cluster
        .wait(limit, |cluster| {
            Ok(cluster.table(active)?.weight(rip).is_some())
        })
        .unwrap()
        .expect("in the table again");
}

#[test]
fn the_backup_serves_in_time_and_the_returning_director_disturbs_nobody() {
    let (cluster, active) = serving(settings());
    let owners = Owners::listen(cluster.site().host("watcher").unwrap()).unwrap();
    let requests = client(&cluster);
    let_ask(1);
    let fault = cluster.power_off(active).unwrap();
    let limit = Duration::from_secs(cluster.settings().deadtime + 1);
    let served = |requests: &Requests| {
        let replies = requests.replies();
        replies
            .iter()
            .filter(|reply| reply.begun > fault && reply.is_served())
            .map(|reply| reply.ended)
            .min()
    };
    let wait = limit + Duration::from_secs(5);
    cluster
        .wait(wait, |_| Ok(served(&requests).is_some()))
        .unwrap();
    let back = served(&requests).expect("served again");
    let (took, stalled) = (back - fault, Stalls::watch().between(fault, back));
    assert!(
        took <= limit + stalled,
        "{took:?}, the machine stood still for {stalled:?}"
    );
    assert_eq!(cluster.active().unwrap(), Some(other(active)));
    drop(requests);

    let returned = Instant::now();
    let requests = client(&cluster);
    cluster.power_on(active).unwrap();
    while returned.elapsed() < limit + Duration::from_secs(4) {
        assert_eq!(
            cluster.active().unwrap(),
            Some(other(active)),
            "exactly one owner"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(outcomes(requests).1, Vec::<Outcome>::new());
    for claim in owners.of(cluster.site().vip(), returned) {
        assert_eq!(
            cluster.site().network().owner_of(&claim.mac),
            Some(other(active))
        );
    }
}

#[test]
fn requests_are_spread_by_weight() {
    let (cluster, _) = serving(Settings {
        weights: vec![1, 2],
        ..Settings::default()
    });
    let requests = client(&cluster);
    let limit = Duration::from_secs(40);
    cluster
        .wait(limit, |_| Ok(requests.replies().len() >= 300))
        .unwrap()
        .expect("300 replies");
    let (account, bad) = outcomes(requests);
    assert_eq!(bad, Vec::<Outcome>::new());
    assert!((account.share("rs1") - 33.3).abs() <= 5.0, "{account:?}");
}
