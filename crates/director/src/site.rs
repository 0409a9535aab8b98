//! What lvs.cf asks of lvsd: services by key, their destinations, a monitor for each check.
//!
//! Made from the configuration at start and at every reload; never changed. Here blocks become
//! services: several blocks with one firewall mark are one service, and a real server's port becomes
//! its destination's.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use lvs_config::{Config, ManualWeight, NannyProcesses, RealServer, VirtualBlock};
use lvs_model::{
    CheckSpec, Destination, DestinationKey, ForwardingMethod, Protocol, ServiceKey, Timeouts,
    VirtualService, Weight,
};

use crate::NannyOptions;

/// What lvs.cf asks of lvsd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Idle times for the kernel; 0 leaves the present one.
    pub timeouts: Timeouts,
    /// Whether lvsd ends when a monitor keeps dying.
    pub hard_shutdown: bool,
    /// The program of lvs.cf's `ipvsadm`, for log lines.
    pub ipvsadm: PathBuf,
    /// Pause between two audits of the kernel's table.
    pub audit_interval: Duration,
    /// What becomes of a weight that somebody else has set.
    pub manual_weight: ManualWeight,
    /// Services, in the order of their first block.
    pub services: Vec<SiteService>,
}

/// A service that lvs.cf wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteService {
    /// Its settings: those of the first block.
    pub service: VirtualService,
    /// Name and port of its blocks, for log lines.
    pub blocks: Vec<(String, u16)>,
    /// Longest check interval of its blocks.
    pub interval: Duration,
    /// Who answers while no real server is up.
    pub sorry: Option<Sorry>,
    /// Its real servers.
    pub destinations: Vec<SiteDestination>,
}

/// Who answers while no real server is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sorry {
    /// Its destination, weight 1.
    pub destination: Destination,
    /// Name of the block that wants it.
    pub block: String,
}

/// A destination that lvs.cf wants while its checks are good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteDestination {
    /// Its settings; the weight is the smallest configured one.
    pub destination: Destination,
    /// Whether it stays with weight 0 when a check fails.
    pub quiesce: bool,
    /// Its checks: one, or one for each block of a mark.
    pub monitors: Vec<Monitor>,
}

/// One check of one real server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Monitor {
    /// What finds it again after a reload.
    pub key: MonitorKey,
    /// Name of its `virtual` block.
    pub block: String,
    /// Name of its `server` block.
    pub server: String,
    /// The nanny that does it.
    pub options: NannyOptions,
}

/// What makes a monitor the same after a reload, whatever its block is called and wherever it stands.
///
/// The field that differs most comes first: every report looks up one of these keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonitorKey {
    /// Address of the real server.
    pub rip: IpAddr,
    /// Port that is checked.
    pub check_port: u16,
    /// The service.
    pub service: ServiceKey,
    /// Address, protocol and port of the block, which the mark does not give.
    pub vip: IpAddr,
    /// See `vip`.
    pub protocol: Protocol,
    /// See `vip`.
    pub port: u16,
    /// Its number among equal ones, in file order from 0.
    pub nth: u32,
}

impl Site {
    /// Reads the configuration for lvsd. `verbose` and `foreground` are lvsd's own options, which its
    /// nannies get too.
    #[must_use]
    pub fn new(config: &Config, verbose: bool, foreground: bool) -> Self {
        let mut site = Self {
            timeouts: config.timeouts,
            hard_shutdown: config.hard_shutdown,
            ipvsadm: config.ipvsadm.clone(),
            audit_interval: config.audit_interval,
            manual_weight: config.manual_weight,
            services: Vec::new(),
        };
        let mut places: BTreeMap<ServiceKey, usize> = BTreeMap::new();
        let mut groups: Vec<Vec<&VirtualBlock>> = Vec::new();
        for block in &config.virtuals {
            let place = *places.entry(block.key()).or_insert(groups.len());
            match groups.get_mut(place) {
                Some(group) => group.push(block),
                None => groups.push(vec![block]),
            }
        }
        let builder = Builder {
            config,
            verbose,
            foreground,
        };
        site.services = groups.iter().filter_map(|g| builder.service(g)).collect();
        site
    }
}

struct Builder<'a> {
    config: &'a Config,
    verbose: bool,
    foreground: bool,
}

impl Builder<'_> {
    /// One service from the blocks with its key.
    fn service(&self, blocks: &[&VirtualBlock]) -> Option<SiteService> {
        let first = blocks.first()?;
        let ports = Ports::of(blocks);
        let mut destinations = Destinations::default();
        let mut numbers = BTreeMap::new();
        for block in blocks {
            for server in &block.servers {
                let mut monitor = self.monitor(block, server);
                let nth = numbers.entry(monitor.key).or_insert(0);
                monitor.key.nth = *nth;
                *nth += 1;
                let key = ports.destination(block, server);
                let place = destinations.place(ports, key, server);
                place.quiesce |= block.quiesce;
                place.monitors.push(monitor);
            }
        }
        let sorry = blocks.iter().find_map(|block| self.sorry(block, ports));
        // On another port too: its checks decide when it is out.
        let is_real = |sorry: &Sorry| {
            let address = sorry.destination.key.address;
            let mut real = destinations.list.iter().map(|d| d.destination.key.address);
            real.any(|real| real == address)
        };
        Some(SiteService {
            service: settings(first),
            blocks: blocks.iter().map(|b| (b.name.clone(), b.port)).collect(),
            interval: blocks.iter().map(|b| b.check.timeout).max()?,
            sorry: sorry.filter(|sorry| !is_real(sorry)),
            destinations: destinations.list,
        })
    }

    fn monitor(&self, block: &VirtualBlock, server: &RealServer) -> Monitor {
        Monitor {
            key: MonitorKey {
                service: block.key(),
                vip: block.vip,
                protocol: block.protocol,
                port: block.port,
                rip: server.address,
                check_port: server.port,
                nth: 0,
            },
            block: block.name.clone(),
            server: server.name.clone(),
            options: self.options(block, server),
        }
    }

    fn options(&self, block: &VirtualBlock, server: &RealServer) -> NannyOptions {
        let asks_by_uptime = |word: &std::ffi::OsString| word == "uptime";
        let load_program = match &block.load_monitor {
            Some(word) if asks_by_uptime(word) => Some(self.config.rsh_command.clone()),
            other => other.clone(),
        };
        let mut options = NannyOptions {
            program: block.monitor.clone(),
            rip: server.address,
            port: block.port,
            fwmark: block.fwmark,
            protocol: block.protocol,
            check: CheckSpec {
                port: Some(server.port),
                ..block.check.clone()
            },
            quiesce: block.quiesce,
            verbose: self.verbose,
            ipvsadm: self.config.ipvsadm.clone(),
            weight: server.weight,
            vip: block.vip,
            forwarding: server.forwarding,
            load_program,
            foreground: self.foreground || block.sorry_server.is_some(),
            shared: self.config.nannies == NannyProcesses::Shared,
            deaths: 0,
            account: None,
        };
        if options.needs_files() {
            options.account = self.config.check_user.clone();
        }
        options
    }

    fn sorry(&self, block: &VirtualBlock, ports: Ports) -> Option<Sorry> {
        let key = DestinationKey {
            address: block.sorry_server?,
            port: if ports == Ports::MarkKept {
                0
            } else {
                block.port
            },
        };
        Some(Sorry {
            destination: Destination {
                forwarding: self.config.network,
                weight: Weight::ONE,
                ..Destination::new(key)
            },
            block: block.name.clone(),
        })
    }
}

/// The destinations of a service while they are collected.
#[derive(Default)]
struct Destinations {
    list: Vec<SiteDestination>,
    /// Where in it one stands.
    numbers: BTreeMap<DestinationKey, usize>,
}

impl Destinations {
    /// The destination of a real server; a new one if it is the first with this key.
    fn place(
        &mut self,
        ports: Ports,
        key: DestinationKey,
        server: &RealServer,
    ) -> &mut SiteDestination {
        let mut what_counts = key;
        let has_mark = ports != Ports::Address;
        if has_mark && server.forwarding != ForwardingMethod::Masquerading {
            // Without effect there.
            what_counts.port = 0;
        }
        let number = *self.numbers.entry(what_counts).or_insert_with(|| {
            self.list.push(SiteDestination {
                destination: Destination {
                    forwarding: server.forwarding,
                    weight: server.weight,
                    thresholds: server.thresholds,
                    ..Destination::new(key)
                },
                quiesce: false,
                monitors: Vec::new(),
            });
            self.list.len() - 1
        });
        let place = &mut self.list[number];
        place.destination.weight = place.destination.weight.min(server.weight);
        place
    }
}

fn settings(block: &VirtualBlock) -> VirtualService {
    let mut service = VirtualService::new(block.key());
    service.scheduler = block.scheduler.clone();
    service.scheduler_flags = block.scheduler_flags;
    service.one_packet = block.one_packet;
    if let Some(persistence) = block.persistence {
        service.persistence = Some(persistence.seconds);
        service.netmask = persistence.netmask;
    }
    service
}

/// How the port of a destination follows from lvs.cf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ports {
    /// A service by address: the real server's under masquerading, else the kernel's own rule, the
    /// service's.
    Address,
    /// A mark with one port under masquerading: the real server's.
    MarkGiven,
    /// A mark with several ports under masquerading, or with a server that gives none: 0, each
    /// connection keeps its own.
    MarkKept,
    /// A mark with direct routing or tunnelling: written, but without effect.
    MarkIgnored,
}

impl Ports {
    fn of(blocks: &[&VirtualBlock]) -> Self {
        let Some(first) = blocks.first().filter(|block| block.fwmark.is_some()) else {
            return Self::Address;
        };
        let mut servers = blocks.iter().flat_map(|block| &block.servers);
        let masquerades = |s: &RealServer| s.forwarding == ForwardingMethod::Masquerading;
        if !servers.clone().any(masquerades) {
            return Self::MarkIgnored;
        }
        let has_several = blocks.iter().any(|block| block.port != first.port);
        if has_several || servers.any(|server| !server.has_own_port) {
            Self::MarkKept
        } else {
            Self::MarkGiven
        }
    }

    fn destination(self, block: &VirtualBlock, server: &RealServer) -> DestinationKey {
        let is_masqueraded = server.forwarding == ForwardingMethod::Masquerading;
        let port = match self {
            Self::Address if !is_masqueraded => block.port,
            Self::MarkKept if is_masqueraded => 0,
            _ => server.port,
        };
        DestinationKey {
            address: server.address,
            port,
        }
    }
}
