//! Orders: accepted, refused with their reason, in force until they are lifted.

use std::time::Duration;

use crate::datagram::Value;
use crate::datagram::details::Details;
use crate::datagram::signed::State;
use lvs_model::Mono;

use super::beat::{Beat, marked, signed};
use super::{Bench, at, notices, settings};
use crate::model::{Action, Input, Settings};
use crate::node::Node;
use crate::orders::{Begun, Order, OrderRefused, Orders};
use crate::pair::ConfiguredRole;
use crate::transitions::Phase;

const STANDBY: Orders = Orders {
    standby: true,
    frozen: false,
};
const FROZEN: Orders = Orders {
    standby: false,
    frozen: true,
};

const STANDS_BY: Beat = signed(State::Inactive);

fn order(bench: &mut Bench, seconds: f64, order: Order) -> Vec<Action> {
    bench.put(seconds, Input::Order(order))
}

/// What came of an ordered hand-over, if that has been said.
fn end_of_hand_over(log: &[(Mono, Action)]) -> Option<String> {
    let ends = log.iter().filter_map(|(_, action)| match action {
        Action::HandOverEnded(Ok(())) => Some("done".to_owned()),
        Action::HandOverEnded(Err(failed)) => Some(failed.to_string()),
        _ => None,
    });
    let mut ends: Vec<String> = ends.collect();
    assert!(ends.len() <= 1, "{ends:?}");
    ends.pop()
}

fn together(actions: Vec<Action>) -> Vec<(Mono, Action)> {
    actions
        .into_iter()
        .map(|action| (Mono::ZERO, action))
        .collect()
}

/// Whether it is obeyed.
fn answer(actions: &[Action]) -> Result<(), OrderRefused> {
    begun(actions).map(|_| ())
}

/// The one answer, which is in the same call.
fn begun(actions: &[Action]) -> Result<Begun, OrderRefused> {
    let answers = actions.iter().filter_map(|action| match action {
        Action::Answer(answer) => Some(*answer),
        _ => None,
    });
    let answers: Vec<_> = answers.collect();
    assert_eq!(answers.len(), 1);
    answers[0]
}

/// A signing primary, active since 5.0, whose partner stands by.
fn active() -> Bench {
    let mut bench = Bench::start(Settings {
        signs: true,
        ..settings(ConfiguredRole::Primary)
    });
    bench.make_active();
    bench.hear_beat(6.0, STANDS_BY);
    bench
}

#[test]
fn a_failover_hands_over_and_ends_on_standby() {
    let mut bench = active();
    let actions = order(&mut bench, 6.5, Order::Failover);
    assert_eq!(answer(&actions), Ok(()));
    assert_eq!(
        notices(&actions),
        ["order: failover", "waiting for the partner to take over"]
    );
    let says = bench.node.statement(at(6.5), Value::Running);
    assert_eq!(says.state, State::Leaving);
    assert!(bench.node.is_holding());
    let taken = signed(State::Active).term(2);
    let release = bench.hear_beat(6.9, taken);
    assert_eq!(notices(&release), ["partner active: going inactive"]);
    let end = together(bench.put(7.0, Input::ServiceEnded));
    assert_eq!(bench.node.phase(), Phase::Standby);
    assert!(bench.node.statement(at(7.0), Value::Stopped).fit);
    assert_eq!(end_of_hand_over(&end).as_deref(), Some("done"));
}

/// It is lifted already: nothing is void, and nothing is to be kept for the next start once more.
#[test]
fn an_order_to_stand_by_that_is_lifted_during_its_hand_over_is_not_void_behind_it() {
    let mut bench = active();
    order(&mut bench, 6.5, Order::Standby(true));
    assert_eq!(bench.node.phase(), Phase::HandingOver);
    let lifted = order(&mut bench, 7.0, Order::Standby(false));
    assert!(lifted.contains(&Action::KeepOrders(Orders::default())));
    let mut log = Vec::new();
    for seconds in [8.0, 10.0, 12.0, 14.0, 16.0, 18.0] {
        log.extend(bench.run_to(seconds));
        log.extend(together(bench.hear_beat(seconds, STANDS_BY)));
    }
    assert_eq!(bench.node.phase(), Phase::Active);
    let log: Vec<Action> = log.into_iter().map(|(_, action)| action).collect();
    let void = "the order to stand by is void: nobody else could serve".to_owned();
    assert!(!notices(&log).contains(&void), "{:?}", notices(&log));
    let keeps = |action: &&Action| matches!(action, Action::KeepOrders(_));
    assert_eq!(log.iter().find(keeps), None);
    // A failover behind it that fails leaves no order either.
    order(&mut bench, 20.0, Order::Failover);
    let log: Vec<Action> = bench.run_to(40.0).into_iter().map(|it| it.1).collect();
    assert_eq!(log.iter().find(keeps), None);
}

/// An order is answered when it is clear what came of it: a status of 0 at the beginning would be none.
#[test]
fn what_came_of_a_hand_over_is_said_once_and_why_it_failed() {
    let failed = "the partner did not take over in time: this director stays active";
    for wanted in [Order::Failover, Order::Standby(true)] {
        let mut bench = active();
        let mut log = together(order(&mut bench, 6.5, wanted));
        for seconds in [8.0, 10.0, 12.0, 14.0, 16.0, 18.0] {
            log.extend(bench.run_to(seconds));
            log.extend(together(bench.hear_beat(seconds, STANDS_BY)));
        }
        assert_eq!(end_of_hand_over(&log).as_deref(), Some(failed), "{wanted}");
        assert_eq!(bench.node.phase(), Phase::Active);
    }
    let mut bench = active();
    let mut log = together(order(&mut bench, 6.5, Order::Failover));
    log.extend(bench.run_to(11.0));
    let silent = "the partner is silent: this director stays active";
    assert_eq!(end_of_hand_over(&log).as_deref(), Some(silent));
}

/// Who lifts an order while a hand-over runs does not wait for that, nor hears its fate.
#[test]
fn an_order_waits_for_what_it_has_begun_and_for_nothing_else() {
    const KEPT: Result<Begun, OrderRefused> = Ok(Begun {
        keeping: true,
        hand_over: false,
    });
    let mut bench = active();
    let failover = Ok(Begun {
        keeping: false,
        hand_over: true,
    });
    assert_eq!(begun(&order(&mut bench, 6.5, Order::Failover)), failover);
    for wanted in [Order::Freeze(false), Order::Standby(false)] {
        assert_eq!(begun(&order(&mut bench, 6.6, wanted)), KEPT, "{wanted}");
    }
    bench.run_to(6.8);
    assert_eq!(bench.node.phase(), Phase::HandingOver);
    // Given up, and the partner has said nothing yet.
    let mut bench = Bench::primary();
    bench.make_active();
    bench.hear(6.0, Value::Stopped);
    let both = Ok(Begun {
        keeping: true,
        hand_over: true,
    });
    assert_eq!(begun(&order(&mut bench, 6.5, Order::Standby(true))), both);
    bench.run_to(6.75);
    bench.put(6.8, Input::ServiceEnded);
    assert_eq!(bench.node.phase(), Phase::Standby);
    for wanted in [Order::Freeze(true), Order::Standby(true)] {
        assert_eq!(begun(&order(&mut bench, 6.9, wanted)), KEPT, "{wanted}");
    }
}

/// An unsigned partner is told STOPPED; that it has taken over is known when it says so.
#[test]
fn a_give_up_by_order_is_done_when_the_partner_says_that_it_is_active() {
    let given_up = || {
        let mut bench = Bench::primary();
        bench.make_active();
        bench.hear(6.0, Value::Stopped);
        order(&mut bench, 6.5, Order::Standby(true));
        bench.run_to(6.75);
        let log = together(bench.put(6.8, Input::ServiceEnded));
        assert_eq!(bench.node.phase(), Phase::Standby);
        assert_eq!(end_of_hand_over(&log), None);
        bench
    };
    let mut bench = given_up();
    let done = together(bench.hear(8.0, Value::Running));
    assert_eq!(end_of_hand_over(&done).as_deref(), Some("done"));
    let mut bench = given_up();
    let mut log = Vec::new();
    for half in 14..64 {
        let seconds = f64::from(half) / 2.0;
        log.extend(bench.run_to(seconds));
        log.extend(together(bench.hear(seconds, Value::Stopped)));
    }
    let not_taken = "this director has given up, and the partner does not say that it is active";
    assert_eq!(end_of_hand_over(&log).as_deref(), Some(not_taken));
}

#[test]
fn a_failover_that_the_partner_does_not_carry_out_leaves_everything_as_it_is() {
    let mut bench = active();
    order(&mut bench, 6.5, Order::Failover);
    for seconds in [8.0, 10.0, 12.0, 14.0, 16.0] {
        bench.run_to(seconds);
        bench.hear_beat(seconds, STANDS_BY);
    }
    let log = bench.run_to(16.5);
    let log: Vec<Action> = log.into_iter().map(|(_, action)| action).collect();
    assert!(notices(&log).contains(&"the partner does not take over: staying active".to_owned()));
    assert_eq!(bench.node.phase(), Phase::Active);
    assert!(bench.node.is_holding());

    // It dies meanwhile.
    let mut bench = active();
    order(&mut bench, 6.5, Order::Failover);
    let log = bench.run_to(11.0);
    assert_eq!(bench.node.phase(), Phase::Active);
    // If it lives after all, it hears at once that it is not asked any more.
    assert!(log.contains(&(at(11.0), Action::Send(Value::Running))));
}

/// While it hands over, a node changes no addresses: what became due meanwhile is made good.
#[test]
fn r_a_hand_over_in_vain_makes_good_what_happened_to_the_addresses_meanwhile() {
    let reload = || {
        let settings = Settings {
            signs: true,
            ..settings(ConfiguredRole::Primary)
        };
        Input::Reload(Box::new(settings))
    };
    let inputs: [fn() -> Input; 2] = [|| Input::AddressRemoved, || Input::InterfaceChanged];
    for input in inputs.into_iter().chain([reload as fn() -> Input]) {
        let mut bench = active();
        order(&mut bench, 6.5, Order::Failover);
        let mut log = together(bench.put(7.0, input()));
        assert_eq!(bench.node.phase(), Phase::HandingOver);
        for seconds in [8.0, 10.0, 12.0, 14.0, 16.0, 16.5] {
            log.extend(bench.run_to(seconds));
            log.extend(together(bench.hear_beat(seconds, STANDS_BY)));
        }
        assert_eq!(bench.node.phase(), Phase::Active);
        let raised = log.iter().filter(|it| it.1 == Action::RaiseAddresses);
        assert_eq!(raised.count(), 1, "{:?}", input());
    }
}

#[test]
fn a_failover_to_an_original_tells_it_stopped_and_does_not_take_its_answer_for_an_offer() {
    let mut bench = Bench::primary();
    bench.make_active();
    bench.hear(6.0, Value::Stopped);
    order(&mut bench, 6.5, Order::Failover);
    bench.run_to(6.75);
    assert_eq!(bench.node.phase(), Phase::Releasing);
    bench.put(6.8, Input::ServiceEnded);
    // Sent before it heard ours.
    bench.hear(6.9, Value::Stopped);
    assert_eq!(bench.node.phase(), Phase::Standby);
    bench.hear(8.0, Value::Running);
    assert_eq!(bench.node.phase(), Phase::Standby);
}

#[test]
fn an_original_that_does_not_come_is_replaced_again() {
    let mut bench = Bench::primary();
    bench.make_active();
    bench.run_to(40.0);
    bench.hear(40.0, Value::Stopped);
    order(&mut bench, 40.5, Order::Failover);
    bench.run_to(40.75);
    bench.put(40.8, Input::ServiceEnded);
    for seconds in [42.0, 44.0, 46.0, 47.9] {
        bench.run_to(seconds);
        bench.hear(seconds, Value::Stopped);
        assert_eq!(bench.node.phase(), Phase::Standby, "{seconds}");
    }
    bench.hear(48.1, Value::Stopped);
    assert_eq!(bench.node.phase(), Phase::Starting);
}

#[test]
fn a_failover_is_refused_with_the_reason() {
    let details = Details::default();
    for (beat, refused) in [
        (STANDS_BY.unfit(), OrderRefused::PartnerUnfit),
        (unfit(details), OrderRefused::PartnerUnfit),
        (
            unfit(Details {
                unserved: Some(2),
                ..details
            }),
            OrderRefused::PartnerUnserved(2),
        ),
        (
            unfit(Details {
                standby: true,
                ..details
            }),
            OrderRefused::PartnerOrderedStandby,
        ),
        (
            unfit(Details {
                frozen: true,
                ..details
            }),
            OrderRefused::PartnerFrozen,
        ),
    ] {
        for wanted in [Order::Failover, Order::Standby(true)] {
            let mut bench = active();
            bench.hear_beat(6.2, beat);
            let actions = order(&mut bench, 6.5, wanted);
            assert_eq!(answer(&actions), Err(refused));
            let line = format!("order refused: {wanted}: {refused}");
            assert_eq!(notices(&actions), [line]);
            assert_eq!(bench.node.phase(), Phase::Active);
            assert_eq!(bench.node.view(at(6.5)).orders, Orders::default());
        }
    }
}

#[test]
fn a_partner_that_is_not_heard_takes_nothing() {
    let mut bench = active();
    bench.run_to(12.5);
    let silent = OrderRefused::Silent(Duration::from_millis(6500));
    assert_eq!(
        answer(&order(&mut bench, 12.5, Order::Failover)),
        Err(silent)
    );
    assert_eq!(silent.to_string(), "partner is not heard for 6.5 s");
    let mut bench = Bench::primary();
    bench.make_active();
    let refused = answer(&order(&mut bench, 6.0, Order::Failover));
    assert_eq!(refused, Err(OrderRefused::NeverHeard));
}

#[test]
fn a_failover_is_ordered_on_the_active_node() {
    let mut bench = Bench::backup();
    bench.hear(1.0, Value::Running);
    let refused = answer(&order(&mut bench, 2.0, Order::Failover));
    assert_eq!(refused, Err(OrderRefused::NotActive));
    let text = OrderRefused::NotActive.to_string();
    assert_eq!(
        text,
        "this node is not active: give the order on the active one"
    );
}

#[test]
fn ordered_to_stand_by_a_node_takes_over_in_no_case_and_says_when_nobody_serves() {
    let mut bench = Bench::backup();
    bench.hear(1.0, Value::Running);
    let actions = order(&mut bench, 2.0, Order::Standby(true));
    assert_eq!(answer(&actions), Ok(()));
    assert!(actions.contains(&Action::KeepOrders(STANDBY)));
    // An offer, a clean stop, a death.
    bench.hear(2.5, Value::Stopped);
    bench.run_to(4.0);
    bench.hear_beat(4.0, marked(State::Leaving));
    assert_eq!(bench.node.phase(), Phase::Standby);
    let log: Vec<Action> = bench.run_to(130.0).into_iter().map(|(_, it)| it).collect();
    assert_eq!(bench.node.phase(), Phase::Standby);
    let line = "nobody serves, and an order keeps this director from taking over: standby";
    let times = notices(&log).iter().filter(|text| *text == line).count();
    assert_eq!(times, 3, "once a minute");
    // Lifted, the silence counts anew.
    order(&mut bench, 130.0, Order::Standby(false));
    bench.run_to(134.9);
    assert_eq!(bench.node.phase(), Phase::Standby);
    bench.run_to(135.0);
    assert_eq!(bench.node.phase(), Phase::Starting);
}

#[test]
fn an_active_node_that_is_to_stand_by_hands_over_first() {
    let mut bench = active();
    let actions = order(&mut bench, 6.5, Order::Standby(true));
    assert_eq!(answer(&actions), Ok(()));
    assert_eq!(bench.node.phase(), Phase::HandingOver);
    bench.hear_beat(6.9, signed(State::Active));
    bench.put(7.0, Input::ServiceEnded);
    assert_eq!(bench.node.phase(), Phase::Standby);
    assert_eq!(bench.node.view(at(7.0)).orders, STANDBY);
    // The partner does not come: the order is void, and somebody serves.
    let mut bench = active();
    order(&mut bench, 6.5, Order::Standby(true));
    let log: Vec<Action> = bench.run_to(11.0).into_iter().map(|(_, it)| it).collect();
    assert!(log.contains(&Action::KeepOrders(Orders::default())));
    let line = "the order to stand by is void: nobody else could serve";
    assert!(notices(&log).contains(&line.to_owned()));
    assert_eq!(bench.node.phase(), Phase::Active);
}

#[test]
fn a_frozen_pair_does_not_move_but_for_a_death() {
    let mut bench = active();
    assert_eq!(answer(&order(&mut bench, 6.1, Order::Freeze(true))), Ok(()));
    for wanted in [Order::Failover, Order::Standby(true)] {
        let refused = answer(&order(&mut bench, 6.2, wanted));
        assert_eq!(refused, Err(OrderRefused::Frozen));
    }
    assert_eq!(bench.node.view(at(6.2)).orders, FROZEN);
    // Its service is dead for good.
    for seconds in [6.3, 6.4, 6.5] {
        bench.put(seconds, Input::ServiceEnded);
    }
    assert_ne!(bench.node.phase(), Phase::Active);

    let mut standby = Bench::backup();
    standby.hear(1.0, Value::Running);
    order(&mut standby, 2.0, Order::Freeze(true));
    standby.hear(2.5, Value::Stopped);
    standby.run_to(60.0);
    assert_eq!(standby.node.phase(), Phase::Standby);
    order(&mut standby, 60.0, Order::Freeze(false));
    standby.run_to(65.0);
    assert_eq!(standby.node.phase(), Phase::Starting);
}

#[test]
fn orders_outlive_a_restart_and_are_told_to_the_partner() {
    for (orders, force_active) in [(STANDBY, false), (FROZEN, false), (STANDBY, true)] {
        let settings = Settings {
            force_active,
            ..settings(ConfiguredRole::Primary)
        };
        let mut node = Node::new(at(0.0), settings);
        node.remember_orders(orders);
        let mut out = Vec::new();
        node.handle(at(0.0), Input::Start, &mut out);
        assert!(notices(&out).contains(&format!("order in force: {orders}")));
        let statement = node.statement(at(0.1), Value::Stopped);
        let details = statement.details.unwrap();
        assert!(!statement.fit);
        assert_eq!(
            (details.standby, details.frozen),
            (orders.standby, orders.frozen)
        );
        while let Some(due) = node.next_deadline().filter(|due| *due <= at(30.0)) {
            node.handle(due, Input::Tick, &mut out);
        }
        assert_eq!(node.phase(), Phase::Standby);
    }
}

#[test]
fn an_order_during_a_takeover_or_after_the_end_is_refused() {
    let mut bench = Bench::primary();
    bench.run_to(5.0);
    assert_eq!(bench.node.phase(), Phase::Starting);
    for wanted in [Order::Failover, Order::Standby(true), Order::Freeze(true)] {
        let refused = answer(&order(&mut bench, 5.1, wanted));
        assert_eq!(refused, Err(OrderRefused::Busy));
    }
    let mut bench = Bench::backup();
    bench.put(1.0, Input::Stop { signal: 15 });
    let refused = answer(&order(&mut bench, 1.1, Order::Standby(true)));
    assert_eq!(refused, Err(OrderRefused::Busy));
}

/// Of a partner that signs and knows version 2.
fn unfit(details: Details) -> Beat {
    STANDS_BY.unfit().details(details)
}

#[test]
fn a_service_that_does_not_stay_up_is_not_left_to_a_partner_that_an_order_keeps() {
    let none = Details::default();
    let standby = Details {
        standby: true,
        ..none
    };
    let frozen = Details {
        frozen: true,
        ..none
    };
    for (beat, phase) in [
        (unfit(standby), Phase::Active),
        (unfit(frozen), Phase::Active),
        (STANDS_BY, Phase::Standby),
    ] {
        let mut bench = active();
        bench.hear_beat(6.2, beat);
        let mut log = Vec::new();
        for seconds in [6.3, 6.4, 6.5] {
            log.extend(bench.put(seconds, Input::ServiceEnded));
        }
        let stays = phase == Phase::Active;
        assert_eq!(bench.node.phase(), phase, "{beat:?}");
        assert_eq!(bench.node.is_holding(), stays);
        let line = "service does not stay up and no partner is ready to take over: \
                    next attempt in 1000 ms";
        assert_eq!(notices(&log).contains(&line.to_owned()), stays);
        if stays {
            // The order is lifted while it is tried again.
            bench.hear_beat(6.6, unfit(none).fit(true));
            bench.run_to(7.5);
            bench.put(7.6, Input::ServiceEnded);
            assert_eq!(bench.node.phase(), Phase::Standby);
        }
    }
}

#[test]
fn addresses_that_are_taken_are_not_left_to_a_partner_that_does_not_take_over() {
    let none = Details::default();
    let standby = Details {
        standby: true,
        ..none
    };
    let frozen = Details {
        frozen: true,
        ..none
    };
    let helpless = Details {
        helpless: true,
        ..none
    };
    let unserved = Details {
        unserved: Some(1),
        ..none
    };
    for details in [standby, frozen, helpless, unserved] {
        let mut bench = active();
        bench.hear_beat(6.2, unfit(details));
        let mut log = Vec::new();
        for seconds in [6.3, 6.4, 6.5] {
            log = bench.put(seconds, Input::AddressRemoved);
        }
        assert_eq!(bench.node.phase(), Phase::Active, "{details:?}");
        assert!(log.contains(&Action::RaiseAddresses));
        let line = "address was removed by somebody else: putting it back";
        assert_eq!(notices(&log), [line]);
    }
}

/// An offer is put off for four dead times after a takeover of the partner: it takes over all the same.
#[test]
fn a_partner_that_puts_the_offer_off_by_our_own_rules_has_its_time() {
    let mut bench = Bench::primary();
    bench.make_active();
    bench.hear(6.0, Value::Stopped);
    let mut log = together(order(&mut bench, 6.5, Order::Failover));
    log.extend(bench.run_to(7.0));
    log.extend(together(bench.put(7.0, Input::ServiceEnded)));
    assert_eq!(bench.node.phase(), Phase::Standby);
    for half_seconds in 15..45_u32 {
        let seconds = f64::from(half_seconds) / 2.0;
        log.extend(bench.run_to(seconds));
        log.extend(together(bench.hear(seconds, Value::Stopped)));
        assert_eq!(end_of_hand_over(&log), None, "{seconds}");
    }
    // It had taken over at 0.0.
    log.extend(together(bench.hear(22.3, Value::Running)));
    assert_eq!(end_of_hand_over(&log).as_deref(), Some("done"));
}
