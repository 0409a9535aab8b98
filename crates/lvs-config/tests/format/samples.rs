//! Whole files: the published samples are accepted without a warning and mean what they say.

use std::time::Duration;

use crate::support::{read_text, verdict};
use lvs_config::{Config, ManualWeight, NannyProcesses, ServiceKind};
use lvs_model::{ForwardingMethod, Netmask, Protocol};

macro_rules! samples {
    ($($name:literal),*) => {
        &[$(($name, include_bytes!(concat!("../samples/", $name)) as &[u8])),*]
    };
}

const SAMPLES: &[(&str, &[u8])] = samples![
    "nat.cf",
    "direct.cf",
    "tunnel.cf",
    "fwmark.cf",
    "ftp.cf",
    "udp.cf",
    "sorry.cf",
    "regex.cf",
    "sync.cf",
    "fos.cf",
    "smallest.cf"
];

fn sample(name: &str) -> &'static [u8] {
    let found = SAMPLES.iter().find(|(known, _)| *known == name);
    found.expect(name).1
}

fn config(name: &str) -> Config {
    read_text(sample(name)).expect(name).config
}

fn weights(config: &Config) -> Vec<u32> {
    let servers = config.virtuals.iter().flat_map(|block| &block.servers);
    servers.map(|server| server.weight.get()).collect()
}

#[test]
fn every_sample_is_accepted_without_a_warning() {
    for (name, text) in SAMPLES {
        assert_eq!(verdict(text), "ok", "{name}");
    }
}

#[test]
fn nat_with_two_directors() {
    let config = config("nat.cf");
    assert_eq!(config.serial, 12);
    assert_eq!(config.network, ForwardingMethod::Masquerading);
    let router = config.nat_router.as_ref().expect("nat_router");
    assert_eq!(router.device.label(), "eth1:1");
    assert_eq!(router.prefix, Some(24));
    let heartbeat = &config.heartbeat;
    assert_eq!(heartbeat.dead_time, Duration::from_secs(18));
    assert!(heartbeat.backup_active);
    let private = heartbeat.private.expect("second path");
    assert_eq!(private.backup.to_string(), "198.51.100.12");
    let shop = &config.virtuals[0];
    assert_eq!(shop.key().to_string(), "-t 192.0.2.80:80");
    assert_eq!(shop.vip_prefix, Some(24));
    assert_eq!(shop.check.timeout, Duration::from_secs(6));
    assert_eq!(
        shop.check.send.as_deref(),
        Some(r"GET /alive HTTP/1.0\r\n\r\n".as_ref())
    );
    assert_eq!(shop.servers[1].port, 8080);
    assert!(shop.servers[1].has_own_port);
    assert_eq!(weights(&config), [10, 20]);
}

#[test]
fn direct_routing_with_a_disabled_server() {
    let config = config("direct.cf");
    assert_eq!(config.network, ForwardingMethod::DirectRouting);
    let mail = &config.virtuals[0];
    assert!(mail.quiesce);
    assert_eq!(mail.vip_prefix, Some(32));
    assert_eq!(mail.servers.len(), 2);
    assert!(mail.servers.iter().all(|server| server.port == 25));
}

#[test]
fn tunnelling_with_a_service_name_as_port() {
    let config = config("tunnel.cf");
    let news = &config.virtuals[0];
    assert_eq!(news.port, 119);
    assert_eq!(news.servers[0].forwarding, ForwardingMethod::Tunnelling);
    assert!(!news.servers[0].has_own_port);
    assert!(!config.heartbeat.backup_active);
}

#[test]
fn a_firewall_mark_with_persistence_and_an_external_check() {
    let config = config("fwmark.cf");
    let web = &config.virtuals[0];
    assert_eq!(web.key().to_string(), "-f 80");
    let persistence = web.persistence.expect("persistent");
    assert_eq!(persistence.seconds, 900);
    assert_eq!(
        persistence.netmask,
        Netmask::Inet("255.255.255.0".parse().unwrap())
    );
    assert_eq!(
        web.check.send_program.as_deref(),
        Some("/etc/sysconfig/ha/check-tls %h %p".as_ref())
    );
    assert_eq!(web.servers[0].port, 443);
}

#[test]
fn ftp_with_persistence() {
    let config = config("ftp.cf");
    let persistence = config.virtuals[0].persistence.expect("persistent");
    assert_eq!(persistence.seconds, 540);
    assert!(persistence.netmask.is_host());
}

#[test]
fn udp_services_may_share_an_address() {
    let config = config("udp.cf");
    assert_eq!(config.timeouts.udp, 30);
    let protocols: Vec<_> = config.virtuals.iter().map(|block| block.protocol).collect();
    assert_eq!(protocols, [Protocol::Udp, Protocol::Udp]);
}

#[test]
fn a_sorry_server() {
    let sorry = config("sorry.cf").virtuals[0].sorry_server;
    assert_eq!(sorry, Some("10.20.0.99".parse().unwrap()));
}

#[test]
fn a_regular_expression_and_load() {
    let config = config("regex.cf");
    assert!(!config.hard_shutdown);
    assert_eq!(config.rsh_command, "ssh");
    let api = &config.virtuals[0];
    assert!(api.check.use_regex);
    assert_eq!(api.load_monitor.as_deref(), Some("uptime".as_ref()));
}

#[test]
fn commands_timeouts_and_connection_synchronisation() {
    let config = config("sync.cf");
    let sync = config.sync_daemon.as_ref().expect("syncdaemon");
    assert_eq!((sync.interface.label(), sync.id), ("eth1", 21));
    assert!(config.heartbeat.monitor_links);
    let command = config.active_cmd.as_ref().expect("active_cmd");
    assert_eq!(command.text, "/usr/local/sbin/lvs-notify active");
    assert_eq!(command.line, 14);
    assert_eq!(config.timeouts.tcp, 900);
    let check = &config.virtuals[0].check;
    assert_eq!((&check.send, &check.expect), (&None, &None));
}

#[test]
fn failover_services() {
    let config = config("fos.cf");
    assert_eq!(config.service, ServiceKind::Fos);
    let names: Vec<_> = config.failovers.iter().map(|block| &*block.name).collect();
    assert_eq!(names, ["intranet", "files"]);
    assert_eq!(config.failovers[1].port, 21);
    assert_eq!(
        config.failovers[1].stop_cmd.text,
        "/etc/rc.d/init.d/vsftpd stop"
    );
}

#[test]
fn the_smallest_file_has_the_defaults() {
    let config = config("smallest.cf");
    assert_eq!(config.heartbeat.port, 539);
    assert_eq!(config.heartbeat.keepalive, Duration::from_secs(2));
    assert_eq!(config.ipvsadm.to_str(), Some("/sbin/ipvsadm"));
    let web = &config.virtuals[0];
    assert_eq!((web.port, web.scheduler.as_str()), (80, "wlc"));
    assert_eq!(web.check.reentry, Duration::from_secs(180));
    assert_eq!(web.monitor.to_str(), Some("/usr/sbin/nanny"));
    assert_eq!(weights(&config), [1]);
}

#[test]
fn what_is_not_given_has_the_originals_default() {
    let config = read_text(b"virtual v {\nactive = 1\naddress = 192.0.2.1 eth0\n}\n");
    let config = config.expect("accepted").config;
    let heartbeat = &config.heartbeat;
    assert_eq!((config.serial, config.service), (0, ServiceKind::Lvs));
    assert_eq!((heartbeat.primary, heartbeat.backup), (None, None));
    assert!(!heartbeat.backup_active && !heartbeat.monitor_links);
    assert_eq!((heartbeat.private, heartbeat.port), (None, 539));
    let times = [heartbeat.keepalive, heartbeat.dead_time];
    assert_eq!(times, [2, 5].map(Duration::from_secs));
    assert_eq!(config.network, ForwardingMethod::Masquerading);
    assert_eq!((&config.nat_router, &config.sync_daemon), (&None, &None));
    let idle = config.timeouts;
    assert_eq!((idle.tcp, idle.tcp_fin, idle.udp), (0, 0, 0));
    assert!(config.hard_shutdown);
    assert_eq!(config.audit_interval, Duration::from_secs(5));
    assert_eq!(config.manual_weight, ManualWeight::Drain);
    assert_eq!(config.nannies, NannyProcesses::Own);
    assert!(!config.set_sysctls && !config.copy_config);
    assert_eq!(config.rsh_command, "rsh");
    assert_eq!(config.ipvsadm.to_str(), Some("/sbin/ipvsadm"));
    assert_eq!((&config.active_cmd, &config.inactive_cmd), (&None, &None));
    let block = &config.virtuals[0];
    assert_eq!((block.vip_prefix, block.fwmark), (None, None));
    assert_eq!((block.protocol, block.port), (Protocol::Tcp, 80));
    assert_eq!(block.scheduler.as_str(), "wlc");
    assert_eq!((block.persistence, block.sorry_server), (None, None));
    assert_eq!((block.quiesce, &block.load_monitor), (false, &None));
    assert_eq!(block.monitor.to_str(), Some("/usr/sbin/nanny"));
    let check = &block.check;
    let texts = (&check.send, &check.expect, &check.send_program);
    assert_eq!(texts, (&None, &None, &None));
    let times = [check.timeout, check.reentry];
    assert_eq!(times, [10, 180].map(Duration::from_secs));
    assert!(!check.use_regex && (check.fall, check.rise) == (1, None));
    let sync = read_text(b"syncdaemon = 1\n").expect("accepted").config;
    let sync = sync.sync_daemon.expect("on");
    assert_eq!((sync.interface.label(), sync.id), ("eth0", 0));
    for inactive in ["virtual v {\n}\n", "failover v {\n}\n"] {
        let config = read_text(inactive.as_bytes()).expect("accepted").config;
        assert!(config.virtuals.is_empty() && config.failovers.is_empty());
    }
}

/// As the original's page writes them into a new file.
#[test]
fn zeros_and_empty_words_mean_none() {
    let text = b"backup = 0.0.0.0\nnat_router = 0.0.0.0 eth1:1\nnat_nmask = 0.0.0.0\n\
        active_cmd = \"\"\nmonitor_links = 7\nvirtual v {\nactive = 1\n\
        address = 192.0.2.1 eth0\nvip_nmask = 0.0.0.0\nsorry_server = 0.0.0.0\nfwmark = 0\n\
        persistent = 60\npmask = 0.0.0.0\nload_monitor = \"\"\n}\nvirtual w {\nactive = 1\n\
        address = 192.0.2.2 eth0\npersistent = 0\n}\n";
    let config = read_text(text).expect("accepted").config;
    assert_eq!((config.heartbeat.backup, &config.nat_router), (None, &None));
    assert_eq!(config.active_cmd, None);
    assert!(config.heartbeat.monitor_links);
    let [v, w] = &config.virtuals[..] else {
        panic!("two blocks");
    };
    assert_eq!((v.vip_prefix, v.sorry_server, v.fwmark), (None, None, None));
    assert!(v.persistence.expect("60 s").netmask.is_host());
    assert_eq!((&v.load_monitor, w.persistence), (&None, None));
}
