//! The table row by row, and its document.

use crate::transitions::{Event, Facts, Phase, TABLE, Verdict, decide};

#[test]
fn every_row_of_the_table_can_be_reached() {
    for (number, row) in TABLE.iter().enumerate() {
        let reached = (0..=u16::MAX).any(|bits| {
            let bit = |n: u16| bits >> n & 1 == 1;
            let facts = Facts {
                primary: bit(0),
                outranked: bit(6),
                partner_ready: bit(7),
                fos: bit(1),
                fit: bit(2),
                prompt: bit(3),
                partner_capable: bit(4),
                leaving: bit(5),
                wants_control: bit(8),
                able: bit(9),
                warm: bit(10),
                partner_serves: bit(11),
                better: bit(12),
                willing: bit(13),
                partner_takes: bit(14),
                partner_better: bit(15),
            };
            let fits = |r: &&crate::transitions::Row| {
                r.event == row.event && r.phases.contains(&row.phases[0]) && r.when.holds(facts)
            };
            TABLE.iter().position(|r| fits(&r)) == Some(number)
        });
        assert!(reached, "row {number} is hidden by another: {row:?}");
    }
}

#[test]
fn verdicts_are_those_of_the_rules() {
    let facts = Facts {
        primary: true,
        fos: false,
        fit: true,
        prompt: true,
        outranked: false,
        partner_capable: true,
        partner_ready: false,
        wants_control: false,
        leaving: false,
        able: true,
        better: false,
        willing: true,
        partner_takes: true,
        partner_better: true,
        warm: false,
        partner_serves: false,
    };
    let backup = Facts {
        primary: false,
        outranked: true,
        ..facts
    };
    let unfit = Facts {
        fit: false,
        able: false,
        ..facts
    };
    let fos = Facts { fos: true, ..facts };
    let alone = Facts {
        partner_capable: false,
        partner_takes: false,
        partner_better: false,
        ..facts
    };
    for (phase, event, facts, verdict) in [
        (Phase::Standby, Event::HeardRunning, facts, Verdict::Stay),
        (
            Phase::Standby,
            Event::HeardStopped,
            facts,
            Verdict::TakeOver,
        ),
        (Phase::Standby, Event::HeardStopped, unfit, Verdict::Stay),
        (Phase::Standby, Event::PartnerSilent, unfit, Verdict::Stay),
        (Phase::Active, Event::HeardStopped, facts, Verdict::Stay),
        (Phase::Active, Event::HeardRunning, facts, Verdict::Reassert),
        (Phase::Active, Event::HeardRunning, backup, Verdict::Yield),
        (Phase::Active, Event::HeardStopMe, facts, Verdict::Stay),
        (Phase::Active, Event::HeardStopMe, fos, Verdict::GiveUp),
        (Phase::Active, Event::ServiceUnfit, facts, Verdict::GiveUp),
        (
            Phase::Active,
            Event::ServiceUnfit,
            alone,
            Verdict::RestartServiceLater,
        ),
        (Phase::Active, Event::LinksLost, alone, Verdict::Stay),
        (Phase::Releasing, Event::HeardRunning, backup, Verdict::Stay),
        (Phase::Gone, Event::PartnerSilent, facts, Verdict::Stay),
    ] {
        assert_eq!(decide(phase, event, facts), verdict, "{phase:?} {event:?}");
    }
}

#[test]
fn the_documented_states_are_the_phases_in_their_order() {
    let document = include_str!("../../../../docs/internals/heartbeat.md");
    let (_, states) = document.split_once("## States").unwrap();
    let (states, _) = states.split_once("## Transitions").unwrap();
    let rows = states.lines().filter_map(|line| line.strip_prefix("| "));
    let names = rows.map(|row| row.split([' ', ':']).next().unwrap());
    let names: Vec<&str> = names.skip(1).collect();
    let phases = [
        Phase::Standby,
        Phase::Starting,
        Phase::Active,
        Phase::HandingOver,
        Phase::Releasing,
        Phase::Gone,
    ];
    let firsts = phases.map(|phase| phase.name().split('-').next().unwrap());
    assert_eq!(names, firsts);
}
