//! What an original logs, without `-v`: each text alone on its line, for scripts that look for it. What is
//! missing belongs to events that are none here: programs of its own (ifconfig, the reservation of a
//! shared disk), sockets that cannot fail so.

use crate::datagram::{DecodeError, Service};

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
