//! What a pulse that was killed leaves behind, and what the next start makes of it: a standby with nothing in
//! its kernel's table, a lone director that goes on as if nothing had been.

use std::time::Duration;

use caribe_lab::cluster::{Cluster, Settings};
use caribe_lab::measure::{Account, HttpServer, Requests};
use caribe_lab::topology::DIRECTORS;
use caribe_tests::{SOON, demand_lab};

/// A request without an answer for this time is lost. A busy machine itself stands still for seconds.
const PATIENCE: Duration = Duration::from_secs(20);
const FILE: &str = "/etc/sysconfig/ha/lvs.cf";
const A: &str = DIRECTORS[0];
const B: &str = DIRECTORS[1];
/// Two boxes, each a director and a real server: the virtual address is on their loopback interfaces too.
const BOXES: &str = "\
primary = 10.9.0.11
backup = 10.9.0.12
backup_active = 1
keepalive = 1
deadtime = 3
network = direct
virtual web {
 active = 1
 address = 10.9.0.100 eth0:1
 vip_nmask = 255.255.255.255
 port = 80
 scheduler = rr
 timeout = 2
 server a {
  address = 10.9.0.11
  active = 1
 }
 server b {
  address = 10.9.0.12
  active = 1
 }
}
";
/// Nobody's in lvs.cf.
const FOREIGN: &str = "TCP 0A090063:0063";

fn sh(cluster: &Cluster, director: &str, script: &str) -> String {
    let host = cluster.site().host(director).unwrap();
    let output = host.exec(&["sh", "-c", script]).unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn boxes() -> (Cluster, Vec<HttpServer>) {
    demand_lab();
    let cluster = Cluster::build(Settings {
        weights: vec![1],
        ..Settings::default()
    })
    .unwrap();
    let mut servers = Vec::new();
    for director in DIRECTORS {
        let host = cluster.site().host(director).unwrap();
        host.write_file(FILE, BOXES).unwrap();
        let quiet =
            "cd /proc/sys/net/ipv4/conf/all && echo 1 > arp_ignore && echo 2 > arp_announce";
        sh(&cluster, director, quiet);
        sh(&cluster, director, "ip addr add 10.9.0.100/32 dev lo");
        servers.push(HttpServer::start(host, 80).unwrap());
    }
    (cluster, servers)
}

/// Whether the virtual address is on the director's card.
fn owns(cluster: &Cluster, director: &str) -> bool {
    sh(cluster, director, "ip -o addr show dev eth0").contains("10.9.0.100/")
}

fn own(cluster: &Cluster, director: &str, limit: Duration) -> bool {
    let owned = |cluster: &Cluster| Ok(owns(cluster, director));
    cluster.wait(limit, owned).unwrap().is_some()
}

fn services(cluster: &Cluster, director: &str) -> Vec<String> {
    let table = cluster.table(director).unwrap();
    table.0.into_iter().map(|service| service.key).collect()
}

fn has_both_servers(cluster: &Cluster, director: &str) -> bool {
    let table = cluster.table(director).unwrap();
    let ours = table.0.iter().find(|service| service.key != FOREIGN);
    ours.is_some_and(|service| service.destinations.len() == 2)
}

fn asked(cluster: &Cluster, count: usize) -> Account {
    let (every, limit) = (Duration::from_millis(50), PATIENCE);
    let requests =
        Requests::start(cluster.client().unwrap(), cluster.target(), every, limit).unwrap();
    cluster
        .wait(SOON, |_| Ok(requests.replies().len() >= count))
        .unwrap()
        .expect("requests end");
    Account::of(&requests.finish())
}

fn kill_pulse(cluster: &Cluster, director: &str) {
    sh(cluster, director, "kill -9 $(cat /var/run/pulse.pid)");
}

#[test]
fn a_director_that_comes_back_as_a_standby_balances_nothing_again() {
    let (cluster, _servers) = boxes();
    cluster.start_pulse(A).unwrap();
    assert!(own(&cluster, A, SOON), "{}", cluster.last_words());
    cluster.start_pulse(B).unwrap();
    sh(&cluster, A, "/sbin/ipvsadm -A -t 10.9.0.99:99");
    let full = |director: &'static str| move |c: &Cluster| Ok(has_both_servers(c, director));
    cluster.wait(SOON, full(A)).unwrap().expect("A serves");
    kill_pulse(&cluster, A);
    assert!(own(&cluster, B, SOON), "{}", cluster.last_words());
    cluster.wait(SOON, full(B)).unwrap().expect("B serves");
    // As pulse left it.
    assert_eq!(services(&cluster, A).len(), 2);
    cluster.start_pulse(A).unwrap();
    let cleared = cluster
        .wait(SOON, |c| Ok(services(c, A).len() < 2))
        .unwrap();
    let account = asked(&cluster, 40);
    assert_eq!(account.all_served(40), Ok(()), "{}", cluster.last_words());
    assert!(
        account.sent >= 40 && account.served.len() == 2,
        "{account:?}"
    );
    assert!(cleared.is_some());
    assert_eq!(services(&cluster, A), [FOREIGN]);
    let said = cluster.last_words();
    let removed = "this director stands by: removed a service: -D -t 10.9.0.100:80";
    assert_eq!(said.matches(removed).count(), 1, "{said}");
    // It still takes over, and fills its table anew.
    kill_pulse(&cluster, B);
    assert!(own(&cluster, A, SOON), "{}", cluster.last_words());
    cluster
        .wait(SOON, full(A))
        .unwrap()
        .expect("A serves again");
}

/// A director without a partner, its pulse not started yet.
fn lone() -> Cluster {
    demand_lab();
    let cluster = Cluster::build(Settings {
        weights: vec![1, 1],
        ..Settings::default()
    })
    .unwrap();
    let change = format!("sed -i 's/^backup_active = 1/backup_active = 0/' {FILE}");
    sh(&cluster, A, &change);
    cluster
}

/// Runs `deed` while a client asks, and until it has asked a hundred times more; what became of the requests.
fn while_asked(cluster: &Cluster, deed: impl FnOnce()) -> Account {
    let (every, limit) = (Duration::from_millis(25), PATIENCE);
    let requests =
        Requests::start(cluster.client().unwrap(), cluster.target(), every, limit).unwrap();
    let asked = |count: usize| {
        let enough = |_: &Cluster| Ok(requests.replies().len() >= count);
        cluster.wait(SOON, enough).unwrap().expect("requests end");
    };
    asked(20);
    deed();
    asked(requests.replies().len() + 100);
    Account::of(&requests.finish())
}

fn is_served_throughout(cluster: &Cluster, account: &Account) {
    let told = cluster.last_words();
    assert_eq!(account.lost, 0, "{account:?}{told}");
    assert!(account.sent >= 120, "{account:?}");
    assert!(
        told.contains("address 10.9.0.100/32 eth0:1 is up already"),
        "{told}"
    );
    assert!(!told.contains("partner dead"), "{told}");
}

fn has_full_weights(cluster: &Cluster) {
    let full = |cluster: &Cluster| cluster.has_full_weights(A);
    let at = cluster.wait(SOON, full).unwrap();
    assert!(at.is_some(), "{}", cluster.last_words());
}

#[test]
fn a_lone_director_that_is_killed_and_started_again_loses_nothing() {
    let cluster = lone();
    cluster.start_pulse(A).unwrap();
    assert!(own(&cluster, A, SOON));
    has_full_weights(&cluster);
    let account = while_asked(&cluster, || {
        kill_pulse(&cluster, A);
        let host = cluster.site().host(A).unwrap();
        let gone = |_: &Cluster| Ok(host.processes_named("lvsd")?.is_empty());
        cluster.wait(SOON, gone).unwrap().expect("lvsd ends");
        cluster.start_pulse(A).unwrap();
        let runs = |_: &Cluster| Ok(!host.processes_named("lvsd")?.is_empty());
        cluster.wait(SOON, runs).unwrap().expect("lvsd runs");
    });
    is_served_throughout(&cluster, &account);
    has_full_weights(&cluster);
}

#[test]
fn a_lone_director_adopts_a_live_table_that_others_made() {
    let cluster = lone();
    let server = |address: &str| format!("/sbin/ipvsadm -a -t 10.9.0.100:80 -r {address}:80 -g");
    for command in [
        "ip addr add 10.9.0.100/32 dev eth0 label eth0:1",
        "/sbin/ipvsadm -A -t 10.9.0.100:80 -s wrr",
        &server("10.9.0.21"),
        &server("10.9.0.22"),
    ] {
        sh(&cluster, A, command);
    }
    let account = while_asked(&cluster, || {
        cluster.start_pulse(A).unwrap();
        let host = cluster.site().host(A).unwrap();
        let runs = |_: &Cluster| Ok(host.processes_named("nanny")?.len() == 2);
        cluster.wait(SOON, runs).unwrap().expect("nannies run");
    });
    is_served_throughout(&cluster, &account);
    has_full_weights(&cluster);
}

fn is_running(cluster: &Cluster, program: &str) -> bool {
    let host = cluster.site().host(A).unwrap();
    !host.processes_named(program).unwrap().is_empty()
}

/// A lone director that has served, killed with nobody to start it again; its lvsd has ended.
fn killed() -> Cluster {
    let cluster = lone();
    cluster.start_pulse(A).unwrap();
    assert!(own(&cluster, A, SOON));
    has_full_weights(&cluster);
    kill_pulse(&cluster, A);
    let gone = |c: &Cluster| Ok(!is_running(c, "lvsd"));
    cluster.wait(SOON, gone).unwrap().expect("lvsd ends");
    cluster
}

fn is_free(cluster: &Cluster, after: &str) {
    let free = |c: &Cluster| Ok(!owns(c, A));
    let free = cluster.wait(SOON, free).unwrap();
    assert!(free.is_some(), "{after}: {}", cluster.last_words());
}

fn status(cluster: &Cluster) -> String {
    sh(cluster, A, "/usr/sbin/pulse --status --json")
}

/// lvs.cf is refused, unreadable, or says nothing to serve: what was in force goes on, as behind a refused reload.
#[test]
fn a_killed_lone_director_goes_on_with_what_was_in_force_whatever_lvs_cf_is_then() {
    let cluster = lone();
    cluster.start_pulse(A).unwrap();
    assert!(own(&cluster, A, SOON));
    has_full_weights(&cluster);
    sh(&cluster, A, &format!("cp {FILE} /tmp/good.cf"));
    let account = while_asked(&cluster, || {
        for spoil in [
            format!("echo keepalive = soon >> {FILE}"),
            format!("rm {FILE}"),
            format!("sed -i 's/^ *active = 1/active = 0/' {FILE}"),
        ] {
            sh(&cluster, A, &spoil);
            kill_pulse(&cluster, A);
            let gone = |c: &Cluster| Ok(!is_running(c, "lvsd"));
            cluster.wait(SOON, gone).unwrap().expect("lvsd ends");
            let started = cluster.start_pulse(A);
            assert!(started.is_ok(), "{spoil}: {started:?}");
            let runs = |c: &Cluster| Ok(is_running(c, "lvsd"));
            cluster.wait(SOON, runs).unwrap().expect("lvsd runs");
            let said = status(&cluster);
            assert!(said.contains("\"reload_failed\":true"), "{spoil}: {said}");
            sh(&cluster, A, &format!("cp /tmp/good.cf {FILE}"));
        }
    });
    is_served_throughout(&cluster, &account);
    sh(&cluster, A, "/usr/sbin/pulse --order reload");
    let said = status(&cluster);
    assert!(said.contains("\"reload_failed\":false"), "{said}");
    has_full_weights(&cluster);
}

#[test]
fn without_what_was_in_force_a_start_that_fails_takes_the_addresses_away() {
    let cluster = killed();
    sh(&cluster, A, "rm /run/lvs/lock/lvs.cf.*");
    assert!(owns(&cluster, A));
    sh(&cluster, A, &format!("echo keepalive = soon >> {FILE}"));
    let started = cluster.start_pulse(A);
    assert!(started.is_err());
    assert!(!owns(&cluster, A), "{started:?} {}", cluster.last_words());
}

#[test]
fn a_killed_lone_director_that_nobody_starts_again_gives_its_addresses_up() {
    let cluster = killed();
    assert!(owns(&cluster, A), "they wait for the next start");
    is_free(&cluster, "nobody has started it");
    let said = cluster.last_words();
    assert!(
        said.contains("pulse was killed: 1 address removed"),
        "{said}"
    );
}

#[test]
fn an_address_that_a_killed_lone_director_held_and_lvs_cf_has_no_more_goes_at_the_next_start() {
    let cluster = killed();
    sh(
        &cluster,
        A,
        &format!("sed -i s/10.9.0.100/10.9.0.101/ {FILE}"),
    );
    cluster.start_pulse(A).unwrap();
    is_free(&cluster, "another address");
}
