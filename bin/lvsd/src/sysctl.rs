//! The kernel switches that lvs.cf's removal policy depends on: checked, and set where allowed.

use std::fs;

use director::{Site, quiesced_flows, sysctls};

const DIRECTORY: &str = "/proc/sys/net/ipv4/vs";

/// Logs which switch of `site` is off, and what no switch helps against. Turns switches on if `may_set`
/// (lvs.cf: `set_sysctls`).
pub fn check(site: &Site, may_set: bool) {
    for need in sysctls(site) {
        let name = need.sysctl.name();
        let path = format!("{DIRECTORY}/{name}");
        match fs::read_to_string(&path) {
            Ok(value) if value.trim() != "0" => {}
            Ok(_) if may_set => match fs::write(&path, "1\n") {
                Ok(()) => log::info!("net.ipv4.vs.{name} set to 1"),
                Err(error) => log::error!("net.ipv4.vs.{name} cannot be set: {error}"),
            },
            Ok(_) => log::warn!("net.ipv4.vs.{name} is 0: {need}"),
            Err(error) => log::warn!("{path}: {error}"),
        }
    }
    if let Some(block) = quiesced_flows(site) {
        log::warn!(
            "UDP flows of {block} stay with a quiesced real server until they pause: without \
             quiesce_server it is removed"
        );
    }
}
