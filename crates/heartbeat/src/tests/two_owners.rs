//! The partner is active, too, and neither yields: an original of our own role, or one that cannot hear us.

use crate::datagram::Value;
use crate::model::{Action, Input};
use crate::transitions::Phase;

use super::{Bench, at, notices};

const LINE: &str = "two owners: 10.1.0.2 stays active beside this director: it does not hear this one, or the two \
                    lvs.cf do not name the same primary; stop pulse on one of the two";

fn is_about_it(line: &&String) -> bool {
    line.starts_with("two owners") || line.starts_with("one owner")
}

/// What is said of it from `from` on, while the partner says `value` every two seconds, up to `to`.
fn hear(bench: &mut Bench, from: u32, to: u32, value: Value) -> Vec<(u32, String)> {
    let mut said = Vec::new();
    for second in from..to {
        let mut out = bench.put(second.into(), Input::Tick);
        if second % 2 == 0 {
            out.extend(bench.hear(second.into(), value));
        }
        let lines: Vec<String> = notices(&out);
        said.extend(
            lines
                .iter()
                .filter(is_about_it)
                .map(|line| (second, line.clone())),
        );
    }
    said
}

fn active() -> Bench {
    let mut bench = Bench::primary();
    bench.make_active();
    bench
}

fn shown(bench: &Bench, second: u32) -> Option<String> {
    let view = bench.node.view(at(second.into()));
    view.two_owners.map(|it| it.to_string())
}

/// D is 5 s and K 2 s.
#[test]
fn r_a_partner_that_stays_active_beside_this_one_is_an_error_once_and_in_the_status() {
    let mut bench = active();
    let said = hear(&mut bench, 10, 100, Value::Running);
    assert_eq!(said, [(17, LINE.to_owned())]);
    assert_eq!(bench.node.phase(), Phase::Active);
    assert_eq!(shown(&bench, 100).as_deref(), Some(LINE));
    let over = "one owner again: the partner says that it is not active";
    let said = hear(&mut bench, 100, 200, Value::Stopped);
    assert_eq!(said, [(100, over.to_owned())]);
    assert_eq!(shown(&bench, 200), None);
    // The next time is another one.
    let said = hear(&mut bench, 200, 300, Value::Running);
    assert_eq!(said, [(207, LINE.to_owned())]);
}

#[test]
fn a_partner_that_yields_in_time_or_falls_silent_is_no_second_owner() {
    let mut bench = active();
    assert_eq!(hear(&mut bench, 10, 16, Value::Running), []);
    assert_eq!(hear(&mut bench, 16, 30, Value::Stopped), []);
    assert_eq!(hear(&mut bench, 30, 32, Value::Running), []);
    // Silence for D: whatever it was, it is not heard any more.
    for second in 32..50 {
        let out = bench.put(second.into(), Input::Tick);
        assert_eq!(notices(&out).iter().find(is_about_it), None, "{second}");
    }
    assert_eq!(shown(&bench, 50), None);
    assert_eq!(hear(&mut bench, 50, 56, Value::Running), []);
}

#[test]
fn an_owner_that_stops_has_no_second_one() {
    let mut bench = active();
    hear(&mut bench, 10, 30, Value::Running);
    let out = bench.put(30.0, Input::Stop { signal: 15 });
    assert!(out.contains(&Action::StopService), "{out:?}");
    assert_eq!(shown(&bench, 30), None);
    assert_eq!(hear(&mut bench, 31, 40, Value::Running), []);
}

const RESENDING: &str = "partner active: resending arps";

/// When the line is said while the partner says `value` twice a second, and the longest time without an
/// announcement.
fn conflict(bench: &mut Bench, from: u32, to: u32) -> (Vec<f64>, f64) {
    let (mut said, mut last, mut longest) = (Vec::new(), f64::from(from), 0.0_f64);
    for half in from * 2..to * 2 {
        let now = f64::from(half) / 2.0;
        let mut out: Vec<Action> = bench.run_to(now).into_iter().map(|(_, it)| it).collect();
        out.extend(bench.hear(now, Value::Running));
        if notices(&out).contains(&RESENDING.to_owned()) {
            said.push(now);
            let hooks = out.iter().filter(|it| matches!(it, Action::RunHook(_)));
            assert_eq!(hooks.count(), 1, "{now}");
        }
        if out.contains(&Action::Announce) {
            longest = longest.max(now - last);
            last = now;
        }
    }
    (said, longest)
}

/// Who announced last has the clients: that goes on, and the log does not repeat itself each second.
#[test]
fn r_a_conflict_that_lasts_is_said_with_growing_pauses_and_announced_all_the_same() {
    let mut bench = active();
    let (said, longest) = conflict(&mut bench, 10, 200);
    assert_eq!(said, [10.0, 11.0, 13.0, 17.0, 27.0, 47.0, 82.0, 142.0]);
    assert!(longest <= 5.0, "{longest}");
    // A new one is said at once, but not each time of a flood.
    bench.hear(200.0, Value::Stopped);
    let (said, _) = conflict(&mut bench, 201, 210);
    assert_eq!(said, [201.0, 202.0, 204.0, 208.0]);
    for hundredth in 0..50 {
        let now = 210.0 + f64::from(hundredth) / 100.0;
        bench.hear(now, Value::Stopped);
        let out = bench.hear(now, Value::Running);
        assert!(hundredth == 0 || !out.contains(&Action::Announce), "{now}");
    }
    // So is one behind a silence.
    bench.run_to(220.0);
    let (said, _) = conflict(&mut bench, 220, 222);
    assert_eq!(said, [220.0, 221.0]);
}
