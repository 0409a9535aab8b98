//! What the daemons print is what this program takes: each change of the table as `lvsd -t` and the
//! logs write it, and the recorded plans of `lvsd -t`.

use ipvs::{Ipvs, Refusal};
use lvs_model::{
    AddressFamily, Destination, DestinationKey, ForwardingMethod, FwMark, IpvsOp, Netmask,
    Protocol, SchedulerFlags, ServiceEntry, ServiceKey, Thresholds, Timeouts, VirtualService,
    Weight,
};
use testkit::FakeIpvs;

use crate::tests::{done, run_line};

/// A service of each kind that lvs.cf can ask for, and an address of a real server for it.
fn services() -> Vec<(VirtualService, &'static str)> {
    let address = |protocol, vip: &str| ServiceKey::Address {
        protocol,
        address: vip.parse().unwrap(),
        port: 80,
    };
    let mark = |mark, family| ServiceKey::FwMark {
        mark: FwMark::new(mark).unwrap(),
        family,
    };
    let keys = [
        (address(Protocol::Tcp, "192.0.2.1"), "10.0.0.1"),
        (address(Protocol::Udp, "192.0.2.1"), "10.0.0.1"),
        (address(Protocol::Sctp, "192.0.2.1"), "10.0.0.1"),
        (address(Protocol::Tcp, "2001:db8::1"), "2001:db8::41"),
        (mark(80, AddressFamily::Inet), "10.0.0.1"),
        (mark(u32::MAX, AddressFamily::Inet), "10.0.0.1"),
        (mark(80, AddressFamily::Inet6), "2001:db8::41"),
    ];
    keys.map(|(key, real)| (VirtualService::new(key), real))
        .into()
}

/// The service with every setting that lvs.cf can give it.
fn set_up(service: &VirtualService) -> VirtualService {
    let netmask = match service.key.family() {
        AddressFamily::Inet => Netmask::Inet("255.255.255.0".parse().unwrap()),
        AddressFamily::Inet6 => Netmask::Inet6(64),
    };
    let is_udp = matches!(
        service.key,
        ServiceKey::Address {
            protocol: Protocol::Udp,
            ..
        }
    );
    VirtualService {
        scheduler: "mh".parse().unwrap(),
        scheduler_flags: SchedulerFlags::FLAG_1.with(SchedulerFlags::FLAG_3),
        persistence: Some(2_678_400),
        netmask,
        one_packet: is_udp,
        ..service.clone()
    }
}

fn changes() -> Vec<IpvsOp> {
    let mut ops = vec![IpvsOp::SetTimeouts(Timeouts {
        tcp: 900,
        tcp_fin: 0,
        udp: 2_147_483,
    })];
    for (service, real) in services() {
        let key = service.key;
        ops.push(IpvsOp::AddService(service.clone()));
        ops.push(IpvsOp::EditService(set_up(&service)));
        let mut destination = Destination::new(DestinationKey {
            address: real.parse().unwrap(),
            port: 80,
        });
        ops.push(IpvsOp::AddDestination(key, destination));
        for method in [
            ForwardingMethod::Masquerading,
            ForwardingMethod::DirectRouting,
            ForwardingMethod::Tunnelling,
        ] {
            destination.forwarding = method;
            destination.weight = Weight::new(65_535).unwrap();
            destination.thresholds = Thresholds {
                upper: 100,
                lower: 80,
            };
            ops.push(IpvsOp::EditDestination(key, destination));
        }
        destination.weight = Weight::ZERO;
        destination.thresholds = Thresholds::default();
        ops.push(IpvsOp::EditDestination(key, destination));
        ops.push(IpvsOp::DeleteDestination(key, destination.key));
        ops.push(IpvsOp::DeleteService(key));
    }
    ops
}

/// All of a table.
fn contents(table: &mut FakeIpvs) -> (Timeouts, Vec<(ServiceEntry, Vec<Destination>)>) {
    let services = table.services().unwrap();
    let mut all = Vec::new();
    for service in services {
        let destinations = table.destinations(&service.service.key).unwrap();
        let destinations = destinations.iter().map(|entry| entry.destination);
        all.push((service, destinations.collect()));
    }
    (table.timeouts().unwrap(), all)
}

#[test]
fn each_change_as_it_is_printed_is_the_command_that_makes_it() {
    let (mut direct, mut by_command) = (FakeIpvs::new(), FakeIpvs::new());
    for op in changes() {
        let refused: Vec<Refusal> = direct.apply(std::slice::from_ref(&op)).unwrap();
        assert_eq!(refused.len(), 0, "{op}");
        assert_eq!(
            run_line(&mut by_command, &op.to_string()),
            done(""),
            "ipvsadm {op}"
        );
        assert_eq!(contents(&mut by_command), contents(&mut direct), "{op}");
    }
    assert_eq!(by_command.done(), direct.done());
}

#[test]
fn each_recorded_plan_of_lvsd_is_carried_out() {
    let plans = concat!(env!("CARGO_MANIFEST_DIR"), "/../lvsd/golden");
    let mut count = 0;
    for entry in std::fs::read_dir(plans).unwrap() {
        let plan = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let mut table = FakeIpvs::new();
        for command in plan
            .lines()
            .filter_map(|line| line.strip_prefix("/sbin/ipvsadm "))
        {
            assert_eq!(run_line(&mut table, command), done(""), "{command}");
            count += 1;
        }
    }
    assert!(count >= 20, "{count} commands");
}
