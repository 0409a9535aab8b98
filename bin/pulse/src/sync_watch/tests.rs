use super::*;

fn at(seconds: f64) -> Mono {
    Mono::new(Duration::from_secs_f64(seconds))
}

fn eth(index: u32) -> Device {
    Device {
        name: "eth1".into(),
        index,
        running: true,
        address: Some([10, 9, 0, 1].into()),
    }
}

/// The kernel, as far as it matters here; it takes whatever it is told.
struct Bench {
    watch: SyncWatch,
    facts: Facts,
    said: Vec<String>,
    /// What is answered to each start.
    refusal: Option<&'static str>,
}

impl Bench {
    fn with(devices: Vec<Device>) -> Self {
        let mut watch = SyncWatch::default();
        watch.order(at(0.0), Some(wanted(SyncRole::Master)));
        Self {
            watch,
            facts: Facts {
                daemons: Ok(Vec::new()),
                devices: Ok(devices),
            },
            said: Vec::new(),
            refusal: None,
        }
    }

    /// Running since 0, looked at up to 5.
    fn good() -> Self {
        let mut bench = Self::with(vec![eth(4)]);
        bench.run_to(5.0);
        bench.said.clear();
        bench
    }

    fn device(&mut self) -> &mut Device {
        &mut self.facts.devices.as_mut().unwrap()[0]
    }

    fn look(&mut self, now: Mono) -> Vec<String> {
        let mut said = Vec::new();
        let ops = self.watch.look(now, &self.facts, &mut said);
        for op in &ops {
            let daemons = self.facts.daemons.as_mut().unwrap();
            match op {
                IpvsOp::StopDaemon(role) => daemons.retain(|it| it.role != *role),
                IpvsOp::StartDaemon(daemon) => match self.refusal {
                    Some(reason) => self.watch.refused(now, reason, &mut said),
                    None => daemons.push(daemon.clone()),
                },
                _ => panic!("{op}"),
            }
        }
        self.said.extend(said.into_iter().map(|said| match said {
            Line::Problem(text) | Line::Good(text) => text,
        }));
        ops.iter().map(ToString::to_string).collect()
    }

    /// Every look up to then; when something was done.
    fn run_to(&mut self, seconds: f64) -> Vec<(Mono, Vec<String>)> {
        let mut done = Vec::new();
        while let Some(due) = self.watch.next_look().filter(|due| *due <= at(seconds)) {
            let ops = self.look(due);
            if !ops.is_empty() {
                done.push((due, ops));
            }
        }
        done
    }
}

fn wanted(role: SyncRole) -> Wanted {
    Wanted {
        role,
        interface: "eth1".into(),
        id: 7,
    }
}

const STOP: &str = "--stop-daemon master";
const START: &str = "--start-daemon master --mcast-interface eth1 --syncid 7";
const ABOUT: &str = "sync daemon (master on eth1, id 7)";

fn problem(text: &str) -> String {
    format!("{ABOUT}: connections are not synchronised: {text}")
}

#[test]
fn an_order_starts_the_new_role_before_it_stops_the_other_one() {
    let mut bench = Bench::with(vec![eth(4)]);
    assert_eq!(bench.look(at(0.0)), [STOP, START, "--stop-daemon backup"]);
    assert!(bench.watch.status().unwrap().problem.is_some());
    assert_eq!(bench.run_to(60.0), []);
    assert_eq!(bench.said, [format!("{ABOUT} runs")]);
    assert_eq!(bench.watch.status().unwrap().problem, None);
}

#[test]
fn one_that_somebody_stopped_is_back_with_the_next_look_and_told_of_once() {
    let mut bench = Bench::good();
    bench.facts.daemons = Ok(Vec::new());
    let done = bench.run_to(30.0);
    assert_eq!(done, [(at(6.0), vec![STOP.into(), START.into()])]);
    let expected = [problem("somebody else stopped it"), format!("{ABOUT} runs")];
    assert_eq!(bench.said, expected);
}

#[test]
fn one_with_another_id_or_role_is_not_ours() {
    for change in [
        |daemon: &mut SyncDaemon| daemon.sync_id = 8,
        |daemon: &mut SyncDaemon| daemon.role = SyncRole::Backup,
        |daemon: &mut SyncDaemon| daemon.interface = "eth0".into(),
    ] {
        let mut bench = Bench::good();
        change(&mut bench.facts.daemons.as_mut().unwrap()[0]);
        assert_eq!(bench.run_to(30.0).len(), 1);
    }
}

#[test]
fn a_refused_start_is_repeated_with_growing_pauses_and_said_once() {
    let mut bench = Bench::with(vec![eth(4)]);
    bench.refusal = Some("no buffer");
    let times: Vec<u64> = bench
        .run_to(200.0)
        .iter()
        .map(|(at, _)| at.since_start().as_secs())
        .collect();
    assert_eq!(times, [0, 1, 3, 7, 15, 31, 63, 123, 183]);
    assert_eq!(bench.said, [problem("no buffer")]);
    bench.refusal = None;
    bench.run_to(300.0);
    assert_eq!(bench.said[1..], [format!("{ABOUT} runs")]);
}

#[test]
fn an_interface_that_is_missing_is_waited_for() {
    let mut bench = Bench::with(Vec::new());
    let stops = vec![STOP.to_owned(), "--stop-daemon backup".to_owned()];
    assert_eq!(bench.run_to(50.0), [(at(0.0), stops)]);
    assert_eq!(bench.said, [problem("there is no interface eth1")]);
    bench.facts.devices = Ok(vec![eth(9)]);
    bench.watch.hear(at(50.0), 9, true);
    let done = bench.run_to(51.0);
    assert_eq!(done, [(at(50.5), vec![STOP.into(), START.into()])]);
    bench.run_to(60.0);
    assert_eq!(bench.said[1..], [format!("{ABOUT} runs")]);
}

#[test]
fn an_interface_that_went_and_came_back_is_another_one() {
    let mut bench = Bench::good();
    bench.facts.devices = Ok(Vec::new());
    assert_eq!(bench.run_to(10.0), []);
    assert_eq!(bench.said, [problem("there is no interface eth1")]);
    for index in [4, 5] {
        let mut bench = bench.clone_world();
        bench.facts.devices = Ok(vec![eth(index)]);
        assert_eq!(bench.run_to(40.0).len(), 1, "{index}");
        assert_eq!(bench.said.last(), Some(&format!("{ABOUT} runs")));
    }
}

#[test]
fn one_that_was_down_is_started_anew_when_its_interface_is_up() {
    let mut bench = Bench::good();
    bench.device().running = false;
    assert_eq!(bench.run_to(20.0), []);
    assert_eq!(bench.said, [problem("eth1 is down or has no carrier")]);
    bench.device().running = true;
    assert_eq!(bench.run_to(30.0).len(), 1);
    assert_eq!(bench.said[1..], [format!("{ABOUT} runs")]);
}

#[test]
fn a_carrier_that_was_lost_for_a_moment_only_is_heard_of() {
    let mut bench = Bench::good();
    bench.watch.hear(at(5.1), 3, false);
    assert_eq!(bench.run_to(9.0), []);
    bench.watch.hear(at(9.1), 4, false);
    bench.watch.hear(at(9.2), 4, true);
    assert_eq!(bench.run_to(30.0).len(), 1);
}

#[test]
fn a_changed_address_needs_a_new_start() {
    let mut bench = Bench::good();
    bench.device().address = None;
    assert_eq!(bench.run_to(6.0).len(), 1);
    bench.device().address = Some([10, 9, 0, 77].into());
    assert_eq!(bench.run_to(30.0).len(), 1);
}

#[test]
fn a_renamed_interface_keeps_its_daemon_and_the_next_role_starts_under_the_new_name() {
    let mut bench = Bench::good();
    bench.device().name = "sync".into();
    assert_eq!(bench.run_to(30.0), []);
    assert_eq!(bench.said, [""; 0]);
    bench.watch.order(at(30.0), Some(wanted(SyncRole::Backup)));
    let ops = bench.look(at(30.0));
    assert_eq!(
        ops[1],
        "--start-daemon backup --mcast-interface sync --syncid 7"
    );
    assert_eq!(bench.run_to(60.0), []);
}

#[test]
fn an_interface_that_flaps_costs_a_start_each_time_it_is_back() {
    let mut bench = Bench::good();
    for second in (10..40).step_by(10) {
        bench.device().running = false;
        assert_eq!(bench.run_to(f64::from(second)), []);
        bench.device().running = true;
        assert_eq!(bench.run_to(f64::from(second) + 5.0).len(), 1);
    }
}

#[test]
fn interfaces_that_could_not_be_read_change_nothing_and_are_read_again_soon() {
    let mut bench = Bench::good();
    let there = std::mem::replace(&mut bench.facts.devices, Err("interrupted".into()));
    let before = bench.watch.status();
    assert_eq!(bench.run_to(20.0), []);
    let told = "sync daemon: the interfaces could not be read: interrupted";
    assert_eq!(bench.said, [told], "once");
    assert_eq!(bench.watch.status(), before);
    bench.facts.devices = there.clone();
    assert_eq!(bench.run_to(40.0), []);
    assert_eq!(bench.said.len(), 1);
    // An order waits for them.
    bench.facts.devices = Err("interrupted".into());
    bench.watch.order(at(40.0), Some(wanted(SyncRole::Master)));
    assert_eq!(bench.run_to(40.5), []);
    bench.facts.devices = there;
    let done = bench.run_to(41.0);
    let start = [STOP, START, "--stop-daemon backup"].map(String::from);
    assert_eq!(done, [(at(41.0), start.to_vec())]);
}

/// A look that failed says nothing of the daemon: it synchronises, and a new start would lose what it is sent.
#[test]
fn r_daemons_that_could_not_be_read_are_left_alone_and_read_again_soon() {
    let mut bench = Bench::good();
    let there = std::mem::replace(&mut bench.facts.daemons, Err("no memory".into()));
    let before = bench.watch.status();
    assert_eq!(bench.run_to(20.0), []);
    assert_eq!(bench.watch.next_look(), Some(at(21.0)), "a second later");
    let told = "sync daemon: the kernel's sync daemons could not be read: no memory";
    assert_eq!(bench.said, [told], "once");
    assert_eq!(bench.watch.status(), before);
    bench.facts.daemons = there;
    assert_eq!(bench.run_to(40.0), []);
    assert_eq!(bench.said.len(), 1);
}

/// There is nothing to lose, and a start is what loads the module.
#[test]
fn one_that_never_started_is_tried_again_whatever_can_be_read() {
    let mut bench = Bench::with(vec![eth(4)]);
    bench.refusal = Some("no module");
    bench.run_to(0.0);
    bench.facts.daemons = Err("no module".into());
    let ops = bench.watch.look(at(60.0), &bench.facts, &mut Vec::new());
    let ops: Vec<String> = ops.iter().map(ToString::to_string).collect();
    assert_eq!(ops, [STOP, START]);
}

/// Deleted and created again between two looks, and nothing was heard of it.
#[test]
fn another_interface_of_the_same_name_needs_a_new_start() {
    let mut bench = Bench::good();
    *bench.device() = eth(5);
    let done = bench.run_to(30.0);
    assert_eq!(done, [(at(6.0), vec![STOP.into(), START.into()])]);
    let expected = [
        problem("eth1 is another interface now"),
        format!("{ABOUT} runs"),
    ];
    assert_eq!(bench.said, expected);
}

#[test]
fn without_one_in_lvs_cf_both_are_stopped_and_nothing_is_watched() {
    let mut bench = Bench::good();
    bench.watch.order(at(6.0), None);
    assert_eq!(bench.look(at(6.0)), [STOP, "--stop-daemon backup"]);
    assert_eq!(bench.watch.next_look(), None);
    assert_eq!(bench.watch.status(), None);
}

impl Bench {
    fn clone_world(&self) -> Self {
        Self {
            watch: self.watch.clone(),
            facts: self.facts.clone(),
            said: self.said.clone(),
            refusal: self.refusal,
        }
    }
}
