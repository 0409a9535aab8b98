//! Listings of services and servers: which there are and how their lines look.

use ipvs::{Ipvs, IpvsError};
use lvs_model::{
    DestinationEntry, ForwardingMethod, KernelInfo, ServiceEntry, ServiceKey, Tunnel, TunnelType,
    VirtualService,
};

use crate::counters;
use crate::list_json;
use crate::listing::{Format, Listing};
use crate::names::Names;
use crate::output::Output;
use crate::printed_name::{self, ENDPOINT_LENGTH, Style, protocol_of};

impl Format {
    const fn title(self) -> &'static str {
        match self {
            Self::Plain => {
                "Prot LocalAddress:Port Scheduler Flags\n  \
                 -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n"
            }
            Self::Stats => {
                "Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n  \
                 -> RemoteAddress:Port\n"
            }
            Self::Rate => {
                "Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS\n  \
                 -> RemoteAddress:Port\n"
            }
            Self::Thresholds => {
                "Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn \n  \
                 -> RemoteAddress:Port\n"
            }
            Self::PersistentConn => {
                "Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn \n  \
                 -> RemoteAddress:Port\n"
            }
            Self::TunInfo => {
                "Prot LocalAddress:Port Scheduler Flags\n  \
                 -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn\n"
            }
        }
    }
}

impl Listing {
    /// Reads the table and prints it.
    pub(crate) fn print(
        self,
        kernel: &mut impl Ipvs,
        info: KernelInfo,
        names: &dyn Names,
        out: &mut Output<'_>,
    ) -> Result<(), IpvsError> {
        let has_counters = self.json || matches!(self.format, Format::Stats | Format::Rate);
        kernel.want_counters(has_counters);
        if self.json {
            return list_json::print_services(self, kernel, info, out);
        }
        let services = self.services(kernel)?;
        if self.service.is_none() {
            print_version(out, info);
        }
        out.text(self.format.title());
        let style = Style::new(self.numeric, names);
        for entry in &services {
            self.service_line(out, entry, style);
            for server in &self.servers(kernel, &entry.service.key)? {
                self.server_line(out, &entry.service.key, server, style);
                if out.is_broken() {
                    return Ok(());
                }
            }
            if out.is_broken() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn service_line(self, out: &mut Output<'_>, entry: &ServiceEntry, style: Style<'_>) {
        let width = match self.format {
            Format::Stats | Format::Rate => 33,
            _ => 0,
        };
        out.column(width, usize::MAX, |text| {
            printed_name::write_service(text, &entry.service.key, style);
        });
        let counters = &entry.counters;
        match self.format {
            Format::Stats => {
                let columns = [
                    counters.connections,
                    counters.packets_in,
                    counters.packets_out,
                    counters.bytes_in,
                    counters.bytes_out,
                ];
                self.print_counters(out, &columns);
            }
            Format::Rate => {
                let columns = [
                    counters.connections_per_second,
                    counters.packets_in_per_second,
                    counters.packets_out_per_second,
                    counters.bytes_in_per_second,
                    counters.bytes_out_per_second,
                ];
                self.print_counters(out, &columns);
            }
            _ => print_settings(out, &entry.service),
        }
        out.end();
    }

    fn print_counters(self, out: &mut Output<'_>, columns: &[u64]) {
        for &value in columns {
            counters::print(out, value, self.exact);
        }
    }

    fn server_line(
        self,
        out: &mut Output<'_>,
        service: &ServiceKey,
        entry: &DestinationEntry,
        style: Style<'_>,
    ) {
        let server = &entry.destination;
        let key = server.key;
        let longest = if key.address.is_ipv4() {
            28
        } else {
            ENDPOINT_LENGTH
        };
        out.text("  -> ").column(28, longest, |text| {
            style.write_endpoint(text, key.address, key.port, protocol_of(service));
        });
        let counters = &entry.counters;
        match self.format {
            Format::Plain | Format::TunInfo => {
                out.text(" ").left(forward(server.forwarding), 7);
                if self.format == Format::TunInfo {
                    out.text(" ")
                        .left(&tunnel(server.forwarding, server.tunnel), 13);
                }
                out.text(" ").left_number(server.weight.get(), 6);
                print_connections(out, entry);
            }
            Format::Thresholds => {
                out.text(" ").left_number(server.thresholds.upper, 10);
                out.text(" ").left_number(server.thresholds.lower, 10);
                print_connections(out, entry);
            }
            Format::PersistentConn => {
                out.text(" ").left_number(server.weight.get(), 9);
                out.text(" ").left_number(entry.persistent_connections, 11);
                print_connections(out, entry);
            }
            Format::Stats => {
                let columns = [
                    counters.connections,
                    counters.packets_in,
                    counters.packets_out,
                    counters.bytes_in,
                    counters.bytes_out,
                ];
                self.print_counters(out, &columns);
            }
            Format::Rate => {
                for per_second in [
                    counters.connections_per_second,
                    counters.packets_in_per_second,
                    counters.packets_out_per_second,
                ] {
                    out.text(" ").right_number(per_second, 8);
                }
                let bytes = [counters.bytes_in_per_second, counters.bytes_out_per_second];
                self.print_counters(out, &bytes);
            }
        }
        out.end();
    }
}

fn print_version(out: &mut Output<'_>, info: KernelInfo) {
    let (major, minor, patch) = info.version;
    out.text("IP Virtual Server version ").number(major);
    out.text(".").number(minor).text(".").number(patch);
    out.text(" (size=").number(info.connection_table_size);
    out.text(")").end();
}

/// ` rr (sh-port) persistent 300 mask 255.255.255.0 pe sip ops`
fn print_settings(out: &mut Output<'_>, service: &VirtualService) {
    out.text(" ").text(service.scheduler.as_str());
    if !service.scheduler_flags.is_empty() {
        let names = service.scheduler_flags.names(service.scheduler.as_str());
        out.text(" (");
        for (place, name) in names.enumerate() {
            out.text(if place == 0 { "" } else { "," }).text(name);
        }
        out.text(")");
    }
    if let Some(seconds) = service.persistence {
        out.text(" persistent ").number(seconds);
        if !service.netmask.is_host() {
            out.text(" mask ").text(&service.netmask.to_string());
        }
        if let Some(engine) = &service.engine {
            out.text(" pe ").text(engine.as_str());
        }
    }
    if service.one_packet {
        out.text(" ops");
    }
}

fn print_connections(out: &mut Output<'_>, entry: &DestinationEntry) {
    out.text(" ").left_number(entry.active_connections, 10);
    out.text(" ").left_number(entry.inactive_connections, 10);
}

const fn forward(method: ForwardingMethod) -> &'static [u8] {
    match method {
        ForwardingMethod::Masquerading => b"Masq",
        ForwardingMethod::Local => b"Local",
        ForwardingMethod::Tunnelling => b"Tunnel",
        ForwardingMethod::DirectRouting => b"Route",
        ForwardingMethod::Other(_) => b"?",
    }
}

fn tunnel(method: ForwardingMethod, tunnel: Tunnel) -> Vec<u8> {
    if method != ForwardingMethod::Tunnelling {
        return b"n/a".to_vec();
    }
    let checksum = match tunnel.checksum_word() {
        "remcsum" => "r+c",
        "csum" => "+c",
        _ => "-c",
    };
    match tunnel.kind {
        TunnelType::Ipip => "ipip".into(),
        TunnelType::Gue => format!("gue:{}:{checksum}", tunnel.port).into_bytes(),
        TunnelType::Gre => format!("gre:{checksum}").into_bytes(),
        TunnelType::Other(_) => "?".into(),
    }
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
