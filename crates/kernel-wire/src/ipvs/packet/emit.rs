//! The attributes of a message: a request's by the family's encoder, a reply's as the kernel
//! writes them.

use lvs_model::{Counters, DestinationEntry, KernelInfo, ServiceEntry};
use netlink_packet_core::Emitable;

use super::message::IpvsMessage;
use crate::ipvs::encode::{encode_op, encode_query, put_destination, put_service};
use crate::ipvs::names::{GENL_HEADER, dest, info, svc, top};
use crate::netlink::Requests;

/// Bytes of `struct nlmsghdr`.
const NETLINK_HEADER: usize = 16;

impl Emitable for IpvsMessage {
    fn buffer_len(&self) -> usize {
        attributes(self).len()
    }

    fn emit(&self, buffer: &mut [u8]) {
        let written = attributes(self);
        buffer[..written.len()].copy_from_slice(&written);
    }
}

/// What stands behind the generic header.
fn attributes(message: &IpvsMessage) -> Vec<u8> {
    let mut requests = Requests::new();
    if let Some(op) = message.change() {
        encode_op(&mut requests, 0, 0, &op);
    } else if let Some(query) = message.question() {
        encode_query(&mut requests, 0, 0, query);
    } else {
        requests.message(0, 0, 0, |requests| {
            requests.raw(&[0; GENL_HEADER]);
            put_reply(requests, message);
        });
    }
    let attributes = requests.as_bytes().get(NETLINK_HEADER + GENL_HEADER..);
    attributes.unwrap_or_default().to_vec()
}

fn put_reply(requests: &mut Requests, message: &IpvsMessage) {
    match message {
        IpvsMessage::Service(entry) => {
            requests.nest(top::SERVICE, |nest| put_service_entry(nest, entry));
        }
        IpvsMessage::Dest(entry) => {
            requests.nest(top::DEST, |nest| put_destination_entry(nest, entry));
        }
        IpvsMessage::SetInfo(kernel) => put_info(requests, *kernel),
        // All else is a change or a question.
        _ => {}
    }
}

fn put_service_entry(nest: &mut Requests, entry: &ServiceEntry) {
    put_service(nest, &entry.service);
    nest.nest(svc::STATS64, |stats| put_counters(stats, &entry.counters));
}

fn put_destination_entry(nest: &mut Requests, entry: &DestinationEntry) {
    put_destination(nest, &entry.destination);
    nest.u32(dest::ACTIVE_CONNS, entry.active_connections);
    nest.u32(dest::INACT_CONNS, entry.inactive_connections);
    nest.u32(dest::PERSIST_CONNS, entry.persistent_connections);
    nest.nest(dest::STATS64, |stats| put_counters(stats, &entry.counters));
}

/// `IPVS_STATS_ATTR_*`, numbered from 1 in this order.
fn put_counters(stats: &mut Requests, counters: &Counters) {
    let values = [
        counters.connections,
        counters.packets_in,
        counters.packets_out,
        counters.bytes_in,
        counters.bytes_out,
        counters.connections_per_second,
        counters.packets_in_per_second,
        counters.packets_out_per_second,
        counters.bytes_in_per_second,
        counters.bytes_out_per_second,
    ];
    for (number, value) in (1..).zip(values) {
        stats.attribute(number, &value.to_ne_bytes());
    }
}

fn put_info(requests: &mut Requests, kernel: KernelInfo) {
    let (major, minor, patch) = kernel.version;
    let version = u32::from_be_bytes([0, major, minor, patch]);
    requests.u32(info::VERSION, version);
    requests.u32(info::CONN_TAB_SIZE, kernel.connection_table_size);
}
