//! What is said of the addresses in the log.

use std::collections::BTreeMap;

use link::{Assignment, Change, LinkError, Outcome};

/// Says what came of changes, or why there is nothing to say.
pub fn report(result: Result<Vec<Outcome>, LinkError>) {
    match result {
        Ok(done) => say(&done),
        Err(error) => log::error!("addresses: {error}"),
    }
}

/// Says what the kernel did, a line each.
pub fn say(outcomes: &[Outcome]) {
    for (change, result) in outcomes {
        let (what, address) = match change {
            Change::Add(address) => ("up", address),
            Change::Remove(address) => ("down", address),
            Change::Promote(..) => {
                if let Err(errno) = result {
                    let reason = errno.desc();
                    log::error!("other addresses of a subnet may have gone: {reason}");
                }
                continue;
            }
        };
        let label = address.label.clone();
        let label = label.unwrap_or_else(|| name_of(address.interface));
        let (ip, prefix) = (address.address, address.prefix);
        match result {
            Ok(()) => log::info!("address {ip}/{prefix} {label} {what}"),
            Err(errno) => log::error!("address {ip}/{prefix} {label} not {what}: {}", errno.desc()),
        }
    }
}

/// An IPv6 address has no label: the name of its interface, or its number if that is gone.
fn name_of(interface: u32) -> String {
    let name = nix::net::if_::if_indextoname(interface);
    let name = name.ok().and_then(|name| name.into_string().ok());
    // Empty where there is none.
    let name = name.filter(|name| !name.is_empty());
    name.unwrap_or_else(|| format!("interface {interface}"))
}

/// Addresses that are there no longer, a line for each device.
pub fn gone(missing: &[Assignment]) -> Vec<String> {
    let lines = by_device(missing).into_iter();
    let line = |(device, who, verb)| format!("{who} {verb} gone from {device}");
    lines.map(line).collect()
}

/// Addresses that could not be taken down, a line for each device.
pub fn still_there(left: &[Assignment], why: &str) -> Vec<String> {
    let lines = by_device(left).into_iter();
    let line = |(device, who, verb)| {
        format!("{who} {verb} still on {device}, not down: {why}: tried again every second")
    };
    lines.map(line).collect()
}

/// Each device with its addresses, and their verb.
fn by_device(all: &[Assignment]) -> Vec<(&str, String, &'static str)> {
    let mut devices: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for it in all {
        let addresses = devices.entry(&it.interface).or_default();
        addresses.push(it.address.to_string());
    }
    let named = |(device, addresses): (_, Vec<String>)| match addresses.as_slice() {
        [one] => (device, format!("address {one}"), "is"),
        all => (device, format!("addresses {}", all.join(" ")), "are"),
    };
    devices.into_iter().map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_without_a_label_is_named() {
        let index = nix::net::if_::if_nametoindex("lo").unwrap();
        assert_eq!(name_of(index), "lo");
        assert_eq!(name_of(4_000_000), "interface 4000000");
    }

    #[test]
    fn what_is_gone_is_named_with_its_device() {
        let missing = |(address, device): (&str, &str)| Assignment {
            address: address.parse().unwrap(),
            prefix: 24,
            interface: device.to_owned(),
            label: format!("{device}:1"),
        };
        let all = [
            ("10.1.0.50", "eth0"),
            ("10.2.0.50", "eth1"),
            ("2001:db8::50", "eth0"),
        ];
        let expected = [
            "addresses 10.1.0.50 2001:db8::50 are gone from eth0",
            "address 10.2.0.50 is gone from eth1",
        ];
        assert_eq!(gone(&all.map(missing)), expected);
        let expected = [
            "addresses 10.1.0.50 2001:db8::50 are still on eth0, not down: no: tried again every second",
            "address 10.2.0.50 is still on eth1, not down: no: tried again every second",
        ];
        assert_eq!(still_there(&all.map(missing), "no"), expected);
    }
}
