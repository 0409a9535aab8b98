//! What a reload changes of the pair and its addresses, a line for each setting.

use std::net::SocketAddr;
use std::time::Duration;

use link::Assignment;
use lvs_config::{Config, Heartbeat, VipMover};

use crate::setup::{self, HeartbeatPath, Setup};
use crate::signing;

/// A setting's name in lvs.cf, and its value or what is said of it.
type Setting = (&'static str, String);

/// Settings that no reload changes.
const FOR_A_RESTART: [&str; 7] = [
    "primary",
    "primary_private",
    "backup",
    "backup_private",
    "backup_active",
    "heartbeat_port",
    "vip",
];

/// The lines; none if both say the same.
pub fn between(before: &Config, after: &Config) -> Vec<String> {
    let mut lines: Vec<String> = changed(before, after).map(|(_, line)| line).collect();
    let (before, after) = (setup::addresses(before), setup::addresses(after));
    lines.extend(missing(&before, &after).map(|it| format!("address gone: {it}")));
    lines.extend(missing(&after, &before).map(|it| format!("address new: {it}")));
    lines
}

/// The lines of those settings that no reload changes.
pub fn refused(before: &Config, after: &Config) -> Vec<String> {
    let of_these = changed(before, after).filter(|(name, _)| FOR_A_RESTART.contains(name));
    of_these.map(|(_, line)| line).collect()
}

/// The names of the settings that differ, with their lines.
fn changed(before: &Config, after: &Config) -> impl Iterator<Item = Setting> {
    let pairs = settings(before).into_iter().zip(settings(after));
    let changed = pairs.filter(|(before, after)| before != after);
    changed.map(|((name, before), (_, after))| (name, format!("{name} was {before}, is {after}")))
}

/// What of it no reload can change, if it changes.
///
/// Who moves the addresses is one: whoever has them would have to give them to a hook, or take them from one,
/// while clients use them.
pub fn for_a_restart(before: &Setup, after: &Setup) -> Option<&'static str> {
    let (old, new) = (&before.config, &after.config);
    let rows = [
        (
            "backup_active",
            before.settings.has_partner != after.settings.has_partner,
        ),
        (
            "the heartbeat's addresses or port",
            ends(before) != ends(after),
        ),
        ("the service", old.service != new.service),
        ("vip", old.heartbeat.vip != new.heartbeat.vip),
    ];
    rows.into_iter()
        .find_map(|(what, has_changed)| has_changed.then_some(what))
}

/// Our ends of the paths, and the partner's if there is one.
fn ends(setup: &Setup) -> Vec<(SocketAddr, Option<SocketAddr>)> {
    let has_partner = setup.settings.has_partner;
    let ends = |path: &HeartbeatPath| (path.own, path.partner.filter(|_| has_partner));
    setup.paths.iter().map(ends).collect()
}

/// Each field of [`Heartbeat`] has its row: a new one does not compile without.
fn settings(config: &Config) -> Vec<Setting> {
    let Heartbeat {
        primary,
        backup,
        backup_active,
        private,
        port,
        keepalive,
        dead_time,
        monitor_links,
        key_file,
        authentication,
        stay_active,
        warm_standby,
        vip,
    } = &config.heartbeat;
    let private = private.as_ref();
    let key_file = key_file.as_ref().map(|path| path.display());
    vec![
        ("primary", shown(*primary)),
        ("primary_private", shown(private.map(|path| path.primary))),
        ("backup", shown(*backup)),
        ("backup_private", shown(private.map(|path| path.backup))),
        ("backup_active", switch(*backup_active)),
        ("heartbeat_port", port.to_string()),
        ("keepalive", seconds(*keepalive)),
        ("deadtime", seconds(*dead_time)),
        ("monitor_links", switch(*monitor_links)),
        ("heartbeat_key", shown(key_file)),
        ("heartbeat_auth", signing::name(*authentication).into()),
        ("stay_active", switch(*stay_active)),
        ("warm_standby", switch(*warm_standby)),
        ("vip", mover(*vip).into()),
    ]
}

fn switch(is_on: bool) -> String {
    u8::from(is_on).to_string()
}

const fn mover(vip: VipMover) -> &'static str {
    match vip {
        VipMover::Interface => "interface",
        VipMover::External => "external",
    }
}

fn shown(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "not set".into(), |value| value.to_string())
}

fn seconds(time: Duration) -> String {
    time.as_secs_f64().to_string()
}

fn missing<'a>(
    of: &'a [Assignment],
    in_those: &'a [Assignment],
) -> impl Iterator<Item = String> + 'a {
    let gone = of.iter().filter(|it| !in_those.contains(it));
    gone.map(|it| format!("{}/{} {} {}", it.address, it.prefix, it.interface, it.label))
}

#[cfg(test)]
mod tests {
    use testkit::Place;

    use super::*;
    use crate::options::Options;

    fn config(name: &str, text: &str) -> Config {
        let place = Place::new(name);
        let file = config_file::read(&place.file(text)).unwrap();
        file.loaded.config.clone()
    }

    #[test]
    fn what_a_reload_cannot_change_is_named() {
        let text = "primary = 10.1.0.1\nbackup = 10.1.0.2\nbackup_active = 1\n";
        let blocks = "virtual a {\n active = 1\n address = 10.1.0.50 eth0:1\n port = 80\n}\n\
             failover b {\n active = 1\n address = 10.1.0.50 eth0:1\n port = 80\n \
             start_cmd = \"/bin/true\"\n stop_cmd = \"/bin/true\"\n}\n";
        let setup = |name: &str, text: &str| {
            let text = &format!("{text}{blocks}");
            let own = ["10.1.0.1".parse().unwrap()];
            Setup::new(config(name, text), &Options::default(), &own).unwrap()
        };
        let before = setup("restart-before", text);
        assert_eq!(for_a_restart(&before, &before), None);
        let rows = [
            ("keepalive = 3\ndeadtime = 9\n", None),
            (
                "heartbeat_port = 1\n",
                Some("the heartbeat's addresses or port"),
            ),
            ("service = fos\n", Some("the service")),
            ("vip = external\n", Some("vip")),
        ];
        for (line, what) in rows {
            let after = setup("restart-after", &format!("{text}{line}"));
            assert_eq!(for_a_restart(&before, &after), what, "{line}");
            assert_eq!(for_a_restart(&after, &before), what, "{line}");
        }
        let alone = text.replace("backup_active = 1", "backup_active = 0");
        let alone = setup("restart-alone", &alone);
        assert_eq!(for_a_restart(&before, &alone), Some("backup_active"));
    }

    #[test]
    fn each_setting_of_the_pair_that_changes_has_its_line() {
        let before = config(
            "changes-before",
            "primary = 10.1.0.1\nbackup = 10.1.0.2\nbackup_active = 1\nkeepalive = 1\ndeadtime = 3\n\
             virtual a {\n active = 1\n address = 10.1.0.50 eth0:1\n port = 80\n}\n",
        );
        assert_eq!(between(&before, &before), [""; 0]);
        let after = config(
            "changes-after",
            "primary = 10.1.0.1\nprimary_private = 10.2.0.1\nbackup = 10.1.0.3\n\
             backup_private = 10.2.0.3\nbackup_active = 0\nheartbeat_port = 1539\n\
             keepalive = 0.5\ndeadtime = 3\nmonitor_links = 1\nheartbeat_key = /etc/lvs.key\n\
             heartbeat_auth = sign\nstay_active = 1\nwarm_standby = 1\n\
             virtual a {\n active = 1\n address = 10.1.0.51 eth0:1\n port = 80\n}\n",
        );
        assert_eq!(
            between(&before, &after),
            [
                "primary_private was not set, is 10.2.0.1",
                "backup was 10.1.0.2, is 10.1.0.3",
                "backup_private was not set, is 10.2.0.3",
                "backup_active was 1, is 0",
                "heartbeat_port was 539, is 1539",
                "keepalive was 1, is 0.5",
                "monitor_links was 0, is 1",
                "heartbeat_key was not set, is /etc/lvs.key",
                "heartbeat_auth was off, is sign",
                "stay_active was 0, is 1",
                "warm_standby was 0, is 1",
                "address gone: 10.1.0.50/32 eth0 eth0:1",
                "address new: 10.1.0.51/32 eth0 eth0:1",
            ]
        );
    }

    /// The rest of a refused file has not come about.
    #[test]
    fn of_a_refused_file_only_what_needs_a_restart_has_a_line() {
        let text = "primary = 10.1.0.1\nbackup = 10.1.0.2\nbackup_active = 1\n";
        let before = config("refused-before", text);
        let after = config(
            "refused-after",
            &format!(
                "{text}heartbeat_port = 1539\nkeepalive = 3\ndeadtime = 9\n\
                 virtual a {{\n active = 1\n address = 10.1.0.50 eth0:1\n port = 80\n}}\n"
            ),
        );
        let line = "heartbeat_port was 539, is 1539";
        assert_eq!(refused(&before, &after), [line]);
        assert_eq!(between(&before, &after).len(), 4);
    }

    /// The addresses are then no longer pulse's.
    #[test]
    fn who_moves_the_addresses_has_its_line() {
        let text = "primary = 10.1.0.1\nbackup = 10.1.0.2\nbackup_active = 1\n";
        let before = config("changes-interface", text);
        let after = config("changes-external", &format!("{text}vip = external\n"));
        let line = "vip was interface, is external";
        assert_eq!(between(&before, &after), [line]);
    }
}
