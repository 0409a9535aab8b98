//! The table as the commands that make it: `-S`.

use ipvs::{Ipvs, IpvsError};
use lvs_model::{
    AddressFamily, Destination, DestinationKey, ForwardingMethod, Protocol, ServiceKey,
    VirtualService,
};

use crate::names::Names;
use crate::output::Output;
use crate::printed_name::{ENDPOINT_LENGTH, Style, protocol_of};
use crate::sort::{sort_servers, sort_services};

/// Reads the table and prints it, always sorted.
pub(crate) fn print(
    kernel: &mut impl Ipvs,
    numeric: bool,
    names: &dyn Names,
    out: &mut Output<'_>,
) -> Result<(), IpvsError> {
    kernel.want_counters(false);
    let style = Style::new(numeric, names);
    for entry in sort_services(kernel.services()?) {
        let key = service_option(&entry.service.key, style);
        out.text("-A ").bytes(&key);
        print_settings(out, &entry.service);
        for server in sort_servers(kernel.destinations(&entry.service.key)?) {
            out.text("-a ").bytes(&key);
            print_server(out, &entry.service.key, &server.destination, style);
            if out.is_broken() {
                return Ok(());
            }
        }
        if out.is_broken() {
            break;
        }
    }
    Ok(())
}

fn service_option(key: &ServiceKey, style: Style<'_>) -> Vec<u8> {
    match key {
        ServiceKey::Address {
            protocol,
            address,
            port,
        } => {
            let option = match protocol {
                Protocol::Tcp => "-t ",
                Protocol::Udp => "-u ",
                Protocol::Sctp => "--sctp-service ",
                Protocol::Other(_) => "--xxx-service ",
            };
            let mut text = option.as_bytes().to_vec();
            style.write_endpoint(&mut text, *address, *port, *protocol);
            text.truncate(option.len() + ENDPOINT_LENGTH);
            text
        }
        ServiceKey::FwMark { mark, family } => match family {
            AddressFamily::Inet => format!("-f {mark}").into_bytes(),
            AddressFamily::Inet6 => format!("-f {mark} -6").into_bytes(),
        },
    }
}

fn print_settings(out: &mut Output<'_>, service: &VirtualService) {
    out.text(" -s ").text(service.scheduler.as_str());
    if let Some(seconds) = service.persistence {
        out.text(" -p ").number(seconds);
        if !service.netmask.is_host() {
            out.text(" -M ").text(&service.netmask.to_string());
        }
    }
    if let Some(engine) = &service.engine {
        out.text(" --pe ").text(engine.as_str());
    }
    if service.one_packet {
        out.text(" -o");
    }
    let names = service.scheduler_flags.names(service.scheduler.as_str());
    for (place, name) in names.enumerate() {
        out.text(if place == 0 { " -b " } else { "," }).text(name);
    }
    out.end();
}

fn print_server(
    out: &mut Output<'_>,
    service: &ServiceKey,
    server: &Destination,
    style: Style<'_>,
) {
    let DestinationKey { address, port } = server.key;
    out.text(" -r ").column(0, ENDPOINT_LENGTH, |text| {
        style.write_endpoint(text, address, port, protocol_of(service));
    });
    out.text(" ").text(server.forwarding.option());
    out.text(" -w ").number(server.weight.get());
    if server.forwarding == ForwardingMethod::Tunnelling {
        out.text(&server.tunnel.to_string());
    }
    out.end();
}
