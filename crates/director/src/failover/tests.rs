//! fos on a clock of its own: start, loss, repair, reload, the way out.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::time::Duration;

use lvs_config::Lookup;
use lvs_model::{Account, ChildExit, Mono, Protocol};

use super::{Action, FailoverService, Fos, Input, Mode, MonitorId, ServiceId, Site, split_command};

fn words(text: &str) -> Vec<OsString> {
    text.split(' ').map(OsString::from).collect()
}

fn service(name: &str, port: u16) -> FailoverService {
    FailoverService {
        name: name.into(),
        id: ServiceId {
            protocol: Protocol::Tcp,
            address: SocketAddr::new([10, 1, 0, 60].into(), port),
        },
        start: words(&format!("/etc/{name} start")),
        stop: words(&format!("/etc/{name} stop")),
        monitor: words(&format!("/usr/sbin/nanny -p {port}")),
        account: None,
        start_timeout: Duration::from_secs(60),
    }
}

/// How a monitor ends that has never seen its service.
const NEVER_SEEN: ChildExit = ChildExit::Status(1);

fn site(services: &[FailoverService]) -> Site {
    Site {
        services: services.to_vec(),
    }
}

/// fos with a shell that carries out everything at once.
#[derive(Clone)]
struct Bench {
    fos: Fos,
    now: Mono,
    /// What was done, in short.
    seen: Vec<String>,
    /// How the next commands end; then all with status 0.
    exits: VecDeque<Option<ChildExit>>,
    /// A command that was left running.
    hangs: bool,
    monitors: Vec<MonitorId>,
    /// Whether monitors heed no SIGTERM.
    monitors_hang: bool,
    monitors_fail: bool,
}

const ENDED: ChildExit = ChildExit::Status(0);

impl Bench {
    fn start(mode: Mode, services: &[FailoverService]) -> Self {
        Self::start_with(mode, services, &[])
    }

    fn start_with(mode: Mode, services: &[FailoverService], exits: &[Option<ChildExit>]) -> Self {
        let mut bench = Self {
            fos: Fos::new(site(services), mode),
            now: Mono::ZERO,
            seen: Vec::new(),
            exits: exits.iter().copied().collect(),
            hangs: false,
            monitors: Vec::new(),
            monitors_hang: false,
            monitors_fail: false,
        };
        bench.put(Input::Start);
        bench
    }

    fn put(&mut self, input: Input) {
        self.put_together(vec![input]);
    }

    /// What happened within one turn of the loop.
    fn put_together(&mut self, inputs: Vec<Input>) {
        let mut inputs = VecDeque::from(inputs);
        while let Some(input) = inputs.pop_front() {
            let mut out = Vec::new();
            self.fos.handle(self.now, input, &mut out);
            for action in out {
                inputs.extend(self.perform(action));
            }
        }
    }

    fn perform(&mut self, action: Action) -> Option<Input> {
        let join = |words: &[OsString]| words.join(OsStr::new(" ")).into_string().unwrap();
        let (text, answer) = match action {
            Action::RunCommand(argv) => {
                let exit = self.exits.pop_front().unwrap_or(Some(ENDED));
                self.hangs = exit.is_none();
                let answer = exit.map(|exit| Input::CommandEnded(Ok(exit)));
                (join(&argv), answer)
            }
            Action::TerminateCommand => ("TERM".into(), None),
            Action::KillCommand => {
                let killed = Input::CommandEnded(Ok(ChildExit::Signal(9)));
                ("KILL".into(), Some(killed))
            }
            Action::StartMonitor(monitor, argv, _) => {
                self.monitors.push(monitor);
                let pid = 100 + i32::try_from(monitor.0).unwrap();
                let result = match self.monitors_fail {
                    true => Err("no process".into()),
                    false => Ok(pid),
                };
                (join(&argv), Some(Input::MonitorStarted(monitor, result)))
            }
            Action::TerminateMonitor(monitor) => {
                self.monitors.retain(|m| *m != monitor);
                let ended = Input::MonitorEnded(monitor, ENDED);
                let answer = (!self.monitors_hang).then_some(ended);
                (format!("end {}", monitor.0), answer)
            }
            Action::KillMonitor(monitor) => (format!("kill {}", monitor.0), None),
            Action::ReadConfiguration => ("read".into(), None),
            Action::Ready => ("ready".into(), None),
            Action::Notice(notice) => (format!("# {notice}"), None),
            Action::Exit => ("exit".into(), None),
        };
        self.seen.push(text);
        answer
    }

    fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.seen)
    }

    /// Without the log lines.
    fn deeds(&mut self) -> Vec<String> {
        let all = self.take();
        all.into_iter().filter(|s| !s.starts_with('#')).collect()
    }

    fn run_to_deadline(&mut self) {
        self.now = self.fos.next_deadline().unwrap();
        self.put(Input::Deadline);
    }

    fn lose(&mut self, exit: ChildExit) {
        let monitor = self.monitors.pop().unwrap();
        self.put(Input::MonitorEnded(monitor, exit));
    }
}

#[test]
fn the_active_side_stops_starts_and_watches_each_service_in_file_order() {
    let mut bench = Bench::start(Mode::Active, &[service("web", 80), service("ftp", 21)]);
    assert_eq!(
        bench.take()[..7],
        [
            "# Stopping local services (if any)",
            "# Shutting down local service 10.1.0.60:80 ",
            "/etc/web stop",
            "# Starting local service 10.1.0.60:80 ...",
            "/etc/web start",
            "/usr/sbin/nanny -p 80",
            "# Stopping local services (if any)",
        ]
    );
    assert_eq!(bench.fos.next_deadline(), None);
}

#[test]
fn the_standby_stops_its_own_services_and_watches_the_partners() {
    let mut bench = Bench::start(Mode::Monitor, &[service("web", 80)]);
    assert_eq!(
        bench.deeds(),
        ["/etc/web stop", "/usr/sbin/nanny -p 80", "ready"]
    );
    bench.lose(ENDED);
    assert_eq!(
        bench.take(),
        [
            "# Monitor for service 10.1.0.60:80 exited. This is a failover condition!",
            "# will now exit to notify pulse...",
            "exit"
        ]
    );
}

#[test]
fn a_killed_monitor_is_replaced_and_no_failover_condition() {
    let mut bench = Bench::start(Mode::Monitor, &[service("web", 80)]);
    bench.take();
    bench.lose(ChildExit::Signal(9));
    bench.run_to_deadline();
    assert_eq!(bench.now, Mono::new(Duration::from_secs(1)));
    assert_eq!(bench.deeds(), ["/usr/sbin/nanny -p 80"]);
}

#[test]
fn a_service_that_is_lost_here_is_started_again_and_given_up_at_the_third_time() {
    let mut bench = Bench::start(Mode::Active, &[service("web", 80)]);
    for pause in [1, 2] {
        bench.take();
        let before = bench.now;
        bench.lose(ENDED);
        bench.run_to_deadline();
        assert_eq!(bench.now - before, Duration::from_secs(pause));
        assert_eq!(
            bench.deeds(),
            ["/etc/web stop", "/etc/web start", "/usr/sbin/nanny -p 80"]
        );
    }
    bench.lose(ENDED);
    assert_eq!(bench.deeds(), ["/etc/web stop", "exit"]);
}

#[test]
fn a_start_that_fails_is_said_tried_again_and_holds_up_no_other_service() {
    let failed = Some(ChildExit::Status(3));
    let services = [service("web", 80), service("ftp", 21)];
    let mut bench = Bench::start_with(Mode::Active, &services, &[Some(ENDED), failed]);
    let all = bench.take();
    assert!(all.contains(&"# Failed to start service 10.1.0.60:80!".into()));
    assert!(all.contains(&"/etc/ftp start".into()));
    assert!(!all.contains(&"/usr/sbin/nanny -p 80".into()));
    bench.run_to_deadline();
    assert!(bench.deeds().contains(&"/etc/web start".into()));
}

#[test]
fn a_stop_command_that_fails_is_a_warning_with_its_status() {
    let exits = [Some(ChildExit::Status(7))];
    let mut bench = Bench::start_with(Mode::Monitor, &[service("web", 80)], &exits);
    let warning = "# Warning; shutdown of local service 10.1.0.60:80 returned error 7";
    assert!(bench.take().contains(&warning.into()));
}

#[test]
fn a_command_that_does_not_end_is_terminated_then_killed() {
    let mut bench = Bench::start_with(Mode::Active, &[service("web", 80)], &[Some(ENDED), None]);
    assert!(bench.hangs);
    bench.take();
    bench.run_to_deadline();
    assert_eq!(bench.now, Mono::new(Duration::from_secs(60)));
    assert_eq!(bench.deeds(), ["TERM"]);
    bench.run_to_deadline();
    assert_eq!(bench.now, Mono::new(Duration::from_secs(65)));
    assert_eq!(bench.deeds()[0], "KILL");
}

/// A signal during the start is neither lost nor waits for it.
#[test]
fn a_signal_during_the_start_ends_it_at_once() {
    let mut bench = Bench::start_with(Mode::Active, &[service("web", 80)], &[Some(ENDED), None]);
    bench.take();
    bench.put(Input::Terminate(15));
    assert_eq!(bench.take(), ["# Shutting down due to signal 15", "TERM"]);
    bench.put(Input::CommandEnded(Ok(ChildExit::Signal(15))));
    assert_eq!(bench.deeds(), ["/etc/web stop", "exit"]);
}

#[test]
fn the_way_out_of_either_side_is_the_originals() {
    let mut standby = Bench::start(Mode::Monitor, &[service("web", 80)]);
    standby.take();
    standby.put(Input::Terminate(15));
    assert_eq!(
        standby.take(),
        [
            "# Shutting down due to signal 15",
            "# Shutting down monitor for web 10.1.0.60:80 running as pid 100",
            "end 0",
            "# will now exit to notify pulse...",
            "exit"
        ]
    );
    let mut active = Bench::start(Mode::Active, &[service("web", 80)]);
    active.take();
    active.put(Input::ParentGone);
    assert_eq!(active.deeds(), ["end 0", "/etc/web stop", "exit"]);
}

#[test]
fn reload_touches_only_what_changed() {
    let mut bench = Bench::start(Mode::Active, &[service("web", 80), service("ftp", 21)]);
    bench.take();
    bench.put(Input::Hangup);
    assert_eq!(bench.deeds(), ["read"]);
    let mut web = service("web", 80);
    web.start = words("/etc/web restart");
    let new = site(&[web.clone(), service("ssh", 22)]);
    bench.put(Input::Configuration(Ok(Box::new(new))));
    assert_eq!(
        bench.deeds(),
        [
            "end 1",
            "/etc/ssh stop",
            "/etc/ssh start",
            "/usr/sbin/nanny -p 22",
            "/etc/ftp stop"
        ]
    );
    web.monitor = words("/usr/sbin/nanny -p 80 -t 1");
    let new = site(&[web, service("ssh", 22)]);
    bench.put(Input::Configuration(Ok(Box::new(new))));
    bench.run_to_deadline();
    assert_eq!(bench.deeds(), ["end 0", "/usr/sbin/nanny -p 80 -t 1"]);
    bench.put(Input::Configuration(Err(vec!["bad".into()])));
    assert_eq!(bench.take(), ["# bad; nothing is changed"]);
}

#[test]
fn a_command_is_split_at_single_blanks_and_loses_double_quotes_around_it() {
    for (text, argv) in [
        ("/etc/web start", &["/etc/web", "start"][..]),
        ("\"/etc/web start\"", &["/etc/web", "start"]),
        ("/bin/a  b", &["/bin/a", "", "b"]),
        ("/bin/a 'b c' \"d\"", &["/bin/a", "'b", "c'", "\"d"]),
    ] {
        assert_eq!(split_command(OsStr::new(text)), argv, "{text}");
    }
    assert_eq!(split_command(OsStr::new(&"a ".repeat(50))).len(), 39);
}

struct NoNames;

impl Lookup for NoNames {
    fn host(&mut self, _: &str) -> Option<std::net::IpAddr> {
        None
    }
    fn service(&mut self, _: &str, _: Protocol) -> Option<u16> {
        None
    }
    fn user(&mut self, _: &str) -> Option<Account> {
        Some(somebody())
    }

    fn check_expression(&mut self, _: &[u8]) -> Result<(), String> {
        Ok(())
    }
}

#[test]
fn the_monitor_is_called_as_recorded_from_the_original() {
    let file = "service = fos\nprimary = 10.1.0.1\nfailover web {\nactive = 1\n\
        address = 10.1.0.60 eth0:1\nport = 80\nsend = \"GET / HTTP/1.0\\r\\n\\r\\n\"\n\
        expect = \"HTTP\"\ntimeout = 4\nstart_cmd = \"/etc/web start\"\nstop_cmd = \"/etc/web stop\"\n}\n";
    let config = lvs_config::read(file.as_bytes(), &mut NoNames)
        .unwrap()
        .config;
    let partner = Some([10, 1, 0, 1].into());
    let site = Site::new(&config, partner, false, false);
    let argv: Vec<&str> = site.services[0]
        .monitor
        .iter()
        .map(|word| word.to_str().unwrap())
        .collect();
    assert_eq!(
        argv,
        [
            "/usr/sbin/nanny",
            "-c",
            "-h",
            "10.1.0.60",
            "-V",
            "10.1.0.1",
            "-p",
            "80",
            "-s",
            "GET / HTTP/1.0\\r\\n\\r\\n",
            "-x",
            "HTTP",
            "-t",
            "4",
            "--fos"
        ]
    );
    assert_eq!(site.services[0].stop, words("/etc/web stop"));
}

/// Before the answer to its start came, the way out had begun, or the service was gone.
#[test]
fn r_a_monitor_that_starts_too_late_is_told_to_end() {
    let both = [service("a", 21), service("b", 80)];
    let with_b_under_way = || {
        let mut bench = Bench::start_with(Mode::Monitor, &both, &[Some(ENDED), None]);
        bench.seen.clear();
        bench
    };
    let is_through = Input::CommandEnded(Ok(ENDED));
    let mut bench = with_b_under_way();
    let lost = Input::MonitorEnded(bench.monitors[0], ENDED);
    bench.put_together(vec![is_through.clone(), lost]);
    assert!(bench.seen.contains(&"end 1".into()), "{:?}", bench.seen);
    assert_eq!(bench.seen.last().map(String::as_str), Some("exit"));

    let mut bench = with_b_under_way();
    let only_a = Input::Configuration(Ok(Box::new(site(&both[..1]))));
    bench.put_together(vec![is_through, only_a]);
    assert!(bench.seen.contains(&"end 1".into()), "{:?}", bench.seen);
}

/// A try that will not come is not promised.
#[test]
fn r_a_monitor_that_cannot_be_started_on_the_way_out_is_not_tried_again() {
    let mut bench = Bench::start_with(Mode::Monitor, &[service("a", 21)], &[None]);
    bench.take();
    bench.monitors_fail = true;
    let is_through = Input::CommandEnded(Ok(ENDED));
    bench.put_together(vec![is_through, Input::Terminate(15)]);
    let promises = bench.seen.iter().filter(|line| line.contains("next try"));
    assert_eq!(promises.count(), 0, "{:?}", bench.seen);
    assert_eq!(bench.seen.last().map(String::as_str), Some("exit"));
}

#[test]
fn r_a_hung_monitor_whose_service_left_the_file_is_killed() {
    let both = [service("a", 21), service("b", 80)];
    let mut bench = Bench::start(Mode::Monitor, &both);
    bench.monitors_hang = true;
    bench.put(Input::Configuration(Ok(Box::new(site(&both[..1])))));
    bench.seen.clear();
    bench.now = bench.fos.next_deadline().expect("a deadline");
    bench.put(Input::Deadline);
    assert_eq!(bench.seen, ["kill 1"]);
    assert_eq!(bench.fos.next_deadline(), None);
}

#[test]
fn r_a_hung_monitor_whose_service_left_the_file_is_killed_before_the_end_too() {
    let both = [service("a", 21), service("b", 80)];
    let mut bench = Bench::start(Mode::Monitor, &both);
    bench.monitors_hang = true;
    bench.put(Input::Configuration(Ok(Box::new(site(&both[..1])))));
    bench.monitors_hang = false;
    bench.take();
    bench.put(Input::Terminate(15));
    assert_eq!(bench.deeds(), ["end 0"]);
    let mut other = bench.clone();
    bench.run_to_deadline();
    assert_eq!(bench.deeds(), ["kill 1", "exit"]);
    // Or it comes to its senses.
    other.put(Input::MonitorEnded(MonitorId(1), ENDED));
    assert_eq!(other.deeds(), ["exit"]);
}

/// The reload came before the answer to its start.
#[test]
fn r_a_monitor_that_starts_with_an_old_command_line_is_replaced() {
    let old = service("a", 21);
    let new = FailoverService {
        monitor: words("/usr/sbin/nanny -x new"),
        ..old.clone()
    };
    let mut bench = Bench::start_with(Mode::Monitor, &[old], &[None]);
    bench.take();
    let is_through = Input::CommandEnded(Ok(ENDED));
    let changed = Input::Configuration(Ok(Box::new(site(&[new]))));
    bench.put_together(vec![is_through, changed]);
    bench.run_to_deadline();
    let deeds = bench.deeds();
    assert!(deeds.contains(&"end 0".into()), "{deeds:?}");
    assert_eq!(
        deeds.last().map(String::as_str),
        Some("/usr/sbin/nanny -x new")
    );
}

fn somebody() -> Account {
    Account {
        name: "carla".into(),
        uid: 500,
        gid: 500,
        home: "/srv".into(),
    }
}

#[test]
fn a_monitor_of_another_user_is_replaced_by_a_reload() {
    let old = service("a", 21);
    let new = FailoverService {
        account: Some(somebody()),
        ..old.clone()
    };
    let mut bench = Bench::start(Mode::Monitor, std::slice::from_ref(&old));
    bench.take();
    for (reloaded, replaced) in [(old, false), (new.clone(), true), (new, false)] {
        bench.put(Input::Configuration(Ok(Box::new(site(&[reloaded])))));
        let deeds = bench.deeds();
        assert_eq!(
            deeds.iter().any(|deed| deed.starts_with("end ")),
            replaced,
            "{deeds:?}"
        );
    }
}

#[test]
fn only_monitors_with_a_program_run_as_the_check_user() {
    let text = |check: &str| {
        format!(
            "check_user = carla\nfailover f {{\nactive = 1\naddress = 192.0.2.1 eth0\n\
             start_cmd = /bin/x\nstop_cmd = /bin/y\n{check}}}\n"
        )
    };
    for (check, account) in [
        ("send_program = /bin/check\n", Some(somebody())),
        ("expect = OK\n", None),
    ] {
        let loaded = lvs_config::read(text(check).as_bytes(), &mut NoNames).unwrap();
        let site = Site::new(&loaded.config, None, false, false);
        assert_eq!(site.services[0].account, account, "{check}");
    }
}

/// Loses every monitor until `seconds`; the deeds and when they were done.
fn never_seen_until(bench: &mut Bench, seconds: u64) -> Vec<(u64, Vec<String>)> {
    let mut deeds = Vec::new();
    while bench.now < Mono::new(Duration::from_secs(seconds)) {
        // A check, its answer, another one.
        bench.now = bench.now + Duration::from_secs(9);
        bench.lose(NEVER_SEEN);
        if bench.fos.next_deadline().is_none() {
            deeds.push((bench.now.since_start().as_secs(), bench.deeds()));
            break;
        }
        bench.run_to_deadline();
        deeds.push((bench.now.since_start().as_secs(), bench.deeds()));
    }
    deeds
}

#[test]
fn a_service_that_was_just_started_here_has_time_until_its_first_good_check() {
    let mut bench = Bench::start(Mode::Active, &[service("web", 80)]);
    bench.take();
    let watch = ["/usr/sbin/nanny -p 80"];
    for (_, deeds) in never_seen_until(&mut bench, 30) {
        assert_eq!(deeds, watch);
    }
    // It is there; it is lost as any other.
    bench.now = bench.now + Duration::from_secs(1);
    bench.lose(ENDED);
    bench.run_to_deadline();
    let again = ["/etc/web stop", "/etc/web start", "/usr/sbin/nanny -p 80"];
    assert_eq!(bench.deeds(), again);
}

#[test]
fn a_service_that_does_not_come_up_in_its_time_is_started_again_and_given_up_in_the_end() {
    let mut bench = Bench::start(Mode::Active, &[service("web", 80)]);
    bench.take();
    let deeds = never_seen_until(&mut bench, 400);
    let starts = |deeds: &Vec<String>| deeds.iter().any(|deed| deed == "/etc/web start");
    let restarts: Vec<u64> = deeds
        .iter()
        .filter(|(_, deeds)| starts(deeds))
        .map(|(at, _)| *at)
        .collect();
    assert_eq!(restarts, [70, 141]);
    let (at, last) = deeds.last().unwrap();
    assert_eq!((*at, last.last().unwrap().as_str()), (210, "exit"));
}

#[test]
fn a_partners_service_that_was_never_seen_has_its_time_too_and_one_that_was_has_none() {
    let mut bench = Bench::start(Mode::Monitor, &[service("web", 80)]);
    bench.take();
    let deeds = never_seen_until(&mut bench, 400);
    let (at, last) = deeds.last().unwrap();
    assert_eq!((*at, last.join(" ")), (69, "exit".into()));
    let mut bench = Bench::start(Mode::Monitor, &[service("web", 80)]);
    bench.take();
    bench.lose(ENDED);
    assert_eq!(bench.deeds(), ["exit"]);
}

#[test]
fn without_start_timeout_the_first_verdict_counts() {
    let service = FailoverService {
        start_timeout: Duration::ZERO,
        ..service("web", 80)
    };
    let mut bench = Bench::start(Mode::Monitor, &[service]);
    bench.take();
    bench.lose(NEVER_SEEN);
    assert_eq!(bench.deeds(), ["exit"]);
}
