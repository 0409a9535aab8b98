//! What a status shows, what a takeover's lines say, and another lvs.cf on the partner.

use std::time::Duration;

use crate::datagram::Value;
use crate::datagram::details::Details;
use crate::datagram::signed::State;

use super::beat::signed;
use super::{Bench, at, notices, settings};
use crate::model::{Action, Input, Settings};
use crate::notice::Notice;
use crate::pair::{ConfiguredRole, PairPath};
use crate::said::Form;
use crate::transitions::{Event, Phase};
use crate::view::Reason;
use lvs_model::Severity;

fn two_paths() -> Bench {
    Bench::start(Settings {
        has_private_path: true,
        signs: true,
        content: 7,
        ..settings(ConfiguredRole::Backup)
    })
}

fn hear(bench: &mut Bench, seconds: f64, path: PairPath, content: Option<u64>) -> Vec<Action> {
    let details = Details {
        content,
        unserved: Some(0),
        frozen: true,
        ..Details::default()
    };
    let says = signed(State::Active).term(3).on(path);
    bench.hear_beat(seconds, content.map_or(says, |_| says.details(details)))
}

#[test]
fn a_takeover_says_which_path_was_silent_for_how_long() {
    let mut bench = two_paths();
    hear(&mut bench, 1.0, PairPath::Private, Some(7));
    hear(&mut bench, 2.0, PairPath::Public, Some(7));
    let log: Vec<Action> = bench.run_to(7.0).into_iter().map(|(_, it)| it).collect();
    let said = notices(&log);
    let place = said
        .iter()
        .position(|it| it == "partner dead: activating lvs");
    let next = place.map(|place| said[place + 1].as_str());
    let line = "no heartbeat for 5.000 s on the public path, \
                no heartbeat for 6.000 s on the private path";
    assert_eq!(next, Some(line));
    let view = bench.node.view(at(7.0));
    let taken = view.transitions.last().unwrap();
    assert_eq!((taken.from, taken.to), (Phase::Standby, Phase::Starting));
    assert_eq!(taken.reason, Reason::Event(Event::PartnerSilent));
    assert_eq!(
        taken.silence.map(|it| it.to_string()).as_deref(),
        Some(line)
    );
}

#[test]
fn a_view_shows_both_paths_and_what_the_partner_says() {
    let mut bench = two_paths();
    let view = bench.node.view(at(0.5));
    assert_eq!(view.partner.and_then(|partner| partner.form), None);
    hear(&mut bench, 1.0, PairPath::Public, Some(9));
    let view = bench.node.view(at(1.5));
    let ago = Some(Duration::from_millis(500));
    assert_eq!(view.public.heard_ago, ago);
    assert_eq!(view.private.map(|path| path.heard_ago), Some(None));
    let partner = view.partner.unwrap();
    assert!(partner.alive);
    assert_eq!(partner.form, Some(Form::Signed(2)));
    assert_eq!(partner.content, Some(9));
    assert_eq!(partner.has_content(view.content), Some(false));
    assert_eq!(partner.orders.map(|orders| orders.frozen), Some(true));
    assert_eq!(
        (partner.state, partner.fit),
        (Some(State::Active), Some(true))
    );
    // Unsigned, nothing of this is known.
    bench.hear(2.0, Value::Running);
    let partner = bench.node.view(at(2.0)).partner.unwrap();
    assert_eq!(partner.form, Some(Form::Unsigned));
    assert_eq!((partner.content, partner.fit), (None, None));
    assert_eq!(partner.has_content(view.content), None);
}

#[test]
fn the_last_sixteen_changes_are_kept() {
    let mut bench = Bench::backup();
    for round in 0..20_u32 {
        let start = f64::from(round) * 20.0;
        bench.run_to(start + 5.0);
        bench.put(start + 5.0, Input::ServiceReady);
        bench.hear(start + 6.0, Value::Running);
        bench.put(start + 6.1, Input::ServiceEnded);
        for seconds in [8.0, 10.0, 12.0, 14.0, 15.0] {
            bench.run_to(start + seconds);
            bench.hear(start + seconds, Value::Running);
        }
    }
    let view = bench.node.view(at(400.0));
    assert_eq!(view.transitions.len(), 16);
    let joined = view.transitions.windows(2);
    assert!(
        joined
            .into_iter()
            .all(|two| two[0].to == two[1].from && two[0].at <= two[1].at)
    );
}

#[test]
fn another_lvs_cf_is_told_once_and_so_is_the_same_one_again() {
    let mut bench = two_paths();
    hear(&mut bench, 0.5, PairPath::Public, Some(7));
    assert!(notices(&hear(&mut bench, 1.0, PairPath::Public, Some(7))).is_empty());
    let other = "the partner has another lvs.cf: 0000000000000009 there, 0000000000000007 here";
    let path = PairPath::Public;
    assert_eq!(notices(&hear(&mut bench, 2.0, path, Some(9))), [other]);
    assert!(notices(&hear(&mut bench, 3.0, path, Some(9))).is_empty());
    // Version 1 in between says nothing of it.
    assert!(notices(&hear(&mut bench, 3.5, path, None)).is_empty());
    assert_eq!(bench.node.view(at(3.5)).partner.unwrap().content, Some(9));
    let same = "the partner has the same lvs.cf again";
    assert_eq!(notices(&hear(&mut bench, 4.0, path, Some(7))), [same]);
    assert!(notices(&hear(&mut bench, 5.0, path, Some(7))).is_empty());
}

#[test]
fn what_an_administrator_must_see_is_a_warning_or_an_error() {
    use crate::datagram::Service::Lvs;
    for notice in [
        Notice::PartnerDead(Lvs),
        Notice::Yielding(Lvs),
        Notice::Reasserting(Lvs),
        Notice::ServiceUnfit,
        Notice::LettingGo,
        Notice::OwnAddressDeactivating,
        Notice::CutOff,
        Notice::ServingUnheard,
        Notice::NobodyServes(crate::orders::Orders::default()),
        Notice::OtherContent { own: 1, theirs: 2 },
    ] {
        assert!(notice.severity() >= Severity::Warning, "{notice}");
    }
    assert_eq!(Notice::Reloaded.severity(), Severity::Info);
}

#[test]
fn r_a_signed_partner_that_dies_has_not_become_an_unsigned_one() {
    let mut bench = Bench::start(Settings {
        signs: true,
        ..settings(ConfiguredRole::Backup)
    });
    bench.hear_beat(1.0, signed(State::Active));
    bench.run_to(7.0);
    let partner = bench.node.view(at(7.0)).partner.expect("there is one");
    assert!(!partner.alive && partner.value.is_none());
    assert_eq!(partner.form, Some(Form::Signed(1)));
    bench.hear(8.0, Value::Stopped);
    let partner = bench.node.view(at(8.0)).partner.expect("there is one");
    assert_eq!(partner.form, Some(Form::Unsigned));
}
