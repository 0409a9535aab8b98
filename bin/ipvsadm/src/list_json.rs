//! The listings as JSON; `docs/guide/json.md` is the promise about its fields.

use std::fmt;

use ipvs::{Ipvs, IpvsError};
use lvs_model::{
    AddressFamily, Counters, DestinationEntry, ForwardingMethod, KernelInfo, Protocol,
    ServiceEntry, ServiceKey, SyncDaemon, Timeouts, Tunnel, TunnelType,
};

use crate::json::Json;
use crate::listing::Listing;
use crate::output::Output;

/// Services and their servers.
pub(crate) fn print_services(
    listing: Listing,
    kernel: &mut impl Ipvs,
    info: KernelInfo,
    out: &mut Output<'_>,
) -> Result<(), IpvsError> {
    let services = listing.services(kernel)?;
    let (major, minor, patch) = info.version;
    Json::document(out, |json| {
        json.text("version", &format!("{major}.{minor}.{patch}"));
        json.number("connection_table_size", info.connection_table_size);
        json.array("services", |json| {
            for entry in &services {
                let servers = listing.servers(kernel, &entry.service.key)?;
                json.item(|json| service(json, entry, &servers));
                if json.is_broken() {
                    break;
                }
            }
            Ok(())
        })
    })
}

/// The idle times.
pub(crate) fn print_timeouts(timeouts: Timeouts, out: &mut Output<'_>) {
    whole(out, |json| {
        json.object("timeouts", |json| {
            json.number("tcp", timeouts.tcp);
            json.number("tcp_fin", timeouts.tcp_fin);
            json.number("udp", timeouts.udp);
        });
    });
}

/// The sync daemons.
pub(crate) fn print_daemons(daemons: &[SyncDaemon], out: &mut Output<'_>) {
    whole(out, |json| {
        json.array("daemons", |json| {
            for it in daemons {
                json.item(|json| daemon(json, it));
            }
        });
    });
}

fn whole(out: &mut Output<'_>, fill: impl FnOnce(&mut Json<'_, '_>)) {
    let Ok(()) = Json::document(out, |json| {
        fill(json);
        Ok::<(), std::convert::Infallible>(())
    });
}

fn daemon(json: &mut Json<'_, '_>, daemon: &SyncDaemon) {
    shown(json, "role", daemon.role);
    json.text("interface", &daemon.interface);
    json.number("sync_id", daemon.sync_id);
    if let Some(length) = daemon.max_length {
        json.number("max_length", length);
    }
    if let Some(group) = daemon.group {
        shown(json, "group", group);
    }
    if let Some(port) = daemon.port {
        json.number("port", port);
    }
    if let Some(ttl) = daemon.ttl {
        json.number("ttl", ttl);
    }
}

fn service(json: &mut Json<'_, '_>, entry: &ServiceEntry, servers: &[DestinationEntry]) {
    let service = &entry.service;
    key(json, &service.key);
    json.text("scheduler", service.scheduler.as_str());
    let flags = service.scheduler_flags;
    json.texts("flags", flags.names(service.scheduler.as_str()));
    if let Some(seconds) = service.persistence {
        json.number("persistence", seconds);
    }
    shown(json, "netmask", service.netmask);
    if let Some(engine) = &service.engine {
        json.text("engine", engine.as_str());
    }
    json.truth("one_packet", service.one_packet);
    counters(json, &entry.counters);
    json.array("destinations", |json| {
        for server in servers {
            json.item(|json| destination(json, server));
        }
    });
}

fn key(json: &mut Json<'_, '_>, key: &ServiceKey) {
    match key {
        ServiceKey::Address {
            protocol: number,
            address,
            port,
        } => {
            protocol(json, *number);
            shown(json, "address", *address);
            json.number("port", *port);
        }
        ServiceKey::FwMark { mark, .. } => json.number("fwmark", mark.get()),
    }
    family(json, key.family());
}

fn protocol(json: &mut Json<'_, '_>, protocol: Protocol) {
    match protocol {
        Protocol::Tcp => json.text("protocol", "tcp"),
        Protocol::Udp => json.text("protocol", "udp"),
        Protocol::Sctp => json.text("protocol", "sctp"),
        Protocol::Other(number) => shown(json, "protocol", number),
    }
}

fn family(json: &mut Json<'_, '_>, family: AddressFamily) {
    let text = match family {
        AddressFamily::Inet => "inet",
        AddressFamily::Inet6 => "inet6",
    };
    json.text("family", text);
}

fn destination(json: &mut Json<'_, '_>, entry: &DestinationEntry) {
    let server = &entry.destination;
    shown(json, "address", server.key.address);
    json.number("port", server.key.port);
    family(json, server.key.family());
    let forwarding = match server.forwarding {
        ForwardingMethod::Masquerading => "masq",
        ForwardingMethod::Local => "local",
        ForwardingMethod::Tunnelling => "tunnel",
        ForwardingMethod::DirectRouting => "route",
        ForwardingMethod::Other(_) => "other",
    };
    json.text("forwarding", forwarding);
    json.number("weight", server.weight.get());
    json.number("upper_threshold", server.thresholds.upper);
    json.number("lower_threshold", server.thresholds.lower);
    if server.forwarding == ForwardingMethod::Tunnelling {
        json.object("tunnel", |json| tunnel(json, &server.tunnel));
    }
    json.number("active_connections", entry.active_connections);
    json.number("inactive_connections", entry.inactive_connections);
    json.number("persistent_connections", entry.persistent_connections);
    counters(json, &entry.counters);
}

fn tunnel(json: &mut Json<'_, '_>, tunnel: &Tunnel) {
    match tunnel.kind {
        TunnelType::Ipip => json.text("type", "ipip"),
        TunnelType::Gue => json.text("type", "gue"),
        TunnelType::Gre => json.text("type", "gre"),
        TunnelType::Other(number) => shown(json, "type", number),
    }
    json.number("port", tunnel.port);
    json.text("checksum", tunnel.checksum_word());
}

fn counters(json: &mut Json<'_, '_>, counters: &Counters) {
    json.object("stats", |json| {
        json.number("connections", counters.connections);
        json.number("packets_in", counters.packets_in);
        json.number("packets_out", counters.packets_out);
        json.number("bytes_in", counters.bytes_in);
        json.number("bytes_out", counters.bytes_out);
    });
    json.object("rate", |json| {
        json.number("connections", counters.connections_per_second);
        json.number("packets_in", counters.packets_in_per_second);
        json.number("packets_out", counters.packets_out_per_second);
        json.number("bytes_in", counters.bytes_in_per_second);
        json.number("bytes_out", counters.bytes_out_per_second);
    });
}

fn shown(json: &mut Json<'_, '_>, name: &str, value: impl fmt::Display) {
    json.text(name, &value.to_string());
}
