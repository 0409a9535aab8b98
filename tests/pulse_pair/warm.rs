//! `warm_standby`: lvsd runs on the standby too, and a takeover is addresses and announcements.

use std::fs::File;
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use caribe_lab::measure::Stalls;
use caribe_tests::wait_until;
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::Signal;

use crate::pair::{A, B, Pair, VIP, kill, signal};
use crate::tap::Tap;
use crate::{DEAD_TIME, LOADING, settle};

/// Besides the one of lvs.cf.
const SERVICES: usize = 100;
/// Where the gateway of the pair is, and here a real server.
const SERVER: &str = "10.1.0.254:8080";
/// From the end of the dead time to the first announcement.
const GOAL: Duration = Duration::from_millis(50);
/// A service that shows no sign of life for a minute is replaced.
const HANGS: Duration = LOADING.saturating_add(Duration::from_secs(60));

/// A pair with warm standbys, this many services besides the usual one, and a real server that all of them
/// have.
fn pair(services: usize) -> Pair {
    let pair = Pair::with("warm_standby = 1\nnannies = shared\n");
    pair.add_gateway();
    serve(&pair);
    let mut more = "  address = 10.1.0.254\n  active = 1\n }\n}\n".to_owned();
    for number in 1..=services {
        more.push_str(&format!(
            "virtual v{number} {{\n active = 1\n address = 10.1.1.{number} eth0\n port = 8080\n \
             server a {{\n  address = 10.1.0.254\n  active = 1\n }}\n}}\n"
        ));
    }
    // Port 80 would be asked for a page.
    pair.replace(" port = 80\n", " port = 8080\n");
    pair.replace("  address = 10.1.0.11\n  active = 1\n }\n}\n", &more);
    pair
}

/// The real server accepts connections until the test program ends.
fn serve(pair: &Pair) {
    let file = File::open(format!("/run/netns/{}", pair.switch())).expect("a namespace");
    let listen = std::thread::spawn(move || {
        setns(&file, CloneFlags::CLONE_NEWNET).expect("the namespace");
        TcpListener::bind(SERVER).expect("a port")
    });
    let listener = listen.join().expect("a listener");
    std::thread::spawn(move || listener.incoming().for_each(drop));
}

/// Services and destinations in a director's kernel.
fn table(pair: &Pair, side: usize) -> (usize, usize) {
    let output = Command::new("ip")
        .args(["netns", "exec", &pair.name(side), "/sbin/ipvsadm", "-Sn"])
        .output()
        .expect("ipvsadm runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let count = |verb| text.lines().filter(|line| line.starts_with(verb)).count();
    (count("-A"), count("-a"))
}

fn wait_for_table(pair: &Pair, side: usize, services: usize) {
    let is_loaded = || table(pair, side) == (services + 1, services + 1);
    let loaded = wait_until(LOADING * 3, is_loaded);
    loaded.unwrap_or_else(|| panic!("{:?}\n{}", table(pair, side), pair.log(side)));
}

/// A director dies; the other one announces the first address in time.
fn dies_and_is_replaced(pair: &mut Pair, dying: usize) {
    let (stalls, other) = (Stalls::watch(), 1 - dying);
    let tap = Tap::on(&pair.name(other));
    let heard = || {
        tap.frames()
            .into_iter()
            .rfind(|it| !it.outgoing && it.says_running())
    };
    wait_until(LOADING, || heard().is_some()).expect("the active one is heard");
    let cut = Instant::now();
    pair.die(dying);
    let vip = VIP.parse().expect("an address");
    let first = || tap.first(cut, |frame| frame.outgoing && frame.announces(vip));
    wait_until(LOADING, || first().is_some()).expect("an announcement");
    let (announced, heard) = (first().expect("seen"), heard().expect("heard").at);
    // The tap itself may have been late for the heartbeat, before it noted the time.
    let before = heard.checked_sub(Duration::from_secs(1)).unwrap_or(heard);
    let (took, stalled) = (announced - heard, stalls.between(before, announced));
    assert!(
        took < DEAD_TIME + GOAL + stalled,
        "announced {took:?} after the last heartbeat, the machine stood still for {stalled:?}\n{}",
        pair.log(other)
    );
    pair.wait_for_owners(&[other], LOADING);
}

#[test]
fn a_warm_standby_takes_over_a_hundred_services_at_once_and_stays_warm() {
    let mut pair = settle(pair(SERVICES));
    wait_for_table(&pair, B, SERVICES);
    let lvsd = pair.pid_of(B, "lvsd").expect("lvsd runs on the standby");
    assert!(!pair.owns(B));
    dies_and_is_replaced(&mut pair, A);
    assert_eq!(pair.pid_of(B, "lvsd"), Some(lvsd));

    pair.cut(A, false);
    pair.start(A);
    wait_for_table(&pair, A, SERVICES);
    pair.cut(A, true);
    pair.wait_for_owners(&[A, B], LOADING);
    pair.cut(A, false);
    pair.wait_for_owners(&[A], LOADING);
    // Giving up leaves lvsd and the table.
    assert!(pair.log(B).contains("partner active: deactivating LVS"));
    assert_eq!(table(&pair, B), (SERVICES + 1, SERVICES + 1));
    assert_eq!(pair.pid_of(B, "lvsd"), Some(lvsd));
    dies_and_is_replaced(&mut pair, A);
}

#[test]
fn a_warm_standbys_lvsd_is_replaced_when_killed_and_ends_with_its_pulse() {
    let pair = settle(pair(0));
    wait_for_table(&pair, B, 0);
    let old = pair.pid_of(B, "lvsd").expect("lvsd runs on the standby");
    kill(old);
    let is_new = || pair.pid_of(B, "lvsd").is_some_and(|new| new != old);
    wait_until(LOADING, is_new).expect("lvsd runs again");
    assert!(
        pair.log(B)
            .contains("standby: service ended, starting it again")
    );
    assert!(pair.stays_with(A, DEAD_TIME));
    pair.terminate(B);
    let is_gone = || pair.pid_of(B, "lvsd").is_none() && table(&pair, B) == (0, 0);
    let gone = wait_until(LOADING, is_gone);
    gone.unwrap_or_else(|| panic!("{:?}\n{}", table(&pair, B), pair.log(B)));
    assert!(pair.owns(A));
}

/// Its process is there and its loop does not turn. The partner's turns: that one is left alone.
#[test]
fn r_an_lvsd_that_hangs_is_replaced_and_the_address_stays() {
    let pair = settle(pair(0));
    wait_for_table(&pair, B, 0);
    let lvsd = [A, B].map(|side| pair.pid_of(side, "lvsd").expect("lvsd runs"));
    signal(lvsd[A], Signal::SIGSTOP);
    let is_new = || pair.pid_of(A, "lvsd").is_some_and(|new| new != lvsd[A]);
    wait_until(HANGS, is_new).unwrap_or_else(|| panic!("{}", pair.log(A)));
    let log = pair.log(A);
    assert!(log.contains("service hangs: no sign of life"), "{log}");
    assert!(pair.stays_with(A, DEAD_TIME));
    assert_eq!(pair.pid_of(B, "lvsd"), Some(lvsd[B]), "{}", pair.log(B));
}

#[test]
fn a_reload_makes_a_standby_warm_and_cold_and_reaches_its_lvsd() {
    let pair = settle(pair(0));
    wait_for_table(&pair, B, 0);
    let lvsd = pair.pid_of(B, "lvsd");
    pair.reload(B, " port = 8080\n", " port = 8080\n scheduler = rr\n");
    wait_until(LOADING, || pair.log(B).matches("rereading").count() == 1).expect("reread");
    assert_eq!(pair.pid_of(B, "lvsd"), lvsd);
    pair.reload(B, "warm_standby = 1", "warm_standby = 0");
    wait_until(LOADING, || table(&pair, B) == (0, 0)).expect("cold");
    pair.reload(B, "warm_standby = 0", "warm_standby = 1");
    wait_for_table(&pair, B, 0);
    assert!(pair.owns(A) && !pair.owns(B));
}
