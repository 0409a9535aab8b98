//! What the kernel, or the user of the checks, always refuses. It is tried all the same, but reported
//! before.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use lvs_model::{ForwardingMethod, Protocol, SchedulerName};

use super::Judge;
use crate::extension;
use crate::finding::{Consequence, Reason, shown};
use crate::keyword::{self, Keyword};
use crate::lookup::SchedulerAnswer;
use crate::model::VirtualBlock;
use crate::position::Position;
use crate::section::Section;

/// The schedulers of Linux; a kernel loads those that it has when they are needed.
const LINUX_SCHEDULERS: [&str; 14] = [
    "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf", "twos",
];
/// Modules of IPVS whose names look like a scheduler's.
const NO_SCHEDULERS: [&str; 2] = ["ftp", "pe_sip"];

impl Judge<'_, '_> {
    /// A scheduler that this machine's kernel does not know.
    pub(super) fn check_scheduler(&mut self, block: &Section, scheduler: &SchedulerName) {
        let name = scheduler.as_str();
        if LINUX_SCHEDULERS.contains(&name) {
            return;
        }
        let answer = match NO_SCHEDULERS.contains(&name) {
            true => SchedulerAnswer::Unknown,
            false => self.hosts.lookup().scheduler(scheduler),
        };
        let (consequence, why) = match answer {
            SchedulerAnswer::Known => return,
            SchedulerAnswer::Unknown => (Consequence::Error, "this kernel has no such scheduler"),
            SchedulerAnswer::NoIpvs => (
                Consequence::Warn,
                "no scheduler of Linux, and without IPVS this machine cannot look for its module",
            ),
        };
        let name = shown(name.as_bytes());
        let what = format!("scheduler = {name}, {why}, {}", meant(&name));
        self.findings
            .remark(block.at(keyword::SCHEDULER), consequence, what);
    }

    /// A program of the checks that their user cannot run.
    pub(super) fn check_program(&mut self, block: &Section, keyword: Keyword) {
        let Some(command) = block.text(keyword) else {
            return;
        };
        if self.findings.is_idle() {
            return;
        }
        let user = self.check_user.as_ref();
        if let Some(fault) = self.hosts.lookup().program_fault(command, user) {
            let what = format!("{keyword} = {}: {fault}", shown(command));
            self.findings.warn(block.at(keyword), what);
        }
    }

    /// A program that root has to run and cannot, or that others may change.
    pub(super) fn check_root_program(&mut self, section: &Section, keyword: Keyword) {
        let Some(command) = section.text(keyword).filter(|text| !text.is_empty()) else {
            return;
        };
        if self.findings.is_idle() {
            return;
        }
        if let Some(fault) = self.hosts.lookup().root_program_fault(command) {
            let what = format!("{keyword} = {}: {fault}", shown(command));
            self.findings.warn(section.at(keyword), what);
        }
    }

    /// The programs of the file as a whole.
    pub(super) fn check_root_programs(&mut self, file: &Section) {
        // fos has its own, and nobody runs these.
        self.findings
            .set_idle(file.choice(keyword::SERVICE) == Some("fos"));
        self.check_root_program(file, keyword::ACTIVE_CMD);
        self.check_root_program(file, keyword::INACTIVE_CMD);
        self.findings.set_idle(false);
        self.check_root_program(file, extension::SEND_ARP);
        self.check_root_program(file, keyword::IPVSADM);
        let is_path = |text: &&[u8]| text.starts_with(b"/");
        if file.is_on(extension::COPY_CONFIG)
            && file.text(keyword::RSH_COMMAND).filter(is_path).is_some()
        {
            self.check_root_program(file, keyword::RSH_COMMAND);
        }
    }

    /// Programs that root runs and others may change.
    pub(super) fn check_trust(&mut self, file: &Section) {
        for (keyword, is_run) in [
            (keyword::IPVSADM, true),
            (extension::SEND_ARP, true),
            (keyword::RSH_COMMAND, file.is_on(extension::COPY_CONFIG)),
        ] {
            let given = file
                .text(keyword)
                .filter(|text| text.starts_with(b"/") && is_run);
            let fault = given.and_then(|program| self.hosts.lookup().trust_fault(program));
            if let Some(fault) = fault {
                let what =
                    format!("{keyword}: {fault}, a program that only root can change expected");
                self.findings
                    .refuse(file.at(keyword), Reason::InvalidArgument, what);
            }
        }
    }

    /// An address that the kernel does not take as a destination.
    pub(super) fn check_destination(&mut self, at: Position, keyword: Keyword, address: IpAddr) {
        if let Some(kind) = no_destination(address) {
            let what =
                format!("{keyword} = {address}, {kind}: the kernel refuses it as destination");
            self.findings.remark(at, Consequence::Error, what);
        }
    }

    /// An address that no interface can carry.
    pub(super) fn check_carried(&mut self, at: Position, keyword: Keyword, address: IpAddr) {
        if let Some(kind) = not_carried(address) {
            let what = format!("{keyword} = {address}, {kind}: no interface can carry it");
            self.findings.refuse(at, Reason::InvalidHost, what);
        }
    }

    /// One-packet scheduling where there are no single packets, or where answers come back.
    pub(super) fn check_one_packet(
        &mut self,
        block: &Section,
        service: &VirtualBlock,
        network: ForwardingMethod,
    ) {
        if !service.one_packet {
            return;
        }
        let at = block.at(extension::ONE_PACKET);
        // Of a mark the protocol is that of the check.
        if service.fwmark.is_none() && service.protocol != Protocol::Udp {
            let what = "one_packet has no effect: the kernel uses it with protocol = udp only";
            self.findings.warn(at, what.into());
            return;
        }
        let is_nat = |method| method == ForwardingMethod::Masquerading;
        let mut servers = service.servers.iter();
        let real = servers.find(|server| is_nat(server.forwarding));
        let what_has_nat = match real {
            Some(server) => format!("server {} has nat", server.name),
            None if service.servers.is_empty() && is_nat(network) => "network = nat".to_owned(),
            None if service.sorry_server.is_some() && is_nat(network) => {
                "sorry_server has network = nat".to_owned()
            }
            None => return,
        };
        let what = format!(
            "one_packet needs direct or tunnel, and {what_has_nat}: answers keep the real server's \
             address"
        );
        self.findings.warn(at, what);
    }

    /// A load that can move no weight.
    pub(super) fn check_load_monitor(&mut self, block: &Section, service: &VirtualBlock) {
        let is_asked = |word: &std::ffi::OsString| word != "none";
        let Some(word) = service.load_monitor.as_ref().filter(|it| is_asked(it)) else {
            return;
        };
        let at = block.at(keyword::LOAD_MONITOR);
        let mut servers = service.servers.iter();
        if let Some(server) = servers.find(|server| server.weight.get() <= 1) {
            let what = format!(
                "server {} has weight {}, which load_monitor cannot change: it moves weights \
                 between 1 and the server's own",
                server.name, server.weight
            );
            self.findings.remark(at, Consequence::Note, what);
        }
        // The others need no program, or that of rsh_command.
        if word != "uptime" && word != "rup" && word != "ruptime" {
            self.check_program(block, keyword::LOAD_MONITOR);
        }
    }

    /// A check that asks the very service for which it decides.
    pub(super) fn check_own_service(&mut self, block: &Section, service: &VirtualBlock) {
        if service.fwmark.is_some() {
            return;
        }
        let is_itself = |section: &&Section| {
            section.is_on(keyword::ACTIVE)
                && section.address(keyword::SERVER_ADDRESS) == Some(service.vip)
        };
        for section in block.blocks().filter(is_itself) {
            let own_port = section.integer(keyword::SERVER_PORT).map(u16::try_from);
            let port = own_port.map_or(Some(service.port), Result::ok);
            if port == Some(service.port) {
                let what = format!(
                    "server {} is the virtual service itself: its check is answered only while \
                     there is a real server",
                    section.name
                );
                self.findings
                    .warn(section.at(keyword::SERVER_ADDRESS), what);
            }
        }
    }
}

/// The scheduler that was perhaps meant.
fn meant(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    match LINUX_SCHEDULERS.iter().find(|known| **known == lower) {
        Some(known) => format!("did you mean {known}?"),
        None => format!("one of {} expected", LINUX_SCHEDULERS.join(", ")),
    }
}

/// What an address is that the kernel refuses as destination, whatever machine it is given to.
fn no_destination(address: IpAddr) -> Option<&'static str> {
    let scope = match address {
        IpAddr::V6(six) if six.is_unicast_link_local() => {
            Some("a link-local address, which is nothing without its interface")
        }
        _ => None,
    };
    scope.or_else(|| nobodys(address))
}

/// What an address is that no interface carries.
fn not_carried(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V6(Ipv6Addr::LOCALHOST) => Some("the loopback address"),
        _ => nobodys(address),
    }
}

fn nobodys(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(Ipv4Addr::BROADCAST) => Some("the broadcast address"),
        IpAddr::V6(six) if six.to_ipv4_mapped().is_some() => {
            Some("an IPv4 address in the form of an IPv6 one")
        }
        _ if address.is_multicast() => Some("a multicast address"),
        _ if address.is_unspecified() => Some("no address"),
        _ => None,
    }
}
