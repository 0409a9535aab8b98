//! What health checks of many real servers cost: lvsd in both forms beside keepalived. Runs in the
//! lab; one line on `out` for each value.
//!
//! Each daemon gets hosts of its own: a director, and one that plays every real server. All of its
//! processes are counted, and the kernel's work for both ends of each check with them.
//!
//! - [`farm`]: the real servers · [`settings`]: both configurations · [`lateness`]: of the checks

pub mod farm;
pub mod lateness;
pub mod settings;

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use caribe_lab::topology::{Host, Network};
use ipvs::{Ipvs, NetlinkIpvs};
use lvs_model::Weight;

use crate::figure::{Figure, Subject, Unit};
use farm::Farm;
use lateness::Lateness;
use settings::{PORT, Settings};

/// How long a daemon may take to bring all servers into the table, in the lab's time.
const START_LIMIT: Duration = Duration::from_secs(180);
/// How often the table is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(100);

const LVS_CF: &str = "/etc/sysconfig/ha/lvs.cf";
const KEEPALIVED_CONF: &str = "/etc/sysconfig/ha/keepalived.conf";
/// What can be measured, in this order unless told.
pub const DAEMONS: [Subject; 3] = [Subject::Keepalived, Subject::Nannies, Subject::Shared];

/// Measures each of `daemons` for `window`, with this many servers.
///
/// # Errors
/// The lab cannot be built, `out` fails, or keepalived does not come up. One of ours that does not is a
/// note.
pub fn run(
    settings: Settings,
    window: Duration,
    daemons: &[Subject],
    out: &mut dyn Write,
) -> io::Result<()> {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let Settings { servers, interval } = settings;
    writeln!(out, "note kernel {}", kernel.trim())?;
    let seconds = window.as_secs();
    writeln!(
        out,
        "note {servers} real servers, a check each {interval} s, window {seconds} s"
    )?;
    for &daemon in daemons {
        // Once before, so that its files are in memory.
        let few = Settings {
            servers: 2,
            ..settings
        };
        let measured = Bed::build()
            .and_then(|bed| bed.start(daemon, few))
            .and_then(|_| Bed::build()?.measure(daemon, settings, window, out));
        match measured {
            Err(error) if daemon != Subject::Keepalived => writeln!(out, "note {daemon}: {error}")?,
            other => other?,
        }
    }
    Ok(())
}

/// The hosts of one measurement.
struct Bed {
    network: Network,
    farm: Farm,
}

impl Bed {
    fn build() -> io::Result<Self> {
        let mut network = Network::new();
        network.switch("lan")?;
        network.director("director")?;
        network.host("servers")?;
        for (host, number) in [("director", 1), ("servers", 2)] {
            network.connect(host, "eth0", "lan", &[format!("10.60.0.{number}/24")])?;
        }
        network.later("director", "route add 10.50.0.0/16 via 10.60.0.2")?;
        network.later("servers", "route add local 10.50.0.0/16 dev lo")?;
        network.build()?;
        let farm = Farm::start(network.get("servers")?, PORT)?;
        Ok(Self { network, farm })
    }

    fn director(&self) -> io::Result<&Host> {
        self.network.get("director")
    }

    /// Starts the daemon; when every server has a weight, how long that took.
    fn start(&self, daemon: Subject, settings: Settings) -> io::Result<Duration> {
        let host = self.director()?;
        let keepalived = [
            "/usr/sbin/keepalived",
            "-C",
            "-n",
            "-l",
            "-f",
            KEEPALIVED_CONF,
        ];
        let lvsd = ["/usr/sbin/lvsd", "-n", "-c", LVS_CF];
        let form = if daemon == Subject::Shared {
            "shared"
        } else {
            "process"
        };
        host.write_file(LVS_CF, &settings.lvs_cf(form))?;
        host.write_file(KEEPALIVED_CONF, &settings.keepalived_conf())?;
        let log = std::env::temp_dir().join(format!("{daemon}.log"));
        let argv = if daemon == Subject::Keepalived {
            &keepalived[..]
        } else {
            &lvsd
        };
        let begun = Instant::now();
        let mut process = host.spawn(argv, Some(fs::File::create(&log)?))?;
        loop {
            let up = servers_up(host)?;
            if up >= settings.servers {
                return Ok(begun.elapsed());
            }
            if process.ended()?.is_some() || begun.elapsed() > START_LIMIT {
                let all = settings.servers;
                return Err(io::Error::other(format!(
                    "{up} of {all} servers came up; {}",
                    last_words(&log)
                )));
            }
            thread::sleep(LOOK);
        }
    }

    fn measure(
        &self,
        daemon: Subject,
        settings: Settings,
        window: Duration,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let started = self.start(daemon, settings)?;
        let host = self.director()?;
        let mut value = |what: &str, unit, value: u64| {
            let what = what.into();
            let subject = daemon;
            writeln!(
                out,
                "{}",
                Figure {
                    what,
                    subject,
                    unit,
                    value
                }
            )
        };
        value("start", Unit::Kiloinstructions, cpu(host)?)?;
        value("start", Unit::Microseconds, micros(started))?;
        let interval = Duration::from_secs(settings.interval);
        thread::sleep(interval * 2);
        drop(self.farm.take());
        let before = (cpu(host)?, cpu_of_lvsd(host)?);
        thread::sleep(window);
        let used = cpu(host)?.saturating_sub(before.0);
        let used_by_lvsd = cpu_of_lvsd(host)?.saturating_sub(before.1);
        let visits = self.farm.take();
        let checks = u64::try_from(visits.len()).map_err(io::Error::other)?;
        value("checks", Unit::Pieces, checks)?;
        value("check", Unit::Instructions, used * 1000 / checks.max(1))?;
        if daemon != Subject::Keepalived {
            let each = used_by_lvsd / checks.max(1);
            value("check-lvsd", Unit::Instructions, each)?;
        }
        let late = Lateness::of(&visits, interval);
        for (what, percent) in [("late-p50", 50), ("late-p99", 99), ("late-max", 100)] {
            value(what, Unit::Microseconds, micros(late.percentile(percent)))?;
        }
        let processes = host.processes()?;
        let count = u64::try_from(processes.len()).map_err(io::Error::other)?;
        value("processes", Unit::Pieces, count)?;
        value("pss", Unit::Kibibytes, pss(&processes)?)?;
        let nannies = host.processes_named("nanny")?;
        let count = u64::try_from(nannies.len()).map_err(io::Error::other)?;
        if daemon == Subject::Nannies && count > 0 {
            value(
                "pss-of-one",
                Unit::Kibibytes,
                pss(&nannies)?.div_ceil(count),
            )?;
        }
        Ok(())
    }
}

/// Destinations in the table with a weight. Over netlink: `/proc/net/ip_vs` was seen to leave services out, see
/// `docs/internals/observed-behaviour.md`.
fn servers_up(host: &Host) -> io::Result<usize> {
    host.run(|| {
        let mut table = NetlinkIpvs::open().map_err(io::Error::other)?;
        table.want_counters(false);
        let mut up = 0;
        for entry in table.services().map_err(io::Error::other)? {
            let servers = table.destinations(&entry.service.key);
            let servers = servers.map_err(io::Error::other)?.into_iter();
            up += servers
                .filter(|it| it.destination.weight > Weight::ZERO)
                .count();
        }
        Ok(up)
    })
}

/// Microseconds of CPU time of all processes that the host ever had: thousands of instructions.
fn cpu(host: &Host) -> io::Result<u64> {
    let file = Path::new("/sys/fs/cgroup")
        .join(host.namespace())
        .join("cpu.stat");
    let text = fs::read_to_string(file)?;
    let usage = text
        .lines()
        .find_map(|line| line.strip_prefix("usage_usec "));
    usage.unwrap_or_default().parse().map_err(io::Error::other)
}

/// Nanoseconds of CPU time of the host's lvsd: instructions.
fn cpu_of_lvsd(host: &Host) -> io::Result<u64> {
    let mut sum = 0;
    for pid in host.processes_named("lvsd")? {
        let text = fs::read_to_string(format!("/proc/{pid}/schedstat"))?;
        let word = text.split_whitespace().next().unwrap_or_default();
        sum += word.parse::<u64>().map_err(io::Error::other)?;
    }
    Ok(sum)
}

/// The processes' proportional shares of memory, in KiB.
fn pss(processes: &[nix::unistd::Pid]) -> io::Result<u64> {
    let mut sum = 0;
    for pid in processes {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
        let word = line.and_then(|line| line.split_whitespace().next());
        sum += word
            .unwrap_or_default()
            .parse::<u64>()
            .map_err(io::Error::other)?;
    }
    Ok(sum)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The end of what a daemon said, on one line.
fn last_words(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let mut lines: Vec<_> = text.lines().rev().take(3).collect();
    lines.reverse();
    lines.join(" | ")
}
