//! Where the addresses are, for who asks, and the state of the links under the heartbeat.

use std::collections::HashSet;
use std::net::IpAddr;

use control::AddressStatus;
use heartbeat::Links as LinkReport;
use link::Assignment;
use link::plan::present;
use lvs_model::Mono;

use super::Addresses;

impl Addresses {
    /// Where each address of lvs.cf is now, and who else has it; one that `is_unused` another machine has, too.
    pub fn status(&mut self, now: Mono, is_unused: impl Fn(IpAddr) -> bool) -> Vec<AddressStatus> {
        let wanted = self.held.wanted();
        let there = self.links.addresses().and_then(|found| {
            let links = self.links.links()?;
            Ok(addresses_of(&present(&wanted, &found, &links)))
        });
        let held = addresses_of(self.held.assignments());
        let left = addresses_of(self.held.left());
        let state = |address| {
            let is_there = there.as_ref().map(|there| there.contains(&address));
            match (is_there, held.contains(&address)) {
                _ if is_unused(address) => "not used: another machine has it",
                (Err(_), _) => "unknown",
                (Ok(true), true) => "up",
                (Ok(false), true) => "missing",
                (Ok(true), false) if left.contains(&address) => "left",
                (Ok(true), false) => "stray",
                (Ok(false), false) => "down",
            }
        };
        let rivals = self.neighbours.rivals(now);
        wanted
            .into_iter()
            .map(|it| AddressStatus {
                address: it.address.to_string(),
                prefix: it.prefix,
                state: state(it.address).into(),
                device: it.interface,
                label: it.label,
                rivals: rivals.get(&it.address).cloned().unwrap_or_default(),
            })
            .collect()
    }

    /// State of the links under two addresses; one that no interface has counts as up.
    pub fn report(&mut self, public: IpAddr, private: IpAddr) -> LinkReport {
        let mut up = |address| match self.links.link_of(address) {
            Ok(link) => link.is_none_or(|link| link.running),
            Err(_) => true,
        };
        LinkReport {
            public_up: up(public),
            private_up: up(private),
        }
    }
}

fn addresses_of(assignments: &[Assignment]) -> HashSet<IpAddr> {
    assignments.iter().map(|it| it.address).collect()
}
