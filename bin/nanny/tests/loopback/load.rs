//! Load programs: the weight follows what they answer (lvs.cf `load_monitor`).

use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use control::{Order, Phase, Place, Report, Standing};
use lvs_model::Weight;

use crate::harness::{Nanny, Script, hold, server};

/// Good checks between two weight steps with `-t 0.3`: 20 s.
const STEP: u32 = 66;

fn weight(number: u32) -> Weight {
    Weight::new(number).unwrap()
}

/// The weight after the next step of a server that is up with `last` of `target`.
fn next_weight(script: &Script, last: u32, target: u32) -> Option<u32> {
    let standing = Standing {
        phase: Phase::Up,
        place: Place::In(weight(last)),
        count: STEP - 1,
    };
    let (target, path) = (target.to_string(), script.path());
    let args = ["-a", "0.3", "-w", &target, "-U", &path];
    let nanny = Nanny::adopting(server(hold), &args, standing);
    let mut checks = 0;
    while checks < 4 {
        match nanny.report(Duration::from_secs(5)) {
            Report::Check { .. } => checks += 1,
            Report::State { standing, .. } => match standing.place {
                Place::In(now) if now != weight(last) => return Some(now.get()),
                _ => {}
            },
            Report::Alive => nanny.order(Order::Check),
        }
    }
    None
}

/// A program that somebody else than root could change is not asked, and the weight stays; as an
/// ordinary user every script of these tests is one. `tests/nanny_kernel` is always run as root.
fn if_asked(script: &Script, weight: u32) -> Option<u32> {
    let is_roots = std::fs::metadata(script.path()).unwrap().uid() == 0;
    is_roots.then_some(weight)
}

#[test]
fn an_idle_server_gets_half_its_weight_more() {
    let idle = Script::executable("idle", "echo $1 up, load average: 0.00, 1.00, 1.00");
    assert_eq!(next_weight(&idle, 4, 4), if_asked(&idle, 6));
    assert_eq!(next_weight(&idle, 40, 4), None);
}

#[test]
fn a_loaded_server_falls_back_to_its_weight() {
    let loaded = Script::executable("loaded", "echo load averages: 2.00 0 0");
    assert_eq!(next_weight(&loaded, 40, 4), if_asked(&loaded, 38));
    assert_eq!(next_weight(&loaded, 5, 4), if_asked(&loaded, 4));
}

#[test]
fn a_load_that_cannot_be_read_moves_nothing() {
    let failing = Script::executable("failing", "echo load average: 0.00; exit 1");
    assert_eq!(next_weight(&failing, 4, 4), None);
    let hanging = Script::executable("hanging", "sleep 60");
    assert_eq!(next_weight(&hanging, 4, 4), None);
}

/// One that is not there was called a check program, of any other the reason was not said.
#[test]
fn r_why_a_load_program_fails_is_said_of_it_and_its_server() {
    for (program, reason) in [
        (
            "/nonexistent",
            "not started: /nonexistent: No such file or directory",
        ),
        ("/bin/false", "ended with status 1"),
    ] {
        let args = ["-n", "-a", "0.3", "-t", "20", "-U", program];
        let nanny = Nanny::start(server(hold), &args);
        nanny.check();
        let words = format!(
            "nanny: load program for 127.0.0.1 {reason}\nnanny: failed to read remote load\n"
        );
        let lines = nanny.lines_until(&words);
        assert!(lines.contains(&words), "{lines}");
    }
}

/// Of a hundred servers, whose was it?
#[test]
fn a_load_program_that_prints_no_load_average_is_said_of_its_server() {
    let args = ["-n", "-a", "0.3", "-t", "20", "-U", "/bin/echo"];
    let nanny = Nanny::start(server(hold), &args);
    nanny.check();
    let words = "nanny: load program for 127.0.0.1 printed no load average, which is the number behind \
                 the last word \"load\"\nnanny: bad load average returned: \"127.0.0.1\\n\"\n";
    let lines = nanny.lines_until(words);
    assert!(lines.contains(words), "{lines}");
}

/// By hand its lines are on standard output. `yes` prints without an end.
#[test]
fn r_a_load_program_that_runs_at_the_end_is_killed_and_said() {
    let real = server(hold);
    let (rip, rport) = (real.ip().to_string(), real.port().to_string());
    let mut nanny = Command::new(env!("CARGO_BIN_EXE_nanny"))
        .args([
            "-n", "-v", "--lvs", "--norun", "-h", &rip, "-p", "1", "-r", &rport,
        ])
        .args(["-t", "20", "-U", "/usr/bin/yes"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(nanny.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let checked = lines.find(|line| line.contains("avail: 1 active: 1:"));
    assert!(checked.is_some());
    let pid = nix::unistd::Pid::from_raw(i32::try_from(nanny.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    let killed = lines.any(|line| line.contains("Killing child "));
    assert_eq!(nanny.wait().unwrap().code(), Some(0));
    assert!(killed);
}
