//! What a reader finds who has nothing but the two logs and the status of each step.

use std::time::Instant;

use nix::sys::signal::Signal;

use crate::directors::*;

/// Both logs since `begun`, with the director's name before each line.
fn logs(pair: &Directors, begun: Instant) -> String {
    let of = |director| {
        let log = pair.host(director).log().expect("a director has a log");
        let lines = log.lines().into_iter().filter(move |line| line.at >= begun);
        let lines = lines.filter(|line| line.text.starts_with("pulse"));
        lines.map(move |line| (line.at, format!("{director} {}\n", line.text)))
    };
    let mut lines: Vec<_> = of(A).chain(of(B)).collect();
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}

fn demand(step: &str, logs: &str, director: &str, said: &[&str]) {
    println!("== {step}\n{logs}");
    let own: Vec<&str> = logs
        .lines()
        .filter(|line| line.starts_with(director))
        .collect();
    for text in said {
        let is_said = own.iter().any(|line| line.contains(text));
        assert!(is_said, "{step}: {director} does not say {text:?}:\n{logs}");
    }
}

#[test]
fn the_two_logs_of_each_step_name_cause_silent_path_and_owner() {
    let begun = Instant::now();
    let pair = Directors::start("");
    let (active, standby) = pair.sides();
    pair.wait("the partner is heard", || {
        pair.screen(active).contains("partner  alive")
    });
    let shown = |step: &str| {
        for director in [A, B] {
            println!("-- {step}: {director}\n{}", pair.screen(director));
        }
    };
    shown("start");
    demand(
        "start",
        &logs(&pair, begun),
        active,
        &[
            "STARTING PULSE AS",
            ": activating lvs",
            "address 10.9.0.100/32 eth0:1 up",
        ],
    );

    let begun = Instant::now();
    pair.host(active)
        .signal("lvsd", Signal::SIGKILL)
        .expect("a signal");
    pair.wait("lvsd runs again", || {
        pair.has_said(active, "service ended: starting it again")
    });
    pair.wait("lvsd serves", || {
        pair.screen(active).contains("lvsd     checked")
    });
    demand(
        "lvsd dies",
        &logs(&pair, begun),
        active,
        &[
            "terminated with signal 9",
            "service ended: starting it again, addresses stay",
        ],
    );
    assert_eq!(pair.active(), Some(active));

    let begun = Instant::now();
    pair.cluster.power_off(active).expect("a power failure");
    pair.wait("the partner serves", || pair.active() == Some(standby));
    pair.wait("all is said", || pair.has_said(standby, "arps finished"));
    let screen = pair.screen(standby);
    println!("-- a director dies: {standby}\n{screen}");
    assert!(screen.contains("starting -> active: "), "{screen}");
    demand(
        "a director dies",
        &logs(&pair, begun),
        standby,
        &[
            "partner dead: activating lvs",
            " s on the public path",
            "address 10.9.0.100/32 eth0:1 up",
        ],
    );

    let begun = Instant::now();
    pair.cluster.power_on(active).expect("pulse");
    pair.wait("it stands by", || {
        pair.screen(active).contains("partner  alive")
    });
    pair.wait("and the partner knows", || {
        pair.screen(standby).contains("partner  alive")
    });
    pair.stays(standby);
    shown("a director returns");
    demand(
        "a director returns",
        &logs(&pair, begun),
        active,
        &["STARTING PULSE AS"],
    );
    demand(
        "a director returns",
        &logs(&pair, begun),
        standby,
        &["partner alive again"],
    );

    let begun = Instant::now();
    assert_eq!(pair.order(standby, "failover").0, Some(0));
    pair.wait("it has moved", || pair.active() == Some(active));
    pair.wait("all is said", || {
        pair.screen(standby).contains("pulse    standby")
    });
    shown("failover");
    demand(
        "failover",
        &logs(&pair, begun),
        standby,
        &["order: failover", "address 10.9.0.100/32 eth0:1 down"],
    );
    demand(
        "failover",
        &logs(&pair, begun),
        active,
        &[
            "inactive: activating lvs",
            "address 10.9.0.100/32 eth0:1 up",
        ],
    );
}
