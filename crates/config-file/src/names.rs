//! Names in lvs.cf: what the system is asked, and what it answered.
//!
//! A reading without answers collects the questions; [`answer_all`] answers them in a process of its own; a
//! second reading finds the answers here.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Mutex;

use lvs_config::{Lookup, SchedulerAnswer};
use lvs_model::{Account, Protocol, SchedulerName};
use lvs_sys::{c_name, host_address, host_address6, service_port};

use crate::host::{self, Places};

/// One thing to look up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Question {
    /// The address of a host.
    Host(String),
    /// The port of a service.
    Service(String, Protocol),
    /// The account of a user.
    User(String),
    /// Whether the kernel has a scheduler.
    Scheduler(String),
    /// Whether the user of that name, or the user of the nannies, can run a command line's program.
    Program(String, Option<Account>),
    /// Whether root may run a program.
    Trust(String),
    /// Whether root can and may run a command line's program.
    RootProgram(String),
}

/// The one [`Lookup`] of all programs: answers from what is known, and notes what is not.
#[derive(Debug, Default)]
pub(crate) struct Names {
    hosts: HashMap<String, IpAddr>,
    services: HashMap<(String, Protocol), u16>,
    users: HashMap<String, Account>,
    schedulers: HashMap<String, SchedulerAnswer>,
    /// Programs and what is wrong with them.
    programs: HashMap<Question, Option<String>>,
    /// Addresses of an earlier reading, for names that nobody knows now.
    old: HashMap<String, IpAddr>,
    open: BTreeSet<Question>,
}

impl Lookup for Names {
    fn host(&mut self, name: &str) -> Option<IpAddr> {
        let known = self.hosts.get(name).copied();
        if known.is_none() {
            self.open.insert(Question::Host(name.to_owned()));
        }
        known.or_else(|| self.old.get(name).copied())
    }

    fn is_old(&mut self, name: &str) -> bool {
        !self.hosts.contains_key(name) && self.old.contains_key(name)
    }

    fn service(&mut self, name: &str, protocol: Protocol) -> Option<u16> {
        let key = (name.to_owned(), protocol);
        let known = self.services.get(&key).copied();
        if known.is_none() {
            self.open.insert(Question::Service(key.0, protocol));
        }
        known
    }

    fn user(&mut self, name: &str) -> Option<Account> {
        let known = self.users.get(name).cloned();
        if known.is_none() {
            self.open.insert(Question::User(name.to_owned()));
        }
        known
    }

    fn check_expression(&mut self, expression: &[u8]) -> Result<(), String> {
        match healthcheck::Expression::new(expression) {
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn scheduler(&mut self, name: &SchedulerName) -> SchedulerAnswer {
        let name = name.as_str();
        match self.schedulers.get(name) {
            Some(answer) => *answer,
            None => {
                self.open.insert(Question::Scheduler(name.to_owned()));
                SchedulerAnswer::Known
            }
        }
    }

    fn program_fault(&mut self, command: &[u8], user: Option<&Account>) -> Option<String> {
        let command = std::str::from_utf8(command).ok()?.to_owned();
        self.about_program(Question::Program(command, user.cloned()))
    }

    fn root_program_fault(&mut self, command: &[u8]) -> Option<String> {
        let command = std::str::from_utf8(command).ok()?.to_owned();
        self.about_program(Question::RootProgram(command))
    }

    fn trust_fault(&mut self, program: &[u8]) -> Option<String> {
        let program = std::str::from_utf8(program).ok()?.to_owned();
        self.about_program(Question::Trust(program))
    }
}

impl Names {
    /// Names without an answer yet, which had these addresses earlier.
    pub(crate) fn after(old: HashMap<String, IpAddr>) -> Self {
        Self {
            old,
            ..Self::default()
        }
    }

    /// The addresses of all names that have one, new or earlier.
    pub(crate) fn addresses(&self) -> HashMap<String, IpAddr> {
        let mut all = self.old.clone();
        all.extend(self.hosts.iter().map(|(name, it)| (name.clone(), *it)));
        all
    }

    /// Asks again what had no answer.
    pub(crate) fn forget_questions(&mut self) {
        self.open.clear();
    }

    fn about_program(&mut self, question: Question) -> Option<String> {
        match self.programs.get(&question) {
            Some(answer) => answer.clone(),
            None => {
                self.open.insert(question);
                None
            }
        }
    }

    /// Whether something was asked that is not known.
    pub(crate) fn has_questions(&self) -> bool {
        !self.open.is_empty()
    }

    /// What was asked and is not known.
    pub(crate) fn questions(&self) -> Vec<Question> {
        self.open.iter().cloned().collect()
    }

    /// Takes the answers that [`answer_all`] wrote to `questions`; what is no answer is ignored.
    pub(crate) fn take(&mut self, questions: &[Question], text: &[u8]) {
        for line in String::from_utf8_lossy(text).lines() {
            let Some((number, answer)) = line.split_once(' ') else {
                continue;
            };
            let number = number.parse().unwrap_or(usize::MAX);
            match questions.get(number) {
                Some(Question::Host(name)) => {
                    let address = answer.parse().ok();
                    self.hosts.extend(address.map(|it| (name.clone(), it)));
                }
                Some(Question::Service(name, protocol)) => {
                    let key = (name.clone(), *protocol);
                    self.services
                        .extend(answer.parse().ok().map(|it| (key, it)));
                }
                Some(Question::User(name)) => {
                    let account = account(name, answer);
                    self.users.extend(account.map(|it| (name.clone(), it)));
                }
                Some(Question::Scheduler(name)) => {
                    let answer = scheduler_answer(answer);
                    self.schedulers.extend(answer.map(|it| (name.clone(), it)));
                }
                Some(
                    question @ (Question::Program(..)
                    | Question::Trust(_)
                    | Question::RootProgram(_)),
                ) => {
                    let fault = answer.strip_prefix(FAULT).map(str::to_owned);
                    self.programs.insert(question.clone(), fault);
                }
                None => {}
            }
        }
    }
}

/// From what [`answer_all`] says of a user: `UID GID HOME`.
fn account(name: &str, answer: &str) -> Option<Account> {
    let mut words = answer.splitn(3, ' ');
    Some(Account {
        name: name.to_owned(),
        uid: words.next()?.parse().ok()?,
        gid: words.next()?.parse().ok()?,
        home: words.next()?.into(),
    })
}

/// Stands before what is wrong with a program; a good one has another word.
const FAULT: &str = "fault ";
const GOOD: &str = "good";

const SCHEDULER_ANSWERS: [(SchedulerAnswer, &str); 3] = [
    (SchedulerAnswer::Known, "known"),
    (SchedulerAnswer::Unknown, "unknown"),
    (SchedulerAnswer::NoIpvs, "no-ipvs"),
];

fn scheduler_answer(word: &str) -> Option<SchedulerAnswer> {
    let row = SCHEDULER_ANSWERS.iter().find(|(_, it)| *it == word);
    row.map(|(answer, _)| *answer)
}

/// Room for the one user that a file names: its numbers and a path.
const LONGEST_ACCOUNT: usize = 4096;

/// The same for what is wrong with a program, and its path.
const LONGEST_FAULT: usize = 16 * 1024;

/// Most bytes that the answers to these questions have.
pub(crate) fn longest_answers(questions: &[Question]) -> usize {
    let about_programs = |it: &&Question| {
        matches!(
            it,
            Question::Program(..) | Question::Trust(_) | Question::RootProgram(_)
        )
    };
    let programs = questions.iter().filter(about_programs).count();
    // A number, and an IPv6 address or a user with its home directory.
    let names = questions.len().saturating_mul(64);
    names
        .saturating_add(programs.saturating_mul(LONGEST_FAULT))
        .saturating_add(LONGEST_ACCOUNT)
}

/// Most look-ups at a time: a silent name server must not use up the others' time.
const HOSTS_AT_ONCE: usize = 32;

/// Asks the system and writes each answer at once: `NUMBER ANSWER`. Hosts come last and several at a time,
/// since they may wait for the network.
pub(crate) fn answer_all<W: Write + Send>(questions: &[Question], out: &mut W) -> io::Result<()> {
    answer_here(questions, out)?;
    let hosts = questions.iter().enumerate();
    let hosts = hosts.filter_map(|(number, question)| match question {
        Question::Host(name) => Some((number, name)),
        _ => None,
    });
    let (hosts, out) = (Mutex::new(hosts), Mutex::new(out));
    let count = questions.len().min(HOSTS_AT_ONCE);
    std::thread::scope(|scope| {
        for _ in 0..count {
            // Without room for another thread the running ones do it.
            let _ = std::thread::Builder::new().spawn_scoped(scope, || answer_hosts(&hosts, &out));
        }
        answer_hosts(&hosts, &out);
    });
    Ok(())
}

/// Takes one name after the other until there is none.
fn answer_hosts<'q, W: Write>(
    hosts: &Mutex<impl Iterator<Item = (usize, &'q String)>>,
    out: &Mutex<&mut W>,
) {
    loop {
        let next = hosts.lock().ok().and_then(|mut hosts| hosts.next());
        let Some((number, name)) = next else {
            return;
        };
        if let (Some(address), Ok(mut out)) = (host(name), out.lock()) {
            // A reader that is gone kills this process.
            let _ = writeln!(out, "{number} {address}");
        }
    }
}

/// What this machine knows by itself.
fn answer_here(questions: &[Question], out: &mut dyn Write) -> io::Result<()> {
    let places = Places::here();
    for (number, question) in questions.iter().enumerate() {
        match question {
            Question::Host(_) => {}
            Question::Scheduler(name) => {
                let answer = places.scheduler(name);
                let row = SCHEDULER_ANSWERS.iter().find(|(it, _)| *it == answer);
                let word = row.map_or("known", |(_, word)| *word);
                writeln!(out, "{number} {word}")?;
            }
            Question::Program(command, user) => {
                let user = user.clone().or_else(daemon::check_account);
                let fault = user.and_then(|user| host::program_fault(command, &user));
                write_fault(out, number, fault)?;
            }
            Question::Trust(program) => write_fault(out, number, trust_fault(program))?,
            Question::RootProgram(command) => {
                write_fault(out, number, host::root_program_fault(command))?;
            }
            Question::Service(name, protocol) => {
                if let Some(port) = service(name, *protocol) {
                    writeln!(out, "{number} {port}")?;
                }
            }
            Question::User(name) => {
                // `None` too if its home directory would break the line.
                if let Ok(Some(user)) = nix::unistd::User::from_name(name)
                    && let Some(home) = user.dir.to_str().filter(|dir| !dir.contains('\n'))
                {
                    writeln!(out, "{number} {} {} {home}", user.uid, user.gid)?;
                }
            }
        }
    }
    Ok(())
}

fn write_fault(out: &mut dyn Write, number: usize, fault: Option<String>) -> io::Result<()> {
    match fault {
        // One line, whatever a path has in it.
        Some(fault) => writeln!(out, "{number} {FAULT}{}", fault.replace(['\n', '\r'], "?")),
        None => writeln!(out, "{number} {GOOD}"),
    }
}

/// Which other user could change a program; a missing one cannot be changed.
fn trust_fault(program: &str) -> Option<String> {
    let written = Path::new(program);
    let real = written.canonicalize().ok()?;
    let part = daemon::untrusted_part(&real).ok().flatten();
    let part = part.or_else(|| {
        daemon::untrusted_directory(written.parent()?)
            .ok()
            .flatten()
    });
    part.map(|part| part.to_string())
}

/// The first IPv4 address, else the first IPv6 one.
fn host(name: &str) -> Option<IpAddr> {
    let name = c_name(name.as_bytes())?;
    let v4 = host_address(&name).map(IpAddr::V4);
    v4.or_else(|| host_address6(&name).map(IpAddr::V6))
}

fn service(name: &str, protocol: Protocol) -> Option<u16> {
    let protocol = match protocol {
        Protocol::Tcp => c"tcp",
        Protocol::Udp => c"udp",
        Protocol::Sctp => c"sctp",
        Protocol::Other(_) => return None,
    };
    service_port(&c_name(name.as_bytes())?, protocol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_asked_once_and_found_after_the_answer() {
        let mut names = Names::default();
        assert_eq!(names.host("a.example"), None);
        assert_eq!(names.host("a.example"), None);
        assert_eq!(names.service("dns", Protocol::Udp), None);
        let questions = names.questions();
        assert_eq!(questions.len(), 2);
        names.take(&questions, b"0 2001:db8::1\n1 53\n");
        assert_eq!(names.host("a.example"), "2001:db8::1".parse().ok());
        assert_eq!(names.service("dns", Protocol::Udp), Some(53));
        assert_eq!(names.service("dns", Protocol::Tcp), None);
    }

    #[test]
    fn answers_cut_off_in_the_middle_count_as_far_as_they_go() {
        let mut names = Names::default();
        names.host("a.example");
        names.host("b.example");
        let questions = names.questions();
        names.take(&questions, b"0 192.0.2.1\n1 192.0.");
        names.take(&questions, b"7 192.0.2.7\nx\n-1 192.0.2.8\n");
        assert_eq!(names.host("a.example"), "192.0.2.1".parse().ok());
        assert_eq!(names.host("b.example"), None);
    }

    #[test]
    fn a_user_is_found_with_its_numbers_and_home() {
        let mut names = Names::default();
        assert_eq!(names.user("root"), None);
        let questions = names.questions();
        let mut answers = Vec::new();
        answer_all(&questions, &mut answers).unwrap();
        names.take(&questions, &answers);
        let root = names.user("root").unwrap();
        assert_eq!((root.uid, root.gid), (0, 0));
        assert!(root.home.is_absolute());
        names.take(&questions, b"0 1 x /\n0 1 2\n");
        assert_eq!(names.user("root").unwrap(), root);
    }

    #[test]
    fn the_expressions_are_those_of_the_monitor() {
        let mut names = Names::default();
        assert_eq!(names.check_expression(b"^HTTP/1\\.[01] 200"), Ok(()));
        let refused = names.check_expression(b"(").unwrap_err().to_string();
        assert!(refused.ends_with("at byte 0"), "{refused}");
    }

    /// What the reader takes, the monitor takes too: all texts of three of these bytes.
    #[test]
    fn the_escapes_are_those_of_the_monitor() {
        let bytes = b"\\ntrd'x";
        for text in 0..bytes.len().pow(3) {
            let text = [0, 1, 2].map(|place| bytes[text / bytes.len().pow(place) % bytes.len()]);
            let mut file = b"virtual v {\nactive = 1\naddress = 192.0.2.1 eth0\nsend = \"".to_vec();
            file.extend(text);
            file.extend(b"\"\n}\n");
            assert_eq!(
                lvs_config::read(&file, &mut Names::default()).is_ok(),
                lvs_model::unescape(&text).is_ok(),
                "{}",
                text.escape_ascii()
            );
        }
    }
}
