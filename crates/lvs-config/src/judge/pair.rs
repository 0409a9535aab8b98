//! The addresses of the two directors: among each other, and beside the addresses that move.

use std::net::IpAddr;

use lvs_model::{AddressFamily, ForwardingMethod};

use super::Judge;
use crate::finding::Reason;
use crate::keyword::{
    self, BACKUP, BACKUP_ACTIVE, BACKUP_PRIVATE, Keyword, PRIMARY, PRIMARY_PRIVATE, Place,
};
use crate::model::{Config, ServiceKind, VipMover};
use crate::position::Position;
use crate::section::Section;

/// The ends of both paths, the public one first.
const ENDS: [Keyword; 4] = [PRIMARY, BACKUP, PRIMARY_PRIVATE, BACKUP_PRIVATE];

/// Whether lvs.cf has a second director.
pub(super) fn has_partner(file: &Section) -> bool {
    let backup = file.address(BACKUP).is_some() || file.is_bad(BACKUP);
    file.is_on(BACKUP_ACTIVE) && backup
}

impl Judge<'_, '_> {
    /// Names of the directors that do not resolve. Without the public ends there is no pair; without
    /// a private one there is one path.
    pub(super) fn check_names_of_pair(&mut self, file: &Section) {
        let has_partner = has_partner(file);
        for keyword in ENDS {
            let Some(name) = file.unresolved(keyword) else {
                continue;
            };
            self.findings.set_idle(!has_partner && keyword != PRIMARY);
            if [PRIMARY_PRIVATE, BACKUP_PRIVATE].contains(&keyword) {
                self.leave_out_unresolved(file, keyword, "the second heartbeat path");
            } else {
                let what = format!("{keyword} = {name}, the host name {name} does not resolve");
                self.findings
                    .refuse(file.at(keyword), Reason::InvalidArgument, what);
            }
            self.findings.set_idle(false);
        }
    }

    /// What the addresses of the directors mean for each other and for those that move.
    pub(super) fn check_pair(&mut self, file: &Section, config: &Config) {
        let has_partner = has_partner(file);
        let ends: Vec<(Keyword, IpAddr)> = ENDS
            .into_iter()
            .filter_map(|keyword| Some((keyword, file.address(keyword)?)))
            .collect();
        // A lone director's own has to be one, too.
        let is_own = |keyword| has_partner || [PRIMARY, PRIMARY_PRIVATE].contains(&keyword);
        for &(keyword, address) in ends.iter().filter(|(keyword, _)| is_own(*keyword)) {
            if let Some(kind) = disguised(address) {
                let what = format!("{keyword} is {address}, {kind}: no interface has it");
                self.refuse_end(file, keyword, what);
            }
        }
        self.findings.set_idle(!has_partner);
        self.check_ends(file, &ends);
        self.findings.set_idle(false);
        for (keyword, address) in ends {
            if is_own(keyword) && config.heartbeat.vip != VipMover::External {
                self.check_moving(file, config, keyword, address);
            }
        }
    }

    /// Each end is an address that a partner can reach, and no two are the same.
    fn check_ends(&mut self, file: &Section, ends: &[(Keyword, IpAddr)]) {
        for (place, &(keyword, address)) in ends.iter().enumerate() {
            if let Some(kind) = unreachable(address) {
                let what = format!(
                    "{keyword} is {address}, {kind}, an address that the partner can reach expected"
                );
                self.refuse_end(file, keyword, what);
                continue;
            }
            let mut earlier = ends.iter().take(place);
            if let Some(&(other, _)) = earlier.find(|(_, it)| *it == address) {
                // A second path between the public addresses of the same machines counts as none.
                if [keyword, other] != [PRIMARY_PRIVATE, PRIMARY] && !is_no_path(ends, keyword) {
                    let what = format!("{keyword} is {address}, which is {other} too");
                    self.refuse_end(file, keyword, what);
                }
            }
        }
        let families = [PRIMARY, BACKUP].map(|end| family(ends, end));
        let private = [PRIMARY_PRIVATE, BACKUP_PRIVATE].map(|end| family(ends, end));
        for (keyword, [one, other]) in [(BACKUP, families), (BACKUP_PRIVATE, private)] {
            if one.is_some() && other.is_some() && one != other {
                let what = format!("{keyword} is of another address family than the other end");
                self.refuse_end(file, keyword, what);
            }
        }
    }

    fn refuse_end(&mut self, file: &Section, keyword: Keyword, what: String) {
        self.findings
            .refuse(file.at(keyword), Reason::InvalidHost, what);
    }

    /// An address that moves must not be a director's own: it would be taken down with the others.
    fn check_moving(&mut self, file: &Section, config: &Config, keyword: Keyword, own: IpAddr) {
        for (at, what_moves) in moving(file, config, own) {
            let what = format!(
                "{what_moves} is {own}, which is {keyword}: an address of its own expected, this \
                 one comes and goes"
            );
            self.findings.refuse(at, Reason::InvalidHost, what);
        }
    }
}

/// Where an address stands that pulse would raise.
fn moving(file: &Section, config: &Config, own: IpAddr) -> Vec<(Position, String)> {
    let is_lvs = config.service == ServiceKind::Lvs;
    let router = config.nat_router.as_ref().filter(|router| {
        let is_raised = is_lvs && config.network == ForwardingMethod::Masquerading;
        is_raised && router.address == own
    });
    let router = router.map(|_| {
        (
            file.at(keyword::NAT_ROUTER),
            keyword::NAT_ROUTER.to_string(),
        )
    });
    let place = if is_lvs {
        Place::Virtual
    } else {
        Place::Failover
    };
    let blocks = file.blocks().filter(|block| {
        let address = block.address_and_device(keyword::ADDRESS);
        block.place == place
            && block.is_on(keyword::ACTIVE)
            && address.is_some_and(|(address, _)| address == own)
    });
    let blocks = blocks.map(|block| {
        let what = format!("the address of {}", block.name);
        (block.at(keyword::ADDRESS), what)
    });
    router.into_iter().chain(blocks).collect()
}

/// Whether there is no second path because the primary's end is its public address.
fn is_no_path(ends: &[(Keyword, IpAddr)], keyword: Keyword) -> bool {
    let of = |wanted: Keyword| {
        ends.iter()
            .find(|(end, _)| *end == wanted)
            .map(|(_, it)| *it)
    };
    keyword == BACKUP_PRIVATE && of(PRIMARY).is_some() && of(PRIMARY) == of(PRIMARY_PRIVATE)
}

fn family(ends: &[(Keyword, IpAddr)], wanted: Keyword) -> Option<AddressFamily> {
    let end = ends.iter().find(|(end, _)| *end == wanted);
    end.map(|(_, address)| AddressFamily::of(address))
}

/// Why no interface has this address, whatever it looks like.
fn disguised(address: IpAddr) -> Option<&'static str> {
    let six = match address {
        IpAddr::V6(six) => six.to_ipv4_mapped(),
        IpAddr::V4(_) => None,
    };
    six.map(|_| "an IPv4 address in the form of an IPv6 one")
}

/// Why no other machine can send to this address.
fn unreachable(address: IpAddr) -> Option<&'static str> {
    match address {
        _ if address.is_loopback() => Some("a loopback address"),
        _ if address.is_multicast() => Some("a multicast address"),
        IpAddr::V4(four) if four.is_broadcast() => Some("the broadcast address"),
        IpAddr::V6(six) if six.is_unicast_link_local() => {
            Some("a link-local address, which is nothing without its interface")
        }
        _ => None,
    }
}
