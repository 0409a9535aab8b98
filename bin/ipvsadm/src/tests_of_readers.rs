//! A reader of standard output that goes away: how much is read and written for it afterwards. Counted, not
//! timed.

use std::cell::Cell;
use std::ffi::OsString;
use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::time::Duration;

use ipvs::{Ipvs, IpvsError, Refusal};
use lvs_model::{
    Destination, DestinationEntry, DestinationKey, IpvsOp, KernelInfo, Protocol, ServiceEntry,
    ServiceKey, SyncDaemon, Timeouts, VirtualService,
};
use testkit::FakeIpvs;

use crate::connections::{self, Columns};
use crate::output::Output;
use crate::test_names::TestNames;
use crate::{Environment, Pace, Streams, run};

/// So many that every listing is many times longer than the buffer in front of standard output.
const SERVICES: u16 = 2000;

/// A table that counts how often the servers of a service are asked for.
struct Counting<'c> {
    table: FakeIpvs,
    asked: &'c Cell<usize>,
}

impl Ipvs for Counting<'_> {
    fn info(&mut self) -> Result<KernelInfo, IpvsError> {
        self.table.info()
    }

    fn services(&mut self) -> Result<Vec<ServiceEntry>, IpvsError> {
        self.table.services()
    }

    fn service(&mut self, key: &ServiceKey) -> Result<ServiceEntry, IpvsError> {
        self.table.service(key)
    }

    fn destinations(&mut self, key: &ServiceKey) -> Result<Vec<DestinationEntry>, IpvsError> {
        self.asked.set(self.asked.get() + 1);
        self.table.destinations(key)
    }

    fn timeouts(&mut self) -> Result<Timeouts, IpvsError> {
        self.table.timeouts()
    }

    fn daemons(&mut self) -> Result<Vec<SyncDaemon>, IpvsError> {
        self.table.daemons()
    }

    fn apply(&mut self, ops: &[IpvsOp]) -> Result<Vec<Refusal>, IpvsError> {
        self.table.apply(ops)
    }

    fn want_counters(&mut self, wanted: bool) {
        self.table.want_counters(wanted);
    }
}

/// Each second has passed when it is waited for.
struct AtOnce;

impl Pace for AtOnce {
    fn wait(&self, interval: Duration) -> Option<Duration> {
        Some(interval)
    }

    fn is_screen(&self) -> bool {
        false
    }
}

/// A pipe whose reader takes one write and goes.
#[derive(Default)]
struct GoneAfterOne(usize);

impl Write for GoneAfterOne {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += 1;
        match self.0 {
            1 => Ok(bytes.len()),
            _ => Err(ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn large_table() -> FakeIpvs {
    let mut table = FakeIpvs::default();
    let mut ops = Vec::new();
    for port in 1..=SERVICES {
        let key = ServiceKey::Address {
            protocol: Protocol::Tcp,
            address: "192.0.2.1".parse().unwrap(),
            port,
        };
        ops.push(IpvsOp::AddService(VirtualService::new(key)));
        let server = DestinationKey {
            address: "192.0.2.9".parse().unwrap(),
            port,
        };
        ops.push(IpvsOp::AddDestination(key, Destination::new(server)));
    }
    assert!(table.apply(&ops).unwrap().is_empty());
    table
}

#[test]
fn every_listing_of_the_table_ends_at_the_first_failed_write() {
    for words in [
        &["-L", "-n"][..],
        &["-L", "-n", "--stats"],
        &["-L", "-n", "--rate", "--nosort"],
        &["-S", "-n"],
        &["-L", "--json"],
        &["-L", "-n", "--watch"],
        &["-L", "--json", "--watch"],
    ] {
        let asked = Cell::new(0);
        let table = Counting {
            table: large_table(),
            asked: &asked,
        };
        let (mut out, mut err) = (GoneAfterOne::default(), Vec::new());
        let mut arguments = vec![OsString::from("ipvsadm")];
        arguments.extend(words.iter().map(OsString::from));
        let environment = Environment {
            names: &TestNames,
            pace: &AtOnce,
            posixly_correct: false,
        };
        let streams = Streams {
            input: &mut io::empty(),
            out: &mut out,
            err: &mut err,
        };
        let status = run(&arguments, || Ok(table), environment, streams);
        assert_eq!((status, err.as_slice()), (1, &b""[..]), "{words:?}");
        // The second write fails. With --watch one reading comes before the first line.
        let before = if words.contains(&"--watch") {
            usize::from(SERVICES)
        } else {
            0
        };
        let asked = asked.get() - before;
        assert!(
            asked < usize::from(SERVICES),
            "{words:?}: {asked} of {SERVICES}"
        );
        assert_eq!(out.0, 2, "{words:?}");
    }
}

/// The kernel's connection table, which counts what is read of it.
struct Table<'c> {
    lines: usize,
    line: Vec<u8>,
    read: &'c Cell<usize>,
}

impl Read for Table<'_> {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        unreachable!("read by lines")
    }
}

impl BufRead for Table<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.line.is_empty() && self.lines > 0 {
            self.lines -= 1;
            self.read.set(self.read.get() + 1);
            self.line =
                b"TCP 0A010002 BCA6 0A010064 0051 0A010001 1F90 ESTABLISHED     899\n".to_vec();
        }
        Ok(&self.line)
    }

    fn consume(&mut self, count: usize) {
        self.line.drain(..count);
    }
}

#[test]
fn a_listing_of_connections_ends_at_the_first_failed_write() {
    for json in [false, true] {
        let read = Cell::new(0);
        let table = Table {
            lines: 60_000,
            line: Vec::new(),
            read: &read,
        };
        let mut target = GoneAfterOne::default();
        let mut out = Output::new(&mut target);
        let columns = Columns {
            numeric: true,
            with_engine: false,
            json,
        };
        connections::print(table, columns, &TestNames, &mut out).unwrap();
        assert_eq!(out.flush().unwrap_err().kind(), ErrorKind::BrokenPipe);
        // Two buffers of 32 KiB, a line of 70 bytes or more each.
        assert!(read.get() < 1000, "{} lines read", read.get());
        assert_eq!(target.0, 2);
    }
}
