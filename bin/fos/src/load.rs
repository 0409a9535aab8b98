//! From an accepted lvs.cf to what fos does, at start and at SIGHUP.

use std::net::IpAddr;

use config_file::ConfigFile;
use director::failover::Site;
use link::Links;
use lvs_config::{Heartbeat, NotServed, ServiceKind};

use crate::options::{NAME, Options};

/// What lvs.cf asks of fos.
///
/// # Errors
/// The line to log or print if lvs.cf asks nothing of it.
pub fn site(file: &ConfigFile, options: &Options) -> Result<Site, Vec<String>> {
    let (config, name) = (&file.loaded.config, file.path.display());
    if config.service != ServiceKind::Fos {
        let line = format!("{NAME}: Service type is not \"fos\" in {name}");
        return Err(vec![line]);
    }
    // pulse, which starts us, goes by the same.
    config.served().map_err(|why| match why {
        NotServed::NoBlock(_) => vec![format!("{NAME}: No Failover Services defined in {name}.")],
        NotServed::SharedDisk => vec![format!("{NAME}: {why}")],
    })?;
    let partner = partner(&config.heartbeat);
    Ok(Site::new(
        config,
        partner,
        options.verbose,
        options.foreground,
    ))
}

/// The partner's public address; without the primary's we are the backup, as an original would
/// conclude. It is for log lines only.
fn partner(pair: &Heartbeat) -> Option<IpAddr> {
    let own = Links::open().and_then(|mut links| links.addresses());
    let is_primary = own.is_ok_and(|own| own.iter().any(|a| Some(a.address) == pair.primary));
    if is_primary {
        pair.backup
    } else {
        pair.primary
    }
}
