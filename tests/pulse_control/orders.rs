//! Orders: accepted, refused with the reason, in force after a restart.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use nix::sys::signal::Signal;

use crate::directors::*;

const THREADS_MAX: &str = "/proc/sys/kernel/threads-max";
/// Asks the line that is its argument.
const PERL: &str = "my $s = IO::Socket::UNIX->new(Peer => glob(\"/run/lvs/pulse.sock*\")) or die $!; \
    print $s \"$ARGV[0]\\n\"; $s->flush; print <$s>";

#[test]
fn standby_and_freeze_are_shown_everywhere_and_outlive_a_restart() {
    let pair = Directors::start("");
    let (_, standby) = pair.sides();
    for (order, shown) in [
        ("standby", "standby (it never takes over)"),
        ("freeze", "freeze (nothing moves)"),
    ] {
        let (status, text) = pair.order(standby, &format!("{order} on"));
        assert_eq!(status, Some(0), "{text}");
        assert!(text.starts_with(&format!("{order} on: ")), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        for signal in [Signal::SIGTERM, Signal::SIGKILL] {
            pair.restart(standby, signal);
            let screen = pair.screen(standby);
            assert!(screen.contains(&format!("orders   {shown}\n")), "{screen}");
            let said = format!("order in force: {order}");
            pair.wait("it is said", || pair.has_said(standby, &said));
        }
        let (status, text) = pair.order(standby, &format!("{order} off"));
        assert_eq!(status, Some(0), "{text}");
        pair.restart(standby, Signal::SIGKILL);
        let screen = pair.screen(standby);
        assert!(!screen.contains("orders"), "{screen}");
    }
}

#[test]
fn only_root_gives_orders_and_words_that_are_none_are_told() {
    let pair = Directors::start("");
    let (active, _) = pair.sides();
    let (status, text) = pair.order(active, "stand by");
    assert_eq!(status, Some(1));
    assert!(
        text.starts_with("pulse: no order \"stand by\"; there are: "),
        "{text}"
    );
    // Even one who may read: the socket's group.
    let ask = |line: &str| {
        let script = format!(
            "setpriv --reuid=nobody --regid=root --clear-groups perl -MIO::Socket::UNIX -e '{PERL}' '{line}'"
        );
        said(&pair.run(active, &["sh", "-c", &script])).1
    };
    assert!(ask("{\"ask\":\"status\"}").starts_with("{\"kind\":\"pulse\""));
    let refused = ask("{\"ask\":\"order\",\"order\":\"standby on\"}");
    assert!(refused.contains("only root gives orders"), "{refused}");
    assert!(!pair.screen(active).contains("orders"));
    let stranger = "setpriv --reuid=nobody --regid=nogroup --clear-groups /usr/sbin/pulse --status";
    let (status, text) = said(&pair.run(active, &["sh", "-c", stranger]));
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("Permission denied"), "{text}");
}

#[test]
fn an_order_that_cannot_be_kept_says_so() {
    let pair = Directors::start("");
    let (_, standby) = pair.sides();
    let bar = "mount -t tmpfs -o ro,size=4k none /var/lib/lvs";
    let (status, text) = said(&pair.run(standby, &["sh", "-c", bar]));
    assert_eq!(status, Some(0), "{text}");
    let (status, text) = pair.order(standby, "standby on");
    assert_eq!(status, Some(1), "{text}");
    let reason = "standby on: in force now, but not after a restart: /var/lib/lvs/pulse.orders.";
    assert!(text.contains(reason), "{text}");
    assert!(pair.screen(standby).contains("orders   standby"));
}

/// The order's answer, while nothing can start a process.
fn ordered_without_processes(order: &str) -> std::io::Result<String> {
    let usual = fs::read_to_string(THREADS_MAX)?;
    fs::write(THREADS_MAX, "20")?;
    let ask = || {
        let mut socket = UnixStream::connect(socket())?;
        writeln!(socket, "{{\"ask\":\"order\",\"order\":\"{order}\"}}")?;
        let mut text = String::new();
        socket.read_to_string(&mut text)?;
        Ok(text)
    };
    let answer = ask();
    fs::write(THREADS_MAX, usual.trim_end())?;
    answer
}

#[test]
fn r_an_order_that_nobody_can_write_down_is_not_done() {
    let pair = Directors::start("");
    let (_, standby) = pair.sides();
    let answer = pair
        .host(standby)
        .run(|| ordered_without_processes("standby on"));
    let answer = answer.expect("an answer");
    let reason = "standby on: in force now, but not after a restart: ";
    assert!(answer.contains(reason), "{answer}");
    assert!(pair.screen(standby).contains("orders   standby"));
    // The next one is its own.
    let (status, text) = pair.order(standby, "standby off");
    assert_eq!(status, Some(0), "{text}");
}

#[test]
fn a_failover_moves_the_service_where_the_partner_can_take_it() {
    let pair = Directors::start(SIGNED);
    let (active, standby) = pair.sides();
    pair.wait("both know each other", || {
        pair.screen(active)
            .contains("partner  alive, standby, fit, same lvs.cf\n")
    });
    let refused = "pulse: this node is not active: give the order on the active one\n";
    assert_eq!(pair.order(standby, "failover"), (Some(1), refused.into()));
    // A partner that stops after its last heartbeat takes nothing over, and the order fails.
    let stops = |signal| {
        pair.host(standby)
            .signal("pulse", signal)
            .expect("a signal")
    };
    pair.wait("a failover that fails", || {
        stops(Signal::SIGSTOP);
        let (status, text) = pair.order(active, "failover");
        stops(Signal::SIGCONT);
        assert_eq!(status, Some(1), "{text}");
        text == "pulse: failover: the partner is silent: this director stays active\n"
    });
    let failed = "failed: the partner is silent: this director stays active\n";
    let screen = pair.screen(active).replace("\n         ", " ");
    assert!(
        screen.contains("ordered  failover, ") && screen.contains(failed),
        "{screen}"
    );
    assert!(pair.json(active).contains("\"outcome\":\"failed\""));
    assert_eq!(pair.active(), Some(active));
    pair.wait("the partner is back", || {
        pair.screen(active)
            .contains("partner  alive, standby, fit, same lvs.cf\n")
    });
    // It is answered when it is done.
    let done = "failover: the partner has taken over\n";
    assert_eq!(pair.order(active, "failover"), (Some(0), done.into()));
    assert_eq!(pair.active(), Some(standby));
    pair.wait("and it is shown", || {
        pair.screen(active).contains("pulse    standby")
    });
    pair.stays(standby);
    for director in [active, standby] {
        let screen = pair.screen(director);
        assert!(
            !screen.contains("orders  "),
            "an order done is none in force: {screen}"
        );
    }

    // One that must not take over, and says so under its signature.
    assert_eq!(pair.order(active, "standby on").0, Some(0));
    pair.wait("the partner knows", || {
        pair.screen(standby).contains("ordered: standby")
    });
    let refused = "pulse: partner is ordered to stand by\n";
    assert_eq!(pair.order(standby, "failover"), (Some(1), refused.into()));
    pair.cluster.stop_pulse(active).expect("a signal");
    pair.wait("the partner is silent", || {
        let (status, text) = pair.order(standby, "failover");
        assert_eq!(status, Some(1), "{text}");
        text.starts_with("pulse: partner is not heard for ")
    });
    assert_eq!(pair.active(), Some(standby));
}

#[test]
fn standby_on_the_active_director_hands_over_and_is_obeyed_when_the_partner_dies() {
    let pair = Directors::start("");
    let (first, second) = pair.sides();
    assert_eq!(pair.order(first, "standby on").0, Some(0));
    pair.wait("the partner serves", || pair.active() == Some(second));
    pair.cluster.power_off(second).expect("a power failure");
    let nobody = || pair.active().is_none();
    pair.wait("nobody serves", nobody);
    pair.wait("and it says so", || pair.has_said(first, "nobody serves"));
    pair.restart(first, Signal::SIGKILL);
    pair.wait("it waits", || {
        pair.screen(first).contains("orders   standby")
    });
    let taken = caribe_tests::wait_until(SOON / 4, || !nobody());
    assert!(taken.is_none(), "{}", pair.cluster.last_words());
    assert_eq!(pair.order(first, "standby off").0, Some(0));
    pair.wait("it serves again", || pair.active() == Some(first));
}

#[test]
fn a_frozen_pair_moves_nothing_until_it_is_thawed() {
    let pair = Directors::start("");
    let (active, standby) = pair.sides();
    for director in [active, standby] {
        assert_eq!(pair.order(director, "freeze on").0, Some(0));
    }
    assert_eq!(
        pair.order(active, "failover"),
        (Some(1), "pulse: this node is frozen\n".into())
    );
    // The network between them: what a freeze is for.
    let network = pair.cluster.site().network();
    network.cut(A, B).expect("a cut");
    pair.wait("they hear nothing", || {
        pair.screen(standby).contains("partner  not heard")
    });
    pair.stays(active);
    assert!(pair.screen(standby).contains("pulse    standby"));
    for director in [A, B] {
        network.mend(director).expect("a network");
    }
    pair.wait("they hear again", || {
        pair.screen(standby).contains("partner  alive")
    });
    for director in [active, standby] {
        assert_eq!(pair.order(director, "freeze off").0, Some(0));
    }
    pair.stays(active);
    pair.cluster.power_off(active).expect("a power failure");
    pair.wait("the other one serves", || pair.active() == Some(standby));
}
