//! The tables that are measured, and the network namespaces they live in.

use std::fmt;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::str::FromStr;
use std::thread;

use lvs_model::{
    Destination, DestinationKey, ForwardingMethod, IpvsOp, Protocol, ServiceKey, VirtualService,
};
use nix::sched::{CloneFlags, unshare};

/// Addresses in a row of them; the rows are the second byte's.
const ROW: u32 = 250;

/// A number of TCP services, and of destinations in each: `100x100`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// How many services, up to 62500.
    pub services: u32,
    /// How many destinations each, up to 62500.
    pub destinations: u32,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.services, self.destinations)
    }
}

impl FromStr for Size {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (services, destinations) = text.split_once('x').unwrap_or((text, "0"));
        Ok(Self {
            services: services.parse()?,
            destinations: destinations.parse()?,
        })
    }
}

/// The address with this number in 10.0.0.0/8 (`first` 10) and the like.
fn address(first: u8, number: u32) -> Ipv4Addr {
    let [_, _, row, column] = (((number / ROW) << 8) | (1 + number % ROW)).to_be_bytes();
    Ipv4Addr::new(first, 16, row, column)
}

impl Size {
    /// The changes that make the table, in the order of a saved file.
    pub fn ops(self) -> impl Iterator<Item = IpvsOp> {
        (0..self.services).flat_map(move |number| {
            let key = ServiceKey::Address {
                protocol: Protocol::Tcp,
                address: IpAddr::V4(address(10, number)),
                port: 80,
            };
            let destinations = (0..self.destinations).map(move |number| {
                let mut destination = Destination::new(DestinationKey {
                    address: IpAddr::V4(address(172, number)),
                    port: 8080,
                });
                destination.forwarding = ForwardingMethod::Masquerading;
                IpvsOp::AddDestination(key, destination)
            });
            std::iter::once(IpvsOp::AddService(VirtualService::new(key))).chain(destinations)
        })
    }

    /// Writes the table as `ipvsadm -R` reads it.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_rules(self, out: &mut dyn Write) -> io::Result<()> {
        for op in self.ops() {
            match op {
                IpvsOp::AddService(service) => writeln!(out, "-A {service}")?,
                IpvsOp::AddDestination(key, destination) => {
                    writeln!(out, "-a {key} {destination}")?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Runs `work` in a network namespace of its own, loopback up; it ends with the work.
///
/// A table is measured in a fresh one: after a flush the kernel keeps removed destinations for a
/// while and looks through them at every addition.
///
/// # Errors
/// The namespace cannot be made, or those of `work`.
pub fn in_fresh_namespace<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            ip("link set lo up")?;
            work()
        });
        worker
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the measuring thread panicked")))
    })
}

/// Runs ip(8) with these words.
///
/// # Errors
/// It cannot be started or fails.
pub fn ip(words: &str) -> io::Result<()> {
    let status = Command::new("ip").args(words.split(' ')).status()?;
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("ip {words}: {status}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_those_of_a_saved_file() {
        let mut out = Vec::new();
        let size: Size = "2x1".parse().unwrap();
        size.write_rules(&mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "-A -t 10.16.0.1:80 -s wlc\n\
             -a -t 10.16.0.1:80 -r 172.16.0.1:8080 -m -w 1\n\
             -A -t 10.16.0.2:80 -s wlc\n\
             -a -t 10.16.0.2:80 -r 172.16.0.1:8080 -m -w 1\n"
        );
    }

    #[test]
    fn addresses_do_not_repeat() {
        let mut seen: Vec<_> = (0..1000).map(|number| address(10, number)).collect();
        seen.dedup();
        assert_eq!(seen.len(), 1000);
        assert_eq!(address(10, 250), Ipv4Addr::new(10, 16, 1, 1));
    }
}
