//! What an original logs, without `-v`: each text alone on its line, for scripts that look for it. What is
//! missing belongs to events that are none here: programs of its own (ifconfig, the reservation of a
//! shared disk), sockets that cannot fail so.

use crate::datagram::{DecodeError, Service, Value};

use super::{Bench, notices, settings};
use crate::model::Settings;
use crate::notice::Notice;
use crate::pair::ConfiguredRole::{Backup, Primary};

#[test]
#[expect(clippy::too_many_lines, reason = "a table, one text a row")]
fn each_text_of_the_original_stands_alone_on_its_line() {
    let inactive = |role, service| Notice::PartnerInactive { role, service };
    for (notice, line) in [
        (Notice::Starting(Primary), "STARTING PULSE AS MASTER"),
        (Notice::Starting(Backup), "STARTING PULSE AS BACKUP"),
        (
            Notice::UndefinedBackup,
            "Undefined backup node marked as active? -- clearing that!",
        ),
        (
            Notice::NoFosBackup,
            "Warning: FOS backup node not defined -- skipping checks",
        ),
        (
            Notice::BackupInactive,
            "We are backup node and backup is marked inactive -- exiting pulse",
        ),
        (
            Notice::Terminating { signal: 15 },
            "Terminating due to signal 15",
        ),
        (
            Notice::ForcedActive(Service::Lvs),
            "Forced active on startup: activating lvs",
        ),
        (
            Notice::ForcedActive(Service::Fos),
            "Forced active on startup: activating fos",
        ),
        (
            Notice::StartingMonitors,
            "Starting Failover Service Monitors",
        ),
        (
            Notice::PartnerDead(Service::Lvs),
            "partner dead: activating lvs",
        ),
        (
            Notice::PartnerDead(Service::Fos),
            "partner dead: activating failover services",
        ),
        (
            inactive(Primary, Service::Lvs),
            "backup inactive: activating lvs",
        ),
        (
            inactive(Primary, Service::Fos),
            "backup inactive: activating fos",
        ),
        (
            inactive(Backup, Service::Lvs),
            "primary inactive: activating lvs",
        ),
        (
            inactive(Backup, Service::Fos),
            "primary inactive: activating fos",
        ),
        (
            Notice::Yielding(Service::Lvs),
            "partner active: deactivating LVS",
        ),
        (
            Notice::Yielding(Service::Fos),
            "partner active: deactivating FOS",
        ),
        (Notice::WantingControl, "partner active: we want control!"),
        (
            Notice::Reasserting(Service::Lvs),
            "partner active: resending arps",
        ),
        (Notice::Reasserting(Service::Fos), "partner active"),
        (
            Notice::ToldToGoInactive,
            "PARTNER HAS TOLD US TO GO INACTIVE!",
        ),
        (
            Notice::NotifyingPartner,
            "Notifying partner WE are taking control!",
        ),
        (
            Notice::AnnouncementsFinished(Service::Lvs),
            "gratuitous lvs arps finished",
        ),
        (
            Notice::AnnouncementsFinished(Service::Fos),
            "gratuitous fos arps finished",
        ),
        (Notice::PublicLinkDown, "Primary NIC: link down"),
        (Notice::PrivateLinkDown, "Private NIC: link down"),
        (
            Notice::LinkFailure,
            "Local NIC link failure: Pulse disabled",
        ),
        (
            Notice::LinkFailureDeactivating(Service::Lvs),
            "local link failure: deactivating LVS",
        ),
        (
            Notice::LinkFailureDeactivating(Service::Fos),
            "local link failure: deactivating FOS",
        ),
        (
            Notice::LinksRestored,
            "Local NIC link(s) restored: Pulse enabled",
        ),
        (
            Notice::ChildExited { pid: 7, status: 1 },
            "Child process 7 exited with status 1",
        ),
        (
            Notice::ChildKilled {
                pid: 7,
                signal: 9,
                by_us: false,
            },
            "Child process 7 terminated with signal 9",
        ),
        (
            Notice::ChildKilled {
                pid: 7,
                signal: 9,
                by_us: true,
            },
            "Child process 7 terminated with signal 9: pulse has killed it",
        ),
        (
            Notice::UnknownChild { pid: 7 },
            "Skipping death of unknown child 7",
        ),
        (Notice::FosRestarted, "fos process exited -- restarting it"),
        (
            Notice::FosExitedChecking,
            "fos process exited -- checking network connectivity",
        ),
        (
            Notice::GatewaySeen,
            "remote service unavailable but we can see the gateway",
        ),
        (
            Notice::ServiceFailover,
            "seems like a remote network fault; performing service failover",
        ),
        (
            Notice::GatewayLost,
            "remote service unavailable; gateway unavailable",
        ),
        (Notice::NetworkFault, "I SEEM TO HAVE A NETWORK FAULT!"),
        (Notice::NetworkFaultOver, "Network fault seems to be fixed"),
        (
            Notice::BadPacket(DecodeError::TooShort),
            "bad heartbeat packet",
        ),
        (
            Notice::BadPacket(DecodeError::Incompatible),
            "Incompatible heartbeat received -- other system not using identical services",
        ),
    ] {
        assert_eq!(notice.to_string(), line);
    }
}

/// Our own texts and the original's: each is followed by one line that says which machine it is.
#[test]
fn a_line_about_the_partner_is_followed_by_its_addresses() {
    let ends = ["10.1.0.2", "10.9.0.2"].map(|text| text.parse().unwrap());
    for (count, line) in [
        (1, "the partner is 10.1.0.2"),
        (2, "the partner is 10.1.0.2, private path 10.9.0.2"),
    ] {
        let settings = |role| Settings {
            partner: ends[..count].to_vec(),
            ..settings(role)
        };
        let mut bench = Bench::start(settings(Primary));
        let serves = notices(&bench.hear(1.0, Value::Running));
        let standby = "the partner is active, this director stands by";
        assert_eq!(serves, [standby, line]);
        assert_eq!(notices(&bench.hear(2.0, Value::Running)), [""; 0]);
        let dead: Vec<_> = bench.run_to(8.0).into_iter().map(|it| it.1).collect();
        let dead = notices(&dead);
        assert!(
            dead.contains(&"partner dead: activating lvs".to_owned()),
            "{dead:?}"
        );
        assert_eq!(dead.iter().filter(|it| *it == line).count(), 1, "{dead:?}");

        let mut bench = Bench::start(settings(Backup));
        bench.make_active();
        let yields = notices(&bench.hear(6.0, Value::Running));
        let both = ["partner active: deactivating LVS", line];
        assert_eq!(yields, both);
    }
}
