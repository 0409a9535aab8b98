//! Names in lvs.cf: what is asked of the system, what it answered.
//!
//! A reading without answers collects the questions; [`answer_all`] answers them in a process of its
//! own; a second reading finds the answers here.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Write};
use std::net::IpAddr;

use lvs_config::Lookup;
use lvs_model::{Account, Protocol};
use lvs_sys::{c_name, host_address, host_address6, service_port};

/// One thing to look up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Question {
    /// The address of a host.
    Host(String),
    /// The port of a service.
    Service(String, Protocol),
    /// The account of a user.
    User(String),
}

/// The one [`Lookup`] of all programs: answers from what is known, and notes what is not.
#[derive(Debug, Default)]
pub(crate) struct Names {
    hosts: HashMap<String, IpAddr>,
    services: HashMap<(String, Protocol), u16>,
    users: HashMap<String, Account>,
    open: BTreeSet<Question>,
}

impl Lookup for Names {
    fn host(&mut self, name: &str) -> Option<IpAddr> {
        let known = self.hosts.get(name).copied();
        if known.is_none() {
            self.open.insert(Question::Host(name.to_owned()));
        }
        known
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
}

impl Names {
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

/// Room for the one user that a file names: its numbers and a path.
const LONGEST_ACCOUNT: usize = 4096;

/// Most bytes that the answers to so many questions have.
pub(crate) const fn longest_answers(questions: usize) -> usize {
    // A number, and an IPv6 address or a user with its home directory.
    questions.saturating_mul(64).saturating_add(LONGEST_ACCOUNT)
}

/// Asks the system one question after the other and writes each answer at once: `NUMBER ANSWER`.
pub(crate) fn answer_all(questions: &[Question], out: &mut dyn Write) -> io::Result<()> {
    for (number, question) in questions.iter().enumerate() {
        match question {
            Question::Host(name) => {
                if let Some(address) = host(name) {
                    writeln!(out, "{number} {address}")?;
                }
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
        assert!(names.check_expression(b"(").is_err());
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
                healthcheck::unescape(&text).is_ok(),
                "{}",
                text.escape_ascii()
            );
        }
    }
}
