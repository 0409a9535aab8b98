//! A nanny started by hand programs the kernel's table itself; every test in a namespace of its own.

mod load;

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command};
use std::time::Duration;

use caribe_tests::{SOON, wait_until};
use ipvs::{Ipvs, NetlinkIpvs};
use lvs_model::{
    Destination, DestinationKey, ForwardingMethod, IpvsOp, Protocol, ServiceKey, VirtualService,
    Weight,
};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A virtual service without destinations, a nanny to come.
struct Site {
    table: NetlinkIpvs,
    service: ServiceKey,
    nanny: Option<Child>,
}

impl Site {
    fn new() -> Self {
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).expect("root, in the lab");
        let up = Command::new("ip")
            .args(["link", "set", "lo", "up"])
            .status();
        assert!(up.unwrap().success());
        let table = NetlinkIpvs::open_or_load("/sbin/modprobe".as_ref()).expect("IPVS");
        let service = ServiceKey::Address {
            protocol: Protocol::Tcp,
            address: "10.9.9.9".parse().unwrap(),
            port: 80,
        };
        let mut site = Self {
            table,
            service,
            nanny: None,
        };
        site.apply(IpvsOp::AddService(VirtualService::new(service)));
        site
    }

    fn apply(&mut self, op: IpvsOp) {
        assert!(self.table.apply(&[op]).unwrap().is_empty());
    }

    fn start(&mut self, real: SocketAddr, more: &[&str]) {
        let (rip, rport) = (real.ip().to_string(), real.port().to_string());
        let program = std::env::var("CARIBE_NANNY").unwrap_or_else(|_| "/usr/sbin/nanny".into());
        let nanny = Command::new(program)
            .args([
                "-n", "--lvs", "-V", "10.9.9.9", "-p", "80", "-h", &rip, "-r", &rport,
            ])
            .args(["-t", "0.2", "-a", "0.4"])
            .args(more)
            .spawn();
        self.nanny = Some(nanny.expect("nanny starts"));
    }

    /// Port, method and weight of each destination.
    fn destinations(&mut self) -> Vec<(u16, ForwardingMethod, u32)> {
        let found = self.table.destinations(&self.service).unwrap();
        let settings = |entry: &lvs_model::DestinationEntry| {
            let destination = entry.destination;
            (
                destination.key.port,
                destination.forwarding,
                destination.weight.get(),
            )
        };
        found.iter().map(settings).collect()
    }

    #[track_caller]
    fn comes_to(&mut self, wanted: &[(u16, ForwardingMethod, u32)]) {
        let came = wait_until(SOON, || self.destinations() == wanted);
        assert!(
            came.is_some(),
            "{:?} is not {wanted:?}",
            self.destinations()
        );
    }

    fn signal(&self, signal: Signal) {
        let pid = self.nanny.as_ref().expect("it runs").id();
        kill(Pid::from_raw(i32::try_from(pid).unwrap()), signal).unwrap();
    }

    fn exit_status(&mut self) -> Option<i32> {
        let mut nanny = self.nanny.take().expect("it runs");
        let mut status = None;
        wait_until(SOON, || {
            status = nanny.try_wait().unwrap();
            status.is_some()
        });
        status.and_then(|status| status.code())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(mut nanny) = self.nanny.take() {
            let _ = nanny.kill();
            let _ = nanny.wait();
        }
    }
}

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[test]
fn a_server_enters_when_good_leaves_when_bad_and_comes_back() {
    let mut site = Site::new();
    let (listener, real) = listen();
    let entry = |weight| [(real.port(), ForwardingMethod::Masquerading, weight)];
    site.start(real, &["-w", "64", "-s", "x"]);
    site.comes_to(&entry(2));
    drop(listener);
    site.comes_to(&[]);
    let _listener = TcpListener::bind(real).unwrap();
    site.comes_to(&entry(2));
    site.signal(Signal::SIGTERM);
    assert_eq!(site.exit_status(), Some(0));
    assert_eq!(site.destinations(), []);
}

#[test]
fn a_quiesced_server_stays_with_weight_0() {
    let mut site = Site::new();
    let (listener, real) = listen();
    let entry = |weight| [(real.port(), ForwardingMethod::Masquerading, weight)];
    site.start(real, &["-q", "-s", "x"]);
    site.comes_to(&entry(1));
    drop(listener);
    site.comes_to(&entry(0));
    let _listener = TcpListener::bind(real).unwrap();
    site.comes_to(&entry(1));
    site.signal(Signal::SIGUSR1);
    site.comes_to(&entry(0));
    site.signal(Signal::SIGHUP);
    site.comes_to(&entry(1));
}

#[test]
fn with_direct_routing_the_destination_has_the_services_port() {
    let mut site = Site::new();
    let (listener, real) = listen();
    site.start(real, &["-M", "g", "-s", "x"]);
    site.comes_to(&[(80, ForwardingMethod::DirectRouting, 1)]);
    drop(listener);
    site.comes_to(&[]);
}

#[test]
fn an_entry_found_at_the_start_is_taken_over_and_not_moved() {
    let mut site = Site::new();
    let (_listener, real) = listen();
    let mut found = Destination::new(DestinationKey {
        address: real.ip(),
        port: real.port(),
    });
    found.forwarding = ForwardingMethod::Masquerading;
    found.weight = Weight::new(16).unwrap();
    let service = site.service;
    site.apply(IpvsOp::AddDestination(service, found));
    let entry = [(real.port(), ForwardingMethod::Masquerading, 16)];
    site.start(real, &["-w", "64", "-s", "x"]);
    let moved = wait_until(Duration::from_secs(1), || site.destinations() != entry);
    assert_eq!(moved, None);
}

#[test]
fn a_missing_service_ends_nothing_and_is_tried_again() {
    let mut site = Site::new();
    let service = site.service;
    site.apply(IpvsOp::DeleteService(service));
    let (_listener, real) = listen();
    site.start(real, &["-s", "x"]);
    let ended = |site: &mut Site| site.nanny.as_mut().unwrap().try_wait().unwrap().is_some();
    assert_eq!(
        wait_until(Duration::from_secs(1), || ended(&mut site)),
        None
    );
    site.apply(IpvsOp::AddService(VirtualService::new(service)));
    site.comes_to(&[(real.port(), ForwardingMethod::Masquerading, 1)]);
}

#[test]
fn norun_changes_nothing() {
    let mut site = Site::new();
    let (_listener, real) = listen();
    site.start(real, &["--norun", "-s", "x"]);
    let changed = wait_until(Duration::from_secs(1), || !site.destinations().is_empty());
    assert_eq!(changed, None);
}
