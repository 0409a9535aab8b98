//! Every line that a nanny logs about its server, in the original's words.

use std::fmt;
use std::net::SocketAddr;

use lvs_model::{Severity, Weight};

use crate::Failure;
use crate::shown::Shown;

/// Which server a nanny checks, and for which virtual service, as its log lines say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// VIP as on the command line; it is not checked.
    pub vip: String,
    /// Virtual port.
    pub vport: u16,
    /// RIP and RPORT: where the checks go.
    pub real: SocketAddr,
}

/// One line for the log.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A nanny for a real server begins.
    Started(Subject),
    /// The server needs this many good checks to come back.
    Needed(SocketAddr, u32),
    /// A nanny for a failover service begins.
    FailoverStarted(Subject),
    /// The server goes into the table.
    Available(SocketAddr),
    /// The server goes out of the table, or to weight 0.
    ShuttingDown(SocketAddr),
    /// Why a server is down; once for each change.
    Reason(SocketAddr, Failure),
    /// A check failed in a way of which the original logs every instance.
    Line(String),
    /// A check could not be made; nothing changes.
    NotMade(SocketAddr, Failure),
    /// SIGUSR1: out until further notice.
    ForcedDown,
    /// SIGUSR2: in until further notice.
    ForcedUp,
    /// SIGHUP: back to checking.
    Normal,
    /// SIGTERM or SIGINT.
    Terminating(i32),
    /// The load program failed.
    LoadUnreadable,
    /// The load program printed something without a load average.
    BadLoad(Box<[u8]>),
    /// The load program's number; RIP.
    Load(SocketAddr, f64),
    /// A weight follows the load.
    Computing {
        /// The new one.
        new: Weight,
        /// The one before.
        last: Weight,
        /// The load average.
        load: f64,
    },
    /// The weight in the table changes.
    Adjusting(SocketAddr, Weight),
    /// After each check: whether it was good, whether the server is in, good checks in a row.
    Checked {
        /// The check was good.
        good: bool,
        /// The server is in.
        up: bool,
        /// Good checks in a row.
        count: u32,
    },
    /// The failover service answers for the first time.
    RemoteAvailable(Subject),
    /// The very first check of a failover service failed.
    NoService,
    /// The failover service never answered.
    FailoverTimeout,
    /// The failover service is gone.
    FailoverLost(Subject),
}

impl Notice {
    /// How serious it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::NotMade(..) => Severity::Error,
            Self::ShuttingDown(_)
            | Self::Reason(..)
            | Self::Line(_)
            | Self::LoadUnreadable
            | Self::BadLoad(_)
            | Self::NoService
            | Self::FailoverTimeout
            | Self::FailoverLost(_) => Severity::Warning,
            Self::Started(_)
            | Self::Needed(..)
            | Self::FailoverStarted(_)
            | Self::Available(_)
            | Self::ForcedDown
            | Self::ForcedUp
            | Self::Normal
            | Self::Terminating(_)
            | Self::RemoteAvailable(_) => Severity::Info,
            Self::Load(..)
            | Self::Computing { .. }
            | Self::Adjusting(..)
            | Self::Checked { .. } => Severity::Debug,
        }
    }
}

impl fmt::Display for Subject {
    /// `VIP:VPORT`, an IPv6 address in brackets, its scope with it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.vip.contains(':') {
            write!(f, "[{}]:{}", self.vip, self.vport)
        } else {
            write!(f, "{}:{}", self.vip, self.vport)
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started(subject) => {
                let real = subject.real;
                write!(f, "starting LVS client monitor for {subject} -> {real}")
            }
            Self::Needed(real, count) => write!(f, "{real}: re-entry after {count} good checks"),
            Self::FailoverStarted(subject) => {
                write!(f, "Failover service monitor for {subject} started")
            }
            Self::Available(real) => write!(f, "[ active ] making {real} available"),
            Self::ShuttingDown(real) => {
                write!(
                    f,
                    "[inactive] shutting down {real} due to connection failure"
                )
            }
            Self::Reason(real, failure) => write!(f, "{real} is down: {failure}"),
            Self::Line(line) => f.write_str(line),
            Self::NotMade(real, failure) => write!(f, "{real} keeps its state: {failure}"),
            Self::ForcedDown => f.write_str("opaque glasses on"),
            Self::ForcedUp => f.write_str("rose-colored glasses on"),
            Self::Normal => f.write_str("DEBUG -- removing glasses"),
            Self::Terminating(signal) => write!(f, "Terminating due to signal {signal}"),
            Self::LoadUnreadable => f.write_str("failed to read remote load"),
            Self::BadLoad(output) => write!(f, "bad load average returned: {}", Shown(output)),
            Self::Load(real, load) => write!(f, "Loadavg of {} is {load:.6}", real.ip()),
            Self::Computing { new, last, load } => write!(
                f,
                "Computing new weight {new} based on last weight {last} and load {load:.6}"
            ),
            Self::Adjusting(real, weight) => {
                write!(f, "Adjusting weight of {real} to {weight}")
            }
            Self::Checked { good, up, count } => {
                let (good, up) = (u8::from(*good), u8::from(*up));
                write!(f, "avail: {good} active: {up}: count: {count}")
            }
            Self::RemoteAvailable(subject) => write!(f, "Remote service {subject} is available"),
            Self::NoService => f.write_str("No service active & available..."),
            Self::FailoverTimeout => {
                f.write_str("Timeout waiting for remote service -- triggering failover!")
            }
            Self::FailoverLost(subject) => {
                write!(f, "Exiting due to connection failure of {subject}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an original logs, without `-v` and, at the end, with it.
    #[test]
    fn each_text_of_the_original_stands_alone_on_its_line() {
        let real: SocketAddr = "192.0.2.5:80".parse().unwrap();
        let subject = || Subject {
            vip: "192.0.2.1".into(),
            vport: 80,
            real,
        };
        let weight = Weight::ONE;
        for (notice, line) in [
            (
                Notice::Started(subject()),
                "starting LVS client monitor for 192.0.2.1:80 -> 192.0.2.5:80",
            ),
            (
                Notice::FailoverStarted(subject()),
                "Failover service monitor for 192.0.2.1:80 started",
            ),
            (
                Notice::Available(real),
                "[ active ] making 192.0.2.5:80 available",
            ),
            (
                Notice::ShuttingDown(real),
                "[inactive] shutting down 192.0.2.5:80 due to connection failure",
            ),
            (Notice::ForcedDown, "opaque glasses on"),
            (Notice::ForcedUp, "rose-colored glasses on"),
            (Notice::Normal, "DEBUG -- removing glasses"),
            (Notice::Terminating(15), "Terminating due to signal 15"),
            (Notice::LoadUnreadable, "failed to read remote load"),
            (
                Notice::RemoteAvailable(subject()),
                "Remote service 192.0.2.1:80 is available",
            ),
            (Notice::NoService, "No service active & available..."),
            (
                Notice::FailoverTimeout,
                "Timeout waiting for remote service -- triggering failover!",
            ),
            (
                Notice::FailoverLost(subject()),
                "Exiting due to connection failure of 192.0.2.1:80",
            ),
            (
                Notice::Adjusting(real, weight),
                "Adjusting weight of 192.0.2.5:80 to 1",
            ),
            (
                Notice::Checked {
                    good: true,
                    up: false,
                    count: 3,
                },
                "avail: 1 active: 0: count: 3",
            ),
        ] {
            assert_eq!(notice.to_string(), line);
        }
    }

    #[test]
    fn an_ipv6_address_with_a_port_stands_in_brackets() {
        let started = |vip: &str, real: &str| {
            let subject = Subject {
                vip: vip.into(),
                vport: 80,
                real: real.parse().unwrap(),
            };
            Notice::FailoverLost(subject.clone()).to_string()
                + &Notice::Started(subject).to_string()
        };
        for (vip, real, vip_shown) in [
            ("2001:db8::100", "[fe80::5%3]:80", "[2001:db8::100]:80"),
            ("fe80::1%eth0", "[2001:db8::5]:80", "[fe80::1%eth0]:80"),
            ("192.0.2.1", "192.0.2.5:80", "192.0.2.1:80"),
        ] {
            let line = started(vip, real);
            assert!(line.ends_with(&format!("{vip_shown} -> {real}")), "{line}");
            assert!(line.contains(&format!("failure of {vip_shown}")), "{line}");
        }
    }

    /// The original logged every line as info.
    #[test]
    fn a_server_that_fails_is_a_warning_and_the_director_that_does_an_error() {
        let real: SocketAddr = "192.0.2.1:80".parse().unwrap();
        for (notice, severity) in [
            (
                Notice::NotMade(real, Failure::ConnectTimeout),
                Severity::Error,
            ),
            (Notice::ShuttingDown(real), Severity::Warning),
            (
                Notice::Reason(real, Failure::ConnectTimeout),
                Severity::Warning,
            ),
            (Notice::Line(String::new()), Severity::Warning),
            (Notice::LoadUnreadable, Severity::Warning),
            (Notice::Available(real), Severity::Info),
            (Notice::Terminating(15), Severity::Info),
            (Notice::Adjusting(real, Weight::ONE), Severity::Debug),
        ] {
            assert_eq!(notice.severity(), severity, "{notice}");
        }
    }
}
