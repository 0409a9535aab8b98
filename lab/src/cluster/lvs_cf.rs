//! The lvs.cf of a cluster's directors.

use super::settings::Settings;
use crate::topology::{Forwarding, Site};

/// The file as both directors have it.
pub(super) fn write(settings: &Settings, site: &Site) -> String {
    let Settings {
        keepalive,
        deadtime,
        timeout,
        reentry,
        weights,
        ..
    } = settings;
    let network = match settings.forwarding {
        Forwarding::DirectRouting => "direct",
        Forwarding::Masquerading => "nat",
        Forwarding::Tunnelling => "tunnel",
    };
    let vip = site.vip();
    let whole = if vip.is_ipv4() {
        "255.255.255.255"
    } else {
        "128"
    };
    // So many short connections come round to ports that they had used with a server that is out now.
    let mut text = format!(
        "serial_no = 1\n#:set_sysctls = 1\n\
         primary = 10.9.0.11\nprimary_private = 10.9.1.11\n\
         backup = 10.9.0.12\nbackup_private = 10.9.1.12\nbackup_active = 1\n\
         service = lvs\nheartbeat = 1\nheartbeat_port = 539\n\
         keepalive = {keepalive}\ndeadtime = {deadtime}\n\
         network = {network}\ndebug_level = NONE\n"
    );
    if let Some(router) = site.nat_router() {
        text.push_str(&format!(
            "nat_router = {router} eth2:1\nnat_nmask = 255.255.255.0\n"
        ));
    }
    text.push_str(&format!(
        "virtual web {{\n     active = 1\n     address = {vip} eth0:1\n\
         \x20    vip_nmask = {whole}\n     port = 80\n\
         \x20    send = \"GET / HTTP/1.0\\r\\n\\r\\n\"\n     expect = \"HTTP/1.1 200\"\n\
         \x20    load_monitor = none\n     scheduler = wrr\n     protocol = tcp\n\
         \x20    timeout = {timeout}\n     reentry = {reentry}\n     quiesce_server = 0\n"
    ));
    for ((name, rip), weight) in site.real_servers().iter().zip(weights) {
        text.push_str(&format!(
            "     server {name} {{\n         address = {rip}\n         active = 1\n\
             \x20        weight = {weight}\n     }}\n"
        ));
    }
    text + "}\n"
}
