//! A running pair is upgraded, one director at a time, and taken back again: one owner all the time, the
//! client served.
//!
//! With `CARIBE_EARLIER_PROGRAMS=DIRECTORY` the programs in that directory, of an earlier build, are the
//! ones before; unsigned, with `sign` and with `require`. Without it today's stand in for them, signed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use caribe_lab::cluster::{Cluster, Settings};
use caribe_lab::measure::{Account, Requests, Stalls};
use caribe_lab::topology::DIRECTORS;
use caribe_tests::{SOON, demand_lab, wait_until};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::signal::Signal;

const CONFIG: &str = "/etc/sysconfig/ha/lvs.cf";
const KEY: &str = "/etc/sysconfig/ha/heartbeat.key";
const PROGRAMS: [&str; 4] = ["pulse", "lvsd", "nanny", "send_arp"];
/// The partner has the address before it goes, beside an earlier program a moment after. For this time
/// there may be two owners, or none.
const HAND_OVER: Duration = Duration::from_millis(1000);

/// The one that takes over begins with an empty table, as a cold standby: each server passes a check first.
const SERVED_AGAIN: Duration = Duration::from_secs(5);

/// A pair whose directors each have programs of their own.
struct Pair {
    cluster: Cluster,
    earlier: PathBuf,
}

impl Pair {
    /// Both directors have the earlier programs.
    fn new(earlier: &Path, auth: &str) -> Self {
        let settings = Settings {
            weights: vec![1, 1],
            ..Settings::default()
        };
        let pair = Self {
            cluster: Cluster::build(settings).unwrap(),
            earlier: earlier.into(),
        };
        for director in DIRECTORS {
            let host = pair.cluster.site().host(director).unwrap();
            let text = host.run(|| fs::read_to_string(CONFIG)).unwrap();
            let signed = format!("#:heartbeat_key = {KEY}\n#:heartbeat_auth = {auth}\n");
            let more = if auth == "off" { "" } else { &signed };
            host.write_file(CONFIG, &format!("{more}{text}")).unwrap();
            host.write_file(KEY, &format!("1 {}\n", "5a".repeat(32)))
                .unwrap();
            host.exec(&["chmod", "600", KEY]).unwrap();
            pair.install_earlier(director);
            pair.cluster.start_pulse(director).unwrap();
        }
        let served = |cluster: &Cluster| match cluster.active()? {
            Some(active) => cluster.has_full_weights(active),
            None => Ok(false),
        };
        let served = pair.cluster.wait(SOON, served).unwrap();
        assert!(served.is_some(), "{auth}: {}", pair.cluster.last_words());
        pair
    }

    /// Lays the earlier programs over today's, on this director alone.
    fn install_earlier(&self, director: &str) {
        let earlier = self.earlier.clone();
        let lay = move || {
            for name in PROGRAMS {
                let place = Path::new("/usr/sbin").join(name);
                let (from, none) = (earlier.join(name), None::<&str>);
                mount(Some(&from), &place, none, MsFlags::MS_BIND, none)?;
            }
            Ok(())
        };
        self.cluster
            .site()
            .host(director)
            .unwrap()
            .run(lay)
            .unwrap();
    }

    /// Takes them away again: today's are below.
    fn install_todays(&self, director: &str) {
        let take = || {
            for name in PROGRAMS {
                umount2(&Path::new("/usr/sbin").join(name), MntFlags::MNT_DETACH)?;
            }
            Ok(())
        };
        self.cluster
            .site()
            .host(director)
            .unwrap()
            .run(take)
            .unwrap();
    }

    /// Stops a director's pulse, exchanges its programs, starts it, and waits until it stands by.
    fn exchange(&self, director: &str, exchange: impl Fn(&str)) {
        let host = self.cluster.site().host(director).unwrap();
        self.cluster.stop_pulse(director).unwrap();
        let ended = || host.processes().unwrap().is_empty();
        assert!(wait_until(SOON, ended).is_some(), "{director} ends");
        exchange(director);
        let begun = Instant::now();
        self.cluster.start_pulse(director).unwrap();
        let log = host.log().unwrap();
        let listens = || log.first("STARTING PULSE", begun).is_some();
        assert!(
            wait_until(SOON, listens).is_some(),
            "{}",
            self.cluster.last_words()
        );
        // It has heard its partner, and could have claimed something that is not its.
        let settings = self.cluster.settings();
        let long = Duration::from_secs(settings.deadtime + settings.keepalive);
        let two = |_: &Cluster| Ok(self.cluster.site().owners()?.len() > 1);
        let claimed = self.cluster.wait(long, two).unwrap();
        assert!(claimed.is_none(), "{}", self.cluster.last_words());
    }

    /// First the standby, then the other one, which by that becomes the standby.
    fn exchange_both(&self, how: impl Fn(&str)) {
        let active = self.cluster.active().unwrap().expect("one owner");
        let standby = other(active);
        self.exchange(standby, &how);
        assert_eq!(
            self.cluster.active().unwrap(),
            Some(active),
            "a standby was restarted"
        );
        self.exchange(active, &how);
        assert_eq!(
            self.cluster.active().unwrap(),
            Some(standby),
            "the active one was stopped"
        );
    }
}

fn other(director: &str) -> &'static str {
    let mut others = DIRECTORS.into_iter().filter(|name| *name != director);
    others.next().unwrap()
}

/// Ends the watcher, also when the test fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The longest time with two owners, and with none, while `during` runs; how often it looked.
fn watched(pair: &Pair, during: impl FnOnce()) -> (Duration, Duration, u32) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let (mut longest, mut since, mut looks) = ([Duration::ZERO; 2], [None; 2], 0);
            while !over.load(Ordering::Relaxed) {
                let (now, owners) = (Instant::now(), pair.cluster.site().owners().unwrap().len());
                looks += 1;
                for (kind, holds) in [owners > 1, owners == 0].into_iter().enumerate() {
                    since[kind] = holds.then(|| since[kind].unwrap_or(now));
                    let lasts = since[kind].map(|since| {
                        (now - since).saturating_sub(Stalls::watch().between(since, now))
                    });
                    longest[kind] = longest[kind].max(lasts.unwrap_or_default());
                }
                // Between two looks; nothing is waited for.
                thread::sleep(Duration::from_millis(20));
            }
            (longest[0], longest[1], looks)
        });
        let ends = Over(&over);
        during();
        drop(ends);
        watcher.join().unwrap()
    })
}

fn lives_through_both_ways(earlier: &Path, auth: &str) {
    let pair = Pair::new(earlier, auth);
    let client = pair.cluster.client().unwrap();
    let (every, patience) = (Duration::from_millis(50), Duration::from_secs(20));
    let requests = Requests::start(client, pair.cluster.target(), every, patience).unwrap();
    let (two, none, looks) = watched(&pair, || {
        pair.exchange_both(|director| pair.install_todays(director));
        for director in DIRECTORS {
            let report = pair.cluster.report(director).unwrap();
            assert!(
                report.is_some(),
                "{auth}: today's pulse answers on {director}"
            );
        }
        pair.exchange_both(|director| pair.install_earlier(director));
    });
    let words = pair.cluster.last_words();
    assert!(looks > 100, "{auth}: looked {looks} times");
    assert!(two <= HAND_OVER, "{auth}: two owners for {two:?}{words}");
    assert!(none <= HAND_OVER, "{auth}: no owner for {none:?}{words}");
    let account = Account::of(&requests.finish());
    assert!(account.sent > 200, "{auth}: {account:?}");
    assert!(
        account.longest_gap <= SERVED_AGAIN,
        "{auth}: {account:?}{words}"
    );
    for director in DIRECTORS {
        let host = pair.cluster.site().host(director).unwrap();
        let _ = host.signal("pulse", Signal::SIGTERM);
    }
}

#[test]
fn a_pair_is_upgraded_and_taken_back_with_one_owner_all_the_time() {
    demand_lab();
    let named = std::env::var_os("CARIBE_EARLIER_PROGRAMS").map(PathBuf::from);
    match named {
        Some(earlier) => {
            for auth in ["off", "sign", "require"] {
                lives_through_both_ways(&earlier, auth);
            }
        }
        // What an exchange is, without another version of it.
        None => lives_through_both_ways(&copies_of_todays(), "require"),
    }
}

fn copies_of_todays() -> PathBuf {
    let place = std::env::temp_dir().join("earlier");
    fs::create_dir_all(&place).unwrap();
    for name in PROGRAMS {
        fs::copy(Path::new("/usr/sbin").join(name), place.join(name)).unwrap();
    }
    place
}
