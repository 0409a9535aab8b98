//! The lines of pulse's control socket as they are, and that they come back.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::pulse::*;
use crate::request::*;

/// A report with everything in it.
pub fn full() -> PulseReport {
    PulseReport {
        pulse: PulseStatus {
            pid: 812,
            role: "primary".into(),
            service: "lvs".into(),
            phase: "active".into(),
            age: 12.5,
            holding: true,
            fit: false,
            unfit: vec!["address 10.1.0.50: device eth1 is down".into()],
            impaired: Vec::new(),
            orders: vec!["freeze".into()],
            term: 7,
            partner: Some(PartnerStatus {
                alive: true,
                says: Some("stopped".into()),
                state: Some("standby".into()),
                fit: Some(true),
                unserved: Some(0),
                orders: Some(Vec::new()),
                content: "85944171f73967e8".into(),
                same_content: Some(true),
            }),
            partner_switched_off: false,
            signatures: SignatureStatus {
                mode: "require".into(),
                partner: Some("version 2".into()),
                accepted: Some(90),
                refused: BTreeMap::from([("replayed".into(), 3)]),
            },
            file: "/etc/lvs.cf".into(),
            serial_no: 12,
            content: "85944171f73967e8".into(),
            faults: vec!["lvs.cf:9:1: left out: virtual b".into()],
            reload_failed: true,
            reload_failure: vec!["lvs.cf:2:1: unknown command \"x\"".into()],
            child: ChildStatus {
                program: "lvsd".into(),
                state: "serving".into(),
                pid: Some(813),
                failure: Vec::new(),
            },
            sync_daemon: Some(SyncStatus {
                interface: "eth0".into(),
                id: 0,
                role: "master".into(),
                state: "runs".into(),
            }),
            last_order: Some(OrderStatus {
                order: "failover".into(),
                age: 3.0,
                outcome: "failed".into(),
                text: "failover: the partner is silent: this director stays active".into(),
            }),
        },
        paths: vec![PathStatus {
            path: "public".into(),
            own: "10.1.0.1:539".into(),
            own_present: true,
            partner: Some("10.1.0.2:539".into()),
            age: Some(0.25),
            send_failure: None,
        }],
        addresses: vec![AddressStatus {
            address: "10.1.0.50".into(),
            prefix: 24,
            device: "eth0".into(),
            label: "eth0:1".into(),
            state: "up".into(),
            rivals: vec!["02:00:00:00:00:01".into()],
        }],
        transitions: vec![TransitionStatus {
            age: 12.5,
            from: "standby".into(),
            to: "starting".into(),
            reason: "the partner is silent".into(),
            silence: Some("no heartbeat for 1.500 s on the public path".into()),
        }],
        lvsd: None,
        services: Vec::new(),
    }
}

/// What a lone director that has just begun has to say.
fn bare() -> PulseReport {
    let mut report = PulseReport::default();
    report.pulse.role = "primary".into();
    report.addresses.push(AddressStatus::default());
    report.paths.push(PathStatus::default());
    report
}

#[test]
fn a_report_is_one_line_for_each_of_its_parts_and_comes_back() {
    let text = full().encode();
    let kinds: Vec<&str> = text.lines().filter_map(|l| l.split('"').nth(3)).collect();
    assert_eq!(kinds, ["pulse", "path", "address", "transition"]);
    assert!(text.starts_with(
        r#"{"kind":"pulse","pid":812,"role":"primary","service":"lvs","phase":"active","age":12.5,"holding":true,"fit":false,"unfit":["address 10.1.0.50: device eth1 is down"],"orders":["freeze"],"term":7,"partner":{"alive":true,"says":"stopped""#
    ), "{text}");
    assert_eq!(PulseReport::decode(&text), Some(full()));
    let mut served = full();
    served.lvsd = Some(crate::LvsdSummary::default());
    served.services.push(crate::ServiceSummary::default());
    let text = served.encode();
    assert!(!text.contains("null"), "{text}");
    assert_eq!(PulseReport::decode(&text), Some(served));
    let bare = bare();
    let text = bare.encode();
    assert!(!text.contains("null"), "{text}");
    assert_eq!(PulseReport::decode(&text), Some(bare));
}

#[test]
fn what_a_later_pulse_adds_is_passed_over() {
    let text = full().encode().replacen('{', r#"{"colour":"red","#, 1);
    let text = text + "{\"kind\":\"weather\",\"rain\":true}\n";
    assert_eq!(PulseReport::decode(&text), Some(full()));
    assert_eq!(PulseReport::decode(""), None);
    assert_eq!(PulseReport::decode("lvsd"), None);
}

#[test]
fn a_request_is_one_line_and_nothing_else_is_taken_for_one() {
    let asked = |line: &str| Request::decode(line.as_bytes()).map_err(|error| error.to_string());
    assert_eq!(Request::Status.to_string(), r#"{"ask":"status"}"#);
    for line in ["", " ", r#"{"ask":"status"}"#] {
        assert_eq!(asked(line), Ok(Request::Status), "{line}");
    }
    for order in PulseOrder::ALL {
        let request = Request::Order { order };
        let line = format!(r#"{{"ask":"order","order":"{order}"}}"#);
        assert_eq!(request.to_string(), line);
        assert_eq!(asked(&line), Ok(request));
        assert_eq!(order.words().parse(), Ok(order));
    }
    for line in [
        "status",
        r#"{"ask":"order"}"#,
        r#"{"ask":"order","order":"standby"}"#,
        r#"{"ask":"reboot"}"#,
        "\u{0}",
        r#"["ask"]"#,
    ] {
        let error = asked(line).unwrap_err();
        assert!(error.starts_with("not understood: "), "{error}");
    }
    assert_eq!(
        "stanby".parse::<PulseOrder>().unwrap_err().to_string(),
        "no order \"stanby\"; there are: failover, standby on, standby off, freeze on, freeze off, reload"
    );
}

#[test]
fn an_order_is_answered_by_one_line() {
    let done = PulseLine::Done {
        text: "standby on".into(),
        findings: Vec::new(),
    };
    assert_eq!(
        done.encode(),
        "{\"kind\":\"done\",\"text\":\"standby on\"}\n"
    );
    let with_findings = PulseLine::Done {
        text: "read".into(),
        findings: vec!["lvs.cf:9:1: left out".into()],
    };
    let line = with_findings.encode();
    assert!(
        line.ends_with(",\"findings\":[\"lvs.cf:9:1: left out\"]}\n"),
        "{line}"
    );
    assert_eq!(PulseLine::decode(&line), Some(with_findings));
    let refused = PulseLine::Refused {
        reasons: vec!["there is no partner".into()],
    };
    let line = "{\"kind\":\"refused\",\"reasons\":[\"there is no partner\"]}\n";
    assert_eq!(refused.encode(), line);
    assert_eq!(PulseLine::decode(line), Some(refused));
}

#[test]
fn times_have_milliseconds() {
    assert_eq!(seconds(Duration::from_micros(1_500_400)), 1.5);
    assert_eq!(seconds(Duration::from_micros(1_500_600)), 1.501);
}

/// As the fuzz target does, over damaged reports.
#[test]
fn damaged_lines_are_refused_or_read_but_never_panic() {
    let text = full().encode() + &Request::Status.to_string();
    let mut state = 1_u64;
    let mut below = |bound: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % bound
    };
    for _ in 0..20_000 {
        let mut bytes = text.clone().into_bytes();
        for _ in 0..=below(3) {
            let at = below(bytes.len());
            bytes[at] = b"{}[]\",:e9-\\\x00u"[below(13)];
        }
        let damaged = String::from_utf8_lossy(&bytes);
        if let Some(report) = PulseReport::decode(&damaged) {
            assert!(PulseReport::decode(&report.encode()).is_some(), "{damaged}");
            assert!(report.screen().lines().count() > 5);
        }
        let _refused_or_not = Request::decode(&bytes);
    }
}
