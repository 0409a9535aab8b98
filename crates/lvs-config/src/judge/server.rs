//! `server` blocks in a virtual block.

use std::collections::HashMap;
use std::net::IpAddr;

use lvs_model::{AddressFamily, ForwardingMethod, Thresholds, Weight};

use super::{Judge, protocol};
use crate::extension;
use crate::finding::{Consequence, Reason};
use crate::keyword::{self, Keyword};
use crate::model::{RealServer, VirtualBlock, forwarding};
use crate::section::Section;
use crate::value::Port;

impl Judge<'_, '_> {
    /// The active real servers of a block.
    pub(super) fn servers(
        &mut self,
        block: &Section,
        service: &VirtualBlock,
        network: ForwardingMethod,
    ) -> Vec<RealServer> {
        let mut servers = Vec::new();
        let mut first: HashMap<(IpAddr, u16), u32> = HashMap::new();
        for section in block.blocks() {
            let Some(server) = self.server(section, service, network) else {
                continue;
            };
            let key = (server.address, server.port);
            if let Some(line) = first.get(&key) {
                let what = format!(
                    "server {}: the one in line {line} has the same address and port",
                    server.name
                );
                self.findings
                    .remark(section.position, Consequence::LeaveOut, what);
                continue;
            }
            first.insert(key, server.line);
            servers.push(server);
        }
        servers
    }

    fn server(
        &mut self,
        section: &Section,
        service: &VirtualBlock,
        network: ForwardingMethod,
    ) -> Option<RealServer> {
        if !section.is_on(keyword::ACTIVE) {
            return None;
        }
        let what_goes = format!("server {}", section.name);
        if self.leave_out_unresolved(section, keyword::SERVER_ADDRESS, &what_goes)
            || section.is_bad(keyword::SERVER_ADDRESS)
        {
            return None;
        }
        let Some(address) = section.address(keyword::SERVER_ADDRESS) else {
            let what = format!("server {} is active and has no address", section.name);
            self.findings
                .remark(section.position, Consequence::LeaveOut, what);
            return None;
        };
        let own_port = section
            .integer(keyword::SERVER_PORT)
            .and_then(|port| u16::try_from(port).ok());
        let server = RealServer {
            name: section.name.clone(),
            line: section.position.line,
            address,
            port: own_port.unwrap_or(service.port),
            has_own_port: own_port.is_some(),
            weight: self.weight(section),
            forwarding: forwarding(section.choice(extension::FORWARD)).unwrap_or(network),
            thresholds: self.thresholds(section),
        };
        self.check_family(section, service, &server);
        self.check_destination(
            section.at(keyword::SERVER_ADDRESS),
            keyword::SERVER_ADDRESS,
            address,
        );
        self.check_port(section, service, &server);
        Some(server)
    }

    /// Weight 0 means 0 here, other than for an original director.
    fn weight(&mut self, section: &Section) -> Weight {
        let number = section.integer(keyword::WEIGHT);
        if number == Some(0) {
            let what = "weight = 0 is honoured: checked, without new connections; \
                        an original director uses 1";
            self.findings.warn(section.at(keyword::WEIGHT), what.into());
        }
        number
            .and_then(|number| Weight::new(number).ok())
            .unwrap_or_default()
    }

    fn thresholds(&mut self, section: &Section) -> Thresholds {
        let upper = section.integer(extension::UPPER_THRESHOLD).unwrap_or(0);
        let lower = section.integer(extension::LOWER_THRESHOLD).unwrap_or(0);
        if lower > upper {
            let what =
                format!("lower_threshold = {lower}, at most upper_threshold, {upper}, expected");
            let at = section.at(extension::LOWER_THRESHOLD);
            self.findings.refuse(at, Reason::InvalidArgument, what);
        }
        Thresholds { upper, lower }
    }

    fn check_family(&mut self, section: &Section, service: &VirtualBlock, server: &RealServer) {
        let method = server.forwarding;
        if let Some(what) =
            of_other_family(keyword::SERVER_ADDRESS, server.address, service, method)
        {
            self.findings.refuse(
                section.at(keyword::SERVER_ADDRESS),
                Reason::InvalidArgument,
                what,
            );
        }
    }

    /// Direct routing and tunnelling keep the port: another one is a warning. So is a check without a port.
    fn check_port(&mut self, section: &Section, service: &VirtualBlock, server: &RealServer) {
        let keeps_port = server.forwarding != ForwardingMethod::Masquerading;
        if server.port == 0 {
            let what = format!(
                "server {} has no port to check: give it one beside port = 0",
                server.name
            );
            self.findings.warn(section.position, what);
        } else if keeps_port && service.fwmark.is_none() && server.port != service.port {
            let what = format!(
                "port = {} is the port of the check only: without nat, packets keep port {}",
                server.port, service.port
            );
            self.findings.warn(section.at(keyword::SERVER_PORT), what);
        }
    }

    /// A server without a port, in front of the line that gives the virtual block its own.
    pub(super) fn check_server_ports(&mut self, block: &Section) {
        if block.is_hidden(keyword::PORT) || block.is_bad(keyword::PORT) {
            return;
        }
        let number = |port: Option<&Port>| port.cloned().unwrap_or(Port::Number(80));
        let last = number(block.port(keyword::PORT));
        let without_port =
            |server: &&Section| server.is_on(keyword::ACTIVE) && !server.has(keyword::PORT);
        for server in block.blocks().filter(without_port) {
            let there = number(server.outer_port.as_ref());
            if there == last || self.is_same_port(block, &there, &last) {
                continue;
            }
            let what = format!(
                "port after server {}, which has none of its own: put port before the first \
                 server, or give the server its port",
                server.name
            );
            self.findings
                .refuse(block.at(keyword::PORT), Reason::InvalidArgument, what);
        }
    }

    fn is_same_port(&mut self, block: &Section, one: &Port, other: &Port) -> bool {
        let protocol = protocol(block);
        let mut number = |port: &Port| match port {
            Port::Number(number) => Some(*number),
            Port::Name(name) => self.hosts.lookup().service(name, protocol),
        };
        number(one) == number(other)
    }
}

/// What is wrong with a destination of another family than the service's: the kernel takes it only behind a
/// tunnel.
pub(super) fn of_other_family(
    keyword: Keyword,
    address: IpAddr,
    service: &VirtualBlock,
    method: ForwardingMethod,
) -> Option<String> {
    let families = [service.vip, address].map(|ip| AddressFamily::of(&ip));
    let is_refused = families[0] != families[1] && method != ForwardingMethod::Tunnelling;
    is_refused.then(|| {
        format!(
            "{keyword} = {address}, an address of the family of {} expected: others need a tunnel",
            service.vip
        )
    })
}
