//! The whole cluster on a real kernel: pulse, lvsd and nannies on two directors, three real servers,
//! a client that counts.

use std::time::{Duration, Instant};

use caribe_lab::cluster::{Cluster, Settings};
use caribe_lab::measure::{Account, Connections, Owners, Requests, Stalls};
use caribe_lab::topology::{DIRECTORS, step_clock};
use caribe_tests::{SOON, demand_lab};
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
    let served = cluster.wait(SOON, full).unwrap();
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

/// A request without an answer for this time is lost. A busy machine itself stands still for seconds.
const PATIENCE: Duration = Duration::from_secs(20);

fn client(cluster: &Cluster) -> Requests {
    let every = Duration::from_millis(50);
    Requests::start(cluster.client().unwrap(), cluster.target(), every, PATIENCE).unwrap()
}

/// The time passes, while a client asks or a director is paused.
fn let_ask(seconds: u64) {
    std::thread::sleep(Duration::from_secs(seconds));
}

/// Waits until a client has been answered.
fn is_asking(cluster: &Cluster, requests: &Requests) {
    let answered = |_: &Cluster| Ok(requests.replies().iter().any(|reply| reply.is_served()));
    cluster.wait(SOON, answered).unwrap().expect("an answer");
}

/// Ends the client, which must have sent at least this many requests and lost none.
fn all_served(requests: Requests, at_least: usize) -> Account {
    let account = Account::of(&requests.finish());
    assert_eq!(account.all_served(at_least), Ok(()));
    account
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
    let stays = |cluster: &Cluster| {
        assert_eq!(cluster.table(active)?.without_counts(), before);
        Ok(())
    };
    let replaced = |cluster: &Cluster| {
        stays(cluster)?;
        let now = host.processes_named("lvsd")?;
        Ok(now.iter().any(|pid| !old.contains(pid)))
    };
    cluster
        .wait(SOON, replaced)
        .unwrap()
        .expect("pulse starts lvsd again");
    // And while the new one takes it over.
    let changes = |cluster: &Cluster| stays(cluster).map(|()| false);
    cluster.wait(Duration::from_secs(8), changes).unwrap();
    assert_eq!(open.lost(), 0);
    all_served(requests, 40);
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
    cluster
        .wait(SOON, |_| Ok(requests.since(gone).sent >= 40))
        .unwrap();
    let later = requests.since(gone);
    assert_eq!(later.all_served(40), Ok(()), "{later:?}");
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
    is_asking(&cluster, &requests);
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
    cluster
        .wait(SOON, |_| Ok(served(&requests).is_some()))
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
    stays_with(&cluster, other(active), limit + Duration::from_secs(4));
    all_served(requests, 40);
    for claim in owners.of(cluster.site().vip(), returned) {
        assert_eq!(
            cluster.site().network().owner_of(&claim.mac),
            Some(other(active))
        );
    }
}

/// This one alone has the address for this time.
fn stays_with(cluster: &Cluster, owner: &str, time: Duration) {
    let moves = |cluster: &Cluster| Ok(cluster.active()? != Some(owner));
    let moved = cluster.wait(time, moves).unwrap();
    assert!(moved.is_none(), "not one owner{}", cluster.last_words());
}

#[test]
fn requests_are_spread_by_weight() {
    let (cluster, _) = serving(Settings {
        weights: vec![1, 2],
        ..Settings::default()
    });
    let requests = client(&cluster);
    cluster
        .wait(SOON, |_| Ok(requests.replies().len() >= 300))
        .unwrap()
        .expect("300 replies");
    let account = all_served(requests, 300);
    assert!((account.share("rs1") - 33.3).abs() <= 5.0, "{account:?}");
}

#[test]
fn a_director_that_was_paused_lets_go_and_its_clients_are_back_within_a_second() {
    let (cluster, active) = serving(settings());
    let pause = std::env::var("CARIBE_PAUSE").ok();
    let pause = pause.and_then(|text| text.parse().ok()).unwrap_or(10);
    let requests = client(&cluster);
    is_asking(&cluster, &requests);
    let network = cluster.site().network();
    let host = cluster.site().host(active).unwrap();
    host.pause().unwrap();
    network.set_links(active, false).unwrap();
    let paused = Instant::now();
    let_ask(pause);
    network.set_links(active, true).unwrap();
    // Before it: pulse may have said its first word when the call is back.
    let resumed = Instant::now();
    host.resume().unwrap();
    let one = |cluster: &Cluster| Ok(cluster.active()? == Some(other(active)));
    let limit = Duration::from_secs(1);
    let alone = cluster.wait(limit, one).unwrap();
    assert!(alone.is_some(), "two owners{}", cluster.last_words());
    let_ask(4);
    assert_eq!(cluster.active().unwrap(), Some(other(active)));
    let late = host.log().unwrap().first("ms late", resumed);
    assert!(late.is_some(), "{}", cluster.last_words());
    // Served again D + 1 s after the beginning, and never without for a second after the end.
    let replies = requests.finish();
    let served: Vec<Instant> = {
        let good = replies.iter().filter(|reply| reply.is_served());
        good.map(|reply| reply.ended).collect()
    };
    let stalls = Stalls::watch();
    let longest = |from: Instant, to: Instant| {
        let inside = served.iter().copied().filter(|at| *at > from && *at < to);
        let mut times: Vec<Instant> = [from].into_iter().chain(inside).chain([to]).collect();
        times.sort();
        let gaps = times
            .windows(2)
            .map(|two| (two[1] - two[0]).saturating_sub(stalls.between(two[0], two[1])));
        gaps.max().unwrap()
    };
    let outage = longest(paused, resumed);
    let dead_time = Duration::from_secs(cluster.settings().deadtime);
    assert!(outage <= dead_time + limit, "{outage:?}");
    let after = longest(resumed, resumed + Duration::from_secs(4));
    assert!(after <= limit, "{after:?}");
}

#[test]
fn a_clock_that_jumps_an_hour_or_ten_years_moves_nothing() {
    let (cluster, active) = serving(settings());
    let owners = Owners::listen(cluster.site().host("watcher").unwrap()).unwrap();
    let requests = client(&cluster);
    let begin = Instant::now();
    let hour = Duration::from_secs(3600);
    let years = hour * 24 * 3653;
    for (forward, by) in [(true, hour), (false, hour * 2), (true, hour), (true, years)] {
        step_clock(forward, by).unwrap();
        let dead_time = Duration::from_secs(cluster.settings().deadtime);
        stays_with(&cluster, active, dead_time + Duration::from_secs(1));
    }
    step_clock(false, years).unwrap();
    all_served(requests, 40);
    for claim in owners.of(cluster.site().vip(), begin) {
        let owner = cluster.site().network().owner_of(&claim.mac);
        assert_eq!(owner, Some(active));
    }
    for director in DIRECTORS {
        let log = cluster.site().host(director).unwrap().log().unwrap();
        let moved = log.first("activating", begin);
        assert!(moved.is_none(), "{}", cluster.last_words());
    }
}
