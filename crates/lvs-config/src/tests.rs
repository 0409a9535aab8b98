//! Extensions, in both forms.

use std::net::IpAddr;
use std::time::Duration;

use lvs_model::{Account, ForwardingMethod, Protocol};

use crate::finding::{Consequence, Reason};
use crate::lookup::Lookup;
use crate::model::{Authentication, Config, ManualWeight, NannyProcesses, VipMover};
use crate::reader::{Loaded, RefusedFile, read, read_tolerant};

/// Knows no name and takes every expression.
pub(crate) struct Nobody;

impl Lookup for Nobody {
    fn host(&mut self, _: &str) -> Option<IpAddr> {
        None
    }

    fn service(&mut self, _: &str, _: Protocol) -> Option<u16> {
        None
    }

    fn user(&mut self, _: &str) -> Option<Account> {
        None
    }

    fn check_expression(&mut self, _: &[u8]) -> Result<(), String> {
        Ok(())
    }
}

fn read_all(text: &str) -> Result<Loaded, RefusedFile> {
    read(text.as_bytes(), &mut Nobody)
}

fn all(text: &str) -> Config {
    read_all(text).expect("accepted").config
}

#[test]
fn an_extension_is_noted_only_in_its_plain_form() {
    for (mark, notes) in [("", 1), ("#:", 0)] {
        let text = format!("{mark}audit_interval = 2\n");
        let loaded = read(text.as_bytes(), &mut Nobody).expect("accepted");
        assert_eq!(loaded.config.audit_interval, Duration::from_secs(2));
        let severities: Vec<_> = loaded.findings.iter().map(|f| f.consequence).collect();
        assert_eq!(severities, vec![Consequence::Note; notes]);
    }
}

#[test]
fn every_global_extension_reaches_the_configuration() {
    let config = all(
        "manual_weight = keep\nset_sysctls = 1\ncopy_config = 1\nnannies = shared\nheartbeat_key = /etc/lvs.key\n\
         heartbeat_auth = sign\nstay_active = 1\nwarm_standby = 1\nvip = external\n\
         syncdaemon = 1\nsync_wait = 2.5\n",
    );
    assert!(config.set_sysctls && config.copy_config);
    assert_eq!(config.manual_weight, ManualWeight::Keep);
    assert_eq!(config.nannies, NannyProcesses::Shared);
    let heartbeat = &config.heartbeat;
    assert_eq!(heartbeat.key_file.as_deref(), Some("/etc/lvs.key".as_ref()));
    assert_eq!(heartbeat.authentication, Authentication::Sign);
    assert!(heartbeat.stay_active && heartbeat.warm_standby);
    assert_eq!(heartbeat.vip, VipMover::External);
    let wait = config.sync_daemon.map(|sync| sync.wait);
    assert_eq!(wait, Some(Duration::from_millis(2500)));
}

#[test]
fn every_extension_of_a_block_reaches_the_configuration() {
    let config = all(
        "virtual v {\nactive = 1\naddress = 2001:db8::80 eth0\nvip_nmask = 64\n\
         protocol = sctp\nscheduler = mh\nscheduler_flags = mh-port,flag-1\none_packet = 1\n\
         fall = 3\nrise = 2\nserver s {\nactive = 1\naddress = 2001:db8::41\nforward = direct\n\
         upper_threshold = 100\nlower_threshold = 80\n}\n}\n",
    );
    let block = &config.virtuals[0];
    assert_eq!(block.vip_prefix, Some(64));
    assert_eq!(block.protocol, Protocol::Sctp);
    let flags: Vec<_> = block.scheduler_flags.names("mh").collect();
    assert_eq!(flags, ["mh-fallback", "mh-port"]);
    assert!(block.one_packet);
    assert_eq!((block.check.fall, block.check.rise), (3, Some(2)));
    let server = &block.servers[0];
    assert_eq!(server.forwarding, ForwardingMethod::DirectRouting);
    assert_eq!(
        (server.thresholds.upper, server.thresholds.lower),
        (100, 80)
    );
}

#[test]
fn the_form_behind_the_mark_wins_without_a_warning_whichever_comes_first() {
    for text in [
        "keepalive = 2\n#:keepalive = 0.2\n",
        "  #:keepalive = 0.2\nkeepalive = 2\n",
    ] {
        let loaded = read(text.as_bytes(), &mut Nobody).expect("accepted");
        assert_eq!(
            loaded.config.heartbeat.keepalive,
            Duration::from_millis(200)
        );
        assert_eq!(loaded.findings, []);
    }
}

#[test]
fn a_block_for_this_suite_only_is_switched_on_behind_the_mark() {
    let text = "virtual v {\nactive = 0\n#:active = 1\naddress = 192.0.2.1 eth0:1\n}\n";
    assert_eq!(all(text).virtuals.len(), 1);
}

#[test]
fn there_is_no_form_of_a_block_behind_the_mark() {
    for text in [
        "#:virtual v {\n#:}\n",
        "virtual v {\n#:server s {\n}\n",
        "#: x\n",
        "#:\n",
    ] {
        let refusal = read_all(text).expect_err(text);
        assert_eq!(refusal.reason(), Reason::UnknownCommand, "{text}");
    }
}

#[test]
fn a_flag_of_another_scheduler_is_refused() {
    let text = "virtual v {\nactive = 1\naddress = 192.0.2.1 eth0\nscheduler = sh\n\
                scheduler_flags = mh-port\n}\n";
    assert_eq!(read_all(text).expect_err("refused").line(), 5);
}

#[test]
fn thresholds_that_the_kernel_refuses_are_refused() {
    let text = "virtual v {\nactive = 1\naddress = 192.0.2.1 eth0\nserver s {\nactive = 1\n\
                address = 192.0.2.41\nlower_threshold = 8\n}\n}\n";
    assert_eq!(read_all(text).expect_err("refused").line(), 7);
}

#[test]
fn a_tolerant_reading_keeps_unknown_words_and_blocks() {
    let text = b"colour = red\nvirtual v {\nshape = round\n}\ngarden g {\na = 1\nb {\n}\n}\nserial_no = 3\n";
    assert_eq!(read(text, &mut Nobody).expect_err("refused").line(), 1);
    let loaded = read_tolerant(text, &mut Nobody).expect("accepted");
    assert_eq!(loaded.config.serial, 3);
    let lines: Vec<_> = loaded.findings.iter().map(|f| f.position.line).collect();
    assert_eq!(lines, [1, 3, 5]);
}
