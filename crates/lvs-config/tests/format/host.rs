//! What the kernel or the checks' user always refuses, told before it is tried.

use std::net::IpAddr;

use lvs_config::{Consequence, Lookup, SchedulerAnswer, read};
use lvs_model::{Account, Protocol, SchedulerName};

use crate::support::verdict;

/// A machine with one more scheduler than Linux has, and one program that its user may run.
struct Machine {
    has_ipvs: bool,
}

impl Lookup for Machine {
    fn host(&mut self, _: &str) -> Option<IpAddr> {
        None
    }

    fn service(&mut self, _: &str, _: Protocol) -> Option<u16> {
        None
    }

    fn user(&mut self, name: &str) -> Option<Account> {
        Some(Account {
            name: name.to_owned(),
            uid: 500,
            gid: 500,
            home: "/".into(),
        })
    }

    fn check_expression(&mut self, _: &[u8]) -> Result<(), String> {
        Ok(())
    }

    fn scheduler(&mut self, name: &SchedulerName) -> SchedulerAnswer {
        match (self.has_ipvs, name.as_str()) {
            (false, _) => SchedulerAnswer::NoIpvs,
            (true, "ours") => SchedulerAnswer::Known,
            _ => SchedulerAnswer::Unknown,
        }
    }

    fn trust_fault(&mut self, program: &[u8]) -> Option<String> {
        (!program.starts_with(b"/good")).then(|| "anybody may change /x".to_owned())
    }

    fn root_program_fault(&mut self, command: &[u8]) -> Option<String> {
        command
            .starts_with(b"/good/none")
            .then(|| "no such file".to_owned())
    }

    fn program_fault(&mut self, command: &[u8], user: Option<&Account>) -> Option<String> {
        let good: &[u8] = if user.is_some() { b"/own" } else { b"/good" };
        (!command.starts_with(good)).then(|| "no such file".to_owned())
    }
}

#[test]
fn a_program_that_root_runs_and_others_may_change_is_refused() {
    let said = |text: &str| match read(text.as_bytes(), &mut Machine { has_ipvs: true }) {
        Ok(_) => String::new(),
        Err(refusal) => refusal.to_string(),
    };
    let fault = "invalid argument: ipvsadm: anybody may change /x, a program that only root can \
                 change expected";
    assert_eq!(said("ipvsadm = /x\n"), format!("1:11: {fault}"));
    assert_eq!(said("ipvsadm = /good\n"), "");
    assert_eq!(said("rsh_command = /x\n"), "");
    assert!(
        said("copy_config = 1\nrsh_command = /x\n").starts_with("2:15: invalid argument: rsh_")
    );
    // Found in root's own PATH.
    assert_eq!(said("copy_config = 1\nrsh_command = ssh\n"), "");
}

#[test]
fn every_program_that_root_is_to_run_and_cannot_is_a_warning_at_its_place() {
    let said = |text: &str| {
        let loaded = read(text.as_bytes(), &mut Machine { has_ipvs: true }).expect("accepted");
        let findings = loaded.findings.iter();
        let findings = findings.filter(|it| it.consequence != Consequence::Note);
        findings.map(ToString::to_string).collect::<Vec<_>>()
    };
    for keyword in ["active_cmd", "inactive_cmd", "send_arp", "ipvsadm"] {
        let column = keyword.len() + 4;
        let expected = format!("1:{column}: warning: {keyword} = /good/none: no such file");
        assert_eq!(said(&format!("{keyword} = /good/none\n")), [expected]);
        assert_eq!(said(&format!("{keyword} = /good/there\n")), [""; 0]);
    }
    let copied = "copy_config = 1\nrsh_command = /good/none\n";
    assert!(said(copied)[0].starts_with("2:15: warning: rsh_command = "));
    assert_eq!(said("rsh_command = /good/none\n"), [""; 0]);
    let fos = "service = fos\nfailover web {\nactive = 1\naddress = 192.0.2.1 eth0\n\
               start_cmd = \"/good/none start\"\nstop_cmd = \"/good/none stop\"\n}\n";
    assert_eq!(
        said(fos),
        [
            "5:13: warning: start_cmd = /good/none start: no such file",
            "6:12: warning: stop_cmd = /good/none stop: no such file"
        ]
    );
    assert_eq!(said("service = fos\nactive_cmd = /good/none\n"), [""; 0]);
    let idle = fos.replace("active = 1", "active = 0");
    assert_eq!(said(&idle), [""; 0]);
}

/// The findings about a block with these lines, from line 4 on, without notes.
fn said(lines: &str, has_ipvs: bool) -> Vec<String> {
    let text = format!("virtual v {{\nactive = 1\naddress = 192.0.2.1 eth0\n{lines}}}\n");
    let loaded = read(text.as_bytes(), &mut Machine { has_ipvs }).expect("accepted");
    let findings = loaded.findings.iter();
    findings
        .filter(|it| it.consequence != Consequence::Note)
        .map(ToString::to_string)
        .collect()
}

#[test]
fn a_scheduler_that_the_kernel_does_not_have_is_an_error_and_the_one_meant_is_named() {
    for known in ["rr", "wlc", "mh", "fo", "twos", "ours"] {
        assert_eq!(said(&format!("scheduler = {known}\n"), true), [""; 0]);
    }
    assert_eq!(
        said("scheduler = WLC\n", true),
        ["4:13: error: scheduler = WLC, this kernel has no such scheduler, did you mean wlc?"]
    );
    for unknown in ["loadbalance", "pcc", "ftp", "pe_sip"] {
        let said = said(&format!("scheduler = {unknown}\n"), true);
        assert!(said[0].starts_with("4:13: error: scheduler = "), "{said:?}");
        assert!(said[0].ends_with("ovf, twos expected"), "{said:?}");
    }
    let said = said("scheduler = pcc\n", false);
    assert!(
        said[0].starts_with("4:13: warning: scheduler = pcc, "),
        "{said:?}"
    );
}

#[test]
fn a_program_that_the_checks_user_cannot_run_is_a_warning() {
    assert_eq!(said("send_program = /good\nexpect = x\n", true), [""; 0]);
    assert_eq!(
        said("send_program = \"/bad %h\"\nexpect = x\n", true),
        ["4:16: warning: send_program = /bad %h: no such file"]
    );
    let own = "send_program = /own\nexpect = x\n}\ncheck_user = checker\nvirtual w {\n";
    assert_eq!(said(own, true), [""; 0]);
    let server = "server s {\nactive = 1\naddress = 192.0.2.4\nweight = 9\n}\n";
    let load = |word: &str| said(&format!("load_monitor = {word}\n{server}"), true);
    assert_eq!(
        load("/bad"),
        ["4:16: warning: load_monitor = /bad: no such file"]
    );
    for none in ["/good", "none", "uptime", "rup", "ruptime"] {
        assert_eq!(load(none), [""; 0], "{none}");
    }
}

#[test]
fn a_destination_that_no_kernel_takes_is_an_error() {
    let server = |address: &str| {
        let vip = if address.contains(':') {
            "2001:db8::1"
        } else {
            "192.0.2.1"
        };
        format!(
            "virtual v {{\nactive = 1\naddress = {vip} eth0\nserver s {{\nactive = 1\n\
             address = {address}\n}}\n}}\n"
        )
    };
    let sorry = |address: &str| {
        server(address)
            .replace("server s {\nactive = 1\naddress", "sorry_server")
            .replacen("}\n", "", 1)
    };
    for (address, expected) in [
        ("224.0.0.5", "error"),
        ("239.1.2.3", "error"),
        ("255.255.255.255", "error"),
        ("ff02::1", "error"),
        ("fe80::5", "error"),
        ("::ffff:192.0.2.9", "error"),
        ("127.0.0.1", "ok"),
        ("240.0.0.1", "ok"),
        ("::1", "ok"),
        ("fec0::1", "ok"),
        ("2001:db8::9", "ok"),
    ] {
        let at = |line| match expected {
            "ok" => "ok".to_owned(),
            _ => format!("{expected} {line}"),
        };
        assert_eq!(verdict(server(address).as_bytes()), at(6), "{address}");
        assert_eq!(
            verdict(sorry(address).as_bytes()),
            at(4),
            "{}",
            sorry(address)
        );
    }
    // No address at all leaves the server out.
    for none in ["0.0.0.0", "::"] {
        assert_eq!(verdict(server(none).as_bytes()), "leave out 4", "{none}");
    }
}

#[test]
fn one_packet_needs_udp_and_another_method_than_nat() {
    let server = |more: &str| format!("server s {{\nactive = 1\naddress = 192.0.2.4\n{more}}}\n");
    let block = |network: &str, lines: &str| {
        format!(
            "network = {network}\nvirtual v {{\nactive = 1\naddress = 192.0.2.1 eth0\n\
             one_packet = 1\nexpect = x\n{lines}}}\n"
        )
    };
    let udp = |more: &str| format!("protocol = udp\n{}", server(more));
    for (text, expected) in [
        (block("direct", &server("")), "warn 5"),
        (block("direct", "protocol = sctp\n"), "warn 5"),
        (block("nat", &udp("")), "warn 5"),
        (block("direct", &udp("")), "ok"),
        (block("tunnel", &udp("")), "ok"),
        (block("direct", &udp("forward = nat\n")), "warn 5"),
        (block("nat", &udp("forward = direct\n")), "ok"),
        (block("nat", "protocol = udp\n"), "warn 5"),
        (
            block(
                "nat",
                &(udp("forward = direct\n") + "sorry_server = 192.0.2.9\n"),
            ),
            "warn 5",
        ),
        // The protocol of a mark is that of its check.
        (
            block("direct", &("fwmark = 1\n".to_owned() + &server(""))),
            "ok",
        ),
        (
            block("nat", &("fwmark = 1\n".to_owned() + &server(""))),
            "warn 5",
        ),
        (
            block("nat", &udp("")).replace("one_packet = 1", "one_packet = 0"),
            "ok",
        ),
    ] {
        assert_eq!(verdict(text.as_bytes()), expected, "{text}");
    }
}

#[test]
fn a_weight_that_no_load_can_change_is_noted() {
    let noted = |monitor: &str, weight: &str| {
        let text = format!(
            "virtual v {{\nactive = 1\naddress = 192.0.2.1 eth0\nload_monitor = {monitor}\n\
             server s {{\nactive = 1\naddress = 192.0.2.4\n{weight}}}\n}}\n"
        );
        let loaded = read(text.as_bytes(), &mut Machine { has_ipvs: true }).expect("accepted");
        let mut findings = loaded.findings.iter();
        findings.any(|it| it.position.line == 4 && it.what.contains("load_monitor cannot change"))
    };
    assert!(noted("uptime", ""));
    assert!(noted("ruptime", "weight = 1\n"));
    assert!(!noted("uptime", "weight = 2\n"));
    assert!(!noted("none", ""));
}

#[test]
fn a_server_that_is_its_own_service_is_told_that_its_check_goes_round() {
    let block = |more: &str, port: &str| {
        format!(
            "virtual v {{\nactive = 1\naddress = 192.0.2.1 eth0\n{more}server s {{\nactive = 1\n\
             address = 192.0.2.1\n{port}}}\n}}\n"
        )
    };
    assert_eq!(verdict(block("", "").as_bytes()), "warn 6");
    assert_eq!(verdict(block("", "port = 80\n").as_bytes()), "warn 6");
    assert_eq!(verdict(block("", "port = 8080\n").as_bytes()), "ok");
    assert_eq!(verdict(block("fwmark = 1\n", "").as_bytes()), "ok");
}
