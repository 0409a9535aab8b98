//! Every command there and back, and beside the bytes of the family's own encoder.

use lvs_model::{
    AddressFamily, Counters, Destination, DestinationEntry, DestinationKey, EngineName,
    ForwardingMethod, FwMark, IpvsOp, KernelInfo, Netmask, Protocol, ServiceEntry, ServiceKey,
    SyncDaemon, SyncRole, Thresholds, Timeouts, Tunnel, TunnelFlags, TunnelType, VirtualService,
    Weight,
};
use netlink_packet_core::{Emitable, NetlinkMessage, NetlinkPayload, ParseableParametrized};
use netlink_packet_generic::{GenlFamily, GenlHeader, GenlMessage};

use super::IpvsMessage;
use crate::ipvs::names::cmd;
use crate::ipvs::{Query, encode_op, encode_query};
use crate::netlink::Requests;

/// A number that the family may have on a kernel.
const FAMILY: u16 = 28;

fn web() -> ServiceKey {
    ServiceKey::Address {
        protocol: Protocol::Tcp,
        address: "192.0.2.1".parse().unwrap(),
        port: 80,
    }
}

fn mark() -> ServiceKey {
    ServiceKey::FwMark {
        mark: FwMark::new(9).unwrap(),
        family: AddressFamily::Inet6,
    }
}

/// A service with every setting away from its default.
fn service(key: ServiceKey) -> VirtualService {
    let mut service = VirtualService::new(key);
    service.persistence = Some(300);
    service.one_packet = true;
    service.engine = Some(EngineName::new("sip").unwrap());
    service.netmask = match key.family() {
        AddressFamily::Inet => Netmask::Inet([255, 255, 255, 0].into()),
        AddressFamily::Inet6 => Netmask::Inet6(64),
    };
    service
}

/// As [`service`]; the address is of the family that the service is not.
fn destination(address: &str) -> Destination {
    let address = address.parse().unwrap();
    let mut destination = Destination::new(DestinationKey {
        address,
        port: 8080,
    });
    destination.forwarding = ForwardingMethod::Tunnelling;
    destination.weight = Weight::new(7).unwrap();
    destination.thresholds = Thresholds {
        upper: 20,
        lower: 10,
    };
    destination.tunnel = Tunnel {
        kind: TunnelType::Gue,
        port: 6080,
        flags: TunnelFlags::CHECKSUM,
    };
    destination
}

fn daemon(group: Option<&str>) -> SyncDaemon {
    SyncDaemon {
        role: SyncRole::Backup,
        interface: "eth0".to_owned(),
        sync_id: 7,
        max_length: group.map(|_| 1400),
        group: group.map(|group| group.parse().unwrap()),
        port: group.map(|_| 9999),
        ttl: group.map(|_| 5),
    }
}

const TIMEOUTS: Timeouts = Timeouts {
    tcp: 900,
    tcp_fin: 120,
    udp: 300,
};

/// Numbers that only 64 bits hold, each another one.
fn counters() -> Counters {
    let wide = |number: u64| (1 << 40) + number;
    Counters {
        connections: wide(1),
        packets_in: wide(2),
        packets_out: wide(3),
        bytes_in: wide(4),
        bytes_out: wide(5),
        connections_per_second: wide(6),
        packets_in_per_second: wide(7),
        packets_out_per_second: wide(8),
        bytes_in_per_second: wide(9),
        bytes_out_per_second: wide(10),
    }
}

fn changes() -> Vec<IpvsOp> {
    let to_v6 = destination("2001:db8::2");
    let to_v4 = destination("198.51.100.2");
    vec![
        IpvsOp::AddService(VirtualService::new(web())),
        IpvsOp::AddService(service(web())),
        IpvsOp::AddService(service(mark())),
        IpvsOp::EditService(service(mark())),
        IpvsOp::DeleteService(web()),
        IpvsOp::AddDestination(web(), to_v6),
        IpvsOp::AddDestination(mark(), to_v4),
        IpvsOp::EditDestination(mark(), to_v4),
        IpvsOp::DeleteDestination(web(), to_v6.key),
        IpvsOp::SetTimeouts(TIMEOUTS),
        IpvsOp::StartDaemon(daemon(None)),
        IpvsOp::StartDaemon(daemon(Some("224.0.0.81"))),
        IpvsOp::StartDaemon(daemon(Some("ff02::5"))),
        IpvsOp::StopDaemon(SyncRole::Backup),
        IpvsOp::Zero(None),
        IpvsOp::Zero(Some(mark())),
        IpvsOp::Flush,
    ]
}

fn questions<'a>(key: &'a ServiceKey) -> [Query<'a>; 6] {
    [
        Query::Info,
        Query::Timeouts,
        Query::Service(key),
        Query::Services,
        Query::Destinations(key),
        Query::Daemons,
    ]
}

/// What only the kernel says.
fn replies() -> Vec<IpvsMessage> {
    let entry = |address| DestinationEntry {
        destination: destination(address),
        active_connections: 1,
        inactive_connections: 2,
        persistent_connections: 3,
        counters: counters(),
    };
    let service = |key| ServiceEntry {
        service: service(key),
        counters: counters(),
    };
    vec![
        IpvsMessage::Service(service(web())),
        IpvsMessage::Service(service(mark())),
        IpvsMessage::Dest(entry("198.51.100.2")),
        IpvsMessage::Dest(entry("2001:db8::2")),
        IpvsMessage::SetInfo(KernelInfo {
            version: (1, 2, 1),
            connection_table_size: 4096,
        }),
    ]
}

/// Every message that this file knows.
fn all() -> Vec<IpvsMessage> {
    let key = web();
    let changes = changes().into_iter().map(IpvsMessage::from);
    let questions = questions(&key).map(IpvsMessage::from);
    changes.chain(questions).chain(replies()).collect()
}

/// The message as the rust-netlink stack sends it.
fn sent(message: &IpvsMessage, sequence: u32) -> Vec<u8> {
    let mut generic = GenlMessage::from_payload(message.clone());
    generic.set_resolved_family_id(FAMILY);
    let mut packet = NetlinkMessage::from(generic);
    packet.header.flags = message.flags();
    packet.header.sequence_number = sequence;
    packet.finalize();
    let mut bytes = vec![0; packet.buffer_len()];
    packet.serialize(&mut bytes);
    bytes
}

fn received(bytes: &[u8]) -> IpvsMessage {
    let packet = NetlinkMessage::<GenlMessage<IpvsMessage>>::deserialize(bytes).unwrap();
    assert_eq!(packet.header.message_type, FAMILY);
    match packet.payload {
        NetlinkPayload::InnerMessage(message) => message.payload,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_request_is_the_bytes_of_our_own_encoder() {
    for (sequence, op) in (1..).zip(changes()) {
        let mut requests = Requests::new();
        encode_op(&mut requests, FAMILY, sequence, &op);
        let message = IpvsMessage::from(op);
        assert_eq!(sent(&message, sequence), requests.as_bytes(), "{message:?}");
    }
    for key in [web(), mark()] {
        for (sequence, query) in (1..).zip(questions(&key)) {
            let mut requests = Requests::new();
            encode_query(&mut requests, FAMILY, sequence, query);
            let message = IpvsMessage::from(query);
            assert_eq!(sent(&message, sequence), requests.as_bytes(), "{query:?}");
        }
    }
}

#[test]
fn every_message_comes_back_as_it_was_sent() {
    for message in all() {
        assert_eq!(received(&sent(&message, 1)), message);
    }
}

#[test]
fn every_command_of_the_family_has_its_message() {
    let found: Vec<u8> = all().iter().map(GenlFamily::command).collect();
    for (name, number) in cmd::ALL {
        assert!(found.contains(number), "{name}");
    }
    assert_eq!(IpvsMessage::family_name(), "IPVS");
}

#[test]
fn a_change_and_a_question_are_told_apart_from_a_reply() {
    for op in changes() {
        assert_eq!(IpvsMessage::from(op.clone()).change(), Some(op));
    }
    let key = web();
    for query in questions(&key) {
        let message = IpvsMessage::from(query);
        assert_eq!((message.change(), message.question()), (None, Some(query)));
    }
    for reply in replies() {
        assert_eq!((reply.change(), reply.question()), (None, None));
    }
}

/// Parses the attributes of `message` as those of another command.
fn parsed(command: u8, attributes: &[u8]) -> Result<IpvsMessage, String> {
    let header = GenlHeader {
        cmd: command,
        version: 1,
    };
    IpvsMessage::parse_with_param(attributes, header).map_err(|error| error.to_string())
}

#[test]
fn what_lacks_its_key_or_is_no_command_is_refused() {
    let missing = Err("service is missing".to_owned());
    for command in [
        cmd::DEL_SERVICE,
        cmd::SET_DEST,
        cmd::DEL_DEST,
        cmd::GET_DEST,
    ] {
        assert_eq!(parsed(command, &[]), missing);
    }
    for command in [cmd::NEW_SERVICE, cmd::SET_SERVICE] {
        assert_eq!(parsed(command, &[]), missing);
    }
    let daemon = Err("daemon is missing".to_owned());
    for command in [cmd::NEW_DAEMON, cmd::DEL_DAEMON] {
        assert_eq!(parsed(command, &[]), daemon);
    }
    for command in [0, 18, 255] {
        let refused = Err("command has a value it cannot have".to_owned());
        assert_eq!(parsed(command, &[]), refused);
    }
}

#[test]
fn a_destination_of_a_kernel_that_does_not_name_its_family_is_refused() {
    let mut requests = Requests::new();
    requests.nest(2, |nest| {
        nest.attribute(1, &[10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        nest.u16_be(2, 80);
        nest.u32(3, 2);
        nest.u32(4, 7);
    });
    let refused = Err("address family is missing".to_owned());
    assert_eq!(parsed(cmd::NEW_DEST, requests.as_bytes()), refused);
}

#[test]
fn a_message_cut_short_is_an_error_or_says_less() {
    for message in all() {
        let mut attributes = vec![0; message.buffer_len()];
        message.emit(&mut attributes);
        let whole = parsed(message.command(), &attributes);
        assert!(whole.is_ok(), "{message:?}");
        for length in 0..attributes.len() {
            let part = parsed(message.command(), &attributes[..length]);
            assert_ne!(part, whole, "{length} of {message:?}");
        }
    }
}
