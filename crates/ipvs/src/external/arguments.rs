//! The arguments for one change, as the original's programs order them.

use std::ffi::OsString;

use lvs_model::{
    AddressFamily, Destination, DestinationKey, IpvsOp, ServiceKey, TunnelType, VirtualService,
};

/// The arguments behind the program's name. Settings that the original's lvs.cf cannot say follow
/// at the end, and only where they are not the default.
pub fn of(op: &IpvsOp) -> Vec<OsString> {
    let words = match op {
        IpvsOp::AddService(service) => settings("-A", service),
        IpvsOp::EditService(service) => settings("-E", service),
        IpvsOp::DeleteService(key) => named("-D", key),
        IpvsOp::AddDestination(key, destination) => server("-a", key, destination),
        IpvsOp::EditDestination(key, destination) => server("-e", key, destination),
        IpvsOp::DeleteDestination(key, destination) => target("-d", key, destination),
        // These print themselves as single words.
        IpvsOp::SetTimeouts(_)
        | IpvsOp::StartDaemon(_)
        | IpvsOp::StopDaemon(_)
        | IpvsOp::Zero(_)
        | IpvsOp::Flush => op.to_string().split(' ').map(str::to_owned).collect(),
    };
    words.into_iter().map(OsString::from).collect()
}

fn named(command: &str, key: &ServiceKey) -> Vec<String> {
    let mut words = vec![command.to_owned()];
    match key {
        // The original prints a mark as a signed number.
        ServiceKey::FwMark { mark, family } => {
            words.extend([
                "-f".to_owned(),
                i32::from_ne_bytes(mark.get().to_ne_bytes()).to_string(),
            ]);
            if *family == AddressFamily::Inet6 {
                words.push("-6".to_owned());
            }
        }
        ServiceKey::Address { .. } => {
            words.extend(key.to_string().split(' ').map(str::to_owned));
        }
    }
    words
}

fn settings(command: &str, service: &VirtualService) -> Vec<String> {
    let mut words = named(command, &service.key);
    words.extend(["-s".to_owned(), service.scheduler.to_string()]);
    if let Some(seconds) = service.persistence {
        words.extend(["-p".to_owned(), seconds.to_string()]);
        if !service.netmask.is_host() {
            words.extend(["-M".to_owned(), service.netmask.to_string()]);
        }
    }
    if let Some(engine) = &service.engine {
        words.extend(["--pe".to_owned(), engine.to_string()]);
    }
    if service.one_packet {
        words.push("-o".to_owned());
    }
    if !service.scheduler_flags.is_empty() {
        let names: Vec<&str> = service
            .scheduler_flags
            .names(service.scheduler.as_str())
            .collect();
        words.extend(["-b".to_owned(), names.join(",")]);
    }
    words
}

fn target(command: &str, key: &ServiceKey, destination: &DestinationKey) -> Vec<String> {
    let mut words = named(command, key);
    words.extend(["-r".to_owned(), destination.to_string()]);
    words
}

fn server(command: &str, key: &ServiceKey, destination: &Destination) -> Vec<String> {
    let mut words = target(command, key, &destination.key);
    words.extend([
        destination.forwarding.option().to_owned(),
        "-w".to_owned(),
        destination.weight.to_string(),
    ]);
    if destination.tunnel.kind != TunnelType::Ipip {
        let options = destination.tunnel.to_string();
        words.extend(options.split_whitespace().map(str::to_owned));
    }
    for (option, limit) in [
        ("-x", destination.thresholds.upper),
        ("-y", destination.thresholds.lower),
    ] {
        if limit != 0 {
            words.extend([option.to_owned(), limit.to_string()]);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use lvs_model::{ForwardingMethod, FwMark, Netmask, Protocol, Timeouts, Weight};

    use super::*;

    fn words(op: &IpvsOp) -> String {
        let words = of(op);
        let words: Vec<&str> = words.iter().map(|word| word.to_str().unwrap()).collect();
        words.join("|")
    }

    fn web() -> ServiceKey {
        ServiceKey::Address {
            protocol: Protocol::Tcp,
            address: "192.168.26.10".parse().unwrap(),
            port: 80,
        }
    }

    #[test]
    fn the_originals_arguments_stand_in_the_originals_order() {
        let mut service = VirtualService::new(web());
        assert_eq!(
            words(&IpvsOp::AddService(service.clone())),
            "-A|-t|192.168.26.10:80|-s|wlc"
        );
        service.persistence = Some(60);
        service.netmask = Netmask::Inet("255.255.255.0".parse().unwrap());
        assert_eq!(
            words(&IpvsOp::AddService(service)),
            "-A|-t|192.168.26.10:80|-s|wlc|-p|60|-M|255.255.255.0"
        );
        let mut server = Destination::new(DestinationKey {
            address: "10.0.0.2".parse().unwrap(),
            port: 8080,
        });
        server.weight = Weight::ZERO;
        server.forwarding = ForwardingMethod::Tunnelling;
        assert_eq!(
            words(&IpvsOp::EditDestination(web(), server)),
            "-e|-t|192.168.26.10:80|-r|10.0.0.2:8080|-i|-w|0"
        );
        assert_eq!(
            words(&IpvsOp::DeleteDestination(web(), server.key)),
            "-d|-t|192.168.26.10:80|-r|10.0.0.2:8080"
        );
        let timeouts = Timeouts {
            tcp: 900,
            tcp_fin: 120,
            udp: 0,
        };
        assert_eq!(words(&IpvsOp::SetTimeouts(timeouts)), "--set|900|120|0");
        assert_eq!(words(&IpvsOp::Flush), "-C");
    }

    #[test]
    fn a_mark_is_printed_signed() {
        let key = ServiceKey::FwMark {
            mark: FwMark::new(3_000_000_000).unwrap(),
            family: AddressFamily::Inet,
        };
        assert_eq!(words(&IpvsOp::DeleteService(key)), "-D|-f|-1294967296");
    }
}
