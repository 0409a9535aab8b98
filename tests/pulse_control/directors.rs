//! A pair that runs, and what its directors say.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use caribe_lab::cluster::{Cluster, Settings};
use caribe_lab::topology::Host;
pub use caribe_tests::SOON;
use caribe_tests::{demand_lab, wait_until};
use nix::sys::signal::Signal;

pub const A: &str = "director-a";
pub const B: &str = "director-b";
pub const LVS_CF: &str = "/etc/sysconfig/ha/lvs.cf";
const KEY_FILE: &str = "/etc/sysconfig/ha/heartbeat.key";
const KEY: &str = "1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";
/// Lines of lvs.cf of a pair whose heartbeats are signed.
pub const SIGNED: &str =
    "heartbeat_auth = require\nheartbeat_key = /etc/sysconfig/ha/heartbeat.key\n";

/// Where pulse is asked, in the namespace of who calls this.
pub fn socket() -> PathBuf {
    daemon::own_name(Path::new("/run/lvs/pulse.sock"))
}

/// The pair.
pub struct Directors {
    pub cluster: Cluster,
}

impl Directors {
    /// Both run, one is active; `more` is put before lvs.cf.
    pub fn start(more: &str) -> Self {
        demand_lab();
        let cluster = Cluster::build(Settings::default()).expect("a cluster");
        let pair = Self { cluster };
        for director in [A, B] {
            let text = format!("{more}{}", pair.read(director));
            pair.write(director, &text);
            let host = pair.host(director);
            host.write_file(KEY_FILE, KEY).expect("a key");
            pair.run(director, &["chmod", "600", KEY_FILE]);
            pair.cluster.start_pulse(director).expect("pulse");
        }
        pair.wait("one active", || pair.active().is_some());
        pair
    }

    pub fn host(&self, director: &str) -> &Host {
        self.cluster.site().host(director).expect("a director")
    }

    pub fn active(&self) -> Option<&'static str> {
        self.cluster.active().ok().flatten()
    }

    /// The address of a director's public path.
    pub fn own(&self, director: &str) -> &'static str {
        if director == A {
            "10.9.0.11"
        } else {
            "10.9.0.12"
        }
    }

    /// The active one and the other.
    pub fn sides(&self) -> (&'static str, &'static str) {
        match self.active() {
            Some(A) => (A, B),
            Some(_) => (B, A),
            None => panic!("nobody is active"),
        }
    }

    pub fn wait(&self, what: &str, condition: impl FnMut() -> bool) {
        let done = wait_until(SOON, condition);
        assert!(done.is_some(), "{what}: {}", self.cluster.last_words());
    }

    /// For longer than a dead time nobody else is the active one.
    pub fn stays(&self, active: &str) {
        let long = Duration::from_secs(2 * self.cluster.settings().deadtime);
        let changes = wait_until(long, || self.active() != Some(active));
        assert!(changes.is_none(), "{}", self.cluster.last_words());
    }

    pub fn read(&self, director: &str) -> String {
        let text = self.host(director).run(|| std::fs::read_to_string(LVS_CF));
        text.expect("lvs.cf")
    }

    pub fn write(&self, director: &str, text: &str) {
        self.host(director)
            .write_file(LVS_CF, text)
            .expect("lvs.cf");
    }

    pub fn run(&self, director: &str, argv: &[&str]) -> Output {
        self.host(director).exec(argv).expect("a program")
    }

    /// `pulse --order`: its status and what it said, both outputs together.
    pub fn order(&self, director: &str, order: &str) -> (Option<i32>, String) {
        said(&self.run(director, &["/usr/sbin/pulse", "--order", order]))
    }

    /// `pulse --status`, as a screen.
    pub fn screen(&self, director: &str) -> String {
        let (status, text) = said(&self.run(director, &["/usr/sbin/pulse", "--status"]));
        assert_eq!(status, Some(0), "{text}");
        text
    }

    /// `pulse --status --json`.
    pub fn json(&self, director: &str) -> String {
        let argv = ["/usr/sbin/pulse", "--status", "--json"];
        let (status, text) = said(&self.run(director, &argv));
        assert_eq!(status, Some(0), "{text}");
        text
    }

    pub fn has_said(&self, director: &str, text: &str) -> bool {
        let log = self.host(director).log().expect("a director has a log");
        log.lines().iter().any(|line| line.text.contains(text))
    }

    /// Ends pulse as a reboot does, and starts it again.
    pub fn restart(&self, director: &str, signal: Signal) {
        let host = self.host(director);
        let before = host.processes_named("pulse").expect("processes");
        host.signal("pulse", signal).expect("a signal");
        self.wait("pulse ends", || {
            let now = host.processes_named("pulse").expect("processes");
            now.iter().all(|pid| !before.contains(pid))
        });
        self.cluster.start_pulse(director).expect("pulse");
    }
}

/// Status and both outputs of a program.
pub fn said(output: &Output) -> (Option<i32>, String) {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let text = text + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text)
}
