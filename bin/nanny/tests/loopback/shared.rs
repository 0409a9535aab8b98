//! One process that does the work of many nannies: the same verdicts, texts and ends.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::Write;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::time::Duration;

use control::{CheckResult, Crew, Errand, MAX_NEWS, News, Order, Phase, Report, Standing};
use daemon::{Child, Clock, PollFd, PollFlags, Program, Signal, Stdin};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, send};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use testkit::processor_ticks;

use crate::harness::{Nanny, SLACK, Said, Script, closed_port, hold, server};

const PATIENCE: Duration = Duration::from_secs(10);

/// The process, and lvsd's end of its socket.
struct Process {
    child: Child,
    clock: Clock,
    is_reaped: bool,
}

impl Process {
    /// For servers that are checked over the network.
    fn start() -> Self {
        Self::start_with(&["-c", "--shared"])
    }

    /// For those that may be checked by programs.
    fn start_for_programs() -> Self {
        Self::start_with(&["-c", "--shared", "--programs"])
    }

    fn start_with(args: &[&str]) -> Self {
        let mut program = Program::new(env!("CARGO_BIN_EXE_nanny"));
        program.args = args.iter().map(Into::into).collect();
        program.stdin = Stdin::Report;
        program.parent_name = "lvsd";
        Self {
            child: program.start().expect("nanny starts"),
            clock: Clock::start(),
            is_reaped: false,
        }
    }

    fn errand(&self, errand: &Errand<'_>) {
        self.errands(std::slice::from_ref(errand));
    }

    fn errands(&self, errands: &[Errand<'_>]) {
        let datagram: Vec<u8> = errands
            .iter()
            .flat_map(|errand| errand.encode(Crew::Many))
            .collect();
        let link = self.child.link().expect("its socket");
        send(link.as_raw_fd(), &datagram, MsgFlags::MSG_NOSIGNAL).expect("it listens");
    }

    /// Makes it the nanny `number` of the server at `real`.
    fn watch(&self, number: u64, real: SocketAddr, args: &[&str]) {
        let (rip, rport) = (real.ip().to_string(), real.port().to_string());
        let words = ["-h", &rip, "-p", "1", "-r", &rport, "-t", "0.3", "--lvs"];
        let words = words.iter().chain(args).map(OsStr::new).collect();
        self.errands(&[
            Errand::Start(number, words),
            Errand::Tell(number, Order::Adopt(Standing::default())),
        ]);
    }

    /// Hands news to `take` until it says that it has enough.
    fn listen(&self, mut take: impl FnMut(News) -> bool) {
        let link = self.child.link().expect("its socket");
        let deadline = self.clock.now() + PATIENCE;
        let mut buffer = vec![0; MAX_NEWS];
        loop {
            match recv(link.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
                Ok(0) => panic!("it has ended"),
                Ok(length) => {
                    for line in News::lines(&buffer[..length]) {
                        if take(News::decode(line, Crew::Many).expect("news")) {
                            return;
                        }
                    }
                }
                Err(Errno::EAGAIN) => {
                    assert!(self.clock.now() < deadline, "not within {PATIENCE:?}");
                    let mut fds = [PollFd::new(link, PollFlags::POLLIN)];
                    daemon::wait(&mut fds, &self.clock, Some(deadline)).unwrap();
                }
                Err(errno) => panic!("{errno}"),
            }
        }
    }

    /// The first verdict on each of `count` nannies.
    fn verdicts(&self, count: usize) -> BTreeMap<u64, String> {
        let mut verdicts = BTreeMap::new();
        self.listen(|news| {
            if let News::Report(number, Report::Check { result, .. }) = news {
                verdicts.entry(number).or_insert(match result {
                    CheckResult::Good => "good".to_owned(),
                    CheckResult::Failed(reason) => format!("failed: {reason}"),
                });
            }
            verdicts.len() == count
        });
        verdicts
    }

    fn exit_status(&mut self) -> i32 {
        self.is_reaped = true;
        match waitpid(Pid::from_raw(self.child.pid()), None).unwrap() {
            WaitStatus::Exited(_, status) => status,
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.is_reaped {
            let _ = self.child.signal(Signal::SIGKILL);
            let _ = waitpid(Pid::from_raw(self.child.pid()), None);
        }
    }
}

/// A server, what its nanny is told, and the verdict.
type Case<'a> = (SocketAddr, &'a [&'a str], &'a str);

/// What both forms say of the case.
fn says_the_same(number: u64, case: &Case<'_>, shared: &Said) {
    let (real, args, words) = *case;
    let alone = Nanny::start(real, args);
    let mut said = Said::default();
    while !said.note(&alone.report(PATIENCE)) {}
    assert_eq!(*shared, said, "case {number}: {args:?}");
    let verdict = match &said.check {
        Some(CheckResult::Failed(reason)) => format!("failed: {reason}"),
        _ => "good".to_owned(),
    };
    assert_eq!(verdict, words, "case {number}: {args:?}");
}

#[test]
fn every_server_gets_verdict_text_and_standing_of_a_process_of_its_own() {
    let process = Process::start_for_programs();
    let hangs = Script::new("shared-hang", "sleep 60");
    let fails = Script::new("shared-fail", "exit 3");
    let (hangs, fails) = (hangs.command(), fails.command());
    let busy = server(|mut stream| {
        let _ = stream.write_all(b"421 busy\r\n");
        hold(stream);
    });
    let cases: [Case<'_>; 12] = [
        (server(hold), &[], "good"),
        (closed_port(), &[], "failed: connect: Connection refused"),
        (server(hold), &["-x", "220"], "failed: answer timed out"),
        (
            server(drop),
            &["-x", "220"],
            "failed: short answer: 0 of 3 bytes",
        ),
        (
            busy,
            &["-x", "220"],
            "failed: other answer: \"421 busy\\r\\n\"",
        ),
        (busy, &["--regex", "-x", "^4[0-9]+ "], "good"),
        (busy, &["-x", "421", "-w", "64", "-q"], "good"),
        (closed_port(), &["-e", "/bin/echo OK", "-x", "OK"], "good"),
        (
            closed_port(),
            &["-e", &hangs, "-x", "OK"],
            "failed: check program did not end in time",
        ),
        (
            closed_port(),
            &["-e", &fails, "-x", "OK"],
            "failed: check program ended with status 3",
        ),
        (
            closed_port(),
            &["-e", "/nowhere/x", "-x", "OK"],
            "failed: check program not started: /nowhere/x: No such file or directory",
        ),
        (
            closed_port(),
            &["-u", "-s", "x"],
            "failed: answer: Connection refused",
        ),
    ];
    for (number, (real, args, _)) in (0..).zip(&cases) {
        process.watch(number, *real, args);
    }
    let mut said: BTreeMap<u64, Said> = BTreeMap::new();
    let mut complete = BTreeSet::new();
    process.listen(|news| {
        if let News::Report(number, report) = news
            && said.entry(number).or_default().note(&report)
        {
            complete.insert(number);
        }
        complete.len() == cases.len()
    });
    for (number, case) in (0..).zip(&cases) {
        says_the_same(number, case, &said[&number]);
    }
}

#[test]
fn a_process_without_programs_takes_no_server_that_needs_one() {
    let process = Process::start();
    process.watch(1, closed_port(), &["-e", "/bin/true"]);
    process.listen(|news| news == News::Ended(1, 1));
}

#[test]
fn a_thousand_servers_are_all_checked_each_interval() {
    const COUNT: u64 = 1000;
    let process = Process::start();
    let real = server(drop);
    let mut heard = BTreeMap::new();
    for number in 0..COUNT {
        process.watch(number, real, &["-t", "1"]);
        if number % 50 == 49 {
            // As lvsd does: the socket holds only so much.
            process.listen(|news| {
                note(&mut heard, &news);
                heard.len() as u64 > number
            });
        }
    }
    process.listen(|news| {
        note(&mut heard, &news);
        heard.len() as u64 == COUNT && heard.values().all(|checks| *checks >= 3)
    });
}

fn note(heard: &mut BTreeMap<u64, u32>, news: &News) {
    // Good or not: the queue of one listener is short for so many.
    if let News::Report(number, Report::Check { .. }) = news {
        *heard.entry(*number).or_default() += 1;
    }
}

#[test]
fn one_is_ended_and_the_others_go_on() {
    let process = Process::start();
    process.watch(1, server(hold), &[]);
    process.watch(2, server(hold), &[]);
    process.verdicts(2);
    process.errand(&Errand::End(1));
    process.listen(|news| news == News::Ended(1, 0));
    let mut checks = 0;
    process.listen(|news| {
        let News::Report(number, report) = news else {
            panic!("{news:?}");
        };
        assert_eq!(number, 2);
        checks += u32::from(matches!(report, Report::Check { .. }));
        checks == 3
    });
}

#[test]
fn arguments_that_make_no_nanny_end_this_one_only() {
    let process = Process::start();
    process.errand(&Errand::Start(1, vec!["--lvs".as_ref()]));
    process.listen(|news| news == News::Ended(1, 1));
    process.watch(2, server(hold), &[]);
    assert_eq!(process.verdicts(1)[&2], "good");
}

#[test]
fn orders_reach_the_nanny_they_are_for() {
    let process = Process::start();
    for number in [1, 2] {
        process.watch(number, server(hold), &["-t", "30", "-w", "64"]);
    }
    process.verdicts(2);
    let target = lvs_model::Weight::ONE;
    process.errand(&Errand::Tell(2, Order::Target(target)));
    process.listen(|news| match news {
        News::Report(number, Report::State { standing, .. }) => {
            assert_eq!(number, 2);
            standing.phase == Phase::Up
        }
        _ => false,
    });
}

#[test]
fn it_ends_with_lvsd_and_by_sigterm_and_takes_its_programs_along() {
    for leave in [true, false] {
        let mut process = Process::start_for_programs();
        let script = Script::new("shared-last", "sleep 60");
        let command = script.command();
        process.watch(1, closed_port(), &["-e", &command, "-t", "30"]);
        process.watch(2, server(hold), &[]);
        process.listen(|news| matches!(news, News::Report(2, Report::Check { .. })));
        let clock = Clock::start();
        let start = clock.now();
        if leave {
            process.child.close_link();
        } else {
            process.child.signal(Signal::SIGTERM).unwrap();
        }
        assert_eq!(process.exit_status(), 0);
        assert!(clock.now() - start < SLACK);
    }
}

/// What is done is due no more.
#[test]
fn servers_that_are_checked_leave_nothing_that_keeps_the_loop_awake() {
    let process = Process::start();
    process.watch(1, server(hold), &[]);
    process.watch(2, closed_port(), &[]);
    process.verdicts(2);
    let before = processor_ticks(process.child.pid());
    // What it uses while nothing is to be done.
    std::thread::sleep(Duration::from_secs(2));
    let used = processor_ticks(process.child.pid()) - before;
    assert!(used < 50, "{used} ticks in 2 s");
}
