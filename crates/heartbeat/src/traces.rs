//! Recorded traces: what goes in at which time, what comes out. `golden/*.trace` are read in the
//! diff when a rule changes; `UPDATE_GOLDEN=1` writes them anew.
//!
//! A line `< TEXT` is an input, a line `> TEXT` an action; deadlines in between run by themselves.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use crate::datagram::Value;
use lvs_model::{Mono, Random};

use crate::model::{Action, Input, Links, Settings};
use crate::node::Node;
use crate::pair::{ConfiguredRole, PairPath};
use crate::tests::{at, settings};

struct Trace {
    node: Node,
    text: String,
}

impl Trace {
    fn of(settings: Settings) -> Self {
        let mut trace = Self {
            node: Node::new(Mono::ZERO, settings),
            text: String::new(),
        };
        trace.put(0.0, Input::Start);
        trace
    }

    fn put(&mut self, seconds: f64, input: Input) -> &mut Self {
        self.run_to(at(seconds));
        writeln!(self.text, "{} < {input:?}", at(seconds)).unwrap();
        self.handle(at(seconds), input);
        self
    }

    fn hear(&mut self, seconds: f64, value: Value) -> &mut Self {
        let path = PairPath::Public;
        self.put(
            seconds,
            Input::Beat {
                value,
                path,
                said: None,
            },
        )
    }

    fn run_to(&mut self, end: Mono) {
        while let Some(due) = self.node.next_deadline().filter(|due| *due < end) {
            self.handle(due, Input::Tick);
        }
    }

    fn handle(&mut self, now: Mono, input: Input) {
        let mut out = Vec::new();
        self.node.handle(now, input, &mut out);
        for action in out {
            let text = match action {
                Action::Notice(notice) => format!("\"{notice}\""),
                other => format!("{other:?}"),
            };
            writeln!(self.text, "{now} > {text}").unwrap();
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the test compares with a file, the machine does not"
    )]
    fn matches(&self, name: &str) {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/golden");
        let path = PathBuf::from(directory).join(name).with_extension("trace");
        if std::env::vars().any(|(key, _)| key == "UPDATE_GOLDEN") {
            std::fs::write(&path, &self.text).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap();
        assert_eq!(self.text, golden, "{}", path.display());
    }
}

#[test]
fn primary_alone_then_the_backup_comes_and_a_clean_stop() {
    let mut trace = Trace::of(settings(ConfiguredRole::Primary));
    trace
        .put(5.3, Input::ServiceReady)
        .hear(7.0, Value::Stopped)
        .hear(9.0, Value::Stopped)
        .put(9.5, Input::AddressRemoved)
        .hear(11.0, Value::Stopped)
        // Nothing is heard of it for a quarter of a second, as of an original.
        .put(12.0, Input::Stop { signal: 15 })
        .put(12.5, Input::ServiceEnded);
    trace.matches("clean_stop");
}

#[test]
fn backup_takes_over_and_yields_after_a_partition() {
    let mut trace = Trace::of(settings(ConfiguredRole::Backup));
    trace
        .hear(1.0, Value::Running)
        .put(1.1, Input::ServiceEnded)
        .put(6.2, Input::ServiceReady)
        .hear(14.0, Value::Running)
        .put(14.1, Input::ServiceEnded)
        .hear(16.0, Value::Running);
    trace.matches("partition");
}

#[test]
fn a_service_that_does_not_stay_up_is_left_to_the_partner_for_a_while() {
    let mut trace = Trace::of(settings(ConfiguredRole::Primary));
    trace
        .hear(1.0, Value::Stopped)
        .put(1.2, Input::ServiceReady);
    for end in [2.0, 2.5, 2.9] {
        trace.put(end, Input::ServiceEnded);
    }
    for beat in 1..8_u32 {
        trace.hear(2.0 + f64::from(beat) * 2.0, Value::Stopped);
    }
    trace.matches("unfit_service");
}

fn random_input(random: &mut Random) -> Input {
    let path = PairPath::Public;
    let flag = random.once_in(2);
    match random.below(12) {
        0 | 1 => Input::Beat {
            value: Value::Running,
            path,
            said: None,
        },
        2 | 3 => Input::Beat {
            value: Value::Stopped,
            path,
            said: None,
        },
        4 => Input::Beat {
            value: Value::StopMe,
            path,
            said: None,
        },
        5 => Input::Beat {
            value: Value::Hold,
            path: PairPath::Private,
            said: None,
        },
        6 => Input::ServiceReady,
        7 => Input::ServiceEnded,
        8 => Input::Links(Links {
            public_up: flag,
            private_up: true,
        }),
        9 => Input::AddressRemoved,
        10 => Input::Incompatible,
        11 => Input::ServiceAlive,
        _ => Input::Tick,
    }
}

#[test]
fn any_order_of_inputs_leaves_the_addresses_where_the_phase_says() {
    for run in testkit::seeds(2000) {
        let mut random = Random::new(run);
        let role = [ConfiguredRole::Primary, ConfiguredRole::Backup][usize::from(run % 2 == 0)];
        let mut node = Node::new(Mono::ZERO, settings(role));
        let (mut now, mut up) = (Mono::ZERO, false);
        for step in 0..60_u64 {
            now = now + Duration::from_millis(random.below(1500));
            let input = if step == 55 {
                Input::Stop { signal: 15 }
            } else {
                random_input(&mut random)
            };
            let mut out = Vec::new();
            node.handle(now, input, &mut out);
            for action in out {
                match action {
                    Action::RaiseAddresses => up = true,
                    Action::DropAddresses => up = false,
                    Action::Send(Value::Stopped) | Action::Exit => assert!(!up),
                    Action::Announce => assert!(up),
                    _ => {}
                }
            }
            assert_eq!(up, node.is_holding());
            assert!(!node.has_stray_timer());
            assert!(node.next_deadline().is_none_or(|due| due > Mono::ZERO));
        }
    }
}
