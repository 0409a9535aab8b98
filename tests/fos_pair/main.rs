//! A service that follows the active director: pulse with `service = fos`, fos, nanny's second form.

mod service;

use std::time::Duration;

use caribe_tests::{pair, wait_until};
use nix::sys::signal::Signal;

use crate::pair::{A, B, Pair, ip};
use crate::service::Service;

/// Start, takeover or failover with everything that belongs to it, on a slow machine.
const LIMIT: Duration = caribe_tests::SOON;
/// Dead time of the pair's lvs.cf.
const DEAD_TIME: Duration = Duration::from_millis(1500);
/// A fos that shows no sign of life for a minute is replaced.
const HANGS: Duration = LIMIT.saturating_add(Duration::from_secs(60));

fn settled() -> (Pair, Service) {
    settle(Pair::new(), |_| ())
}

/// The same, `change` made to lvs.cf before.
fn settle(mut pair: Pair, change: impl Fn(&Pair)) -> (Pair, Service) {
    let service = Service::new(&pair);
    change(&pair);
    pair.start(A);
    // A loaded machine may take longer than the dead time to start a program.
    let runs = || pair.log(A).contains("STARTING PULSE");
    assert!(wait_until(LIMIT, runs).is_some());
    pair.start(B);
    runs_on(&pair, &service, A);
    // The partner's monitor has seen the service.
    let seen = || pair.pid_of(B, "nanny").is_some() && service.probes_of(B) > 0;
    assert!(wait_until(LIMIT, seen).is_some(), "{}", pair.log(B));
    (pair, service)
}

/// Waits until the service runs on `side` alone, with the address.
fn runs_on(pair: &Pair, service: &Service, side: usize) -> Duration {
    let right = || service.runs_on(side) && !service.runs_on(1 - side) && pair.owns(side);
    wait_until(LIMIT, right).unwrap_or_else(|| {
        panic!(
            "not on {side}\nA:\n{}\nB:\n{}\n{}",
            pair.log(A),
            pair.log(B),
            service.history()
        )
    })
}

#[test]
fn at_the_start_one_director_runs_the_service_and_the_other_one_watches_it() {
    // However long the backup takes to start, the primary hears it first.
    let patient = |pair: &Pair| pair.replace("deadtime = 1.5", "deadtime = 60");
    let (pair, service) = settle(Pair::new(), patient);
    assert!(pair.log(A).contains("backup inactive: activating fos"));
    assert!(pair.log(B).contains("Starting Failover Service Monitors"));
    assert!(
        pair.log(A)
            .contains("Starting local service 10.1.0.50:80 ...")
    );
    assert!(pair.log(B).contains("Starting monitor for 10.1.0.50:80"));
    // Started where its address was: the script looks.
    assert!(!service.history().contains("without address"));
}

#[test]
fn a_service_that_fails_moves_and_never_runs_twice() {
    let (pair, service) = settled();
    pair.add_gateway();
    service.break_on(A);
    runs_on(&pair, &service, B);
    let log = pair.log(B);
    for line in [
        "fos process exited -- checking network connectivity",
        "remote service unavailable but we can see the gateway",
        "seems like a remote network fault; performing service failover",
        "Notifying partner WE are taking control!",
    ] {
        assert!(log.contains(line), "{line}\n{log}");
    }
    assert!(pair.log(A).contains("PARTNER HAS TOLD US TO GO INACTIVE!"));
    assert!(!service.has_run_twice(), "{}", service.history());
    // And back, when it fails there: the backup is told too.
    service.repair_on(A);
    let watched = || service.probes_of(A) > 0;
    assert!(wait_until(LIMIT, watched).is_some(), "{}", pair.log(A));
    service.break_on(B);
    runs_on(&pair, &service, A);
    assert!(pair.log(B).contains("partner active: deactivating FOS"));
    assert!(!service.has_run_twice(), "{}", service.history());
}

/// There is nobody to ask: no word about the network is true.
#[test]
fn without_a_default_gateway_the_standby_says_that_and_takes_nothing() {
    let (pair, service) = settled();
    service.break_on(A);
    let said = "remote service unavailable; no default gateway can be asked";
    let is_said = || pair.log(B).contains(said);
    assert!(wait_until(LIMIT, is_said).is_some(), "{}", pair.log(B));
    let again = || pair.log(B).matches("Starting monitor for").count() > 1;
    assert!(wait_until(LIMIT, again).is_some(), "{}", pair.log(B));
    assert!(!pair.log(B).contains("NETWORK FAULT"), "{}", pair.log(B));
    assert!(!pair.log(B).contains("Network fault"), "{}", pair.log(B));
    assert!(pair.owns(A) && !pair.owns(B));
}

#[test]
fn with_a_gateway_that_does_not_answer_the_standby_blames_itself() {
    let (pair, service) = settled();
    pair.add_gateway();
    ip(&format!(
        "-n {} addr del 10.1.0.254/24 dev br0",
        pair.switch()
    ));
    service.break_on(A);
    let blamed = || pair.log(B).contains("I SEEM TO HAVE A NETWORK FAULT!");
    assert!(wait_until(LIMIT, blamed).is_some(), "{}", pair.log(B));
    let over = || pair.log(B).contains("Network fault seems to be fixed");
    assert!(wait_until(LIMIT, over).is_some(), "{}", pair.log(B));
    assert!(pair.owns(A) && !pair.owns(B));
}

#[test]
fn a_dead_director_is_replaced_and_its_return_changes_nothing() {
    let (mut pair, service) = settled();
    pair.die(A);
    service.power_off(A);
    runs_on(&pair, &service, B);
    assert!(
        pair.log(B)
            .contains("partner dead: activating failover services")
    );
    pair.cut(A, false);
    pair.start(A);
    let away = || !service.runs_on(B) || pair.owns(A);
    assert!(wait_until(DEAD_TIME * 4, away).is_none(), "{}", pair.log(A));
}

#[test]
fn a_clean_stop_hands_the_service_over() {
    let (pair, service) = settled();
    pair.terminate(A);
    runs_on(&pair, &service, B);
    assert!(!service.has_run_twice(), "{}", service.history());
    let ended = || pair.processes(A).is_empty();
    assert!(wait_until(LIMIT, ended).is_some());
}

#[test]
fn reload_on_either_side_changes_nothing_that_runs() {
    let (pair, service) = settled();
    let before = service.history();
    pair.signal(A, Signal::SIGHUP);
    pair.signal(B, Signal::SIGHUP);
    let read = |side| pair.log(side).contains("rereading configuration file");
    assert!(wait_until(LIMIT, || read(A) && read(B)).is_some());
    assert!(pair.stays_with(A, DEAD_TIME * 2), "{}", pair.log(B));
    assert_eq!(service.history(), before);
}

#[test]
fn behind_a_refused_reload_a_takeover_runs_the_service_that_is_in_force() {
    let (mut pair, service) = settled();
    pair.replace("service = fos", "service = neither");
    for side in [A, B] {
        pair.signal(side, Signal::SIGHUP);
        let refused = || pair.report(side).contains("\"reload_failed\":true");
        assert!(
            wait_until(LIMIT, refused).is_some(),
            "{}",
            pair.report(side)
        );
    }
    pair.die(A);
    service.power_off(A);
    runs_on(&pair, &service, B);
}

#[test]
fn fos_and_its_monitors_end_with_a_killed_pulse_and_the_service_is_stopped() {
    let (mut pair, service) = settled();
    pair.kill_pulse(A);
    let ended = || pair.processes(A).is_empty() && !service.runs_on(A);
    assert!(
        wait_until(LIMIT, ended).is_some(),
        "{:?}",
        pair.processes(A)
    );
    runs_on(&pair, &service, B);
}

/// Its process is there and its loop does not turn. The partner's turns: that one is left alone.
#[test]
fn r_a_fos_that_hangs_is_replaced_and_the_service_runs_on() {
    let (pair, service) = settled();
    let fos = [A, B].map(|side| pair.pid_of(side, "fos").expect("fos runs"));
    pair::signal(fos[A], Signal::SIGSTOP);
    let is_new = || pair.pid_of(A, "fos").is_some_and(|new| new != fos[A]);
    wait_until(HANGS, is_new).unwrap_or_else(|| panic!("{}", pair.log(A)));
    let log = pair.log(A);
    assert!(log.contains("service hangs: no sign of life"), "{log}");
    runs_on(&pair, &service, A);
    assert!(!pair.log(B).contains("service hangs"), "{}", pair.log(B));
}

#[test]
fn a_service_that_fails_where_it_runs_is_started_again_without_a_partner() {
    let mut pair = Pair::new();
    let service = Service::new(&pair);
    pair.replace("backup_active = 1", "backup_active = 0");
    pair.start(A);
    runs_on(&pair, &service, A);
    let seen = || service.probes_of(A) > 0;
    assert!(wait_until(LIMIT, seen).is_some(), "{}", pair.log(A));
    service.kill_on(A);
    let again = || service.history().matches("start").count() == 2;
    assert!(wait_until(LIMIT, again).is_some(), "{}", pair.log(A));
    runs_on(&pair, &service, A);
    let warning = "Warning: FOS backup node not defined -- skipping checks";
    assert!(pair.log(A).contains(warning));
}

/// Whatever it is asked to do: both sides of fos use the same addresses and scripts.
#[test]
fn a_second_fos_is_refused_and_the_service_runs_on() {
    let (pair, service) = settled();
    let (first, before) = (pair.pid_of(A, "fos").expect("fos runs"), service.history());
    for side in ["--active", "--monitor"] {
        let mut second = pair.command_of(A, "/usr/sbin/fos");
        let second = second.args([side, "-nc"]).arg(pair.file("lvs.cf")).output();
        let second = second.expect("ip runs");
        assert_eq!(second.status.code(), Some(1));
        let said = format!("fos: another fos runs (pid {first})\n");
        assert_eq!(String::from_utf8_lossy(&second.stderr), said);
        let logged = String::from_utf8_lossy(&second.stdout);
        assert!(!logged.contains("another fos"), "each error once: {logged}");
    }
    assert!(pair.stays_with(A, DEAD_TIME * 2), "{}", pair.log(B));
    assert_eq!(service.history(), before);
}

#[test]
fn a_service_that_opens_its_port_late_is_started_once() {
    for has_partner in [false, true] {
        let mut pair = Pair::new();
        let service = Service::new(&pair);
        if !has_partner {
            pair.replace("backup_active = 1", "backup_active = 0");
        }
        // It is started and does not listen.
        service.break_on(A);
        pair.start(A);
        if has_partner {
            let runs = || pair.log(A).contains("STARTING PULSE");
            assert!(wait_until(LIMIT, runs).is_some());
            pair.start(B);
        }
        runs_on(&pair, &service, A);
        let starts = || service.history().matches("start").count();
        let moved = || starts() > 1 || pair.owns(B);
        let time = Duration::from_secs(12);
        assert!(wait_until(time, moved).is_none(), "{}", pair.log(A));
        let awaited = "local service 10.1.0.50:80 is not there yet";
        let said = wait_until(LIMIT, || pair.log(A).contains(awaited));
        assert!(said.is_some(), "{}", pair.log(A));
        assert_eq!(pair.log(A).matches(awaited).count(), 1, "{}", pair.log(A));
        service.repair_on(A);
        let seen = || service.probes_of(A) > 0;
        assert!(wait_until(LIMIT, seen).is_some(), "{}", pair.log(A));
        assert_eq!(starts(), 1, "{}", service.history());
        // From now on a loss counts.
        service.kill_on(A);
        assert!(wait_until(LIMIT, || starts() == 2).is_some());
    }
}

/// A monitor that was taken over must not speak to pulse in the place of fos.
#[test]
fn r_a_monitor_has_no_descriptor_of_the_pipe_by_which_fos_speaks_to_pulse() {
    let (pair, _service) = settled();
    let link = |name: &str, number: u32| {
        let pid = pair.pid_of(B, name).expect("it runs");
        let link = std::fs::read_link(format!("/proc/{pid}/fd/{number}"));
        link.map_or_else(|error| error.to_string(), |link| link.display().to_string())
    };
    let said = link("fos", 1);
    assert!(said.starts_with("pipe:"), "{said}");
    let of_monitor = [link("nanny", 1), link("nanny", 2)];
    assert!(!of_monitor.contains(&said), "{said} in {of_monitor:?}");
}
