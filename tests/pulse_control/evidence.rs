//! What the two logs and the status of each step say, and no more; `--nocapture` shows it.

use std::time::Instant;

use nix::sys::signal::Signal;

use crate::directors::*;

/// One step: what was said and shown since its begin.
struct Step<'a> {
    pair: &'a Directors,
    name: &'static str,
    begun: Instant,
}

impl<'a> Step<'a> {
    fn begin(pair: &'a Directors, name: &'static str) -> Self {
        let begun = Instant::now();
        Self { pair, name, begun }
    }

    /// Both logs of pulse, with the director's name before each line.
    fn logs(&self) -> String {
        let of = |director| {
            let log = self
                .pair
                .host(director)
                .log()
                .expect("a director has a log");
            let lines = log.lines().into_iter();
            let lines =
                lines.filter(|line| line.at >= self.begun && line.text.starts_with("pulse"));
            lines.map(move |line| (line.at, format!("{director} {}\n", line.text)))
        };
        let mut lines: Vec<_> = of(A).chain(of(B)).collect();
        lines.sort();
        lines.into_iter().map(|(_, line)| line).collect()
    }

    /// The status of those that run, and both logs.
    #[expect(
        clippy::disallowed_macros,
        reason = "a test's output, which the test harness keeps"
    )]
    fn show(&self, running: &[&str]) {
        for director in running {
            println!(
                "-- {}: {director}\n{}",
                self.name,
                self.pair.screen(director)
            );
        }
        println!("== {}\n{}", self.name, self.logs());
    }

    /// A director's log has these.
    fn demand(&self, director: &str, said: &[&str]) {
        let logs = self.logs();
        let own = || logs.lines().filter(|line| line.starts_with(director));
        for text in said {
            let is_said = own().any(|line| line.contains(text));
            assert!(
                is_said,
                "{}: {director} does not say {text:?}:\n{logs}",
                self.name
            );
        }
    }
}

const UP: &str = "address 10.9.0.100/32 eth0:1 up";
const DOWN: &str = "address 10.9.0.100/32 eth0:1 down";

#[test]
fn the_two_logs_of_each_step_name_cause_silent_path_and_owner() {
    let begun = Instant::now();
    let pair = Directors::start("");
    let (active, standby) = pair.sides();
    let hears = |director| pair.screen(director).contains("partner  alive");
    pair.wait("the partner is heard", || hears(active));
    let name = "start";
    let step = Step {
        pair: &pair,
        name,
        begun,
    };
    step.show(&[A, B]);
    step.demand(active, &["STARTING PULSE AS", ": activating lvs", UP]);

    let step = Step::begin(&pair, "lvsd dies");
    pair.host(active)
        .signal("lvsd", Signal::SIGKILL)
        .expect("a signal");
    let again = "service ended: starting it again, addresses stay";
    pair.wait("lvsd runs again", || pair.has_said(active, again));
    pair.wait("lvsd serves", || {
        pair.screen(active).contains("lvsd     checked")
    });
    step.show(&[A, B]);
    step.demand(active, &["terminated with signal 9", again]);
    assert_eq!(pair.active(), Some(active));

    a_director_dies_and_returns(&pair, active, standby);

    let step = Step::begin(&pair, "failover");
    assert_eq!(pair.order(standby, "failover").0, Some(0));
    pair.wait("it has moved", || pair.active() == Some(active));
    pair.wait("all is said", || {
        pair.screen(standby).contains("pulse    standby")
    });
    step.show(&[A, B]);
    step.demand(
        standby,
        &["order: failover", "partner active: going inactive", DOWN],
    );
    step.demand(active, &["inactive: activating lvs", UP]);
}

fn a_director_dies_and_returns(pair: &Directors, dead: &str, heir: &str) {
    let step = Step::begin(pair, "a director dies");
    pair.cluster.power_off(dead).expect("a power failure");
    pair.wait("the partner serves", || pair.active() == Some(heir));
    pair.wait("all is said", || pair.has_said(heir, "arps finished"));
    step.show(&[heir]);
    assert!(pair.screen(heir).contains("starting -> active: "));
    let cause = [
        "partner dead: activating lvs",
        " s on the public path, no heartbeat for ",
        " s on the private path",
    ];
    step.demand(heir, &cause);
    step.demand(heir, &[UP]);

    let step = Step::begin(pair, "a director returns");
    pair.cluster.power_on(dead).expect("pulse");
    for director in [dead, heir] {
        pair.wait("they hear each other", || {
            pair.screen(director).contains("partner  alive")
        });
    }
    pair.stays(heir);
    step.show(&[A, B]);
    step.demand(dead, &["STARTING PULSE AS"]);
    step.demand(heir, &["partner alive again"]);
    let logs = step.logs();
    assert!(
        !logs.contains("no heartbeat on the"),
        "no path was silent:\n{logs}"
    );
}
