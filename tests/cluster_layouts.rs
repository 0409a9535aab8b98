//! The whole cluster in other layouts: an IPv6 address, masquerading behind a router that moves.

use std::time::{Duration, Instant};

use caribe_lab::cluster::{Cluster, Settings};
use caribe_lab::measure::{Account, Owners, Requests, Stalls};
use caribe_lab::topology::{DIRECTORS, Family, Forwarding};
use caribe_tests::{SOON, demand_lab};

/// A cluster that serves, and its active director.
fn serving(forwarding: Forwarding, family: Family) -> (Cluster, &'static str) {
    demand_lab();
    let cluster = Cluster::build(Settings {
        weights: vec![1, 1],
        forwarding,
        family,
        ..Settings::default()
    })
    .unwrap();
    for director in DIRECTORS {
        cluster.start_pulse(director).unwrap();
    }
    let full = |cluster: &Cluster| match cluster.active()? {
        Some(active) => cluster.has_full_weights(active),
        None => Ok(false),
    };
    let served = cluster.wait(SOON, full).unwrap();
    assert!(
        served.is_some(),
        "no director serves with full weights{}",
        cluster.last_words()
    );
    let active = cluster.active().unwrap().unwrap();
    (cluster, active)
}

fn client(cluster: &Cluster) -> Requests {
    // A busy machine itself stands still for seconds.
    let (every, limit) = (Duration::from_millis(50), Duration::from_secs(20));
    Requests::start(cluster.client().unwrap(), cluster.target(), every, limit).unwrap()
}

/// Asks until so many requests have ended.
fn asked(cluster: &Cluster, count: usize) -> Account {
    let requests = client(cluster);
    cluster
        .wait(SOON, |_| Ok(requests.replies().len() >= count))
        .unwrap()
        .expect("requests end");
    Account::of(&requests.finish())
}

fn heir_of(director: &str) -> &'static str {
    DIRECTORS
        .into_iter()
        .find(|name| *name != director)
        .unwrap()
}

/// Both servers answer, half of the requests each, none lost.
fn serves_evenly(cluster: &Cluster) {
    let account = asked(cluster, 60);
    assert_eq!(account.all_served(60), Ok(()));
    assert!((account.share("rs1") - 50.0).abs() < 5.0, "{account:?}");
}

/// The active director dies; the other one serves within `deadtime` + 1 s.
fn survives_its_director(cluster: &Cluster, active: &'static str) {
    let requests = client(cluster);
    let fault = cluster.power_off(active).unwrap();
    let heir = heir_of(active);
    let owned = |cluster: &Cluster| Ok(cluster.active()? == Some(heir));
    cluster.wait(SOON, owned).unwrap().expect("an heir");
    cluster
        .wait(SOON, |_| Ok(requests.since(fault).served.len() == 2))
        .unwrap()
        .expect("both real servers answer again");
    let first = |requests: &Requests| {
        let replies = requests.replies();
        let served = replies.iter().filter(|reply| reply.begun > fault);
        served
            .filter(|reply| reply.is_served())
            .map(|r| r.ended)
            .min()
    };
    let back = first(&requests).unwrap();
    let (took, stalled) = (back - fault, Stalls::watch().between(fault, back));
    let limit = Duration::from_secs(cluster.settings().deadtime + 1);
    assert!(
        took <= limit + stalled,
        "{took:?}, the machine stood still for {stalled:?}"
    );
    drop(requests);
    serves_evenly(cluster);
}

#[test]
fn an_ipv6_service_in_direct_routing_serves_and_moves() {
    let (cluster, active) = serving(Forwarding::DirectRouting, Family::V6);
    let owners = Owners::listen(cluster.site().host("watcher").unwrap()).unwrap();
    serves_evenly(&cluster);
    let start = Instant::now();
    survives_its_director(&cluster, active);
    let claims = owners.of(cluster.site().vip(), start);
    let network = cluster.site().network();
    let heir = heir_of(active);
    assert!(
        claims
            .iter()
            .any(|claim| network.owner_of(&claim.mac) == Some(heir)),
        "{heir} announces the address: {claims:?}"
    );
}

#[test]
fn a_masqueraded_service_serves_and_its_router_moves_with_it() {
    let (cluster, active) = serving(Forwarding::Masquerading, Family::V4);
    let router = cluster.site().nat_router().unwrap();
    let holds = |name: &str| {
        cluster
            .site()
            .host(name)
            .unwrap()
            .has_address(router)
            .unwrap()
    };
    assert!(holds(active) && !holds(heir_of(active)));
    serves_evenly(&cluster);
    survives_its_director(&cluster, active);
    assert!(!holds(active) && holds(heir_of(active)));
}
