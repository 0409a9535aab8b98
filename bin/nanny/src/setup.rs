//! From the options to what the shell runs: the check, the machine's settings, the destination.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use healthcheck::{Check, LoadSource, Settings, Subject, Target, Transport, good_checks_needed};
use lvs_model::{
    AddressFamily, Destination, DestinationKey, ForwardingMethod, Protocol, ServiceKey,
};

use crate::error::StartError;
use crate::options::{Kind, Options};
use crate::runner::Conditions;

/// A destination and its service.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What the destination belongs to.
    pub service: ServiceKey,
    /// The destination; its weight varies.
    pub destination: Destination,
}

/// All that the shell needs.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What is watched.
    pub kind: Kind,
    /// How.
    pub check: Check,
    /// What the machine is told.
    pub settings: Settings,
    /// Asks for the load.
    pub load: Option<LoadSource>,
    /// What programs run with; without programs it has no variables.
    pub programs: Conditions,
    /// What to change in the table; `None` if that is lvsd's or nobody's work.
    pub entry: Option<Entry>,
    /// The program that changes it, unless we do.
    pub external: Option<PathBuf>,
    /// A line to log at the start.
    pub remark: Option<String>,
}

impl Setup {
    /// Whether a check or a question for the load opens files: it starts a program, or reads what
    /// rwhod keeps.
    pub const fn needs_files(&self) -> bool {
        let reads = matches!(self.load, Some(LoadSource::Program(_) | LoadSource::Rwhod));
        reads || matches!(self.check, Check::Program(_))
    }
}

/// Resolves the options. `under_lvsd`: the table is lvsd's.
///
/// # Errors
/// [`StartError`] for what is missing or cannot be used.
pub fn resolve(options: &Options, under_lvsd: bool, seed: u64) -> Result<Setup, StartError> {
    let server = options.server.as_ref().ok_or(StartError::NoAddress)?;
    let rip = address(server)?;
    let kind = options.kind.ok_or(StartError::UnknownType)?;
    let real = SocketAddr::new(rip, options.check.port.unwrap_or(options.vport));
    let target = Target {
        real,
        service_port: options.vport,
        transport: options.transport,
    };
    let (check, remark) = Check::new(&options.check, target).map_err(StartError::Check)?;
    let load = options.load.as_deref().filter(|_| kind == Kind::RealServer);
    let load = load.and_then(|word| LoadSource::new(word, &rip.to_string()));
    // A thousand nannies in one process do not each need them.
    let runs_programs =
        matches!(check, Check::Program(_)) || matches!(load, Some(LoadSource::Program(_)));
    let writes = kind == Kind::RealServer && !options.no_run && !under_lvsd;
    Ok(Setup {
        kind,
        check,
        settings: settings(options, real, load.is_some(), under_lvsd, seed),
        load,
        programs: Conditions {
            variables: if runs_programs {
                variables(options, real)
            } else {
                Vec::new()
            },
            cage: None,
            limit: options.check.timeout,
        },
        entry: writes.then(|| entry(options, real)).transpose()?,
        external: external(&options.ipvsadm),
        remark,
    })
}

fn address(text: &str) -> Result<IpAddr, StartError> {
    text.parse()
        .map_err(|_| StartError::BadAddress(text.to_owned()))
}

fn settings(
    options: &Options,
    real: SocketAddr,
    has_load: bool,
    under_lvsd: bool,
    seed: u64,
) -> Settings {
    const REENTRY: Duration = Duration::from_secs(180);
    let check = &options.check;
    let reentry = Some(check.reentry)
        .filter(|time| !time.is_zero())
        .unwrap_or(REENTRY);
    Settings {
        subject: Subject {
            vip: options.vip.clone().unwrap_or_else(|| "(null)".into()),
            vport: options.vport,
            real,
        },
        interval: check.timeout,
        rise: check
            .rise
            .unwrap_or_else(|| good_checks_needed(reentry, check.timeout)),
        fall: check.fall,
        weight: options.weight,
        scale: options.scale,
        quiesce: options.quiesce,
        has_load,
        under_lvsd,
        seed,
    }
}

fn variables(options: &Options, real: SocketAddr) -> Vec<(String, String)> {
    let protocol = match options.transport {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
        Transport::Sctp => "sctp",
    };
    [
        ("RIP", real.ip().to_string()),
        ("RPORT", real.port().to_string()),
        ("VIP", options.vip.clone().unwrap_or_default()),
        ("VPORT", options.vport.to_string()),
        ("PROTOCOL", protocol.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn entry(options: &Options, real: SocketAddr) -> Result<Entry, StartError> {
    let vip = options.vip.as_deref().map(address);
    let service = match (options.mark, vip) {
        (Some(mark), vip) => ServiceKey::FwMark {
            mark,
            // A tunnel may lead to a server of the other family.
            family: AddressFamily::of(&vip.transpose()?.unwrap_or(real.ip())),
        },
        (None, Some(vip)) => ServiceKey::Address {
            protocol: match options.transport {
                Transport::Tcp => Protocol::Tcp,
                Transport::Udp => Protocol::Udp,
                Transport::Sctp => Protocol::Sctp,
            },
            address: vip?,
            port: options.vport,
        },
        (None, None) => return Err(StartError::NoVirtualAddress),
    };
    let port = options.dport.unwrap_or_else(|| {
        let keeps_port = options.method != ForwardingMethod::Masquerading;
        if keeps_port && options.mark.is_none() {
            options.vport
        } else {
            real.port()
        }
    });
    let mut destination = Destination::new(DestinationKey {
        address: real.ip(),
        port,
    });
    destination.forwarding = options.method;
    Ok(Entry {
        service,
        destination,
    })
}

/// The program that changes the table, unless nanny does its work itself.
fn external(path: &Path) -> Option<PathBuf> {
    let is_ours = [Path::new("/sbin/ipvsadm"), Path::new("/usr/sbin/ipvsadm")].contains(&path);
    (!is_ours).then(|| path.to_owned())
}
