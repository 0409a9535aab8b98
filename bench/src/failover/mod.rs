//! How long a client goes without an answer when the active director dies or stops: pairs of pulse,
//! without and with a warm standby, beside a pair of keepalived. Runs in the lab; one line on `out` for each value.
//!
//! - [`client`]: asks each millisecond · [`settings`]: both configurations
//! - `memory`: no program is read from this machine's disk meanwhile

pub mod client;
mod memory;
pub mod settings;

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddrV4};
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::{Duration, Instant};

use caribe_lab::measure::{HttpServer, Table};
use caribe_lab::topology::{DIRECTORS, Family, Forwarding, Layout, Process, Site};
use nix::sys::signal::Signal;

use crate::figure::{Figure, Subject, Unit};
use crate::meter::median;
use client::{Client, longest_gap};
use settings::{Beat, KEY, KEY_FILE, PORT, keepalived_conf, lvs_cf};

const LVS_CF: &str = "/etc/sysconfig/ha/lvs.cf";
const KEEPALIVED_CONF: &str = "/etc/sysconfig/ha/keepalived.conf";
/// How long a pair may take to come up, in the lab's time.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(100);
/// How long the client is left in peace before the failure.
const PEACE: Duration = Duration::from_millis(500);

/// What happens to the active director.
#[derive(Clone, Copy, Debug)]
enum Failure {
    /// Its links go down, then every process is killed.
    Crash,
    /// Its daemon gets SIGTERM.
    Stop,
}

/// What one run gave.
struct Gaps {
    undisturbed: Duration,
    failure: Duration,
}

/// A pair, and how often it beats.
#[derive(Clone, Copy, Debug)]
struct Case {
    daemon: Subject,
    beat: Beat,
}

/// Measures every pair at each interval, with this many runs each. keepalived has no defaults of lvs.cf.
///
/// # Errors
/// The lab cannot be built, or `out` fails. A run that does not come to its failure is a note.
pub fn run(runs: u32, beats: &[Beat], out: &mut dyn Write) -> io::Result<()> {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    writeln!(out, "note kernel {}, {runs} runs of each", kernel.trim())?;
    memory::keep()?;
    for beat in beats.iter().copied() {
        for daemon in [Subject::Keepalived, Subject::Pulse, Subject::Warm] {
            if (daemon, beat) != (Subject::Keepalived, Beat::Default) {
                measure(Case { daemon, beat }, runs, out)?;
            }
        }
    }
    Ok(())
}

/// Both failures of one pair.
fn measure(case: Case, runs: u32, out: &mut dyn Write) -> io::Result<()> {
    let mut noise = Duration::ZERO;
    for (name, failure) in [("crash", Failure::Crash), ("stop", Failure::Stop)] {
        let mut gaps = Vec::new();
        for number in 0..runs {
            match once(case, failure, number) {
                Ok(found) => {
                    noise = noise.max(found.undisturbed);
                    gaps.push(micros(found.failure));
                }
                Err(error) => {
                    let Case { daemon, beat } = case;
                    writeln!(out, "note {daemon} {beat} {failure:?} {number}: {error}")?;
                }
            }
        }
        show(name, case, &gaps, out)?;
    }
    show("undisturbed", case, &[micros(noise)], out)
}

/// Writes the median, the best and the worst of several values.
fn show(name: &str, case: Case, values: &[u64], out: &mut dyn Write) -> io::Result<()> {
    let Case { daemon, beat } = case;
    let mut write = |what: String, value: Option<u64>| {
        value.map_or(Ok(()), |value| {
            let figure = Figure {
                what,
                subject: daemon,
                unit: Unit::Microseconds,
                value,
            };
            writeln!(out, "{figure}")
        })
    };
    let (least, most) = (values.iter().min(), values.iter().max());
    write(format!("{name}-{beat}"), median(values.to_vec()))?;
    if values.len() > 1 {
        write(format!("{name}-{beat}-min"), least.copied())?;
        write(format!("{name}-{beat}-max"), most.copied())?;
    }
    Ok(())
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// One pair's life: comes up, is asked, fails, is asked on.
fn once(case: Case, failure: Failure, number: u32) -> io::Result<Gaps> {
    let pair = Pair::build(case)?;
    let mut active = pair.start(0)?;
    pair.wait_for(0)?;
    let _standby = pair.start(1)?;
    let beat = case.beat.pause();
    thread::sleep(beat * 5 + Duration::from_secs(3));
    if pair.site.owner()? != Some(0) {
        return Err(io::Error::other("the primary is not the active one"));
    }
    let client = Client::start(pair.site.host("client")?, pair.target)?;
    thread::sleep(Duration::from_millis(50));
    let begun = Instant::now();
    thread::sleep(PEACE + beat.mul_f64(phase(number)));
    let failed = Instant::now();
    pair.fail(&mut active, failure)?;
    thread::sleep((beat * 5 + Duration::from_millis(700)).saturating_sub(failed.elapsed()));
    let (answers, ended) = (client.finish()?, Instant::now());
    if answers.last().is_none_or(|last| ended - *last > LOOK) {
        return Err(io::Error::other("no answers at the end"));
    }
    // The answer before the failure counts: the gap may have begun with it.
    Ok(Gaps {
        undisturbed: longest_gap(&answers, begun, failed),
        failure: longest_gap(&answers, failed - Duration::from_millis(5), ended),
    })
}

/// Where between two heartbeats a run fails, 0 to 1: spread evenly, the same in every measurement.
fn phase(number: u32) -> f64 {
    // Steps of the golden ratio leave no two of any number of runs close together.
    (f64::from(number) * 0.618_033_988_75).fract()
}

/// The site, wired and configured.
struct Pair {
    daemon: Subject,
    site: Site,
    target: SocketAddrV4,
    _servers: Vec<HttpServer>,
}

impl Pair {
    fn build(case: Case) -> io::Result<Self> {
        let Case { daemon, beat } = case;
        let site = Site::build(Layout {
            forwarding: Forwarding::DirectRouting,
            family: Family::V4,
            real_servers: 2,
            router: false,
        })?;
        let (vip, real) = (site.vip(), site.real_servers());
        let IpAddr::V4(address) = vip else {
            return Err(io::Error::other("the site is not IPv4"));
        };
        let mut servers = Vec::new();
        for (name, _) in &real {
            servers.push(HttpServer::start(site.host(name)?, PORT)?);
        }
        for (number, name) in DIRECTORS.iter().enumerate() {
            let host = site.host(name)?;
            let warm = daemon == Subject::Warm;
            host.write_file(LVS_CF, &lvs_cf(beat, warm, vip, &real))?;
            let conf = keepalived_conf(beat, number == 0, vip, &real);
            host.write_file(KEEPALIVED_CONF, &conf)?;
            host.write_file(KEY_FILE, KEY)?;
            host.run(|| fs::set_permissions(KEY_FILE, Permissions::from_mode(0o600)))?;
        }
        Ok(Self {
            daemon,
            site,
            target: SocketAddrV4::new(address, PORT),
            _servers: servers,
        })
    }

    fn start(&self, director: usize) -> io::Result<Process> {
        let name = DIRECTORS.get(director).copied().unwrap_or_default();
        let keepalived = ["/usr/sbin/keepalived", "-n", "-l", "-f", KEEPALIVED_CONF];
        let pulse = ["/usr/sbin/pulse", "-n"];
        let argv = if self.daemon == Subject::Keepalived {
            &keepalived[..]
        } else {
            &pulse
        };
        let log = std::env::temp_dir().join(format!("{}-{name}.log", self.daemon));
        self.site
            .host(name)?
            .spawn(argv, Some(fs::File::create(log)?))
    }

    /// Waits until a director has the address, and both real servers in its table.
    fn wait_for(&self, director: usize) -> io::Result<()> {
        let name = DIRECTORS.get(director).copied().unwrap_or_default();
        let begun = Instant::now();
        loop {
            let table = Table::of(self.site.host(name)?)?;
            let all = table.0.iter().flat_map(|service| &service.destinations);
            let up = all.filter(|server| server.weight > 0).count();
            if self.site.owner()? == Some(director) && up == self.site.real_servers().len() {
                return Ok(());
            }
            if begun.elapsed() > START_LIMIT {
                return Err(io::Error::other(format!("{name} does not come up")));
            }
            thread::sleep(LOOK);
        }
    }

    fn fail(&self, active: &mut Process, failure: Failure) -> io::Result<()> {
        let [primary, _] = DIRECTORS;
        match failure {
            Failure::Crash => {
                // The links first: a child of keepalived whose parent dies still says goodbye.
                self.site.network().set_links(primary, false)?;
                self.site.host(primary)?.kill_all()
            }
            Failure::Stop => active.signal(Signal::SIGTERM),
        }
    }
}
