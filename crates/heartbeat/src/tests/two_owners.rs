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
