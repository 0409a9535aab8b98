//! Orders: accepted, refused with the reason, in force after a restart.

use nix::sys::signal::Signal;

use crate::directors::*;

/// Asks the line that is its argument.
const PERL: &str = "my $s = IO::Socket::UNIX->new(Peer => \"/run/lvs/pulse.sock\") or die $!; \
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
            let said = format!("ordered before this start, and in force: {order}");
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
    let reason = "standby on: in force now, but not after a restart: /var/lib/lvs/pulse.orders: ";
    assert!(text.contains(reason), "{text}");
    assert!(pair.screen(standby).contains("orders   standby"));
}
