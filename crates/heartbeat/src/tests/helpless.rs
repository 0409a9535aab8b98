//! A partner that cannot serve: nothing is given up to it, and nothing handed over any more.

use crate::datagram::Value;
use crate::datagram::details::Details;
use crate::datagram::signed::State;

use super::beat::{Beat, marked, signed};
use super::{Bench, at, notices, settings};
use crate::model::{Action, Input, Links, Settings};
use crate::orders::{Order, Orders};
use crate::pair::ConfiguredRole;
use crate::transitions::Phase;

const FIT: Beat = signed(State::Inactive).details(GOOD);
const GOOD: Details = Details {
    content: None,
    unserved: Some(0),
    standby: false,
    frozen: false,
    helpless: false,
};
const LOST: Input = Input::Links(Links {
    public_up: false,
    private_up: false,
});

/// Not fit, by version 1: why is not said.
const UNFIT: Beat = signed(State::Inactive).unfit();

/// Not fit, and why.
const fn unfit(details: Details) -> Beat {
    UNFIT.details(details)
}

const BARRED: Details = Details {
    standby: true,
    ..GOOD
};
const HELPLESS: Details = Details {
    helpless: true,
    ..GOOD
};
const WITHOUT_ONE: Details = Details {
    unserved: Some(1),
    ..GOOD
};

/// A signing primary, active since 5.0, whose partner stands by and is fit.
fn active() -> Bench {
    let mut bench = Bench::start(Settings {
        signs: true,
        ..settings(ConfiguredRole::Primary)
    });
    bench.make_active();
    bench.hear_beat(6.0, signed(State::Inactive));
    bench
}

/// The service ends for good.
fn lose_service(bench: &mut Bench, seconds: f64) -> Vec<String> {
    let mut log = Vec::new();
    for death in [0.0, 0.01, 0.02] {
        log.extend(bench.put(seconds + death, Input::ServiceEnded));
    }
    notices(&log)
}

const STAYS: &str = "the partner does not take over: staying active";

#[test]
fn a_service_that_does_not_stay_up_is_left_to_a_partner_that_can_serve_something() {
    for (beat, gives_up) in [
        (FIT, true),
        (unfit(WITHOUT_ONE), true),
        (unfit(HELPLESS), false),
        (unfit(BARRED), false),
        (UNFIT, false),
    ] {
        let mut bench = active();
        bench.hear_beat(6.2, beat);
        let said = lose_service(&mut bench, 6.3);
        let waits = bench.node.phase() == Phase::Standby;
        assert_eq!(waits, gives_up, "{beat:?} {said:?}");
        let line = "no partner is ready to take over";
        assert_eq!(said.iter().any(|it| it.contains(line)), !gives_up);
        // It gets well: its next end is the last.
        bench.hear_beat(6.5, FIT);
        bench.run_to(7.5);
        bench.put(7.6, Input::ServiceEnded);
        assert_eq!(bench.node.phase(), Phase::Standby);
    }
}

#[test]
fn a_service_that_does_not_stay_up_is_not_left_to_an_unsigned_partner_that_is_not_fit() {
    for (fit, gives_up) in [(true, true), (false, false)] {
        let mut bench = Bench::primary();
        bench.make_active();
        bench.hear_beat(6.0, marked(State::Inactive).fit(fit));
        lose_service(&mut bench, 6.3);
        assert_eq!(bench.node.phase() == Phase::Standby, gives_up);
        assert_eq!(bench.node.is_holding(), !gives_up);
    }
}

/// Who is to take over from a partner that leaves, and cannot: the partner serves on, though it is ordered to
/// stand by. At a stop it does not.
#[test]
fn a_takeover_that_fails_is_left_to_a_partner_that_hands_over_by_order_and_not_to_one_that_stops() {
    for (details, gives_up) in [(BARRED, true), (HELPLESS, false)] {
        let mut bench = Bench::start(Settings {
            signs: true,
            ..settings(ConfiguredRole::Backup)
        });
        bench.hear_beat(1.0, unfit(details).state(State::Leaving));
        assert_eq!(bench.node.phase(), Phase::Starting);
        lose_service(&mut bench, 1.1);
        assert_eq!(bench.node.phase() == Phase::Standby, gives_up);
    }
}

#[test]
fn a_hand_over_is_called_off_when_the_partner_says_that_it_cannot_take_over() {
    for beat in [unfit(BARRED), unfit(HELPLESS), unfit(WITHOUT_ONE), UNFIT] {
        let mut bench = active();
        bench.put(6.5, Input::Order(Order::Standby(true)));
        // As long as it is fit it has its time.
        bench.hear_beat(6.6, FIT);
        assert_eq!(bench.node.phase(), Phase::HandingOver);
        let actions = bench.hear_beat(7.0, beat);
        let void = "the order to stand by is void: nobody else could serve";
        assert_eq!(notices(&actions), [STAYS, void]);
        assert_eq!(bench.node.phase(), Phase::Active, "{beat:?}");
        assert!(bench.node.is_holding());
        let view = bench.node.view(at(7.0));
        assert_eq!(view.orders, Orders::default());
        let why = view.transitions.last().map(|it| it.reason.to_string());
        let refused = "the partner says that it cannot take over";
        assert_eq!(why.as_deref(), Some(refused));
        // Nothing of it is left to be due.
        bench.run_to(30.0);
        assert_eq!(bench.node.phase(), Phase::Active);
    }
    // Unsigned, before the quarter of a second is over after which an original would be told STOPPED.
    let mut bench = Bench::primary();
    bench.make_active();
    bench.hear(6.0, Value::Stopped);
    bench.put(6.5, Input::Order(Order::Failover));
    bench.hear_beat(6.6, marked(State::Inactive).unfit());
    bench.run_to(7.0);
    assert_eq!(bench.node.phase(), Phase::Active);
    assert!(bench.node.is_holding());
}

/// At a stop it takes what it can, and has its time for it.
#[test]
fn a_stop_waits_for_a_partner_that_is_not_fit_any_more() {
    let mut bench = active();
    bench.put(6.5, Input::Stop { signal: 15 });
    bench.hear_beat(6.6, unfit(WITHOUT_ONE));
    assert_eq!(bench.node.phase(), Phase::HandingOver);
}

/// It claims, and is not able to: what fails here meanwhile is not left to it.
#[test]
fn while_it_hands_over_nothing_is_given_up_to_a_partner_that_has_become_unable() {
    for (beat, gives_up) in [
        (FIT, true),
        (unfit(BARRED), false),
        (unfit(HELPLESS), false),
        (UNFIT, false),
    ] {
        let claims = beat.state(State::Starting);
        let handing = || {
            let mut bench = active();
            bench.put(6.5, Input::Order(Order::Failover));
            bench.hear_beat(6.6, claims);
            assert_eq!(bench.node.phase(), Phase::HandingOver);
            bench
        };
        let mut bench = handing();
        bench.put(6.7, LOST);
        let phase = [Phase::HandingOver, Phase::Releasing][usize::from(gives_up)];
        assert_eq!(bench.node.phase(), phase, "link, {beat:?}");
        let mut bench = handing();
        lose_service(&mut bench, 6.7);
        let phase = [Phase::HandingOver, Phase::Standby][usize::from(gives_up)];
        assert_eq!(bench.node.phase(), phase, "service, {beat:?}");
        // The service is tried again, and what comes of it is told when the time is over.
        if !gives_up {
            let log = bench.run_to(7.8);
            assert!(log.iter().any(|(_, it)| *it == Action::StartService));
            let actions = bench.hear_beat(8.0, beat);
            assert_eq!(notices(&actions), [STAYS]);
            assert_eq!(bench.node.phase(), Phase::Active);
        }
    }
}

#[test]
fn who_is_cut_off_beside_a_partner_that_an_order_keeps_serves_on_and_says_so() {
    for (beat, stays) in [(unfit(BARRED), true), (unfit(HELPLESS), false)] {
        let mut bench = active();
        bench.hear_beat(6.2, beat);
        let gone = Input::OwnAddresses {
            public: false,
            private: false,
        };
        let said = notices(&bench.put(6.5, gone));
        let unheard = "serving on though the partner can neither hear this node nor be heard";
        assert_eq!(said.iter().any(|it| it.contains(unheard)), stays);
        bench.run_to(12.0);
        // Nothing but an order keeps it from replacing a silent node.
        assert_eq!(bench.node.is_holding(), stays, "{beat:?}");
    }
}
