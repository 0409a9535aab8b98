//! One address is on one interface, with one netmask. The first place that names it decides, and a warning
//! names the blocks that say otherwise.

use std::collections::HashMap;
use std::net::IpAddr;

use lvs_model::{AddressFamily, ForwardingMethod};

use super::Judge;
use crate::keyword::{self, Keyword};
use crate::model::{Config, Device, ServiceKind, VipMover};
use crate::position::Position;
use crate::section::Section;

/// Where the address of a block, or of the NAT router, has to be.
struct Raised<'a> {
    address: IpAddr,
    device: &'a Device,
    prefix: Option<u8>,
    line: u32,
}

impl Raised<'_> {
    fn prefix(&self) -> u8 {
        self.prefix
            .unwrap_or(match AddressFamily::of(&self.address) {
                AddressFamily::Inet => 32,
                AddressFamily::Inet6 => 128,
            })
    }
}

impl Judge<'_, '_> {
    /// Blocks with one address and several interfaces or netmasks.
    pub(super) fn check_one_place(&mut self, file: &Section, config: &Config) {
        if config.heartbeat.vip == VipMover::External {
            return;
        }
        let mut first: HashMap<IpAddr, Raised<'_>> = HashMap::new();
        for raised in raised(config) {
            let Some(before) = first.get(&raised.address) else {
                first.insert(raised.address, raised);
                continue;
            };
            self.say_other_place(file, &raised, before);
        }
    }

    fn say_other_place(&mut self, file: &Section, raised: &Raised<'_>, before: &Raised<'_>) {
        let block = file.block_of_line(raised.line);
        let at = |keyword: Keyword| block.map_or(Position::default(), |block| block.at(keyword));
        let (address, line) = (raised.address, before.line);
        let (device, first) = (raised.device.interface(), before.device.interface());
        if device != first {
            let what = format!(
                "address = {address} is on {device} here and on {first} in line {line}, which counts"
            );
            self.findings.warn(at(keyword::ADDRESS), what);
        }
        let (prefix, first) = (raised.prefix(), before.prefix());
        if prefix != first {
            let keyword = match block.is_some_and(|block| block.has(keyword::VIP_NMASK)) {
                true => keyword::VIP_NMASK,
                false => keyword::ADDRESS,
            };
            let what = format!(
                "{address} has the prefix length {prefix} here and {first} in line {line}, which counts"
            );
            self.findings.warn(at(keyword), what);
        }
    }
}

/// All addresses that pulse would raise, in its order.
fn raised(config: &Config) -> Vec<Raised<'_>> {
    let is_lvs = config.service == ServiceKind::Lvs;
    let is_nat = config.network == ForwardingMethod::Masquerading;
    let router = config.nat_router.as_ref().filter(|_| is_lvs && is_nat);
    let router = router.map(|it| Raised {
        address: it.address,
        device: &it.device,
        prefix: it.prefix,
        line: it.line,
    });
    let virtuals = config.virtuals.iter().filter(|_| is_lvs);
    let virtuals = virtuals.map(|it| Raised {
        address: it.vip,
        device: &it.device,
        prefix: it.vip_prefix,
        line: it.line,
    });
    let failovers = config.failovers.iter().filter(|_| !is_lvs);
    let failovers = failovers.map(|it| Raised {
        address: it.vip,
        device: &it.device,
        prefix: it.vip_prefix,
        line: it.line,
    });
    router
        .into_iter()
        .chain(virtuals)
        .chain(failovers)
        .collect()
}
