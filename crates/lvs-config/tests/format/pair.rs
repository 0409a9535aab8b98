//! Addresses of the pair with which it could not work.

use lvs_config::Consequence;

use crate::support::{read_text, verdict};

const REFUSED: &str = "invalid host name or ip address";

/// A pair with these addresses, the private ones in lines 4 and 5, and more behind.
fn pair(ends: [&str; 4], more: &str) -> String {
    let [primary, backup, primary_private, backup_private] = ends;
    format!(
        "primary = {primary}\nbackup = {backup}\nbackup_active = 1\n\
         primary_private = {primary_private}\nbackup_private = {backup_private}\n{more}"
    )
}

const GOOD: [&str; 4] = ["192.0.2.1", "192.0.2.2", "198.51.100.1", "198.51.100.2"];

fn with(place: usize, address: &'static str) -> String {
    let mut ends = GOOD;
    if let Some(end) = ends.get_mut(place) {
        *end = address;
    }
    pair(ends, "")
}

#[test]
fn a_partner_must_be_able_to_reach_each_end() {
    assert_eq!(verdict(pair(GOOD, "").as_bytes()), "ok");
    for (place, line) in [(0, 1), (1, 2), (2, 4), (3, 5)] {
        for address in [
            "127.0.0.1",
            "127.0.1.1",
            "localhost",
            "::1",
            "224.0.0.18",
            "ff02::1",
            "255.255.255.255",
            "fe80::1",
            "::ffff:192.0.2.1",
        ] {
            let text = with(place, address);
            assert_eq!(
                verdict(text.as_bytes()),
                format!("{REFUSED} {line}"),
                "{text}"
            );
        }
    }
    let refusal = read_text(with(0, "localhost").as_bytes()).expect_err("refused");
    let first = refusal.first().expect("finding").to_string();
    let expected = "1:11: invalid host name or ip address: primary is 127.0.0.1, a loopback address, \
                    an address that the partner can reach expected";
    assert_eq!(first, expected);
}

/// No interface has it: pulse would wait for it for ever, with a partner or without.
#[test]
fn r_an_ipv4_address_in_the_form_of_an_ipv6_one_is_no_directors_own() {
    let alone = "primary = ::ffff:10.1.0.1\n";
    assert_eq!(verdict(alone.as_bytes()), format!("{REFUSED} 1"));
    let refusal = read_text(alone.as_bytes()).expect_err("refused");
    let said: Vec<String> = refusal.findings.iter().map(ToString::to_string).collect();
    let kind = "primary is ::ffff:10.1.0.1, an IPv4 address in the form of an IPv6 one";
    assert_eq!(said.concat().matches(kind).count(), 1, "{said:?}");
}

#[test]
fn no_two_ends_are_the_same_and_both_of_a_path_have_one_family() {
    for (place, address, expected) in [
        (1, "192.0.2.1", "2"),
        (2, "192.0.2.2", "4"),
        (3, "192.0.2.1", "5"),
        (3, "192.0.2.2", "5"),
        (3, "198.51.100.1", "5"),
        (1, "2001:db8::2", "2"),
        (3, "2001:db8::2", "5"),
    ] {
        let text = with(place, address);
        assert_eq!(
            verdict(text.as_bytes()),
            format!("{REFUSED} {expected}"),
            "{text}"
        );
    }
    // As the old page wrote it: no second path.
    let same = pair(["192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.2"], "");
    assert_eq!(verdict(same.as_bytes()), "ok");
    let other_family = pair(["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"], "");
    assert_eq!(verdict(other_family.as_bytes()), "ok");
}

#[test]
fn an_address_that_moves_is_no_directors_own() {
    for own in GOOD {
        let block = format!("virtual v {{\nactive = 1\naddress = {own} eth0:1\n}}\n");
        let virtual_block = pair(GOOD, &block);
        assert_eq!(
            verdict(virtual_block.as_bytes()),
            format!("{REFUSED} 8"),
            "{own}"
        );
        let failover = block
            .replace("virtual", "failover")
            .replace('}', "start_cmd = /x\nstop_cmd = /x\n}");
        let fos = pair(GOOD, &format!("service = fos\n{failover}"));
        assert_eq!(verdict(fos.as_bytes()), format!("{REFUSED} 9"), "{own}");
        let router = pair(GOOD, &format!("nat_router = {own} eth1:1\n"));
        assert_eq!(verdict(router.as_bytes()), format!("{REFUSED} 6"), "{own}");
        // Nothing is raised: switched off, another service's, or somebody else moves it.
        for (one, other) in [
            ("active = 1\n", "active = 0\n"),
            ("virtual v", "service = fos\nvirtual v"),
            ("virtual v", "vip = external\nvirtual v"),
        ] {
            let text = virtual_block.replace(one, other);
            assert!(read_text(text.as_bytes()).is_ok(), "{text}");
        }
        let direct = router.replace("nat_router", "network = direct\nnat_router");
        assert_eq!(verdict(direct.as_bytes()), "ok");
    }
}

#[test]
fn a_backup_that_is_off_may_have_given_its_address_away() {
    let lone = |own: &str| {
        let block = format!("virtual v {{\nactive = 1\naddress = {own} eth0:1\n}}\n");
        pair(GOOD, &block).replace("backup_active = 1", "backup_active = 0")
    };
    for (own, expected) in [
        (GOOD[0], "invalid host name or ip address 8"),
        (GOOD[1], "ok"),
        (GOOD[2], "invalid host name or ip address 8"),
        (GOOD[3], "ok"),
    ] {
        assert_eq!(verdict(lone(own).as_bytes()), expected, "{own}");
    }
}

#[test]
fn no_interface_carries_what_is_nobodys_address() {
    for (address, expected) in [
        ("224.0.0.5", "invalid host name or ip address 3"),
        ("255.255.255.255", "invalid host name or ip address 3"),
        ("ff02::1", "invalid host name or ip address 3"),
        ("::1", "invalid host name or ip address 3"),
        ("::ffff:192.0.2.1", "invalid host name or ip address 3"),
        ("fe80::50", "ok"),
        ("127.0.0.5", "ok"),
    ] {
        let text = format!("virtual v {{\nactive = 1\naddress = {address} eth0:1\n}}\n");
        assert_eq!(verdict(text.as_bytes()), expected, "{address}");
    }
}

#[test]
fn one_address_on_two_devices_or_with_two_netmasks_is_told_at_the_second() {
    let block = |kind: &str, name: &str, device: &str, more: &str| {
        format!("{kind} {name} {{\nactive = 1\naddress = 192.0.2.50 {device}\n{more}}}\n")
    };
    let said = |text: &str| {
        let loaded = read_text(text.as_bytes()).expect("accepted");
        let findings = loaded.findings.iter();
        let warnings = findings.filter(|it| it.consequence == Consequence::Warn);
        warnings.map(ToString::to_string).collect::<Vec<_>>()
    };
    let web = |device: &str, more: &str| block("virtual", "web", device, more);
    let mail =
        |device: &str, more: &str| block("virtual", "mail", device, &format!("port = 25\n{more}"));
    let mask = "vip_nmask = 255.255.255.0\n";
    let one = web("eth0:1", "");
    assert_eq!(said(&(one.clone() + &mail("eth0:2", ""))), [""; 0]);
    let host = "vip_nmask = 255.255.255.255\n";
    assert_eq!(said(&(one.clone() + &mail("eth0:1", host))), [""; 0]);
    let device = "address = 192.0.2.50 is on eth1 here and on eth0 in line 1, which counts";
    assert_eq!(
        said(&(one.clone() + &mail("eth1:1", ""))),
        [format!("7:11: warning: {device}")]
    );
    let prefix = "192.0.2.50 has the prefix length 24 here and 32 in line 1, which counts";
    assert_eq!(
        said(&(one.clone() + &mail("eth0:1", mask))),
        [format!("9:13: warning: {prefix}")]
    );
    let router = "nat_router = 192.0.2.50 eth1:1\n";
    assert_eq!(said(&format!("{router}{one}")).len(), 1);
    assert_eq!(said(&format!("network = direct\n{router}{one}")), [""; 0]);
    let external = format!("#:vip = external\n{one}{}", mail("eth1:1", mask));
    assert_eq!(said(&external), [""; 0]);
    let idle = one.clone() + &mail("eth1:1", mask).replace("active = 1", "active = 0");
    assert_eq!(said(&idle), [""; 0]);
    let commands = "start_cmd = /x\nstop_cmd = /x\n";
    let failover = |name: &str, device: &str| block("failover", name, device, commands);
    let fos = format!(
        "service = fos\n{}{}",
        failover("a", "eth0"),
        failover("b", "eth1")
    );
    assert_eq!(said(&fos).len(), 1);
}
