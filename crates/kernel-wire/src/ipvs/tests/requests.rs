//! Requests. The bytes are those of `ipvsadm` 1.31, behind the generic header.

use lvs_model::{
    AddressFamily, Destination, DestinationKey, EngineName, ForwardingMethod, FwMark, IpvsOp,
    Netmask, Protocol, SchedulerFlags, SchedulerName, ServiceKey, SyncDaemon, SyncRole, Thresholds,
    Timeouts, Tunnel, TunnelFlags, TunnelType, VirtualService, Weight,
};

use super::only;
use crate::ipvs::{Query, encode_family_query, encode_op, encode_query};
use crate::netlink::{ACK, DUMP, REQUEST, Requests};

fn key(protocol: Protocol, address: &str) -> ServiceKey {
    let address: std::net::SocketAddr = address.parse().unwrap();
    ServiceKey::Address {
        protocol,
        address: address.ip(),
        port: address.port(),
    }
}

fn destination(address: &str) -> Destination {
    let address: std::net::SocketAddr = address.parse().unwrap();
    Destination::new(DestinationKey {
        address: address.ip(),
        port: address.port(),
    })
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

/// Command and attributes of the request for `op`.
fn encoded(op: &IpvsOp) -> (u8, Vec<u8>) {
    let mut requests = Requests::new();
    encode_op(&mut requests, 28, 9, op);
    let message = only(requests.as_bytes());
    assert_eq!((message.kind, message.flags), (28, REQUEST));
    assert_eq!((message.sequence, message.port), (9, 0));
    assert_eq!(message.body[1..4], [1, 0, 0]);
    (message.body[0], message.body[4..].to_vec())
}

#[test]
fn a_persistent_ipv4_service_is_added_as_the_c_tool_does() {
    let mut service = VirtualService::new(key(Protocol::Tcp, "10.0.0.1:443"));
    service.persistence = Some(300);
    service.netmask = Netmask::Inet([255, 255, 255, 0].into());
    let expected = bytes(
        "54000180 06000100 02000000 06000200 06000000 14000300 0a000001 00000000 00000000 00000000
         06000400 01bb0000 08000600 776c6300 0c000700 01000000 ffffffff 08000800 2c010000
         08000900 ffffff00",
    );
    assert_eq!(
        encoded(&IpvsOp::AddService(service.clone())),
        (1, expected.clone())
    );
    assert_eq!(encoded(&IpvsOp::EditService(service)), (2, expected));
}

#[test]
fn an_ipv6_service_with_scheduler_flags_is_added_as_the_c_tool_does() {
    let mut service = VirtualService::new(key(Protocol::Tcp, "[2001:db8::1]:80"));
    service.scheduler = SchedulerName::new("sh").unwrap();
    service.scheduler_flags = SchedulerFlags::FLAG_2;
    service.persistence = Some(100);
    service.netmask = Netmask::Inet6(64);
    let expected = bytes(
        "54000180 06000100 0a000000 06000200 06000000 14000300 20010db8 00000000 00000000 00000001
         06000400 00500000 07000600 73680000 0c000700 11000000 ffffffff 08000800 64000000
         08000900 40000000",
    );
    assert_eq!(encoded(&IpvsOp::AddService(service)), (1, expected));
}

#[test]
fn an_engine_and_one_packet_scheduling_are_added_as_the_c_tool_does() {
    let mut service = VirtualService::new(key(Protocol::Udp, "10.0.0.1:5060"));
    service.persistence = Some(60);
    service.engine = Some(EngineName::new("sip").unwrap());
    service.one_packet = true;
    let expected = bytes(
        "5c000180 06000100 02000000 06000200 11000000 14000300 0a000001 00000000 00000000 00000000
         06000400 13c40000 08000600 776c6300 08000b00 73697000 0c000700 05000000 ffffffff
         08000800 3c000000 08000900 ffffffff",
    );
    assert_eq!(encoded(&IpvsOp::AddService(service)), (1, expected));
}

#[test]
fn a_firewall_mark_of_ipv6_is_added_as_the_c_tool_does() {
    let service = VirtualService::new(ServiceKey::FwMark {
        mark: FwMark::new(9).unwrap(),
        family: AddressFamily::Inet6,
    });
    let expected = bytes(
        "38000180 06000100 0a000000 08000500 09000000 08000600 776c6300 0c000700 00000000 ffffffff
         08000800 00000000 08000900 80000000",
    );
    assert_eq!(encoded(&IpvsOp::AddService(service)), (1, expected));
}

/// The nest with which every request names 10.0.0.1:80.
const KEY: &str = "30000180 06000100 02000000 06000200 06000000 14000300 0a000001 00000000
                   00000000 00000000 06000400 00500000";

#[test]
fn a_masqueraded_destination_is_added_as_the_c_tool_does() {
    let mut server = destination("10.0.0.2:8080");
    server.forwarding = ForwardingMethod::Masquerading;
    server.weight = Weight::new(5).unwrap();
    server.thresholds = Thresholds {
        upper: 10,
        lower: 5,
    };
    // The service is named by its key alone; the C tool repeats settings that the kernel ignores.
    let mut expected = bytes(KEY);
    expected.extend(bytes(
        "60000280 06000b00 02000000 14000100 0a000002 00000000 00000000 00000000 06000200 1f900000
         08000300 00000000 08000400 05000000 05000d00 00000000 06000e00 00000000 06000f00 00000000
         08000500 0a000000 08000600 05000000",
    ));
    let service = key(Protocol::Tcp, "10.0.0.1:80");
    assert_eq!(
        encoded(&IpvsOp::AddDestination(service, server)),
        (5, expected.clone())
    );
    assert_eq!(
        encoded(&IpvsOp::EditDestination(service, server)),
        (6, expected)
    );
}

#[test]
fn a_gue_tunnel_to_the_other_family_is_added_as_the_c_tool_does() {
    let mut server = destination("[2001:db8::2]:80");
    server.forwarding = ForwardingMethod::Tunnelling;
    server.tunnel = Tunnel {
        kind: TunnelType::Gue,
        port: 6080,
        flags: TunnelFlags::CHECKSUM,
    };
    let mut expected = bytes(KEY);
    expected.extend(bytes(
        "60000280 06000b00 0a000000 14000100 20010db8 00000000 00000000 00000002 06000200 00500000
         08000300 02000000 08000400 01000000 05000d00 01000000 06000e00 17c00000 06000f00 01000000
         08000500 00000000 08000600 00000000",
    ));
    let service = key(Protocol::Tcp, "10.0.0.1:80");
    assert_eq!(
        encoded(&IpvsOp::AddDestination(service, server)),
        (5, expected)
    );
}

#[test]
fn deleting_and_zeroing_send_keys_alone() {
    let service = key(Protocol::Tcp, "10.0.0.1:80");
    let server = destination("10.0.0.2:8080").key;
    assert_eq!(encoded(&IpvsOp::DeleteService(service)), (3, bytes(KEY)));
    assert_eq!(encoded(&IpvsOp::Zero(Some(service))), (16, bytes(KEY)));
    let mut expected = bytes(KEY);
    expected.extend(bytes(
        "28000280 06000b00 02000000 14000100 0a000002 00000000 00000000 00000000 06000200 1f900000",
    ));
    assert_eq!(
        encoded(&IpvsOp::DeleteDestination(service, server)),
        (7, expected)
    );
    assert_eq!(encoded(&IpvsOp::Zero(None)), (16, vec![]));
    assert_eq!(encoded(&IpvsOp::Flush), (17, vec![]));
}

#[test]
fn timeouts_and_daemons_are_set_as_the_c_tool_does() {
    let timeouts = Timeouts {
        tcp: 900,
        tcp_fin: 120,
        udp: 300,
    };
    assert_eq!(
        encoded(&IpvsOp::SetTimeouts(timeouts)),
        (
            12,
            bytes("08000400 84030000 08000500 78000000 08000600 2c010000")
        )
    );
    let daemon = SyncDaemon {
        role: SyncRole::Backup,
        interface: "d0".into(),
        sync_id: 7,
        max_length: Some(1400),
        group: Some("ff02::5".parse().unwrap()),
        port: Some(9999),
        ttl: Some(5),
    };
    let expected = bytes(
        "48000380 08000100 02000000 07000200 64300000 08000300 07000000 06000400 78050000
         06000700 0f270000 05000800 05000000 14000600 ff020000 00000000 00000000 00000005",
    );
    assert_eq!(encoded(&IpvsOp::StartDaemon(daemon)), (9, expected));
    // The kernel looks at the state alone.
    assert_eq!(
        encoded(&IpvsOp::StopDaemon(SyncRole::Master)),
        (10, bytes("0c000380 08000100 01000000"))
    );
}

#[test]
fn a_tunnel_port_is_in_network_order_and_a_sync_port_in_the_hosts() {
    let daemon = SyncDaemon {
        role: SyncRole::Master,
        interface: "eth0".into(),
        sync_id: 0,
        max_length: None,
        group: Some("224.0.0.81".parse().unwrap()),
        port: Some(8848),
        ttl: None,
    };
    let (_, sent) = encoded(&IpvsOp::StartDaemon(daemon));
    let mut port = vec![6, 0, 7, 0];
    port.extend(8848_u16.to_ne_bytes());
    assert!(sent.windows(6).any(|window| window == port));
    assert!(sent.ends_with(&[8, 0, 5, 0, 224, 0, 0, 81]));
}

#[test]
fn queries_are_dumps_where_the_kernel_knows_them_only_as_dumps() {
    let service = key(Protocol::Tcp, "10.0.0.1:80");
    let asked = |query| {
        let mut requests = Requests::new();
        encode_query(&mut requests, 28, 3, query);
        let message = only(requests.as_bytes());
        let attributes = message.body[4..].to_vec();
        (message.body[0], message.flags, attributes)
    };
    assert_eq!(asked(Query::Info), (15, REQUEST, vec![]));
    assert_eq!(asked(Query::Timeouts), (13, REQUEST, vec![]));
    assert_eq!(asked(Query::Services), (4, REQUEST | DUMP, vec![]));
    assert_eq!(asked(Query::Daemons), (11, REQUEST | DUMP, vec![]));
    assert_eq!(asked(Query::Service(&service)), (4, REQUEST, bytes(KEY)));
    assert_eq!(
        asked(Query::Destinations(&service)),
        (8, REQUEST | DUMP, bytes(KEY))
    );
}

#[test]
fn only_the_last_request_of_a_batch_asks_for_a_confirmation() {
    let mut requests = Requests::new();
    encode_family_query(&mut requests, 1, "IPVS");
    encode_op(&mut requests, 28, 2, &IpvsOp::Flush);
    encode_op(&mut requests, 28, 3, &IpvsOp::Zero(None));
    requests.acknowledge_last();
    let flags: Vec<u16> = crate::netlink::messages(requests.as_bytes())
        .map(|message| message.unwrap().flags)
        .collect();
    assert_eq!(flags, [REQUEST, REQUEST, REQUEST | ACK]);
}
