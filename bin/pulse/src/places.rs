//! What is said of the devices of the addresses that move, with the block of lvs.cf that names them.

use std::net::IpAddr;

use link::{Links, TroubleNews};
use lvs_config::{Config, ServiceKind};
use lvs_model::ForwardingMethod;

use crate::setup;

/// A line for each device that no announcement leaves. Elsewhere than on a director only `lo` is known for that.
pub fn unannounced(config: &Config, is_here: bool) -> Vec<String> {
    let links = is_here.then(|| Links::open().and_then(|mut links| links.links()));
    let links = links.and_then(Result::ok).unwrap_or_default();
    let found = link::unannounced::unannounced(&setup::addresses(config), &links);
    let lines = found.iter().map(|it| line(config, &it.addresses, it));
    lines.collect()
}

/// Says so.
pub fn say_unannounced(config: &Config) {
    for line in unannounced(config, true) {
        log::warn!("{line}");
    }
}

/// Why a director that serves does not take `config`.
pub fn refused(config: &Config, troubles: &[TroubleNews]) -> Vec<String> {
    let lines = troubles.iter().map(|it| line(config, &it.addresses, it));
    lines
        .map(|line| format!("{line}; nothing is changed"))
        .collect()
}

fn line(config: &Config, addresses: &[IpAddr], what: impl std::fmt::Display) -> String {
    match addresses.first().and_then(|first| place(config, *first)) {
        Some(place) => format!("{place}: {what}"),
        None => what.to_string(),
    }
}

/// Where lvs.cf says on which device the address is to be: the first one counts.
fn place(config: &Config, address: IpAddr) -> Option<String> {
    match config.service {
        ServiceKind::Lvs => {
            let is_used = config.network == ForwardingMethod::Masquerading;
            let router = config.nat_router.as_ref().filter(|_| is_used);
            let router = router.filter(|router| router.address == address);
            let router = router.map(|router| format!("nat_router of line {}", router.line));
            router.or_else(|| {
                let block = config.virtuals.iter().find(|block| block.vip == address)?;
                Some(format!("virtual {} of line {}", block.name, block.line))
            })
        }
        ServiceKind::Fos => {
            let block = config.failovers.iter().find(|block| block.vip == address)?;
            Some(format!("failover {} of line {}", block.name, block.line))
        }
    }
}

#[cfg(test)]
mod tests {
    use link::Fault;
    use testkit::Place;

    use super::*;

    #[test]
    fn each_address_has_the_block_that_puts_it_where_it_is() {
        let text = "primary = 10.1.0.1\nbackup = 10.1.0.2\nbackup_active = 1\nnetwork = nat\n\
             nat_router = 10.2.0.254 lo:1\nnat_nmask = 255.255.255.0\n\
             virtual a {\n active = 1\n address = 10.1.0.50 lo:1\n port = 80\n}\n\
             failover b {\n active = 1\n address = 10.1.0.50 lo:1\n port = 80\n \
             start_cmd = \"/bin/true\"\n stop_cmd = \"/bin/true\"\n}\n";
        let place = Place::new("places");
        let read = |text: &str| config_file::read(&place.file(text)).unwrap().loaded.config;
        let config = read(text);
        let lines = unannounced(&config, false);
        // Both are on one device: the first one is named.
        let line = "nat_router of line 5: address 10.2.0.254, 10.1.0.50 on lo: no announcement";
        assert!(lines.len() == 1 && lines[0].starts_with(line), "{lines:?}");
        let news = TroubleNews {
            addresses: vec!["10.1.0.50".parse().unwrap()],
            device: "eth9".into(),
            what: Some(Fault::NoDevice),
        };
        let said = "address 10.1.0.50: there is no device eth9; nothing is changed";
        let refused = |config: &Config| refused(config, std::slice::from_ref(&news));
        assert_eq!(refused(&config), [format!("virtual a of line 7: {said}")]);
        let config = read(&format!("service = fos\n{text}"));
        assert_eq!(refused(&config), [format!("failover b of line 13: {said}")]);
    }
}
