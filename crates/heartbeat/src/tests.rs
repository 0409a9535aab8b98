//! Single rules, each by name, by subject; here the node on its bench.

mod addresses;
mod alone;
mod away;
pub(crate) mod beat;
mod both_active;
mod cold;
mod fitness;
mod giving_up;
mod helpless;
mod hooks;
mod mute;
mod offers;
mod orders;
mod own;
mod same_role;
mod service;
mod signed;
mod start;
mod takeover;
mod texts;
mod transitions;
mod two_owners;
mod view;
mod warm;

use std::net::IpAddr;
use std::time::Duration;

use crate::datagram::{Service, Value};
use lvs_model::Mono;

use crate::model::{Action, Input, Settings};
use crate::node::Node;
use crate::pair::{ConfiguredRole, Ends, PairPath};
use crate::transitions::Phase;

pub(crate) fn at(seconds: f64) -> Mono {
    Mono::new(Duration::from_secs_f64(seconds))
}

/// The primary has the lower address.
pub(crate) fn ends(role: ConfiguredRole) -> Ends {
    let [primary, backup] = [[10, 1, 0, 1], [10, 1, 0, 2]].map(IpAddr::from);
    let (own, partner) = match role {
        ConfiguredRole::Primary => (primary, backup),
        ConfiguredRole::Backup => (backup, primary),
    };
    Ends { own, partner }
}

pub(crate) fn settings(role: ConfiguredRole) -> Settings {
    Settings {
        role,
        ends: Some(ends(role)),
        service: Service::Lvs,
        keepalive: Duration::from_secs(2),
        dead_time: Duration::from_secs(5),
        has_partner: true,
        has_private_path: false,
        force_active: false,
        signs: false,
        by_term: false,
        warm_standby: false,
        sync_wait: Duration::ZERO,
        addresses: Vec::new(),
        keys: "/etc/keys".to_owned(),
        content: 0,
        partner: Vec::new(),
        hook_patience: Duration::ZERO,
    }
}

/// A node with its clock, fed as the shell feeds it.
struct Bench {
    node: Node,
    /// Whether clearing the table takes its time; else it is done at once.
    clears_slowly: bool,
}

impl Bench {
    fn start(settings: Settings) -> Self {
        let mut bench = Self {
            node: Node::new(at(0.0), settings),
            clears_slowly: false,
        };
        bench.put(0.0, Input::Start);
        bench
    }

    fn primary() -> Self {
        Self::start(settings(ConfiguredRole::Primary))
    }

    fn backup() -> Self {
        Self::start(settings(ConfiguredRole::Backup))
    }

    fn put(&mut self, seconds: f64, input: Input) -> Vec<Action> {
        self.handle(at(seconds), input)
    }

    fn handle(&mut self, now: Mono, input: Input) -> Vec<Action> {
        let mut out = Vec::new();
        self.node.handle(now, input, &mut out);
        if !self.clears_slowly && out.contains(&Action::ClearTable) {
            self.node.handle(now, Input::ServiceEnded, &mut out);
        }
        out
    }

    fn hear(&mut self, seconds: f64, value: Value) -> Vec<Action> {
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

    /// Runs every deadline up to `seconds`.
    fn run_to(&mut self, seconds: f64) -> Vec<(Mono, Action)> {
        let mut log = Vec::new();
        while let Some(due) = self.node.next_deadline().filter(|due| *due <= at(seconds)) {
            let out = self.handle(due, Input::Tick);
            log.extend(out.into_iter().map(|action| (due, action)));
        }
        log
    }

    /// Silent partner, loaded service: active at 5.0.
    fn make_active(&mut self) {
        self.run_to(5.0);
        self.put(5.0, Input::ServiceReady);
        assert_eq!(self.node.phase(), Phase::Active);
    }
}

fn notices(actions: &[Action]) -> Vec<String> {
    let text = |action: &Action| match action {
        Action::Notice(notice) => Some(notice.to_string()),
        _ => None,
    };
    actions.iter().filter_map(text).collect()
}
