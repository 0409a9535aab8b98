//! What is refused, and with which errno: the kernel's and the fake's must be equal.

use ipvs::{Errno, Ipvs, IpvsError};
use lvs_model::{
    AddressFamily, EngineName, ForwardingMethod, IpvsOp, Netmask, Protocol, SchedulerName,
    Thresholds, TunnelType, VirtualService,
};

use crate::{mark, on_both, outcomes, server, service};

fn expect(table: &mut dyn Ipvs, cases: Vec<(IpvsOp, Option<Errno>)>) {
    let (ops, expected): (Vec<IpvsOp>, Vec<_>) = cases.into_iter().unzip();
    for ((op, found), expected) in ops.iter().zip(outcomes(table, &ops)).zip(expected) {
        assert_eq!(found, expected, "{op}");
    }
}

#[test]
fn services_doubled_missing_and_impossible() {
    on_both(|table| {
        let key = service(Protocol::Tcp, "192.0.2.1:80");
        let plain = VirtualService::new(key);
        let with = |change: &dyn Fn(&mut VirtualService)| {
            let mut service = plain.clone();
            change(&mut service);
            service
        };
        let scheduler = with(&|s| s.scheduler = SchedulerName::new("nonesuch").unwrap());
        let engine = with(&|s| s.engine = EngineName::new("nonesuch").ok());
        let mut prefix = VirtualService::new(mark(1, AddressFamily::Inet6));
        prefix.netmask = Netmask::Inet6(129);
        let cases = vec![
            (IpvsOp::EditService(plain.clone()), Some(Errno::ESRCH)),
            (IpvsOp::DeleteService(key), Some(Errno::ESRCH)),
            (IpvsOp::Zero(Some(key)), Some(Errno::ESRCH)),
            (IpvsOp::AddService(scheduler.clone()), Some(Errno::ENOENT)),
            (IpvsOp::AddService(engine.clone()), Some(Errno::ENOENT)),
            (IpvsOp::AddService(prefix), Some(Errno::EINVAL)),
            (IpvsOp::AddService(plain.clone()), None),
            (IpvsOp::AddService(plain), Some(Errno::EEXIST)),
            // What is there already is noticed before its scheduler.
            (IpvsOp::AddService(scheduler.clone()), Some(Errno::EEXIST)),
            (IpvsOp::EditService(scheduler), Some(Errno::ENOENT)),
            (IpvsOp::EditService(engine), Some(Errno::ENOENT)),
        ];
        expect(table, cases);
        assert!(matches!(
            table.service(&mark(5, AddressFamily::Inet)),
            Err(IpvsError::Kernel(Errno::ESRCH))
        ));
    });
}

#[test]
fn destinations_doubled_missing_and_impossible() {
    on_both(|table| {
        let key = service(Protocol::Tcp, "192.0.2.1:80");
        let six = service(Protocol::Tcp, "[2001:db8::1]:80");
        let missing = service(Protocol::Tcp, "192.0.2.1:81");
        let good = server("198.51.100.1:80");
        let mut thresholds = good;
        thresholds.thresholds = Thresholds { upper: 1, lower: 2 };
        let mut tunnel = good;
        tunnel.tunnel.kind = TunnelType::Gue;
        let mut foreign = server("[2001:db8::2]:80");
        foreign.forwarding = ForwardingMethod::Masquerading;
        let add = |address: &str| IpvsOp::AddDestination(key, server(address));
        let add6 = |address: &str| IpvsOp::AddDestination(six, server(address));
        let cases = vec![
            (IpvsOp::AddService(VirtualService::new(key)), None),
            (IpvsOp::AddService(VirtualService::new(six)), None),
            (IpvsOp::AddDestination(missing, good), Some(Errno::ESRCH)),
            (IpvsOp::EditDestination(missing, good), Some(Errno::ESRCH)),
            (
                IpvsOp::DeleteDestination(missing, good.key),
                Some(Errno::ESRCH),
            ),
            (IpvsOp::EditDestination(key, good), Some(Errno::ENOENT)),
            (
                IpvsOp::DeleteDestination(key, good.key),
                Some(Errno::ENOENT),
            ),
            (IpvsOp::AddDestination(key, thresholds), Some(Errno::ERANGE)),
            (IpvsOp::AddDestination(key, tunnel), Some(Errno::EINVAL)),
            (IpvsOp::AddDestination(key, foreign), Some(Errno::EINVAL)),
            (add("0.0.0.0:80"), Some(Errno::EINVAL)),
            (add("224.0.0.1:80"), Some(Errno::EINVAL)),
            (add("255.255.255.255:80"), Some(Errno::EINVAL)),
            (add("240.0.0.1:80"), None),
            (add6("[::]:80"), Some(Errno::EINVAL)),
            (add6("[ff02::1]:80"), Some(Errno::EINVAL)),
            (add6("[fe80::1]:80"), Some(Errno::EINVAL)),
            (IpvsOp::AddDestination(key, good), None),
            (IpvsOp::AddDestination(key, good), Some(Errno::EEXIST)),
            (
                IpvsOp::EditDestination(key, thresholds),
                Some(Errno::ERANGE),
            ),
        ];
        expect(table, cases);
    });
}
