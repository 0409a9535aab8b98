//! What is no service: timeouts, sync daemons, version, counters.

use std::net::UdpSocket;

use caribe_tests::{SOON, wait_until};
use ipvs::{Errno, Ipvs, NetlinkIpvs};
use lvs_model::{
    Counters, ForwardingMethod, IpvsOp, Protocol, ServiceKey, SyncDaemon, SyncRole, Timeouts,
    VirtualService,
};

use crate::{done, ip, kernel, on_both, outcomes, server, service};

fn daemon(role: SyncRole) -> SyncDaemon {
    SyncDaemon {
        role,
        interface: "d0".to_owned(),
        sync_id: 7,
        max_length: None,
        group: None,
        port: None,
        ttl: None,
    }
}

/// An interface that sync daemons can use, in the namespace of `kernel()`.
pub(crate) fn interface() {
    ip("link add d0 type dummy");
    ip("addr add 203.0.113.1/24 dev d0");
    ip("link set d0 up multicast on");
}

#[test]
fn timeouts_are_set_and_zero_keeps_the_present_one() {
    on_both(|table| {
        let set = |tcp, tcp_fin, udp| Timeouts { tcp, tcp_fin, udp };
        assert_eq!(table.timeouts().unwrap(), set(900, 120, 300));
        done(table, IpvsOp::SetTimeouts(set(1, 2, 3)));
        assert_eq!(table.timeouts().unwrap(), set(1, 2, 3));
        done(table, IpvsOp::SetTimeouts(set(0, 5, 0)));
        assert_eq!(table.timeouts().unwrap(), set(1, 5, 3));
        let too_long = IpvsOp::SetTimeouts(set(1000, 21_474_837, 1000));
        assert_eq!(outcomes(table, &[too_long]), [Some(Errno::EINVAL)]);
        assert_eq!(table.timeouts().unwrap(), set(1, 5, 3));
    });
}

#[test]
fn the_kernel_says_its_version_and_table_size() {
    on_both(|table| {
        let info = table.info().unwrap();
        assert_eq!(info.version, (1, 2, 1));
        let size = info.connection_table_size;
        // 7.2 has none, 0, until some time after the first service.
        assert!(size == 0 || size.is_power_of_two(), "{size}");
    });
}

#[test]
fn a_daemons_settings_are_filled_in_by_the_kernel() {
    let check = |table: &mut dyn Ipvs| {
        done(table, IpvsOp::StartDaemon(daemon(SyncRole::Backup)));
        done(table, IpvsOp::StartDaemon(daemon(SyncRole::Master)));
        let running = table.daemons().unwrap();
        let filled_in = |role| SyncDaemon {
            max_length: Some(1472),
            group: Some("224.0.0.81".parse().unwrap()),
            port: Some(8848),
            ttl: Some(1),
            ..daemon(role)
        };
        assert_eq!(
            running,
            [filled_in(SyncRole::Master), filled_in(SyncRole::Backup)]
        );
        let again = [
            IpvsOp::StartDaemon(daemon(SyncRole::Master)),
            IpvsOp::StopDaemon(SyncRole::Master),
            IpvsOp::StopDaemon(SyncRole::Backup),
            IpvsOp::StopDaemon(SyncRole::Backup),
        ];
        let expected = [Some(Errno::EEXIST), None, None, Some(Errno::ESRCH)];
        assert_eq!(outcomes(table, &again), expected);
        assert!(table.daemons().unwrap().is_empty());
    };
    check(&mut testkit::FakeIpvs::new());
    let mut table = kernel();
    interface();
    check(&mut table);
}

#[test]
fn stopping_a_daemon_whose_thread_never_ran_is_answered() {
    let mut table = kernel();
    interface();
    for _ in 0..5 {
        // One send: the thread has no time to run, and the kernel confirms nothing (EINTR).
        let ops = [
            IpvsOp::StartDaemon(daemon(SyncRole::Backup)),
            IpvsOp::StopDaemon(SyncRole::Backup),
        ];
        assert_eq!(outcomes(&mut table, &ops), [None, None]);
        assert!(table.daemons().unwrap().is_empty());
    }
}

#[test]
fn every_setting_of_a_daemon_comes_back() {
    let check = |table: &mut dyn Ipvs| {
        for group in ["224.0.0.99", "ff02::5"] {
            let wanted = SyncDaemon {
                sync_id: 255,
                max_length: Some(1400),
                group: Some(group.parse().unwrap()),
                port: Some(9999),
                ttl: Some(5),
                ..daemon(SyncRole::Backup)
            };
            done(table, IpvsOp::StartDaemon(wanted.clone()));
            assert_eq!(table.daemons().unwrap(), [wanted]);
            done(table, IpvsOp::StopDaemon(SyncRole::Backup));
        }
    };
    check(&mut testkit::FakeIpvs::new());
    let mut table = kernel();
    interface();
    check(&mut table);
}

#[test]
fn a_daemon_that_cannot_start_says_why() {
    let check = |table: &mut dyn Ipvs| {
        let unicast = SyncDaemon {
            group: Some("10.0.0.1".parse().unwrap()),
            ..daemon(SyncRole::Master)
        };
        let long = SyncDaemon {
            interface: "sixteen-letters-".to_owned(),
            ..daemon(SyncRole::Master)
        };
        let nowhere = SyncDaemon {
            interface: String::new(),
            ..daemon(SyncRole::Master)
        };
        let ops = [unicast, long, nowhere].map(IpvsOp::StartDaemon);
        let expected = [Errno::EINVAL, Errno::EINVAL, Errno::ENODEV].map(Some);
        assert_eq!(outcomes(table, &ops), expected);
    };
    check(&mut testkit::FakeIpvs::new());
    let mut table = kernel();
    interface();
    check(&mut table);
}

#[test]
fn counters_count_and_zero_sets_them_back() {
    let mut table = kernel();
    interface();
    let (key, counted) = with_traffic(&mut table);
    let other = service(Protocol::Udp, "203.0.113.9:5354");
    done(&mut table, IpvsOp::AddService(VirtualService::new(other)));
    assert_eq!((counted.connections, counted.packets_in), (1, 5));
    assert_eq!(counted.bytes_in, counted.packets_in * 38);
    let entry = table.destinations(&key).unwrap()[0];
    assert_eq!(entry.counters.packets_in, counted.packets_in);
    assert_eq!(entry.active_connections + entry.inactive_connections, 1);

    table.want_counters(false);
    assert_eq!(
        table.service(&key).unwrap().counters,
        Counters::default(),
        "not asked for"
    );
    table.want_counters(true);

    done(&mut table, IpvsOp::Zero(Some(other)));
    assert_eq!(table.service(&key).unwrap().counters, counted);
    done(&mut table, IpvsOp::Zero(Some(key)));
    let zeroed = table.service(&key).unwrap().counters;
    assert_eq!((zeroed.connections, zeroed.bytes_in), (0, 0));
    let entry = table.destinations(&key).unwrap()[0];
    assert_eq!(entry.counters.connections, 0);
    assert_eq!(entry.active_connections + entry.inactive_connections, 1);
    done(&mut table, IpvsOp::Zero(None));
}

/// A service that had five packets of traffic, and what was counted.
pub(crate) fn with_traffic(table: &mut NetlinkIpvs) -> (ServiceKey, Counters) {
    let key = service(Protocol::Udp, "203.0.113.9:5353");
    let mut local = server("203.0.113.1:9");
    local.forwarding = ForwardingMethod::Masquerading;
    done(table, IpvsOp::AddService(VirtualService::new(key)));
    done(table, IpvsOp::AddDestination(key, local));
    let client = UdpSocket::bind("203.0.113.1:0").unwrap();
    for _ in 0..5 {
        // The refusal that a missing server causes may come back on a later send.
        let _ = client.send_to(b"ten bytes.", "203.0.113.9:5353");
    }
    let counted = counted(table, &key);
    (key, counted)
}

/// The counters of a service that had traffic; the kernel adds them up every two seconds.
fn counted(table: &mut NetlinkIpvs, key: &ServiceKey) -> Counters {
    let mut counters = Counters::default();
    let counted = wait_until(SOON, || {
        counters = table.service(key).unwrap().counters;
        counters.packets_in != 0
    });
    counted.expect("something was counted");
    counters
}
