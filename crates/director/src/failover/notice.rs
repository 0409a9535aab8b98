//! Every log line of fos: the original's texts, each alone on its line, and lines of our own.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use lvs_model::ChildExit;

use super::Mode;
use lvs_model::Severity;

/// One log line; its `Display` is the text. The address is the service's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Before the first command of a service.
    StoppingAny,
    /// `stop_cmd` is run.
    Stopping(SocketAddr),
    /// `stop_cmd` failed with this status, 1 if it was killed or never started.
    StopFailed(SocketAddr, i32),
    /// `start_cmd` is run.
    Starting(SocketAddr),
    /// `start_cmd` failed.
    StartFailed(SocketAddr),
    /// A monitor runs, with its pid.
    MonitorStarted(SocketAddr, i32),
    /// A monitor said, by its end, that the service is lost.
    FailoverCondition(SocketAddr),
    /// A monitor is told to end.
    StoppingMonitor {
        /// Name of the block.
        name: String,
        /// The service.
        address: SocketAddr,
        /// The monitor's pid.
        pid: i32,
    },
    /// SIGTERM or SIGINT.
    ShuttingDown(i32),
    /// The last line.
    WillExit,

    /// Ours: why a command failed.
    CommandFailed(SocketAddr, String),
    /// Ours: a command does not end and is told to.
    CommandLate(SocketAddr),
    /// Ours: a monitor could not be started; another try follows after this time.
    MonitorNotStarted(SocketAddr, String, Duration),
    /// Ours: a monitor was killed; another is started after this time.
    MonitorDied(SocketAddr, ChildExit, Duration),
    /// Ours: a service is not there yet, and has this time from its start.
    Awaited(SocketAddr, Mode, Duration),
    /// Ours: a service that runs here is started again after this time.
    ServiceRestarted(SocketAddr, Duration),
    /// Ours: a service that runs here does not stay up.
    ServiceGivenUp(SocketAddr),
    /// Ours: the file is read again.
    Rereading,
    /// Ours: the file is bad; the old configuration stays.
    BadConfiguration(String),
    /// Ours: pulse is gone.
    ParentGone,
}

impl Notice {
    /// How bad it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::StartFailed(_)
            | Self::FailoverCondition(_)
            | Self::ServiceGivenUp(_)
            | Self::MonitorNotStarted(..)
            | Self::BadConfiguration(_)
            | Self::ParentGone => Severity::Error,
            Self::StopFailed(..)
            | Self::CommandFailed(..)
            | Self::CommandLate(_)
            | Self::MonitorDied(..)
            | Self::ServiceRestarted(..) => Severity::Warning,
            Self::StoppingAny
            | Self::Stopping(_)
            | Self::Starting(_)
            | Self::MonitorStarted(..)
            | Self::StoppingMonitor { .. }
            | Self::ShuttingDown(_)
            | Self::WillExit
            | Self::Awaited(..)
            | Self::Rereading => Severity::Info,
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StoppingAny => f.write_str("Stopping local services (if any)"),
            // The blank at the end is the original's.
            Self::Stopping(at) => write!(f, "Shutting down local service {at} "),
            Self::StopFailed(at, status) => write!(
                f,
                "Warning; shutdown of local service {at} returned error {status}"
            ),
            Self::Starting(at) => write!(f, "Starting local service {at} ..."),
            Self::StartFailed(at) => write!(f, "Failed to start service {at}!"),
            Self::MonitorStarted(at, pid) => {
                write!(f, "Starting monitor for {at} running as pid {pid}")
            }
            Self::FailoverCondition(at) => write!(
                f,
                "Monitor for service {at} exited. This is a failover condition!"
            ),
            Self::StoppingMonitor { name, address, pid } => write!(
                f,
                "Shutting down monitor for {name} {address} running as pid {pid}"
            ),
            Self::ShuttingDown(signal) => write!(f, "Shutting down due to signal {signal}"),
            Self::WillExit => f.write_str("will now exit to notify pulse..."),
            Self::CommandFailed(at, reason) => write!(f, "command of service {at}: {reason}"),
            Self::CommandLate(at) => {
                write!(f, "command of service {at} does not end: terminating it")
            }
            Self::MonitorNotStarted(at, reason, pause) => write!(
                f,
                "monitor for {at} not started: {reason}; next try in {} s",
                pause.as_secs()
            ),
            Self::MonitorDied(at, exit, pause) => write!(
                f,
                "monitor for {at} {exit}; another one in {} s",
                pause.as_secs()
            ),
            Self::Awaited(at, mode, limit) => {
                let whose = match mode {
                    Mode::Active => "local",
                    Mode::Monitor => "partner's",
                };
                write!(
                    f,
                    "{whose} service {at} is not there yet: it has {} s from its start",
                    limit.as_secs_f64()
                )
            }
            Self::ServiceRestarted(at, pause) => write!(
                f,
                "local service {at} is not there: starting it again in {} s",
                pause.as_secs()
            ),
            Self::ServiceGivenUp(at) => write!(f, "local service {at} does not stay up"),
            Self::Rereading => f.write_str("rereading configuration file"),
            Self::BadConfiguration(line) => write!(f, "{line}; nothing is changed"),
            Self::ParentGone => f.write_str("pulse is gone, shutting down"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an original logs.
    #[test]
    fn each_text_of_the_original_stands_alone_on_its_line() {
        let at: SocketAddr = "10.1.0.60:80".parse().unwrap();
        for (notice, line) in [
            (Notice::StoppingAny, "Stopping local services (if any)"),
            (
                Notice::Stopping(at),
                "Shutting down local service 10.1.0.60:80 ",
            ),
            (
                Notice::StopFailed(at, 1),
                "Warning; shutdown of local service 10.1.0.60:80 returned error 1",
            ),
            (
                Notice::Starting(at),
                "Starting local service 10.1.0.60:80 ...",
            ),
            (
                Notice::StartFailed(at),
                "Failed to start service 10.1.0.60:80!",
            ),
            (
                Notice::MonitorStarted(at, 7),
                "Starting monitor for 10.1.0.60:80 running as pid 7",
            ),
            (
                Notice::FailoverCondition(at),
                "Monitor for service 10.1.0.60:80 exited. This is a failover condition!",
            ),
            (
                Notice::StoppingMonitor {
                    name: "web".into(),
                    address: at,
                    pid: 7,
                },
                "Shutting down monitor for web 10.1.0.60:80 running as pid 7",
            ),
            (Notice::ShuttingDown(15), "Shutting down due to signal 15"),
            (Notice::WillExit, "will now exit to notify pulse..."),
        ] {
            assert_eq!(notice.to_string(), line);
        }
    }
}
