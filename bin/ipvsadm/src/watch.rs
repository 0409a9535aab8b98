//! `--watch`: the listing again and again, with rates measured between two readings of the table.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use ipvs::{Ipvs, IpvsError, Refusal};
use lvs_model::{
    Counters, DestinationEntry, DestinationKey, IpvsOp, KernelInfo, ServiceEntry, ServiceKey,
    SyncDaemon, Timeouts,
};

/// The time between two readings, and where the listings are seen.
pub trait Pace {
    /// Lets the interval pass. Returns the time since the end of the last wait, at first since the start;
    /// `None` to end.
    fn wait(&self, interval: Duration) -> Option<Duration>;
    /// Whether a listing takes the place of the one before it: standard output is a terminal.
    fn is_screen(&self) -> bool;
}

/// This machine's time; it never ends.
#[derive(Debug)]
pub struct Clock(Cell<Instant>);

impl Default for Clock {
    fn default() -> Self {
        Self(Cell::new(Instant::now()))
    }
}

impl Pace for Clock {
    fn wait(&self, interval: Duration) -> Option<Duration> {
        std::thread::sleep(interval);
        let now = Instant::now();
        Some(now - self.0.replace(now))
    }

    fn is_screen(&self) -> bool {
        io::stdout().is_terminal()
    }
}

/// A table whose rates are those between two readings; the kernel's own are smoothed over some time.
pub(crate) struct Rated<'k, I> {
    kernel: &'k mut I,
    elapsed: Duration,
    totals: BTreeMap<(ServiceKey, Option<DestinationKey>), Counters>,
}

impl<'k, I: Ipvs> Rated<'k, I> {
    /// An entry that was read for the first time has no rates yet.
    pub(crate) const fn new(kernel: &'k mut I) -> Self {
        Self {
            kernel,
            elapsed: Duration::ZERO,
            totals: BTreeMap::new(),
        }
    }

    /// Says how long ago the last look was.
    pub(crate) const fn passed(&mut self, elapsed: Duration) {
        self.elapsed = elapsed;
    }

    fn rate(&mut self, place: (ServiceKey, Option<DestinationKey>), counters: &mut Counters) {
        let before = self.totals.insert(place, *counters).unwrap_or(*counters);
        *counters = rates(&before, counters, self.elapsed);
    }
}

/// `now` with its rates since `before`. A total that fell was set to zero meanwhile.
fn rates(before: &Counters, now: &Counters, elapsed: Duration) -> Counters {
    let milliseconds = u64::try_from(elapsed.as_millis())
        .unwrap_or(u64::MAX)
        .max(1);
    let per_second = |before: u64, now: u64| {
        let grown = now.checked_sub(before).unwrap_or(now);
        (grown.saturating_mul(1000).saturating_add(milliseconds / 2)) / milliseconds
    };
    Counters {
        connections_per_second: per_second(before.connections, now.connections),
        packets_in_per_second: per_second(before.packets_in, now.packets_in),
        packets_out_per_second: per_second(before.packets_out, now.packets_out),
        bytes_in_per_second: per_second(before.bytes_in, now.bytes_in),
        bytes_out_per_second: per_second(before.bytes_out, now.bytes_out),
        ..*now
    }
}

impl<I: Ipvs> Ipvs for Rated<'_, I> {
    fn info(&mut self) -> Result<KernelInfo, IpvsError> {
        self.kernel.info()
    }

    fn services(&mut self) -> Result<Vec<ServiceEntry>, IpvsError> {
        let mut entries = self.kernel.services()?;
        for entry in &mut entries {
            self.rate((entry.service.key, None), &mut entry.counters);
        }
        Ok(entries)
    }

    fn service(&mut self, key: &ServiceKey) -> Result<ServiceEntry, IpvsError> {
        let mut entry = self.kernel.service(key)?;
        self.rate((*key, None), &mut entry.counters);
        Ok(entry)
    }

    fn destinations(&mut self, key: &ServiceKey) -> Result<Vec<DestinationEntry>, IpvsError> {
        let mut entries = self.kernel.destinations(key)?;
        for entry in &mut entries {
            self.rate((*key, Some(entry.destination.key)), &mut entry.counters);
        }
        Ok(entries)
    }

    fn timeouts(&mut self) -> Result<Timeouts, IpvsError> {
        self.kernel.timeouts()
    }

    fn daemons(&mut self) -> Result<Vec<SyncDaemon>, IpvsError> {
        self.kernel.daemons()
    }

    fn apply(&mut self, ops: &[IpvsOp]) -> Result<Vec<Refusal>, IpvsError> {
        self.kernel.apply(ops)
    }

    fn want_counters(&mut self, wanted: bool) {
        self.kernel.want_counters(wanted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_what_came_in_the_time_that_passed() {
        let before = Counters {
            connections: 10,
            bytes_in: 1000,
            packets_in: 500,
            ..Counters::default()
        };
        let now = Counters {
            connections: 15,
            bytes_in: 4000,
            packets_in: 30,
            bytes_out: u64::MAX,
            ..Counters::default()
        };
        let rated = rates(&before, &now, Duration::from_millis(1500));
        assert_eq!(rated.connections, 15);
        assert_eq!(rated.connections_per_second, 3);
        assert_eq!(rated.bytes_in_per_second, 2000);
        // Set to zero in between.
        assert_eq!(rated.packets_in_per_second, 20);
        assert_eq!(rated.bytes_out_per_second, u64::MAX / 1500);
        assert_eq!(rates(&now, &now, Duration::ZERO).connections_per_second, 0);
    }
}
