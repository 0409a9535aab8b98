//! lvsd, or fos on either side, as the supervised child.

use std::ffi::OsString;
use std::io;
use std::os::fd::BorrowedFd;

use config_file::{ConfigFile, InForce};
use daemon::{ALIVE, ALIVE_VARIABLE, Child, Program, Signal, Stdin, Stdout};
use heartbeat::supervise::ALIVE_EVERY;
use heartbeat::{Input, Notice};
use lvs_model::{ChildExit, Mono};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::options::Options;
use crate::repeats::Repeats;

/// The line by which it says on its standard output that its services stand.
const READY: &[u8] = b"ready";
/// And the one that says that every real server has been checked (lvsd).
const CHECKED: &[u8] = b"checked";

/// Begins a line that says why it did not start.
const FAILED: &str = "failed ";

/// So often it is read in one turn, more than the pipe holds: whoever has inherited the pipe, a monitor
/// too, does not stop the clock.
const MOST_PER_TURN: usize = 32;
/// A line is cut there.
const LONGEST_LINE: usize = 16 * 1024;

/// What is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// lvsd.
    Lvsd,
    /// lvsd that only takes its services out of the kernel's table.
    Removal,
    /// fos with the services.
    FosActive,
    /// fos with the monitors of the partner's services.
    FosMonitor,
}

/// Its program with the original's arguments, but for one that the original had not; fos is told on which
/// side it is.
pub fn command(options: &Options, part: Part) -> Program {
    let (path, side) = match part {
        Part::Lvsd => (&options.lvsd, None),
        Part::Removal => (&options.lvsd, Some("--remove-services")),
        Part::FosActive => (&options.fos, Some("--active")),
        Part::FosMonitor => (&options.fos, Some("--monitor")),
    };
    let mode = if options.foreground {
        "--nodaemon"
    } else {
        "--nofork"
    };
    let file = options.config_file.clone();
    let mut program = Program::new(path);
    let config: [OsString; 2] = ["-c".into(), file.into()];
    program.args.extend(side.map(Into::into));
    match part {
        Part::FosActive | Part::FosMonitor => {
            program.args.extend(config);
            program.args.push(mode.into());
        }
        Part::Lvsd | Part::Removal => {
            program.args.push(mode.into());
            program.args.extend(config);
        }
    }
    program.args.extend(options.verbose.then(|| "-v".into()));
    program
}

/// How it is started, and the one that runs.
pub struct Service {
    options: Options,
    /// The lvs.cf that it goes by.
    file: Option<InForce>,
    child: Option<Child>,
    part: Part,
    /// pulse has killed it: a cleaner for a takeover, or one that does not end in time.
    was_killed: bool,
    /// Whether its output has not ended: it closes it when it leaves the terminal.
    output_open: bool,
    /// The beginning of a line of its output.
    partial: Vec<u8>,
    /// Why it did not start, in its words.
    failure: Vec<String>,
    /// Why it did not start the last time; empty since one has served.
    last_failure: Vec<String>,
    /// How it ended the last time, and when that was said.
    ends: Repeats,
}

impl Service {
    /// Not started yet.
    pub fn new(options: &Options) -> Self {
        Self {
            options: options.clone(),
            file: None,
            child: None,
            part: Part::Lvsd,
            was_killed: false,
            output_open: false,
            partial: Vec::new(),
            failure: Vec::new(),
            last_failure: Vec::new(),
            ends: Repeats::default(),
        }
    }

    /// What it goes by from its next start or reading on, whatever becomes of the file meanwhile.
    pub fn take_file(&mut self, file: &ConfigFile) {
        match &mut self.file {
            Some(in_force) => in_force.accept(file),
            None => self.file = Some(InForce::new(file)),
        }
    }

    /// Has it read its configuration again.
    pub fn reload(&mut self) {
        if let (Some(file), Some(_)) = (&mut self.file, &self.child) {
            file.write();
        }
        self.signal(Signal::SIGHUP);
    }

    /// Somebody may have removed what is in force.
    pub fn look_at_file(&mut self) {
        if let Some(file) = &mut self.file {
            file.look();
        }
    }

    /// Why it goes by the file on the disk and not by what is in force, if it does.
    pub fn file_fault(&self) -> Option<&str> {
        self.file.as_ref().and_then(InForce::fault)
    }

    /// At a clean end of pulse: nothing is in force any more.
    pub fn end(&self) {
        if let Some(file) = &self.file {
            file.end();
        }
    }

    /// Starts it with the original's arguments.
    ///
    /// # Errors
    /// No such program, no room for a process.
    pub fn start(&mut self, part: Part) -> io::Result<()> {
        let mut program = command(&self.options, part);
        program.stdin = Stdin::Lifeline;
        program.stdout = match self.options.foreground {
            // Its monitors log beside it, and have no part of what it says to us.
            true => Stdout::PipeAndLog,
            false => Stdout::Pipe,
        };
        program.parent_name = "pulse";
        // Ctrl-C at a terminal is for pulse, which ends it in its order.
        program.own_group = true;
        program
            .env
            .extend(self.file.as_mut().and_then(InForce::write));
        let seconds = ALIVE_EVERY.as_secs().to_string();
        program.env.push((ALIVE_VARIABLE.into(), seconds.into()));
        log::debug!(
            "DEBUG -- Executing '{} {:?}'",
            program.path.display(),
            program.args
        );
        let child = program.start()?;
        if let Some(output) = child.output() {
            fcntl(output, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        self.partial.clear();
        self.failure.clear();
        self.output_open = true;
        self.was_killed = false;
        self.child = Some(child);
        self.part = part;
        Ok(())
    }

    /// What was started last.
    pub const fn part(&self) -> Part {
        self.part
    }

    /// Readable when it said something.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        let child = self.child.as_ref().filter(|_| self.output_open);
        child.and_then(Child::output)
    }

    /// Its process id, if it runs.
    pub fn pid(&self) -> Option<i32> {
        self.child.as_ref().map(Child::pid)
    }

    /// Why it did not start, in its words, until one serves.
    pub fn last_failure(&self) -> &[String] {
        &self.last_failure
    }

    /// Whether pulse has killed what was started last.
    pub const fn was_killed(&self) -> bool {
        self.was_killed
    }

    /// Sends it a signal, if it is there.
    pub fn signal(&mut self, signal: Signal) {
        self.was_killed |= signal == Signal::SIGKILL && self.child.is_some();
        if let Some(Err(error)) = self.child.as_ref().map(|child| child.signal(signal)) {
            log::error!("service: {error}");
        }
    }

    /// If `pid` was it: what it said last, which may be why it ended. It is then gone.
    pub fn ended(&mut self, pid: i32) -> Option<Vec<Input>> {
        self.child.as_ref().filter(|child| child.pid() == pid)?;
        let said = self.read();
        self.child = None;
        Some(said)
    }

    /// Logs why it did not start, and how it ended: `end` with its pid, if it has run. One that fails again
    /// and again in the same way is not told of each time.
    pub fn log_end(
        &mut self,
        now: Mono,
        end: Option<(Notice, ChildExit)>,
        failure: Option<String>,
    ) {
        let mut lines = std::mem::take(&mut self.failure);
        lines.extend(failure);
        if !lines.is_empty() {
            self.last_failure.clone_from(&lines);
        }
        let how = end.as_ref().map(|(_, exit)| exit.to_string());
        let key: Vec<String> = lines.iter().cloned().chain(how).collect();
        if !self.ends.is_news(now, &key) {
            return;
        }
        for line in lines {
            log::error!("{line}");
        }
        if let Some((notice, _)) = end {
            log::info!("{notice}");
        }
    }

    /// Reads what it wrote; what it said of itself. In the foreground its log lines go on to our
    /// standard output.
    pub fn read(&mut self) -> Vec<Input> {
        let mut said = Vec::new();
        let mut bytes = [0; 4096];
        for _ in 0..MOST_PER_TURN {
            let Some(output) = self.fd() else {
                break;
            };
            let length = match nix::unistd::read(output, &mut bytes) {
                Ok(0) => {
                    self.output_open = false;
                    break;
                }
                Ok(length) => length,
                Err(Errno::EINTR) => continue,
                Err(_) => break,
            };
            self.partial.extend(bytes.iter().take(length));
            self.take_lines(&mut said);
            if self.partial.len() > LONGEST_LINE {
                self.partial.push(b'\n');
                self.take_lines(&mut said);
            }
        }
        said
    }

    fn take_lines(&mut self, said: &mut Vec<Input>) {
        while let Some(end) = self.partial.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.partial.drain(..=end).collect();
            match line.strip_suffix(b"\n") {
                Some(READY) => {
                    self.ends.forget();
                    self.last_failure.clear();
                    said.push(Input::ServiceReady);
                }
                Some(CHECKED) => said.push(Input::ServiceChecked),
                Some(text) if text == ALIVE.as_bytes() => said.push(Input::ServiceAlive),
                Some(text) if text.starts_with(FAILED.as_bytes()) => {
                    let text = String::from_utf8_lossy(text);
                    let reason = text.strip_prefix(FAILED).unwrap_or_default();
                    self.failure.push(reason.to_owned());
                }
                _ if self.options.foreground => daemon::log::pass_on(&line),
                _ => log::debug!("service: {}", String::from_utf8_lossy(&line).trim_end()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::mpsc;
    use std::time::Duration;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    use super::*;

    #[test]
    fn argument_vectors_are_the_originals() {
        let words = |part, foreground| {
            let options = Options {
                lvsd: "lvsd".into(),
                fos: "fos".into(),
                config_file: "FILE".into(),
                foreground,
                verbose: true,
                ..Options::default()
            };
            let program = command(&options, part);
            let args = program.args.iter().map(|word| word.to_string_lossy());
            format!(
                "{} {}",
                program.path.display(),
                args.collect::<Vec<_>>().join(" ")
            )
        };
        for (part, foreground, line) in [
            (Part::Lvsd, false, "lvsd --nofork -c FILE -v"),
            (Part::Lvsd, true, "lvsd --nodaemon -c FILE -v"),
            (Part::FosActive, false, "fos --active -c FILE --nofork -v"),
            (
                Part::FosMonitor,
                true,
                "fos --monitor -c FILE --nodaemon -v",
            ),
        ] {
            assert_eq!(words(part, foreground), line);
        }
    }

    /// A terminal sends Ctrl-C to pulse's group: pulse gives up in order, and ends its service then.
    #[test]
    fn r_a_service_is_not_reached_by_what_a_terminal_sends_to_pulse() {
        for foreground in [true, false] {
            for part in [Part::Lvsd, Part::FosActive] {
                let script = std::env::temp_dir().join(format!(
                    "group-{}-{foreground}-{part:?}",
                    std::process::id()
                ));
                testkit::write_script(&script, "#!/bin/sh\nexec cat\n");
                let mut service = Service::new(&Options {
                    lvsd: script.clone(),
                    fos: script.clone(),
                    foreground,
                    ..Options::default()
                });
                service.start(part).unwrap();
                let pid = nix::unistd::Pid::from_raw(service.pid().unwrap());
                assert_eq!(nix::unistd::getpgid(Some(pid)), Ok(pid));
                service.signal(Signal::SIGKILL);
                std::fs::remove_file(script).unwrap();
            }
        }
    }

    #[test]
    fn why_it_did_not_start_is_kept_until_one_serves() {
        let mut service = Service::new(&Options::default());
        let reason = "lvs: another lvsd runs (pid 7)".to_owned();
        service.partial = format!("failed {reason}\n").into_bytes();
        service.take_lines(&mut Vec::new());
        service.log_end(Mono::ZERO, None, None);
        assert_eq!(service.last_failure().join(""), reason);
        // One that just ends says nothing new.
        service.log_end(Mono::ZERO, None, None);
        assert_eq!(service.last_failure().join(""), reason);
        service.partial = b"ready\n".to_vec();
        service.take_lines(&mut Vec::new());
        assert_eq!(service.last_failure(), [""; 0]);
    }

    #[test]
    fn r_what_a_service_said_last_is_heard_when_it_has_ended() {
        let mut service = Service::new(&Options {
            lvsd: "/bin/echo".into(),
            // The last of the arguments that it says.
            config_file: "file\nready".into(),
            ..Options::default()
        });
        service.start(Part::Lvsd).unwrap();
        // It has said all there is when it has closed its output.
        let mut output = [PollFd::new(service.fd().unwrap(), PollFlags::empty())];
        poll(&mut output, PollTimeout::NONE).unwrap();
        let pid = service.child.as_ref().unwrap().pid();
        assert_eq!(service.ended(pid + 1), None);
        assert_eq!(service.ended(pid), Some(vec![Input::ServiceReady]));
        assert_eq!(service.fd().map(|_| ()), None);
    }
    /// A monitor that has been taken over writes into the pipe of its parent.
    #[test]
    fn an_output_without_end_or_without_lines_does_not_stop_the_loop() {
        for what in ["yes ready", "cat /dev/zero"] {
            let name = format!("flood-{}-{}", std::process::id(), what.len());
            let script = std::env::temp_dir().join(name);
            std::fs::write(&script, format!("#!/bin/sh\nexec {what}\n")).unwrap();
            std::fs::set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
            let mut service = Service::new(&Options {
                lvsd: script.clone(),
                ..Options::default()
            });
            service.start(Part::Lvsd).unwrap();
            let (done, is_done) = mpsc::channel();
            std::thread::spawn(move || {
                let mut most = 0;
                for _ in 0..20 {
                    let output = service.fd().unwrap();
                    let mut fds = [PollFd::new(output, PollFlags::POLLIN)];
                    poll(&mut fds, PollTimeout::NONE).unwrap();
                    most = most.max(service.read().len());
                }
                done.send((Box::new(service), most))
            });
            let end = is_done.recv_timeout(Duration::from_secs(60));
            let (mut service, most) = end.expect("the loop goes on");
            assert!(!service.was_killed());
            service.signal(Signal::SIGKILL);
            assert!(service.was_killed());
            assert!(most <= MOST_PER_TURN * 4096 / READY.len(), "{most}");
            assert!(service.partial.len() <= LONGEST_LINE);
            std::fs::remove_file(script).unwrap();
        }
    }
}
