//! What lvs.cf asks of fos: the services, their commands and their monitors.

use std::ffi::{OsStr, OsString};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;

use control::check_options;
use lvs_config::{Config, FailoverBlock};
use lvs_model::{Account, Protocol};

/// Most words of a command; an original drops the rest.
const MOST_WORDS: usize = 39;

/// On which side this fos is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `--active`: the services run here.
    Active,
    /// `--monitor`: the partner's services are watched.
    Monitor,
}

/// What finds a service again after a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceId {
    /// Protocol of the check.
    pub protocol: Protocol,
    /// Virtual address and port.
    pub address: SocketAddr,
}

/// A service that follows the active director.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailoverService {
    /// Name of the `failover` block.
    pub name: String,
    /// Address, port and protocol.
    pub id: ServiceId,
    /// Argument vector that starts it.
    pub start: Vec<OsString>,
    /// Argument vector that stops it.
    pub stop: Vec<OsString>,
    /// Program and arguments of its monitor.
    pub monitor: Vec<OsString>,
    /// Whom the monitor and its check program run as; `None`: as the monitors that start no program.
    /// *Extension*, lvs.cf: `check_user`.
    pub account: Option<Account>,
    /// Time that it has from its start to its first good check.
    pub start_timeout: Duration,
}

/// What lvs.cf asks of fos.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Services in file order.
    pub services: Vec<FailoverService>,
}

impl Site {
    /// The services of `config`, whose monitors name `partner`, the partner's public address.
    ///
    /// `verbose` and `foreground` are passed on to the monitors.
    #[must_use]
    pub fn new(config: &Config, partner: Option<IpAddr>, verbose: bool, foreground: bool) -> Self {
        let account = &config.check_user;
        let service = |block: &FailoverBlock| FailoverService {
            name: block.name.clone(),
            id: ServiceId {
                protocol: block.protocol,
                address: SocketAddr::new(block.vip, block.port),
            },
            start: split_command(&block.start_cmd.text),
            stop: split_command(&block.stop_cmd.text),
            monitor: monitor(block, partner, verbose, foreground),
            account: account
                .clone()
                .filter(|_| block.check.send_program.is_some()),
            start_timeout: block.start_timeout,
        };
        Self {
            services: config.failovers.iter().map(service).collect(),
        }
    }
}

/// Argument vector of a command of lvs.cf: split at single blanks, so that two make an empty
/// argument; double quotes around the whole are stripped; what follows the 39th word is dropped.
#[must_use]
pub fn split_command(text: &OsStr) -> Vec<OsString> {
    let bytes = text.as_bytes();
    let bytes = bytes.strip_prefix(b"\"").unwrap_or(bytes);
    let bytes = bytes.strip_suffix(b"\"").unwrap_or(bytes);
    let words = bytes.split(|byte| *byte == b' ').take(MOST_WORDS);
    words
        .map(|word| OsString::from_vec(word.to_vec()))
        .collect()
}

/// The monitor's command line in the original's order. The test goes to the virtual address.
fn monitor(
    block: &FailoverBlock,
    partner: Option<IpAddr>,
    verbose: bool,
    foreground: bool,
) -> Vec<OsString> {
    let mut argv = vec![block.monitor.clone().into_os_string()];
    let watched = partner.unwrap_or(block.vip);
    let words = [
        "-c",
        "-h",
        &block.vip.to_string(),
        "-V",
        &watched.to_string(),
        "-p",
        &block.port.to_string(),
    ];
    argv.extend(words.map(OsString::from));
    argv.extend(verbose.then(|| "-v".into()));
    argv.extend((block.protocol == Protocol::Udp).then(|| "-u".into()));
    argv.extend((block.protocol == Protocol::Sctp).then(|| "--sctp".into()));
    for option in [
        &check_options::SEND_PROGRAM,
        &check_options::SEND,
        &check_options::EXPECT,
        &check_options::INTERVAL,
    ] {
        option.write(&block.check, &mut argv);
    }
    argv.extend(foreground.then(|| "--nodaemon".into()));
    argv.push("--fos".into());
    argv
}
