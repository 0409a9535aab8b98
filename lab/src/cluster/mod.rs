//! A running cluster: a site, its real servers serving, pulse on both directors.
//!
//! Used by the demonstration and by the tests of the whole.

mod lvs_cf;
mod settings;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

pub use control::{PulseReport, TransitionStatus};
use nix::sys::signal::Signal;
pub use settings::Settings;

use crate::measure::{HttpServer, Stalls, Table};
use crate::topology::{DIRECTORS, Host, Layout, Site, SystemLog};

/// The cluster. The first director is the configured primary.
pub struct Cluster {
    site: Site,
    settings: Settings,
    servers: BTreeMap<String, HttpServer>,
}

/// How often a wait looks.
const TICK: Duration = Duration::from_millis(20);
/// Lines of each director's log told after a failure.
const LOG_LINES: usize = 25;

impl Cluster {
    /// Builds the site, starts the real servers, writes each director's lvs.cf. Pulse is not
    /// started yet.
    ///
    /// # Errors
    /// If the lab cannot be built.
    pub fn build(settings: Settings) -> io::Result<Self> {
        let real_servers = u8::try_from(settings.weights.len()).map_err(io::Error::other)?;
        let site = Site::build(Layout {
            forwarding: settings.forwarding,
            family: settings.family,
            real_servers,
            router: false,
        })?;
        let mut cluster = Self {
            site,
            settings,
            servers: BTreeMap::new(),
        };
        for (name, _) in cluster.site.real_servers() {
            cluster.start_server(&name)?;
        }
        let text = lvs_cf::write(&cluster.settings, &cluster.site);
        for name in DIRECTORS {
            cluster
                .site
                .host(name)?
                .write_file("/etc/sysconfig/ha/lvs.cf", &text)?;
        }
        Ok(cluster)
    }

    /// The hosts.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// What lvs.cf says.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Where clients go.
    #[must_use]
    pub fn target(&self) -> SocketAddr {
        SocketAddr::new(self.site.vip(), 80)
    }

    /// Starts pulse as an administrator does; it goes to the background by itself.
    ///
    /// # Errors
    /// If it cannot be started or refuses.
    pub fn start_pulse(&self, director: &str) -> io::Result<()> {
        let log = std::env::temp_dir().join(format!("pulse-{director}.err"));
        let host = self.site.host(director)?;
        let status = host
            .spawn(&["/usr/sbin/pulse"], Some(fs::File::create(&log)?))?
            .wait()?;
        if status.success() {
            return Ok(());
        }
        let said = fs::read_to_string(&log)?;
        Err(io::Error::other(format!(
            "pulse on {director}: {status}: {}",
            said.trim()
        )))
    }

    /// Stops pulse as its init script does, and does not wait for its end.
    ///
    /// # Errors
    /// If it does not run.
    pub fn stop_pulse(&self, director: &str) -> io::Result<()> {
        let host = self.site.host(director)?;
        host.exec(&["sh", "-c", "kill -TERM $(cat /var/run/pulse.pid)"])?;
        Ok(())
    }

    /// The director that alone holds the virtual address.
    ///
    /// # Errors
    /// If the kernel's list of addresses cannot be read.
    pub fn active(&self) -> io::Result<Option<&'static str>> {
        Ok(self
            .site
            .owner()?
            .and_then(|number| DIRECTORS.get(number).copied()))
    }

    /// What a director's pulse says of itself; `None` if none answers.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub fn report(&self, director: &str) -> io::Result<Option<PulseReport>> {
        let words = ["/usr/sbin/pulse", "--status", "--json"];
        let output = self.site.host(director)?.exec(&words)?;
        Ok(PulseReport::decode(&String::from_utf8_lossy(
            &output.stdout,
        )))
    }

    /// The kernel's table on a director.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn table(&self, director: &str) -> io::Result<Table> {
        Table::of(self.site.host(director)?)
    }

    /// Weights in the table, in the order of the real servers; `None` for one that is not there.
    ///
    /// # Errors
    /// As [`Cluster::table`].
    pub fn weights(&self, director: &str) -> io::Result<Vec<Option<i32>>> {
        let table = self.table(director)?;
        Ok(self
            .site
            .real_servers()
            .iter()
            .map(|(_, rip)| table.weight(*rip))
            .collect())
    }

    /// Whether every real server is in the table with its configured weight.
    ///
    /// # Errors
    /// As [`Cluster::table`].
    pub fn has_full_weights(&self, director: &str) -> io::Result<bool> {
        let wanted = self
            .settings
            .weights
            .iter()
            .map(|weight| Some(i32::from(*weight)));
        Ok(self.weights(director)?.into_iter().eq(wanted))
    }

    /// Starts a real server's HTTP server.
    ///
    /// # Errors
    /// If the port is taken.
    pub fn start_server(&mut self, name: &str) -> io::Result<()> {
        let server = HttpServer::start(self.site.host(name)?, 80)?;
        self.servers.insert(name.into(), server);
        Ok(())
    }

    /// Ends a real server's HTTP server; its open connections are cut.
    pub fn kill_server(&mut self, name: &str) {
        self.servers.remove(name);
    }

    /// Sends a signal to a director's lvsd; false if there is none.
    ///
    /// # Errors
    /// If the host's processes cannot be listed.
    pub fn signal_lvsd(&self, director: &str, signal: Signal) -> io::Result<bool> {
        Ok(self.site.host(director)?.signal("lvsd", signal)? > 0)
    }

    /// A power failure: every process stands still first, so that nobody says goodbye; then the
    /// links go, then the processes, and what the kernel holds for a machine goes with them.
    /// Returns when the links were down: taking them down is slow in a busy guest, and until then
    /// the machine's kernel serves on.
    ///
    /// # Errors
    /// If `ip` or `ipvsadm` cannot be run, or the processes do not stand still.
    pub fn power_off(&self, director: &str) -> io::Result<Instant> {
        let host = self.site.host(director)?;
        host.pause()?;
        self.site.network().set_links(director, false)?;
        let cut = Instant::now();
        // A killed process ends though it stands still.
        host.kill_all()?;
        let empty = |host: &Host| Ok::<_, io::Error>(host.processes()?.is_empty());
        self.wait(Duration::from_secs(2), |_| empty(host))?;
        host.resume()?;
        for (address, length, interface) in self.moving_addresses() {
            if host.has_address(address)? {
                let address = format!("{address}/{length}");
                host.exec(&["ip", "addr", "del", &address, "dev", interface])?;
            }
        }
        host.exec(&["/sbin/ipvsadm", "-C"])?;
        host.run(clear_run)?;
        Ok(cut)
    }

    /// Addresses that the active director holds, with prefix length and interface.
    fn moving_addresses(&self) -> Vec<(IpAddr, u8, &'static str)> {
        let vip = self.site.vip();
        let whole = if vip.is_ipv4() { 32 } else { 128 };
        let mut list = vec![(vip, whole, "eth0")];
        list.extend(self.site.nat_router().map(|router| (router, 24, "eth2")));
        list
    }

    /// The machine is back: its links come up, pulse is started.
    ///
    /// # Errors
    /// If `ip` or pulse refuses.
    pub fn power_on(&self, director: &str) -> io::Result<()> {
        self.site.network().set_links(director, true)?;
        self.start_pulse(director)
    }

    /// Waits until `condition` holds; when it did, or `None` if not within `limit`, in which the
    /// time that the machine itself stood still does not count.
    ///
    /// # Errors
    /// The condition's.
    pub fn wait(
        &self,
        limit: Duration,
        mut condition: impl FnMut(&Self) -> io::Result<bool>,
    ) -> io::Result<Option<Instant>> {
        let (stalls, start) = (Stalls::watch(), Instant::now());
        loop {
            if condition(self)? {
                return Ok(Some(Instant::now()));
            }
            if stalls.ran_since(start) >= limit {
                return Ok(None);
            }
            std::thread::sleep(TICK);
        }
    }

    /// The end of both directors' logs, for people who look into a failure.
    #[must_use]
    pub fn last_words(&self) -> String {
        let mut text = String::new();
        for director in DIRECTORS {
            let log = self.site.host(director).ok().and_then(Host::log);
            let lines = log.map(SystemLog::lines).unwrap_or_default();
            text.push_str(&format!("\nlast lines of {director}'s log:\n"));
            for line in lines.iter().skip(lines.len().saturating_sub(LOG_LINES)) {
                text.push_str(&format!("  {}\n", line.text));
            }
        }
        text
    }

    /// The host from which clients ask.
    ///
    /// # Errors
    /// If there is none.
    pub fn client(&self) -> io::Result<&Host> {
        self.site.host("client")
    }
}

/// Empties /run but for the lab's log socket.
fn clear_run() -> io::Result<()> {
    for entry in fs::read_dir("/run")? {
        let path = entry?.path();
        if path.is_dir() {
            fs::remove_dir_all(&path)?;
        } else if !path.ends_with("lab.log") {
            fs::remove_file(&path)?;
        }
    }
    fs::create_dir_all("/run/lock/subsys")
}
