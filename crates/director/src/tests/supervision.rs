//! Dead and silent nannies.

use std::time::Duration;

use control::{CheckResult, FileStatus, Reason, Report};
use lvs_model::{ChildExit, Mono};

use super::world::*;
use crate::notice::AfterDeath;
use crate::supervision::{Life, Supervised};
use crate::{Action, Input, StartError, Table};

#[test]
fn a_dead_nanny_is_replaced_at_once_and_goes_on_from_where_it_was() {
    let mut world = World::start(two_servers(), Table::new());
    world.up("10.0.0.1", 1);
    let table = world.table();
    world.take_trace();
    world.kill("10.0.0.1");
    assert_eq!(
        world.take_trace(),
        [
            "log nanny for child web/a died! terminated with signal 9, starting another at once",
            "start 3 10.0.0.1",
            "tell 3 adopt up 1 0",
            "log create_monitor for web/a running as pid 1003"
        ]
    );
    assert_eq!(world.table(), table);
}

#[test]
fn a_nanny_that_somebody_else_ends_takes_its_server_not_along() {
    let mut world = World::start(two_servers(), Table::new());
    world.up("10.0.0.1", 1);
    let table = world.table();
    let nanny = world.nanny("10.0.0.1");
    world.say(nanny, control::Phase::Up, control::Place::Out);
    world.nannies.remove(&nanny);
    world.take_trace();
    world.feed(Input::Ended(nanny, ChildExit::Status(0)));
    world.pass(0.0);
    let trace = world.take_trace();
    let said = "log nanny for child web/a died! exited with status 0, starting another at once";
    assert!(trace.contains(&said.into()), "{trace:?}");
    assert!(trace.contains(&"tell 3 adopt up 1 0".into()));
    assert_eq!(world.table(), table);
}

/// Waits for the successor, which comes within a minute.
fn until_one_runs(world: &mut World) {
    for _ in 0..=120 {
        if !world.nannies.is_empty() {
            return;
        }
        assert_eq!(world.exit, None);
        world.pass(0.5);
    }
    panic!("no nanny within a minute");
}

/// When a nanny that dies at once is started again, in seconds after the start, and what is logged.
fn deaths(hard_shutdown: bool, count: usize) -> (Vec<f64>, Vec<String>, Option<i32>) {
    let mut file = two_servers();
    file.hard_shutdown = hard_shutdown;
    file.virtuals[0].servers.truncate(1);
    let mut world = World::start(file, Table::new());
    world.take_trace();
    let mut starts = Vec::new();
    for _ in 0..count {
        world.kill("10.0.0.1");
        if world.exit.is_some() {
            break;
        }
        until_one_runs(&mut world);
        starts.push(world.now.since_start().as_secs_f64());
    }
    (starts, world.take_log(), world.exit)
}

#[test]
fn the_pause_between_two_starts_grows_to_a_minute() {
    let (starts, log, exit) = deaths(false, 8);
    assert_eq!(starts, [0.0, 1.0, 3.0, 7.0, 67.0, 127.0, 187.0, 247.0]);
    assert_eq!(exit, None);
    let manual = |line: &&String| line.contains("died! manual action needed!");
    assert_eq!(log.iter().filter(manual).count(), 4);
}

#[test]
fn the_pause_doubles_for_a_nanny_that_lives_for_a_while_each_time() {
    let mut file = two_servers();
    file.virtuals[0].servers.truncate(1);
    let mut world = World::start(file, Table::new());
    let mut pauses = Vec::new();
    for _ in 0..9 {
        world.pass(20.0);
        let died = world.now;
        world.kill("10.0.0.1");
        until_one_runs(&mut world);
        pauses.push((world.now - died).as_secs());
    }
    assert_eq!(pauses, [0, 1, 2, 4, 8, 16, 32, 60, 60]);
    assert_eq!(world.exit, None);
}

/// Its nanny dies at once, whenever one runs, this many times.
fn dies_again(world: &mut World, rip: &str, count: usize) {
    for _ in 0..count {
        let is_it = |world: &World| {
            world
                .nannies
                .values()
                .any(|it| it.options.rip == address(rip))
        };
        for _ in 0..=120 {
            if is_it(world) {
                break;
            }
            world.pass(0.5);
        }
        world.kill(rip);
    }
}

/// In the kernel's table.
fn servers(world: &World) -> Vec<String> {
    let lines = world.table().into_iter();
    lines.filter(|line| line.starts_with("-a ")).collect()
}

#[test]
fn a_server_whose_nannies_keep_dying_goes_out_alone_and_comes_back() {
    let mut world = World::start(two_servers(), Table::new());
    world.up("10.0.0.1", 1);
    world.up("10.0.0.2", 1);
    let whole = servers(&world);
    dies_again(&mut world, "10.0.0.1", 4);
    assert_eq!(servers(&world), whole, "four deaths move nothing");
    world.take_trace();
    dies_again(&mut world, "10.0.0.1", 4);
    assert_eq!(world.exit, None);
    let log = world.take_log();
    let said = |text: &str| log.iter().filter(|line| *line == text).count();
    assert_eq!(said("nanny for child web/a died! manual action needed!"), 4);
    assert_eq!(said("web/a is out: its nannies keep dying"), 1, "{log:?}");
    assert_eq!(servers(&world), whole[1..]);
    // The next one goes on from there, and is trusted.
    world.pass(61.0);
    let adopted = world.take_trace();
    assert!(
        adopted
            .iter()
            .any(|line| line.ends_with("adopt down out 0")),
        "{adopted:?}"
    );
    world.up("10.0.0.1", 1);
    assert_eq!(servers(&world), whole);
}

#[test]
fn a_quiesced_server_whose_nannies_keep_dying_stays_with_weight_0() {
    let mut file = two_servers();
    file.virtuals[0].quiesce = true;
    let mut world = World::start(file, Table::new());
    world.up("10.0.0.1", 1);
    world.up("10.0.0.2", 1);
    dies_again(&mut world, "10.0.0.1", 5);
    let weights: Vec<_> = servers(&world)
        .iter()
        .map(|line| line.ends_with(" -w 0"))
        .collect();
    assert_eq!(weights, [true, false], "{:?}", servers(&world));
}

#[test]
fn without_hard_shutdown_a_server_whose_nannies_keep_dying_stays() {
    let mut file = two_servers();
    file.hard_shutdown = false;
    let mut world = World::start(file, Table::new());
    world.up("10.0.0.1", 1);
    let whole = servers(&world);
    dies_again(&mut world, "10.0.0.1", 8);
    assert_eq!((servers(&world), world.exit), (whole, None));
}

#[test]
fn lvsd_ends_when_the_nannies_of_every_server_keep_dying_and_not_before() {
    let mut world = World::start(two_servers(), Table::new());
    dies_again(&mut world, "10.0.0.1", 5);
    dies_again(&mut world, "10.0.0.2", 4);
    assert_eq!(world.exit, None);
    dies_again(&mut world, "10.0.0.2", 1);
    assert_eq!(world.exit, Some(1));
}

#[test]
fn a_server_whose_nanny_lives_again_is_not_counted_among_the_lost() {
    let mut world = World::start(two_servers(), Table::new());
    dies_again(&mut world, "10.0.0.1", 5);
    world.pass(60.0 + 301.0);
    dies_again(&mut world, "10.0.0.2", 6);
    assert_eq!(world.exit, None);
}

/// Its nanny says that a check is through.
fn checks(world: &mut World, rip: &str, result: CheckResult) {
    let nanny = world.nanny(rip);
    let duration = Duration::from_millis(1);
    world.feed(Input::Report(nanny, Report::Check { result, duration }));
}

/// Whether lvsd goes on when the nannies of b die, after those of a have, and one of a has lived again for
/// `seconds` and reported this of its last check.
fn goes_on(seconds: f64, result: Option<CheckResult>) -> bool {
    let mut world = World::start(two_servers(), Table::new());
    world.up("10.0.0.2", 1);
    dies_again(&mut world, "10.0.0.1", 5);
    // The next one is started a minute after the last death.
    world.pass(60.0);
    if let Some(result) = result {
        checks(&mut world, "10.0.0.1", result);
    }
    world.pass(seconds);
    dies_again(&mut world, "10.0.0.2", 5);
    world.exit.is_none()
}

/// It watches: this director can check.
#[test]
fn r_a_server_whose_nanny_has_checked_well_since_the_last_death_is_not_counted_among_the_lost() {
    for seconds in [0.0, 60.0, 230.0, 290.0] {
        assert!(goes_on(seconds, Some(CheckResult::Good)), "{seconds}");
        assert!(!goes_on(seconds, None), "{seconds}: nothing was checked");
        let failed = CheckResult::Failed(Reason::new("no"));
        assert!(!goes_on(seconds, Some(failed)), "{seconds}: nothing good");
    }
}

/// Both have died too often; whichever has checked well and lives holds lvsd, until it dies too.
#[test]
fn r_a_good_check_of_a_nanny_that_has_died_since_holds_nothing() {
    let mut world = World::start(two_servers(), Table::new());
    dies_again(&mut world, "10.0.0.1", 5);
    world.pass(60.0);
    checks(&mut world, "10.0.0.1", CheckResult::Good);
    dies_again(&mut world, "10.0.0.2", 5);
    assert_eq!(world.exit, None);
    dies_again(&mut world, "10.0.0.1", 1);
    assert_eq!(world.exit, Some(1));
}

#[test]
fn r_a_good_check_of_the_nanny_before_says_nothing_of_the_one_that_runs() {
    let mut world = World::start(two_servers(), Table::new());
    dies_again(&mut world, "10.0.0.1", 5);
    world.pass(60.0);
    checks(&mut world, "10.0.0.1", CheckResult::Good);
    dies_again(&mut world, "10.0.0.1", 1);
    world.pass(60.0);
    dies_again(&mut world, "10.0.0.2", 5);
    assert_eq!(world.exit, Some(1));
}

/// What an operator ordered stays: no check says otherwise.
#[test]
fn a_server_that_was_forced_up_stays_though_its_nannies_keep_dying() {
    let mut world = World::start(two_servers(), Table::new());
    let nanny = world.nanny("10.0.0.1");
    world.say(
        nanny,
        control::Phase::ForcedUp,
        control::Place::In(weight(1)),
    );
    let forced = servers(&world);
    assert_eq!(forced.len(), 1);
    dies_again(&mut world, "10.0.0.1", 6);
    assert_eq!(servers(&world), forced);
}

/// An operator took it out: that, and not the deaths, is why, and the next nanny goes on from there.
#[test]
fn a_server_that_was_forced_down_stays_so_though_its_nannies_keep_dying() {
    let mut world = World::start(two_servers(), Table::new());
    let nanny = world.nanny("10.0.0.1");
    world.say(nanny, control::Phase::ForcedDown, control::Place::Out);
    world.take_trace();
    dies_again(&mut world, "10.0.0.1", 5);
    world.pass(60.0);
    let trace = world.take_trace();
    let told = |text: &str| trace.iter().filter(|line| line.contains(text)).count();
    assert_eq!(told("adopt forced-down out 0"), 5, "{trace:?}");
    assert_eq!(told("is out"), 0, "{trace:?}");
}

#[test]
fn a_server_that_went_out_for_its_nannies_says_so_in_the_status() {
    let mut world = World::start(two_servers(), Table::new());
    world.up("10.0.0.1", 1);
    let reason = |world: &World| {
        let status = world.lvsd.status(world.now, 7, &FileStatus::default());
        status.services[0].servers[0].reason.to_string()
    };
    dies_again(&mut world, "10.0.0.1", 4);
    assert_eq!(reason(&world), "");
    dies_again(&mut world, "10.0.0.1", 1);
    assert_eq!(reason(&world), "its nannies keep dying");
}

#[test]
fn with_hard_shutdown_five_deaths_of_the_only_nanny_end_lvsd() {
    let (starts, log, exit) = deaths(true, 8);
    assert_eq!(starts, [0.0, 1.0, 3.0, 7.0]);
    assert_eq!(exit, Some(1));
    for line in [
        "nanny for child web/a died! shutting down lvs",
        "web/a: nanny terminated with signal 9",
    ] {
        assert!(log.contains(&line.into()), "{log:?}");
    }
}

/// What the fifth of five deaths leads to, which come these seconds after the first start.
fn fifth_death(seconds: [u64; 5]) -> AfterDeath {
    let mut watch = Supervised::new(Mono::ZERO);
    let mut after = AfterDeath::GiveUp;
    for (number, at) in (1..).zip(seconds) {
        watch.begin(Mono::ZERO + Duration::from_secs(at), crate::NannyId(number));
        watch.run(1);
        after = watch.die(Mono::ZERO + Duration::from_secs(at));
        assert!(number == 5 || matches!(after, AfterDeath::Restart(_)));
    }
    after
}

#[test]
fn deaths_older_than_a_minute_do_not_count() {
    let pause = AfterDeath::Restart(Duration::from_secs(8));
    assert_eq!(fifth_death([0, 15, 30, 45, 61]), pause);
    // Five mean that nobody hurries any more.
    let manual = AfterDeath::ManualAction(Duration::from_secs(60));
    assert_eq!(fifth_death([0, 15, 30, 45, 60]), manual);
}

/// One hostile server is one nanny: its deaths end nobody else's service.
#[test]
fn deaths_of_several_nannies_are_not_added_up() {
    let mut world = World::start(two_servers(), Table::new());
    for rip in ["10.0.0.1", "10.0.0.2"].repeat(4) {
        world.kill(rip);
        world.pass(5.0);
        assert_eq!(world.exit, None, "{rip}");
    }
}

/// With nannies = shared it decides how many others it shares a process with.
#[test]
fn a_nanny_is_started_with_the_number_of_deaths_of_the_last_minute() {
    let mut file = two_servers();
    file.hard_shutdown = false;
    let mut world = World::start(file, Table::new());
    let deaths = |world: &World, rip: &str| world.nannies[&world.nanny(rip)].options.deaths;
    let mut seen = Vec::new();
    for pause in [0.0, 2.0, 60.0] {
        world.kill("10.0.0.1");
        world.pass(3.0);
        seen.push(deaths(&world, "10.0.0.1"));
        world.pass(pause);
    }
    world.kill("10.0.0.1");
    world.pass(5.0);
    seen.push(deaths(&world, "10.0.0.1"));
    assert_eq!(seen, [1, 2, 3, 1]);
    assert_eq!(deaths(&world, "10.0.0.2"), 0);
}

/// Four minutes and 59 seconds do not, after which one lives on with what it had.
#[test]
fn a_life_of_less_than_five_minutes_clears_no_record() {
    let mut watch = Supervised::new(Mono::ZERO);
    let mut pauses = Vec::new();
    let mut now = Mono::ZERO;
    for (number, life) in (1..).zip([0, 299, 300, 0]) {
        watch.begin(now, crate::NannyId(number));
        watch.run(1);
        now = now + Duration::from_secs(life);
        let AfterDeath::Restart(pause) = watch.die(now) else {
            panic!("{life}");
        };
        pauses.push(pause.as_secs());
        now = now + pause;
    }
    assert_eq!(pauses, [0, 1, 0, 1]);
}

#[test]
fn five_minutes_of_life_clear_the_record() {
    let mut world = World::start(two_servers(), Table::new());
    world.kill("10.0.0.1");
    world.kill("10.0.0.1");
    world.pass(310.0);
    world.take_trace();
    world.kill("10.0.0.1");
    assert!(world.take_log()[0].ends_with("starting another at once"));
}

#[test]
fn a_silent_nanny_is_killed_after_three_intervals_and_replaced() {
    let mut world = World::start(two_servers(), Table::new());
    world.up("10.0.0.1", 1);
    let table = world.table();
    world.take_trace();
    world.pass_in_silence(6.0);
    assert_eq!(world.take_trace(), [""; 0]);
    world.pass_in_silence(0.1);
    let log = world.take_log();
    assert!(log.contains(&"nanny for child web/a silent for 6.0 s, killing it".into()));
    assert!(log.contains(&"create_monitor for web/a running as pid 1003".into()));
    assert_eq!(world.table(), table);
    assert_eq!(world.nannies.len(), 2);
}

#[test]
fn a_machine_that_was_asleep_forgives_the_silence_of_its_nannies() {
    let mut world = World::start(two_servers(), Table::new());
    world.take_trace();
    world.now = world.now + Duration::from_secs(3600);
    world.feed(Input::Deadline);
    assert_eq!(world.take_trace(), [""; 0]);
    world.pass_in_silence(6.1);
    assert_eq!(world.nannies.len(), 2);
    assert!(
        world
            .take_log()
            .contains(&"nanny for child web/a silent for 6.0 s, killing it".into())
    );
}

#[test]
fn a_shortage_of_processes_never_ends_lvsd_and_changes_no_weight() {
    let mut world = World::start(two_servers(), Table::new());
    world.up("10.0.0.1", 1);
    let table = world.table();
    world.start_error = Some(StartError {
        is_shortage: true,
        reason: "Resource temporarily unavailable".into(),
    });
    world.kill("10.0.0.1");
    world.pass(600.0);
    assert_eq!(world.exit, None);
    assert_eq!(world.table(), table);
    world.start_error = None;
    world.pass(60.0);
    assert_eq!(world.nannies.len(), 2);
}

/// Thousands may want to start every four seconds.
#[test]
fn r_a_shortage_is_said_once_for_each_monitor() {
    let mut world = World::before_start(two_servers(), Table::new(), false);
    let shortage = StartError {
        is_shortage: true,
        reason: "Too many open files".into(),
    };
    world.start_error = Some(shortage.clone());
    world.feed(Input::Start);
    let failed = |name| format!("create_monitor for web/{name} failed: Too many open files");
    assert_eq!(world.take_log()[1..], [failed("a"), failed("b")]);
    world.pass(600.0);
    assert_eq!(world.take_log(), [""; 0]);
    world.start_error = None;
    world.pass(4.0);
    world.take_trace();
    world.start_error = Some(shortage);
    world.kill("10.0.0.1");
    assert_eq!(world.take_log()[1..], [failed("a")]);
}

#[test]
fn a_monitor_that_cannot_be_executed_counts_as_dead() {
    let mut world = World::before_start(two_servers(), Table::new(), false);
    world.start_error = Some(StartError {
        is_shortage: false,
        reason: "/usr/sbin/nanny: No such file or directory".into(),
    });
    world.feed(Input::Start);
    world.pass(10.0);
    assert_eq!(world.exit, Some(1));
}

#[test]
fn the_end_of_a_nanny_that_was_told_to_end_is_no_death() {
    let mut world = World::start(two_servers(), Table::new());
    world.nannies_end = false;
    let nanny = world.nanny("10.0.0.2");
    let mut file = two_servers();
    file.virtuals[0].servers.truncate(1);
    world.reload(file);
    world.take_trace();
    world.nannies.remove(&nanny);
    world.feed(Input::Ended(nanny, ChildExit::Status(0)));
    assert_eq!(world.take_trace(), [""; 0]);
}

#[test]
fn a_long_life_does_not_clear_the_record_of_starts_that_fail_behind_it() {
    let mut file = two_servers();
    file.hard_shutdown = false;
    let mut world = World::start(file, Table::new());
    world.pass(400.0);
    world.start_error = Some(StartError {
        is_shortage: false,
        reason: "no".into(),
    });
    world.kill("10.0.0.1");
    world.take_trace();
    world.pass(600.0);
    let tries = world.take_log().len();
    assert!(
        (10..=16).contains(&tries),
        "{tries}: one a minute in the end"
    );
}

#[test]
fn each_shortage_begins_with_a_short_pause() {
    let now = Mono::ZERO;
    let mut watch = Supervised::new(now);
    let mut pauses = |count: usize| -> Vec<u64> {
        let pauses = (0..count).map(|_| {
            watch.fail_to_start(now, true);
            let Life::Due(at) = watch.life else {
                panic!("to be started");
            };
            (at - now).as_secs()
        });
        let pauses = pauses.collect();
        watch.begin(now, crate::NannyId(1));
        watch.run(1);
        pauses
    };
    assert_eq!(pauses(4), [1, 2, 4, 4]);
    assert_eq!(pauses(2), [1, 2]);
}

/// What they have said meanwhile was not read either.
#[test]
fn r_no_nanny_is_called_silent_for_the_time_that_a_reading_of_the_table_took() {
    let mut world = World::start(two_servers(), Table::new());
    world.pass(4.9);
    let mut actions = Vec::new();
    world.now = world.now + Duration::from_millis(100);
    world.lvsd.handle(world.now, Input::Deadline, &mut actions);
    assert_eq!(actions, [Action::ReadTable]);
    actions.clear();
    world.now = world.now + Duration::from_secs(8);
    let table = Input::Table(Ok(world.kernel.clone()));
    world.lvsd.handle(world.now, table, &mut actions);
    assert_eq!(actions, []);
}

/// It ends shortly behind a deadline: lvsd cannot see how long it was, and wakes up before its nannies.
#[test]
fn r_no_nanny_is_killed_for_a_pause_of_the_machine_before_it_could_speak() {
    let paused = |interval: f64, pause: f64| {
        let mut file = two_servers();
        file.audit_interval = Duration::from_secs(60);
        file.virtuals[0].check.timeout = Duration::from_secs_f64(interval);
        let mut world = World::start(file, Table::new());
        world.take_trace();
        world.now = world.now + Duration::from_secs_f64(pause);
        world.feed(Input::Deadline);
        assert_eq!(world.take_trace(), [""; 0], "{interval}");
        world
    };
    paused(2.0, 6.5);
    let mut world = paused(0.2, 0.9);
    let speaks = world.nanny("10.0.0.1");
    world.feed(Input::Report(speaks, Report::Alive));
    world.pass_in_silence(0.15);
    let log = world.take_log();
    assert_eq!(log[0], "nanny for child web/b silent for 1.0 s, killing it");
    assert!(world.nannies.contains_key(&speaks));
}
