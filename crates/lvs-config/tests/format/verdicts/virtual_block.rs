//! Virtual blocks and their servers: addresses, ports, marks, checks, scheduler.

use super::{check, config, server, virtual_block};
use crate::support::read_text;
use lvs_config::Consequence;

#[test]
fn missing_and_second_addresses() {
    let a = server("a", "192.0.2.41", "");
    let twice = virtual_block(&format!("{a}{a}"));
    let nobody = "server b {\nactive = 1\n}\n";
    let zero = server("z", "0.0.0.0", "");
    let block = virtual_block("");
    check(&[
        (
            "no address",
            "virtual v {\nactive = 1\n}\n",
            "missing arguments 3",
        ),
        (
            "no address",
            "virtual v {\nactive = 1\naddress = 0.0.0.0 eth0:1\n}\n",
            "invalid host name or ip address 3",
        ),
        ("no address", &virtual_block(nobody), "leave out 4"),
        ("no address", &virtual_block(&zero), "leave out 4"),
        (
            "no address",
            "virtual v {\nserver s {\nactive = 1\n}\n}\n",
            "ok",
        ),
        (
            "no address",
            "failover f {\nactive = 1\nstart_cmd = /bin/x\nstop_cmd = /bin/y\n}\n",
            "missing arguments 5",
        ),
        (
            "one service twice",
            &format!("{block}{block}"),
            "leave out 5",
        ),
        ("one server twice", &twice, "leave out 8"),
    ]);
    assert_eq!(config(&twice).virtuals[0].servers.len(), 1);
    assert_eq!(config(&format!("{block}{block}")).virtuals.len(), 1);
    let loaded = read_text(twice.as_bytes()).expect("accepted");
    assert!(loaded.has_faults());
    // Of a block that is left out nothing else is said.
    let sorry = |last| virtual_block(&format!("sorry_server = 192.0.2.9{last}\n"));
    let loaded = read_text((sorry(1) + &sorry(2)).as_bytes()).expect("accepted");
    let severities: Vec<_> = loaded.findings.iter().map(|it| it.consequence).collect();
    assert_eq!(severities, [Consequence::LeaveOut]);
}

#[test]
fn ports() {
    let late = |port: &str, own: &str| {
        let server = server("a", "192.0.2.41", own);
        virtual_block(&format!("{server}{port}\n"))
    };
    let under = |lines: &str, network: &str| {
        let server = server("a", "192.0.2.41", "port = 8080\n");
        format!(
            "network = {network}\n{}",
            virtual_block(&format!("{lines}{server}"))
        )
    };
    check(&[
        (
            "port behind the server",
            &late("port = 443", ""),
            "invalid argument 8",
        ),
        (
            "port behind the server",
            &late("port = 443", "port = 443\n"),
            "ok",
        ),
        ("port behind the server", &late("port = 80", ""), "ok"),
        ("port behind the server", &late("port = http", ""), "ok"),
        ("port behind the server", &late("#:port = 443", ""), "ok"),
        ("port with direct routing", &under("", "direct"), "warn 8"),
        ("port with direct routing", &under("", "tunnel"), "warn 8"),
        ("port with direct routing", &under("", "nat"), "ok"),
        (
            "port with direct routing",
            &under("fwmark = 1\n", "direct"),
            "ok",
        ),
        (
            "port by name",
            &virtual_block("port = tftp\nexpect = x\nprotocol = udp\n"),
            "ok",
        ),
        (
            "port by name",
            &virtual_block("port = tftp\n"),
            "invalid argument 4",
        ),
        ("port 0", &virtual_block("port = 0\n"), "invalid argument 4"),
        ("port 0", &virtual_block("port = 0\npersistent = 1\n"), "ok"),
        (
            "port 0",
            &virtual_block("port = 0\npersistent = 1\nfwmark = 1\n"),
            "invalid argument 4",
        ),
    ]);
    let behind = config(&late("#:port = 443", "")).virtuals[0].servers[0].port;
    assert_eq!(behind, 443);
}

#[test]
fn firewall_marks() {
    let two = |second: &str| {
        let http = virtual_block("fwmark = 1\n");
        format!(
            "{http}{}",
            virtual_block(&format!("fwmark = 1\nport = 443\n{second}"))
        )
    };
    let persistent = |first: &str, second: &str| {
        let block = |lines| virtual_block(&format!("fwmark = 1\npersistent = 60\n{lines}"));
        block(first) + &block(second)
    };
    let sorry = |first: u8, second: u8| {
        let block = |last| virtual_block(&format!("fwmark = 1\nsorry_server = 192.0.2.9{last}\n"));
        block(first) + &block(second)
    };
    check(&[
        ("blocks of one mark", &two(""), "ok"),
        ("blocks of one mark", &two("scheduler = rr\n"), "warn 6"),
        ("blocks of one mark", &two("persistent = 60\n"), "warn 6"),
        ("blocks of one mark", &two("one_packet = 1\n"), "warn 6"),
        (
            "blocks of one mark",
            &two("scheduler_flags = flag-1\n"),
            "warn 6",
        ),
        ("blocks of one mark", &persistent("", ""), "ok"),
        (
            "blocks of one mark",
            &persistent("", "pmask = 255.255.255.0\n"),
            "warn 7",
        ),
        ("sorry", &sorry(1, 1), "ok"),
        ("sorry", &sorry(1, 2), "warn 7"),
        ("sorry", &two("sorry_server = 192.0.2.91\n"), "ok"),
        // The first block has none.
        (
            "sorry",
            &(virtual_block("fwmark = 1\n") + &sorry(1, 2)),
            "warn 12",
        ),
        (
            "a sorry server that another block of the mark has as a real server",
            &(virtual_block(&format!("fwmark = 1\n{}", server("a", "192.0.2.91", "")))
                + &virtual_block("fwmark = 1\nsorry_server = 192.0.2.91\n")),
            "warn 10",
        ),
        (
            "as real server of another mark it is nobody's business",
            &(virtual_block(&format!("fwmark = 2\n{}", server("a", "192.0.2.91", "")))
                + &virtual_block("fwmark = 1\nsorry_server = 192.0.2.91\n")),
            "ok",
        ),
    ]);
    assert_eq!(config(&two("")).virtuals.len(), 2);
}

#[test]
fn checks() {
    let cases = [
        ("silent udp", "protocol = udp\n", "warn 4"),
        ("silent udp", "protocol = udp\nexpect = x\n", "ok"),
        (
            "program without expect",
            "send_program = /bin/x\n",
            "warn 4",
        ),
        (
            "regular expression",
            "send_program = /bin/x\nexpect = x\nuse_regex = 1\n",
            "warn 6",
        ),
        (
            "regular expression",
            "use_regex = 1\nexpect = \"(\"\n",
            "invalid argument 5",
        ),
        (
            "regular expression",
            "use_regex = 1\nexpect = *\n",
            "invalid argument 5",
        ),
        ("regular expression", "use_regex = 1\nexpect = .*\n", "ok"),
        ("of no effect there", "start_cmd = /bin/x\n", "warn 4"),
        (
            "sorry server is a real one",
            "sorry_server = 192.0.2.41\n",
            "invalid argument 4",
        ),
        (
            "a sorry server of another family",
            "sorry_server = 2001:db8::9\n",
            "invalid argument 4",
        ),
        (
            "weight 0",
            "server w {\nactive = 1\naddress = 192.0.2.4\nweight = 0\n}\n",
            "warn 7",
        ),
    ];
    for (row, lines, expected) in cases {
        let block = virtual_block(&format!("{lines}{}", server("a", "192.0.2.41", "")));
        check(&[(row, &block, expected)]);
    }
    let long = format!("expect = \"{}\"\n", "x".repeat(255));
    check(&[("expect", &virtual_block(&long), "invalid argument 4")]);
    let regex = format!("use_regex = 1\n{long}");
    check(&[("expect", &virtual_block(&regex), "ok")]);
}

#[test]
fn any_scheduler_is_taken_and_noted_for_the_partner() {
    let loaded = read_text(virtual_block("scheduler = mh\n").as_bytes()).expect("accepted");
    let severities: Vec<_> = loaded.findings.iter().map(|f| f.consequence).collect();
    assert_eq!(severities, [Consequence::Note]);
    let too_long = virtual_block("scheduler = sixteen-bytes-xx\n");
    check(&[("length of expect", &too_long, "invalid argument 4")]);
}

#[test]
fn a_server_of_the_other_family_needs_a_tunnel() {
    let text = |network: &str| {
        let server = server("a", "2001:db8::41", "");
        format!("network = {network}\n{}", virtual_block(&server))
    };
    check(&[
        ("family", &text("direct"), "invalid argument 6"),
        ("family", &text("tunnel"), "ok"),
    ]);
}
