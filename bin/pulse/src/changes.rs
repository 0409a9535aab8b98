//! What a reload changes of the pair and its addresses, a line for each setting.

use std::time::Duration;

use link::Assignment;
use lvs_config::Config;

use crate::setup;

/// A setting's name in lvs.cf, and its value.
type Setting = (&'static str, String);

/// The lines; none if both say the same.
pub fn between(before: &Config, after: &Config) -> Vec<String> {
    let pairs = settings(before).into_iter().zip(settings(after));
    let changed = pairs.filter(|(before, after)| before != after);
    let mut lines: Vec<String> = changed
        .map(|((name, before), (_, after))| format!("{name} was {before}, is {after}"))
        .collect();
    let (before, after) = (setup::addresses(before), setup::addresses(after));
    lines.extend(missing(&before, &after).map(|it| format!("address gone: {it}")));
    lines.extend(missing(&after, &before).map(|it| format!("address new: {it}")));
    lines
}

fn settings(config: &Config) -> Vec<Setting> {
    let pair = &config.heartbeat;
    let private = pair.private.as_ref();
    vec![
        ("primary", shown(pair.primary)),
        ("primary_private", shown(private.map(|path| path.primary))),
        ("backup", shown(pair.backup)),
        ("backup_private", shown(private.map(|path| path.backup))),
        ("backup_active", u8::from(pair.backup_active).to_string()),
        ("heartbeat_port", pair.port.to_string()),
        ("keepalive", seconds(pair.keepalive)),
        ("deadtime", seconds(pair.dead_time)),
    ]
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

    fn config(name: &str, text: &str) -> Config {
        let place = Place::new(name);
        let file = config_file::read(&place.file(text)).unwrap();
        file.loaded.config.clone()
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
             keepalive = 0.5\ndeadtime = 3\n\
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
                "address gone: 10.1.0.50/32 eth0 eth0:1",
                "address new: 10.1.0.51/32 eth0 eth0:1",
            ]
        );
    }
}
