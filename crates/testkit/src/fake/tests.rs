use ipvs::{Errno, Ipvs, IpvsError};
use lvs_model::{
    Destination, DestinationKey, EngineName, ForwardingMethod, IpvsOp, Netmask, Protocol,
    SchedulerName, ServiceKey, SyncDaemon, SyncRole, Thresholds, Timeouts, TunnelType,
    VirtualService,
};

use crate::FakeIpvs;

fn web() -> ServiceKey {
    ServiceKey::Address {
        protocol: Protocol::Tcp,
        address: "192.0.2.1".parse().unwrap(),
        port: 80,
    }
}

fn server(address: &str) -> Destination {
    Destination::new(DestinationKey {
        address: address.parse().unwrap(),
        port: 80,
    })
}

/// The errnos of a list of changes, `None` where one was done.
fn outcomes(table: &mut FakeIpvs, ops: &[IpvsOp]) -> Vec<Option<Errno>> {
    let refusals = table.apply(ops).unwrap();
    let errno = |index| {
        let refusal = refusals.iter().find(|refusal| refusal.index == index)?;
        Some(refusal.errno)
    };
    (0..ops.len()).map(errno).collect()
}

#[test]
fn doubled_and_missing_entries_are_refused_as_by_the_kernel() {
    let mut table = FakeIpvs::new();
    let service = VirtualService::new(web());
    let destination = server("198.51.100.1");
    let ops = [
        (IpvsOp::EditService(service.clone()), Some(Errno::ESRCH)),
        (IpvsOp::DeleteService(web()), Some(Errno::ESRCH)),
        (
            IpvsOp::AddDestination(web(), destination),
            Some(Errno::ESRCH),
        ),
        (IpvsOp::Zero(Some(web())), Some(Errno::ESRCH)),
        (IpvsOp::AddService(service.clone()), None),
        (IpvsOp::AddService(service), Some(Errno::EEXIST)),
        (
            IpvsOp::EditDestination(web(), destination),
            Some(Errno::ENOENT),
        ),
        (
            IpvsOp::DeleteDestination(web(), destination.key),
            Some(Errno::ENOENT),
        ),
        (IpvsOp::AddDestination(web(), destination), None),
        (
            IpvsOp::AddDestination(web(), destination),
            Some(Errno::EEXIST),
        ),
        (IpvsOp::StopDaemon(SyncRole::Master), Some(Errno::ESRCH)),
    ];
    let (changes, expected): (Vec<_>, Vec<_>) = ops.into_iter().unzip();
    assert_eq!(outcomes(&mut table, &changes), expected);
}

#[test]
fn settings_that_the_kernel_refuses_are_refused() {
    let mut table = FakeIpvs::new();
    let service = VirtualService::new(web());
    let mut unknown = service.clone();
    unknown.scheduler = SchedulerName::new("nonesuch").unwrap();
    let mut engine = service.clone();
    engine.engine = Some(EngineName::new("nonesuch").unwrap());
    let mut prefix = service.clone();
    prefix.netmask = Netmask::Inet6(0);
    let mut thresholds = server("198.51.100.1");
    thresholds.thresholds = Thresholds { upper: 1, lower: 2 };
    let mut tunnel = server("198.51.100.1");
    tunnel.tunnel.kind = TunnelType::Gue;
    let add = |destination| IpvsOp::AddDestination(web(), destination);
    let ops = [
        IpvsOp::AddService(unknown),
        IpvsOp::AddService(engine),
        IpvsOp::AddService(prefix),
        IpvsOp::AddService(service),
        add(thresholds),
        add(tunnel),
        add(server("224.0.0.1")),
        add(server("2001:db8::1")),
        IpvsOp::SetTimeouts(Timeouts {
            tcp: 21_474_837,
            tcp_fin: 0,
            udp: 0,
        }),
    ];
    let refused: Vec<Errno> = outcomes(&mut table, &ops).into_iter().flatten().collect();
    assert_eq!(
        refused,
        [
            Errno::ENOENT,
            Errno::ENOENT,
            Errno::EINVAL,
            Errno::ERANGE,
            Errno::EINVAL,
            Errno::EINVAL,
            Errno::EINVAL,
            Errno::EINVAL,
        ]
    );
}

#[test]
fn a_sync_daemon_and_a_server_of_the_other_family_exclude_each_other() {
    let mut table = FakeIpvs::new();
    let mut foreign = server("2001:db8::1");
    foreign.forwarding = ForwardingMethod::Tunnelling;
    let daemon = IpvsOp::StartDaemon(SyncDaemon {
        role: SyncRole::Master,
        interface: "eth0".into(),
        sync_id: 1,
        max_length: None,
        group: None,
        port: None,
        ttl: None,
    });
    let ops = [
        IpvsOp::AddService(VirtualService::new(web())),
        IpvsOp::AddDestination(web(), foreign),
        daemon.clone(),
        IpvsOp::DeleteDestination(web(), foreign.key),
        daemon,
        IpvsOp::AddDestination(web(), foreign),
    ];
    let refused = Some(Errno::EINVAL);
    assert_eq!(
        outcomes(&mut table, &ops),
        [None, None, refused, None, None, refused]
    );
    let listed = &table.daemons().unwrap()[0];
    assert_eq!((listed.max_length, listed.port), (Some(1472), Some(8848)));
}

#[test]
fn destinations_are_listed_newest_first_and_keep_their_counters_when_edited() {
    let mut table = FakeIpvs::new();
    let (first, second) = (server("198.51.100.1"), server("198.51.100.2"));
    let ops = [
        IpvsOp::AddService(VirtualService::new(web())),
        IpvsOp::AddDestination(web(), first),
        IpvsOp::AddDestination(web(), second),
    ];
    assert!(table.apply(&ops).unwrap().is_empty());
    let entry = table.destination_mut(&web(), &first.key).unwrap();
    entry.counters.connections = 7;
    entry.active_connections = 3;
    table
        .apply(&[IpvsOp::EditDestination(web(), first)])
        .unwrap();
    let listed = table.destinations(&web()).unwrap();
    assert_eq!(listed[0].destination.key, second.key);
    assert_eq!(listed[1].counters.connections, 7);
    table.apply(&[IpvsOp::Zero(None)]).unwrap();
    let listed = table.destinations(&web()).unwrap();
    assert_eq!(listed[1].counters.connections, 0);
    assert_eq!(listed[1].active_connections, 3);
}

#[test]
fn an_ordered_refusal_counts_changes_over_all_calls() {
    let mut table = FakeIpvs::new();
    table.apply(&[IpvsOp::Flush]).unwrap();
    table.refuse_op(2, Errno::ENOMEM);
    assert!(table.apply(&[IpvsOp::Flush]).unwrap().is_empty());
    let refused = outcomes(&mut table, &[IpvsOp::Zero(None), IpvsOp::Flush]);
    assert_eq!(refused, [None, Some(Errno::ENOMEM)]);
    assert_eq!(table.done().len(), 3);
    table.set_unreachable(Some(Errno::EPERM));
    assert!(matches!(
        table.services(),
        Err(IpvsError::Kernel(Errno::EPERM))
    ));
}
