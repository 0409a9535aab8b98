//! Every attribute of the kernel's IPVS family, set and read back.
//!
//! What the fake table of `testkit` claims to do as the kernel runs against both.

mod by_neli;
mod destinations;
mod errors;
mod scale;
mod services;
mod state;

use std::process::Command;

use ipvs::{Errno, Ipvs, NetlinkIpvs};
use lvs_model::{Destination, DestinationKey, IpvsOp, Protocol, ServiceKey};
use testkit::FakeIpvs;

/// The kernel's table in a network namespace of this thread's own, empty.
fn kernel() -> NetlinkIpvs {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).expect("root, in the lab");
    // A namespace that never had an interface up takes every IPv4 address for a broadcast one.
    ip("link set lo up");
    NetlinkIpvs::open_or_load("/sbin/modprobe".as_ref()).expect("a kernel with IPVS")
}

/// Runs `check` on the kernel's table and on the fake one.
fn on_both(check: impl Fn(&mut dyn Ipvs)) {
    check(&mut FakeIpvs::new());
    check(&mut kernel());
}

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status();
    assert!(status.unwrap().success(), "ip {arguments}");
}

fn service(protocol: Protocol, address: &str) -> ServiceKey {
    let address: std::net::SocketAddr = address.parse().unwrap();
    ServiceKey::Address {
        protocol,
        address: address.ip(),
        port: address.port(),
    }
}

fn mark(number: u32, family: lvs_model::AddressFamily) -> ServiceKey {
    ServiceKey::FwMark {
        mark: lvs_model::FwMark::new(number).unwrap(),
        family,
    }
}

fn server(address: &str) -> Destination {
    let address: std::net::SocketAddr = address.parse().unwrap();
    Destination::new(DestinationKey {
        address: address.ip(),
        port: address.port(),
    })
}

/// The errno of each change, `None` where it was done.
fn outcomes(table: &mut dyn Ipvs, ops: &[IpvsOp]) -> Vec<Option<Errno>> {
    let refusals = table.apply(ops).unwrap();
    let errno = |index| {
        let refusal = refusals.iter().find(|refusal| refusal.index == index)?;
        Some(refusal.errno)
    };
    (0..ops.len()).map(errno).collect()
}

fn done(table: &mut dyn Ipvs, op: IpvsOp) {
    assert_eq!(outcomes(table, &[op]), [None]);
}

/// Writes a line that the test runner does not swallow.
fn report(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
