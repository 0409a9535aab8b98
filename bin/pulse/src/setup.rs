//! From lvs.cf and the machine's addresses to what pulse runs with. Read again at SIGHUP.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use heartbeat::datagram::Service;
use heartbeat::datagram::signed::Key;
use heartbeat::{ConfiguredRole, Ends, Notice, PairPath, Settings};
use link::{Assignment, LinkError, Links};
use lvs_config::{Config, Device, Heartbeat, NotServed, ServiceKind, VipMover};
use lvs_model::ForwardingMethod;
use nix::errno::Errno;

use crate::keys::KeyError;
use crate::options::Options;
use crate::signing;

/// How long a give-up waits for `inactive_cmd` before the partner is told all the same.
const LET_GO_WITHIN: Duration = Duration::from_secs(10);

/// Why pulse does not start.
#[derive(Debug)]
pub enum SetupError {
    /// The file asks for nothing that can be served.
    NotServed(NotServed, PathBuf),
    /// lvs.cf has no `primary`.
    NoPrimary,
    /// Neither heartbeat address is one of this machine's.
    NotHere {
        /// lvs.cf `primary`.
        primary: IpAddr,
        /// lvs.cf `backup`.
        backup: Option<IpAddr>,
    },
    /// Both are.
    Both {
        /// lvs.cf `primary`.
        primary: IpAddr,
        /// lvs.cf `backup`.
        backup: IpAddr,
        /// The devices that have them.
        devices: [String; 2],
    },
    /// The machine's addresses are not known.
    Links(LinkError),
    /// Signed heartbeats without good keys.
    Keys(KeyError),
    /// There is no randomness to begin with.
    NoRandomness(io::Error),
    /// A heartbeat socket at this address.
    Socket(SocketAddr, io::Error),
}

impl SetupError {
    /// Whether it is over when the machine has its address: it has none, or lost it just before it was bound.
    pub fn is_about_to_pass(&self) -> bool {
        match self {
            Self::NotHere { .. } => true,
            Self::Socket(_, error) => error.kind() == io::ErrorKind::AddrNotAvailable,
            _ => false,
        }
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotServed(why @ NotServed::NoBlock(_), file) => {
                write!(f, "{why} in {}", file.display())
            }
            Self::NotServed(why, _) => why.fmt(f),
            Self::NoPrimary => f.write_str("lvs.cf names no primary"),
            Self::NotHere { primary, backup } => {
                write!(f, "this machine has neither primary = {primary}")?;
                match backup {
                    Some(backup) => write!(f, " nor backup = {backup}"),
                    None => f.write_str(", and there is no backup"),
                }
            }
            Self::Both {
                primary,
                backup,
                devices: [first, second],
            } => write!(
                f,
                "this machine has both primary = {primary} on {first} and backup = {backup} on {second}: take the one \
                 away that is the partner's"
            ),
            Self::Links(error) => error.fmt(f),
            Self::Keys(error) => error.fmt(f),
            Self::NoRandomness(error) => write!(f, "/dev/urandom: {error}"),
            Self::Socket(own, error) => {
                let (address, port) = (own.ip(), own.port());
                let reason = Errno::from_raw(error.raw_os_error().unwrap_or(0)).desc();
                write!(
                    f,
                    "cannot create heartbeat socket on {address}, port {port}: {reason}"
                )?;
                if error.kind() == io::ErrorKind::PermissionDenied {
                    f.write_str(". running as root?")?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for SetupError {}

impl SetupError {
    /// Whether lvs.cf alone is to blame: it is the same at every start.
    pub const fn is_of_the_file(&self) -> bool {
        match self {
            Self::NotServed(..) | Self::NoPrimary => true,
            Self::NotHere { .. }
            | Self::Both { .. }
            | Self::Links(_)
            | Self::Keys(_)
            | Self::NoRandomness(_)
            | Self::Socket(..) => false,
        }
    }
}

/// One path of the heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeartbeatPath {
    /// Which of the two.
    pub path: PairPath,
    /// Our end.
    pub own: SocketAddr,
    /// The partner's end; none without a backup. One that is switched off is listened to.
    pub partner: Option<SocketAddr>,
}

impl HeartbeatPath {
    /// From where to where, in words.
    pub fn place(&self) -> String {
        let name = match self.path {
            PairPath::Public => "public",
            PairPath::Private => "private",
        };
        let own = self.own.ip();
        match self.partner {
            Some(partner) => format!("on the {name} path from {own} to {}", partner.ip()),
            None => format!("on the {name} path from {own}"),
        }
    }

    fn ends(&self) -> Option<Ends> {
        let (own, partner) = (self.own.ip(), self.partner?.ip());
        Some(Ends { own, partner })
    }
}

/// What pulse runs with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// For the machine.
    pub settings: Settings,
    /// Public path, then the private one if there is one.
    pub paths: Vec<HeartbeatPath>,
    /// Every address to hold while active: NAT router first, then the virtual ones.
    pub addresses: Vec<Assignment>,
    /// What signs heartbeats; empty if nothing does.
    pub keys: Vec<Key>,
    /// lvs.cf.
    pub config: Config,
}

/// Every address of this machine that can be used.
///
/// # Errors
/// [`SetupError::Links`].
pub fn own_addresses() -> Result<Vec<IpAddr>, SetupError> {
    let addresses = Links::open()
        .and_then(|mut links| links.addresses())
        .map_err(SetupError::Links)?;
    // Nothing can be bound to an IPv6 one while the kernel asks who else has it.
    let usable = addresses.into_iter().filter(link::own::is_usable);
    Ok(usable.map(|found| found.address).collect())
}

impl Setup {
    /// Our ends of the paths, public first.
    pub fn own(&self) -> Vec<IpAddr> {
        self.paths.iter().map(|path| path.own.ip()).collect()
    }

    /// Says what is odd about an lvs.cf that is in force from now on.
    pub fn say_remarks(&self) {
        let lone = lone(&self.config, self.settings.role);
        let is_alone = !self.settings.has_partner;
        let own = own_addresses().ok().filter(|_| is_alone);
        let own = own.unwrap_or_default();
        let mixed = partners_here(&self.config, self.settings.role, &own);
        let remarks = remarks(&self.config).into_iter();
        for remark in remarks.chain(lone).chain(mixed) {
            log::warn!("{remark}");
        }
    }

    /// Checks and orders everything; `own` are this machine's addresses.
    ///
    /// # Errors
    /// [`SetupError`], but for the variant of the sockets.
    pub fn new(config: Config, options: &Options, own: &[IpAddr]) -> Result<Self, SetupError> {
        let service = service(&config, &options.config_file)?;
        let role = role(&config, own)?;
        let pair = &config.heartbeat;
        let has_partner = has_partner(pair);
        let paths = paths(&config, role)?;
        let keys = signing::keys(pair).map_err(SetupError::Keys)?;
        let addresses = addresses(&config);
        let settings = Settings {
            role,
            service,
            keepalive: pair.keepalive,
            dead_time: pair.dead_time,
            has_partner,
            has_private_path: paths.len() > 1,
            ends: paths.first().and_then(HeartbeatPath::ends),
            force_active: options.force_active,
            signs: signing::mode(pair.authentication).signs(),
            by_term: pair.stay_active,
            warm_standby: pair.warm_standby,
            sync_wait: config
                .sync_daemon
                .as_ref()
                .map_or(Duration::ZERO, |sync| sync.wait),
            addresses: addresses.iter().map(|it| it.address).collect(),
            partner: paths
                .iter()
                .filter_map(|path| Some(path.partner?.ip()))
                .collect(),
            keys: signing::place(pair),
            content: 0,
            hook_patience: if is_external(&config) {
                LET_GO_WITHIN
            } else {
                Duration::ZERO
            },
        };
        Ok(Self {
            settings,
            addresses,
            paths,
            keys,
            config,
        })
    }
}

/// What lvs.cf has pulse serve.
///
/// # Errors
/// [`SetupError::NotServed`].
pub fn service(config: &Config, file: &Path) -> Result<Service, SetupError> {
    match config.served() {
        Ok(ServiceKind::Lvs) => Ok(Service::Lvs),
        Ok(ServiceKind::Fos) => Ok(Service::Fos),
        Err(why) => Err(SetupError::NotServed(why, file.to_owned())),
    }
}

/// Whether lvs.cf has a second director that is to be heard.
pub const fn has_partner(pair: &Heartbeat) -> bool {
    pair.backup_active && pair.backup.is_some()
}

/// The primary is who has `primary` among `own`, all addresses of this machine. Of a pair nobody may have both: neither
/// could hear the other one.
///
/// # Errors
/// [`SetupError::NoPrimary`], [`SetupError::NotHere`], [`SetupError::Both`].
pub fn role(config: &Config, own: &[IpAddr]) -> Result<ConfiguredRole, SetupError> {
    let primary = config.heartbeat.primary.ok_or(SetupError::NoPrimary)?;
    let backup = config.heartbeat.backup;
    let partner = backup.filter(|_| has_partner(&config.heartbeat));
    if let Some(backup) = partner.filter(|it| own.contains(it) && own.contains(&primary)) {
        Err(SetupError::Both {
            primary,
            backup,
            devices: [primary, backup].map(device_of),
        })
    } else if own.contains(&primary) {
        Ok(ConfiguredRole::Primary)
    } else if backup.is_some_and(|backup| own.contains(&backup)) {
        Ok(ConfiguredRole::Backup)
    } else {
        Err(SetupError::NotHere { primary, backup })
    }
}

/// The device that has it.
fn device_of(address: IpAddr) -> String {
    let found = Links::open().and_then(|mut links| Ok((links.addresses()?, links.links()?)));
    let (addresses, links) = found.unwrap_or_default();
    let it = addresses.iter().find(|it| it.address == address);
    let link = it.and_then(|it| links.iter().find(|link| link.index == it.interface));
    link.map_or_else(|| "some device".into(), |link| link.name.clone())
}

/// Which of the partner's ends are among `own`, and not to be held here: one that is switched off may have given its
/// address away.
pub fn partners_here(config: &Config, role: ConfiguredRole, own: &[IpAddr]) -> Vec<String> {
    let paths = paths(config, role).unwrap_or_default();
    let held = addresses(config);
    let ends = paths.iter().filter_map(|path| Some(path.partner?.ip()));
    let here = ends.filter(|end| own.contains(end) && held.iter().all(|it| it.address != *end));
    let line = |address| {
        let device = device_of(address);
        format!(
            "the partner's address {address} is on {device} of this machine: no heartbeat can come from it"
        )
    };
    here.map(line).collect()
}

/// What is odd about the subnets of the addresses that move: see [`link::lone`]. Nothing if the machine's
/// addresses are not known, which is said elsewhere.
pub fn lone(config: &Config, role: ConfiguredRole) -> Vec<String> {
    let found = Links::open().and_then(|mut links| links.addresses());
    let paths = paths(config, role);
    let (Ok(found), Ok(paths)) = (found, paths) else {
        return Vec::new();
    };
    let heard = paths.iter().filter(|_| has_partner(&config.heartbeat));
    let ends: Vec<IpAddr> = heard.filter_map(|path| Some(path.partner?.ip())).collect();
    link::lone::lone(&addresses(config), &found, &ends)
}

/// The own address of the private path, if it is not among `own`.
pub fn absent(config: &Config, role: ConfiguredRole, own: &[IpAddr]) -> Option<String> {
    let private = config.heartbeat.private?;
    let (key, address) = match role {
        ConfiguredRole::Primary => ("primary_private", private.primary),
        ConfiguredRole::Backup => ("backup_private", private.backup),
    };
    let is_here = own.contains(&address);
    (!is_here).then(|| {
        format!("{key} = {address} is not on this machine: no heartbeat goes that way until it is")
    })
}

fn paths(config: &Config, role: ConfiguredRole) -> Result<Vec<HeartbeatPath>, SetupError> {
    let pair = &config.heartbeat;
    let path = |path, primary: IpAddr, backup: Option<IpAddr>| {
        let at = |address| SocketAddr::new(address, pair.port);
        let (own, partner) = match role {
            ConfiguredRole::Primary => (Some(primary), backup),
            ConfiguredRole::Backup => (backup, Some(primary)),
        };
        Some(HeartbeatPath {
            path,
            own: at(own?),
            partner: partner.map(at),
        })
    };
    let primary = pair.primary.ok_or(SetupError::NoPrimary)?;
    let public = path(PairPath::Public, primary, pair.backup);
    let private = pair
        .private
        .and_then(|private| path(PairPath::Private, private.primary, Some(private.backup)));
    Ok(public.into_iter().chain(private).collect())
}

/// The addresses to hold: each once, the first block that names it supplies device and prefix. The
/// directors' own addresses are never among them, which [`remarks`] says. None with `vip = external`:
/// then the hooks move them, and nothing is raised, announced, watched or taken down.
pub fn addresses(config: &Config) -> Vec<Assignment> {
    let mut wanted: Vec<Assignment> = Vec::new();
    if is_external(config) {
        return wanted;
    }
    let mut known = BTreeSet::new();
    for assignment in candidates(config) {
        let address = assignment.address;
        if !is_directors(&config.heartbeat, address) && known.insert(address) {
            wanted.push(assignment);
        }
    }
    wanted
}

/// What pulse does otherwise than lvs.cf says, a line each.
pub fn remarks(config: &Config) -> Vec<String> {
    let pair = &config.heartbeat;
    let is_undefined = pair.backup_active && pair.backup.is_none();
    let undefined = is_undefined.then(|| Notice::UndefinedBackup.to_string());
    let own = candidates(config).into_iter().map(|found| found.address);
    let own = own.filter(|address| is_directors(pair, *address));
    let own = own.map(|address| format!("{address} is a director's own address: left alone"));
    undefined
        .into_iter()
        .chain(own)
        .chain(external_remarks(config))
        .collect()
}

/// What is missing for hooks that are to move the addresses.
fn external_remarks(config: &Config) -> impl Iterator<Item = String> {
    let hooks = [
        ("active_cmd", config.active_cmd.is_none()),
        ("inactive_cmd", config.inactive_cmd.is_none()),
    ];
    let is_lvs = config.service == ServiceKind::Lvs;
    let missing = hooks
        .into_iter()
        .filter(move |(_, is_missing)| *is_missing && is_lvs);
    let missing = missing.map(|(hook, _)| format!("vip = external without {hook}"));
    missing.filter({
        let wanted = is_external(config);
        move |_| wanted
    })
}

/// Whether `active_cmd` and `inactive_cmd` alone move the addresses.
pub fn is_external(config: &Config) -> bool {
    config.heartbeat.vip == VipMover::External
}

fn is_directors(pair: &Heartbeat, address: IpAddr) -> bool {
    // A backup that is switched off may have given its address away.
    let backup = pair.backup.filter(|_| has_partner(pair));
    [pair.primary, backup].contains(&Some(address))
}

/// The addresses in lvs.cf, in its order; the NAT router's belongs to lvs.
fn candidates(config: &Config) -> Vec<Assignment> {
    let nat = (config.network == ForwardingMethod::Masquerading)
        .then_some(config.nat_router.as_ref())
        .flatten()
        .map(|router| assignment(router.address, router.prefix, &router.device));
    let virtuals = config.virtuals.iter();
    let virtuals = virtuals.map(|block| assignment(block.vip, block.vip_prefix, &block.device));
    let failovers = config.failovers.iter();
    let failovers = failovers.map(|block| assignment(block.vip, block.vip_prefix, &block.device));
    match config.service {
        ServiceKind::Lvs => nat.into_iter().chain(virtuals).collect(),
        ServiceKind::Fos => failovers.collect(),
    }
}

/// Without a mask the address is a host's: a guessed network would get a route.
fn assignment(address: IpAddr, prefix: Option<u8>, device: &Device) -> Assignment {
    let host = if address.is_ipv4() { 32 } else { 128 };
    Assignment {
        address,
        prefix: prefix.unwrap_or(host),
        interface: device.interface().to_owned(),
        label: device.label().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(own: &str) -> Result<Setup, SetupError> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/pair.cf");
        let config = config_file::check(path.as_ref()).unwrap().loaded.config;
        Setup::new(config, &Options::default(), &[own.parse().unwrap()])
    }

    #[test]
    fn each_address_is_held_once_with_the_first_blocks_label() {
        let setup = setup("10.1.0.1").unwrap();
        let shown: Vec<String> = setup
            .addresses
            .iter()
            .map(|a| format!("{}/{} {} {}", a.address, a.prefix, a.interface, a.label))
            .collect();
        assert_eq!(
            shown,
            [
                "10.2.0.254/24 eth1 eth1:1",
                "10.1.0.50/24 eth0 eth0:1",
                "10.1.0.51/32 eth0 eth0:2"
            ]
        );
    }

    #[test]
    fn addresses_that_hooks_move_are_nobodys_and_missing_hooks_are_said() {
        let mut config = setup("10.1.0.1").unwrap().config;
        config.heartbeat.vip = VipMover::External;
        config.active_cmd = None;
        config.inactive_cmd = Some(lvs_config::Command {
            text: "/sbin/away".into(),
            line: 1,
        });
        assert_eq!(addresses(&config), []);
        assert_eq!(remarks(&config), ["vip = external without active_cmd"]);
    }

    #[test]
    fn either_director_finds_its_end_of_both_paths() {
        let primary = setup("10.1.0.1").unwrap();
        let backup = setup("10.1.0.2").unwrap();
        assert_eq!(backup.settings.role, ConfiguredRole::Backup);
        for (here, there) in primary.paths.iter().zip(&backup.paths) {
            assert_eq!(here.partner, Some(there.own));
            assert_eq!(there.partner, Some(here.own));
        }
        assert_eq!(primary.paths[1].own, "10.9.0.1:539".parse().unwrap());
    }

    #[test]
    fn a_machine_with_neither_address_does_not_start() {
        let error = setup("10.1.0.3").unwrap_err().to_string();
        assert_eq!(
            error,
            "this machine has neither primary = 10.1.0.1 nor backup = 10.1.0.2"
        );
    }

    #[test]
    fn a_machine_with_both_addresses_is_neither_director_unless_it_is_alone() {
        let mut config = setup("10.1.0.1").unwrap().config;
        let own = ["10.1.0.1", "10.1.0.2"].map(|it| it.parse().unwrap());
        let error = role(&config, &own).unwrap_err().to_string();
        assert!(error.starts_with("this machine has both primary = 10.1.0.1 on "));
        config.heartbeat.backup_active = false;
        assert_eq!(role(&config, &own).ok(), Some(ConfiguredRole::Primary));
        let said = partners_here(&config, ConfiguredRole::Primary, &own);
        assert!(said[0].starts_with("the partner's address 10.1.0.2 is on "));
        // One that is switched off may have given its address away.
        config.virtuals[0].vip = own[1];
        assert_eq!(
            partners_here(&config, ConfiguredRole::Primary, &own),
            [""; 0]
        );
    }
}
