//! `virtual` blocks.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use lvs_model::{AddressFamily, ForwardingMethod, FwMark, Netmask, SchedulerFlags, ServiceKey};

use super::block::monitor;
use super::server::of_other_family;
use super::{Judge, protocol};
use crate::extension;
use crate::finding::{Consequence, Reason, shown};
use crate::keyword::{self, Place};
use crate::model::{Persistence, VirtualBlock};
use crate::position::Position;
use crate::section::Section;

/// The longest persistence netmask: the whole address counts, as without one.
const WHOLE_INET: u8 = 32;

impl Judge<'_, '_> {
    /// An active virtual block.
    pub(super) fn virtual_block(
        &mut self,
        block: &Section,
        network: ForwardingMethod,
    ) -> Option<VirtualBlock> {
        let check = self.check(block);
        let port = self.block_port(block);
        self.check_server_ports(block);
        let scheduler = block
            .scheduler(keyword::SCHEDULER)
            .cloned()
            .unwrap_or_default();
        let scheduler_flags = self.scheduler_flags(block, scheduler.as_str());
        if !block.is_on(keyword::ACTIVE) {
            return None;
        }
        self.warn_of_silent_udp(block);
        self.check_scheduler(block, &scheduler);
        let address = self.vip(block, "virtual");
        let (vip, device) = address?;
        let mut service = VirtualBlock {
            name: block.name.clone(),
            line: block.position.line,
            vip,
            device,
            vip_prefix: self.vip_prefix(block, &vip),
            protocol: protocol(block),
            port: port?,
            fwmark: block.integer(keyword::FWMARK).and_then(FwMark::new),
            scheduler,
            scheduler_flags,
            one_packet: block.is_on(extension::ONE_PACKET),
            persistence: self.persistence(block, AddressFamily::of(&vip)),
            sorry_server: block.address(keyword::SORRY_SERVER),
            check,
            quiesce: block.is_on(keyword::QUIESCE_SERVER),
            load_monitor: block
                .argument(keyword::LOAD_MONITOR)
                .filter(|word| !word.is_empty()),
            monitor: monitor(block),
            servers: Vec::new(),
        };
        self.check_port_zero(block, &service);
        service.servers = self.servers(block, &service, network);
        self.check_sorry_server(block, &service, network);
        self.check_one_packet(block, &service, network);
        self.check_load_monitor(block, &service);
        self.check_own_service(block, &service);
        Some(service)
    }

    /// Port 0, all ports, needs a persistent service that is found by its address.
    fn check_port_zero(&mut self, block: &Section, service: &VirtualBlock) {
        if service.port != 0 {
            return;
        }
        if service.fwmark.is_some() {
            self.refuse_port_zero(block, "with fwmark it is the port of the checks");
        } else if service.persistence.is_none() {
            self.refuse_port_zero(block, "all ports need persistent");
        }
    }

    /// A netmask without persistence is a warning; returns what the netmask means.
    fn persistence(&mut self, block: &Section, family: AddressFamily) -> Option<Persistence> {
        let seconds = block.integer(keyword::PERSISTENT).unwrap_or(0);
        let mask = block.mask(keyword::PMASK);
        if seconds == 0 {
            if mask.is_some() {
                let what = "pmask has no effect without persistent";
                self.findings.warn(block.at(keyword::PMASK), what.into());
            }
            return None;
        }
        let netmask = match mask {
            None => Netmask::host(family),
            Some(mask) if mask.family != family => {
                let what = "pmask is of another address family than address".to_owned();
                self.findings
                    .refuse(block.at(keyword::PMASK), Reason::BadSubnetMask, what);
                return None;
            }
            Some(mask) => netmask(family, mask.prefix),
        };
        Some(Persistence { seconds, netmask })
    }

    /// The flags of a comma-separated list.
    fn scheduler_flags(&mut self, block: &Section, scheduler: &str) -> SchedulerFlags {
        let mut flags = SchedulerFlags::NONE;
        let text = block.text(extension::SCHEDULER_FLAGS).unwrap_or_default();
        for name in text
            .split(|byte| *byte == b',')
            .filter(|name| !name.is_empty())
        {
            match flag(name, scheduler) {
                Some(flag) => flags = flags.with(flag),
                None => {
                    let what = format!(
                        "scheduler_flags = {}, flags of {scheduler} or flag-1 to flag-3 expected",
                        shown(name)
                    );
                    let at = block.at(extension::SCHEDULER_FLAGS);
                    self.findings.refuse(at, Reason::InvalidArgument, what);
                }
            }
        }
        flags
    }

    fn check_sorry_server(
        &mut self,
        block: &Section,
        service: &VirtualBlock,
        network: ForwardingMethod,
    ) {
        let Some(sorry) = service.sorry_server else {
            return;
        };
        let at = block.at(keyword::SORRY_SERVER);
        if let Some(what) = of_other_family(keyword::SORRY_SERVER, sorry, service, network) {
            self.findings.refuse(at, Reason::InvalidArgument, what);
        } else if service.servers.iter().any(|server| server.address == sorry) {
            let what =
                format!("sorry_server = {sorry}, an address other than the real servers' expected");
            self.findings.refuse(at, Reason::InvalidArgument, what);
        } else {
            self.check_destination(at, keyword::SORRY_SERVER, sorry);
        }
    }

    /// What two active blocks with one key mean.
    ///
    /// `services` are the active blocks of the file, in its order.
    pub(super) fn leave_out_second_services(
        &mut self,
        services: &mut Vec<VirtualBlock>,
        file: &Section,
    ) {
        let places: HashMap<u32, Position> = file
            .blocks()
            .filter(|block| block.place == Place::Virtual)
            .map(|block| (block.position.line, block.position))
            .collect();
        let mut first: HashMap<ServiceKey, VirtualBlock> = HashMap::new();
        let mut sorries = HashMap::new();
        services.retain(|service| {
            let at = places.get(&service.line).copied().unwrap_or_default();
            let stays = match first.get(&service.key()) {
                Some(before) => self.second_service(at, service, before),
                None => {
                    let mut known = service.clone();
                    known.servers = Vec::new();
                    first.insert(service.key(), known);
                    true
                }
            };
            if stays {
                self.check_second_sorry(at, service, &mut sorries);
            }
            stays
        });
        self.check_sorries_of_marks(services, &places);
    }

    /// A real server of any block of a mark must not be a sorry server of that mark.
    fn check_sorries_of_marks(
        &mut self,
        services: &[VirtualBlock],
        places: &HashMap<u32, Position>,
    ) {
        let of_marks = || services.iter().filter(|service| service.fwmark.is_some());
        let wanted: HashSet<(ServiceKey, IpAddr)> = of_marks()
            .filter_map(|service| Some((service.key(), service.sorry_server?)))
            .collect();
        let mut real: HashMap<(ServiceKey, IpAddr), u32> = HashMap::new();
        for service in of_marks() {
            for server in &service.servers {
                let key = (service.key(), server.address);
                if wanted.contains(&key) {
                    real.entry(key).or_insert(service.line);
                }
            }
        }
        for service in of_marks() {
            let Some(sorry) = service.sorry_server else {
                continue;
            };
            if let Some(line) = real.get(&(service.key(), sorry)) {
                let what = format!(
                    "virtual {}: sorry_server {sorry} is a real server of the block in line \
                     {line} with the same fwmark, so it is not used",
                    service.name
                );
                let at = places.get(&service.line).copied().unwrap_or_default();
                self.findings.warn(at, what);
            }
        }
    }

    /// Whether a block stays although `before` has its key already.
    fn second_service(
        &mut self,
        at: Position,
        service: &VirtualBlock,
        before: &VirtualBlock,
    ) -> bool {
        let (name, line) = (&service.name, before.line);
        if service.fwmark.is_none() {
            let what = format!(
                "virtual {name}: virtual {} in line {line} has the same protocol, address and port",
                before.name
            );
            self.findings.remark(at, Consequence::LeaveOut, what);
            return false;
        }
        let settings = |block: &VirtualBlock| {
            let scheduler = (block.scheduler.clone(), block.scheduler_flags);
            (scheduler, block.one_packet, block.persistence)
        };
        if settings(service) != settings(before) {
            let what = format!(
                "virtual {name} differs in its scheduler or persistence, or what belongs to them, \
                 from the block in line {line} with the same fwmark, whose settings count"
            );
            self.findings.warn(at, what);
        }
        true
    }

    /// Blocks of one mark have one sorry server, the first that one of them names.
    fn check_second_sorry(
        &mut self,
        at: Position,
        service: &VirtualBlock,
        first: &mut HashMap<ServiceKey, (u32, IpAddr)>,
    ) {
        let Some(sorry) = service.sorry_server else {
            return;
        };
        let (line, others) = *first.entry(service.key()).or_insert((service.line, sorry));
        if sorry != others {
            let what = format!(
                "virtual {} has another sorry_server than the block in line {line} with the \
                 same fwmark, whose counts",
                service.name
            );
            self.findings.warn(at, what);
        }
    }
}

/// The kernel's form of a persistence netmask.
fn netmask(family: AddressFamily, prefix: u8) -> Netmask {
    match family {
        AddressFamily::Inet => {
            let holes = u32::from(WHOLE_INET.saturating_sub(prefix));
            Netmask::Inet(u32::MAX.checked_shl(holes).unwrap_or(0).into())
        }
        AddressFamily::Inet6 => Netmask::Inet6(prefix),
    }
}

fn flag(name: &[u8], scheduler: &str) -> Option<SchedulerFlags> {
    let flags = [
        SchedulerFlags::FLAG_1,
        SchedulerFlags::FLAG_2,
        SchedulerFlags::FLAG_3,
    ];
    let has_name = |flag: &SchedulerFlags, scheduler| {
        let mut names = flag.names(scheduler);
        names.any(|known| known.as_bytes() == name)
    };
    flags
        .into_iter()
        .find(|flag| has_name(flag, scheduler) || has_name(flag, ""))
}
