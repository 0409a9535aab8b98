//! Statements outside blocks.

use std::path::PathBuf;

use lvs_model::{Account, ForwardingMethod, Protocol, Timeouts};

use super::pair::has_partner;
use super::{Judge, argument, command};
use crate::finding::{Reason, shown};
use crate::model::{
    Authentication, Config, ConflictAction, Device, Heartbeat, ManualWeight, NannyProcesses,
    NatRouter, PrivatePath, ServiceKind, SharedDisk, SyncSettings, VipMover,
};
use crate::section::Section;
use crate::value::Port;

impl Judge<'_, '_> {
    /// Everything but the blocks.
    pub(super) fn global(&mut self, file: &Section) -> Config {
        let default = Config::default();
        let path = |keyword| argument(file, keyword).map(PathBuf::from);
        self.check_names_of_pair(file);
        self.check_late(file);
        self.check_trust(file);
        self.check_root_programs(file);
        Config {
            serial: file.integer("serial_no").unwrap_or(0),
            service: match file.choice("service") {
                Some("fos") => ServiceKind::Fos,
                _ => ServiceKind::Lvs,
            },
            heartbeat: self.heartbeat(file),
            network: forwarding(file.choice("network")).unwrap_or(default.network),
            nat_router: self.nat_router(file),
            sync_daemon: sync_daemon(file),
            timeouts: Timeouts {
                tcp: file.integer("tcp_timeout").unwrap_or(0),
                tcp_fin: file.integer("tcpfin_timeout").unwrap_or(0),
                udp: file.integer("udp_timeout").unwrap_or(0),
            },
            hard_shutdown: !file.has("hard_shutdown") || file.is_on("hard_shutdown"),
            rsh_command: argument(file, "rsh_command").unwrap_or(default.rsh_command),
            copy_config: file.is_on("copy_config"),
            send_arp: path("send_arp"),
            ipvsadm: path("ipvsadm").unwrap_or(default.ipvsadm),
            active_cmd: command(file, "active_cmd"),
            inactive_cmd: command(file, "inactive_cmd"),
            shared_disk: shared_disk(file),
            virtuals: Vec::new(),
            failovers: Vec::new(),
            audit_interval: file
                .seconds("audit_interval")
                .unwrap_or(default.audit_interval),
            manual_weight: match file.choice("manual_weight") {
                Some("keep") => ManualWeight::Keep,
                Some("repair") => ManualWeight::Repair,
                _ => ManualWeight::Drain,
            },
            set_sysctls: file.is_on("set_sysctls"),
            nannies: match file.choice("nannies") {
                Some("shared") => NannyProcesses::Shared,
                _ => NannyProcesses::Own,
            },
            check_user: self.check_user(file),
        }
    }

    /// Programs that check run with this user's rights.
    fn check_user(&mut self, file: &Section) -> Option<Account> {
        let text = file.text("check_user")?;
        let name = std::str::from_utf8(text).ok();
        let account = name.and_then(|name| self.hosts.lookup().user(name));
        let at = file.at("check_user");
        match &account {
            None => {
                let what = format!("check_user = {}, no such user here", shown(text));
                self.findings.refuse(at, Reason::InvalidArgument, what);
            }
            Some(account) if account.uid == 0 => {
                let what = format!(
                    "check_user = {}: check and load programs run with root's files",
                    account.name
                );
                self.findings.warn(at, what);
            }
            Some(_) => {}
        }
        account
    }

    fn heartbeat(&mut self, file: &Section) -> Heartbeat {
        let default = Heartbeat::default();
        let heartbeat = Heartbeat {
            primary: file.address("primary"),
            backup: file.address("backup"),
            backup_active: file.is_on("backup_active"),
            private: self.private_path(file),
            port: self.heartbeat_port(file).unwrap_or(default.port),
            keepalive: file.seconds("keepalive").unwrap_or(default.keepalive),
            dead_time: file.seconds("deadtime").unwrap_or(default.dead_time),
            monitor_links: file.integer("monitor_links").unwrap_or(0) != 0,
            key_file: argument(file, "heartbeat_key").map(PathBuf::from),
            authentication: match file.choice("heartbeat_auth") {
                Some("accept") => Authentication::Accept,
                Some("sign") => Authentication::Sign,
                Some("require") => Authentication::Require,
                _ => Authentication::Off,
            },
            stay_active: file.is_on("stay_active"),
            warm_standby: file.is_on("warm_standby"),
            vip: match file.choice("vip") {
                Some("external") => VipMover::External,
                _ => VipMover::Interface,
            },
        };
        self.findings.set_idle(!has_partner(file));
        self.check_dead_time(file, &heartbeat);
        self.findings.set_idle(false);
        heartbeat
    }

    /// Values that an original looks at only if another keyword switches them on.
    fn check_late(&mut self, file: &Section) {
        self.findings.set_idle(!file.is_on("syncdaemon"));
        self.say_late(file);
        self.findings.set_idle(false);
    }

    /// A dead time that matters must be longer than the pause between heartbeats.
    fn check_dead_time(&mut self, file: &Section, heartbeat: &Heartbeat) {
        if !heartbeat.backup_active && !file.has("deadtime") {
            return;
        }
        let given = ["deadtime", "keepalive"];
        if given.iter().any(|keyword| file.is_bad(keyword)) {
            return;
        }
        let keyword = given.into_iter().find(|keyword| file.has(keyword));
        let Some(at) = keyword.map(|keyword| file.at(keyword)) else {
            return;
        };
        let (keepalive, dead_time) = (heartbeat.keepalive, heartbeat.dead_time);
        let relation = format!(
            "deadtime is {} s and keepalive {} s",
            dead_time.as_secs_f64(),
            keepalive.as_secs_f64()
        );
        if dead_time <= keepalive {
            let what = format!("{relation}, a longer deadtime expected");
            self.findings.refuse(at, Reason::InvalidArgument, what);
        } else if dead_time <= keepalive * 2 {
            let what = format!("{relation}: one lost heartbeat may cause a takeover");
            self.findings.warn(at, what);
        }
    }

    fn heartbeat_port(&mut self, file: &Section) -> Option<u16> {
        let at = file.at("heartbeat_port");
        let number = match file.port("heartbeat_port")? {
            Port::Number(number) => Some(*number),
            Port::Name(name) => {
                let services = self.hosts.lookup();
                let udp = services.service(name, Protocol::Udp);
                udp.or_else(|| services.service(name, Protocol::Tcp))
            }
        };
        if !matches!(number, Some(1..)) {
            let what = "heartbeat_port, 1 to 65535 or the name of a service expected";
            // A number is wrong whatever it is for; a name may be known where there is a partner.
            self.findings
                .set_idle(number.is_none() && !has_partner(file));
            self.findings
                .refuse(at, Reason::InvalidArgument, what.into());
            self.findings.set_idle(false);
        }
        number
    }

    /// The second path counts only if both ends of it are given.
    fn private_path(&mut self, file: &Section) -> Option<PrivatePath> {
        let primary = file.address("primary_private");
        let backup = file.address("backup_private");
        match (primary, backup) {
            (Some(primary), Some(backup)) => {
                let differs = file.address("primary") != Some(primary);
                differs.then_some(PrivatePath { primary, backup })
            }
            (None, None) => None,
            _ if file.is_bad("primary_private") || file.is_bad("backup_private") => None,
            (primary, _) => {
                let [given, missing] = match primary {
                    Some(_) => ["primary_private", "backup_private"],
                    None => ["backup_private", "primary_private"],
                };
                let what = format!("{given} without {missing}: there is no second heartbeat path");
                self.findings.set_idle(!has_partner(file));
                self.findings.warn(file.at(given), what);
                self.findings.set_idle(false);
                None
            }
        }
    }

    fn nat_router(&mut self, file: &Section) -> Option<NatRouter> {
        // Other forwarding methods have none, nor has fos.
        let is_raised = matches!(file.choice("network"), None | Some("nat"))
            && file.choice("service") != Some("fos");
        self.findings.set_idle(!is_raised);
        self.leave_out_unresolved(file, "nat_router", "nat_router");
        let router = file
            .address_and_device("nat_router")
            .map(|(address, device)| {
                self.check_carried(file.at("nat_router"), "nat_router", address);
                NatRouter {
                    address,
                    device,
                    prefix: self.prefix(file, "nat_nmask", &address),
                    line: file.at("nat_router").line,
                }
            });
        self.findings.set_idle(false);
        router
    }
}

/// The forwarding method that a word of lvs.cf names.
pub(super) fn forwarding(word: Option<&str>) -> Option<ForwardingMethod> {
    match word? {
        "nat" => Some(ForwardingMethod::Masquerading),
        "direct" => Some(ForwardingMethod::DirectRouting),
        "tunnel" => Some(ForwardingMethod::Tunnelling),
        _ => None,
    }
}

fn sync_daemon(file: &Section) -> Option<SyncSettings> {
    if !file.is_on("syncdaemon") {
        return None;
    }
    let interface = match file.device("syncd_iface") {
        Some(given) => given.clone(),
        None => Device::new("eth0").ok()?,
    };
    let id = file.integer("syncd_id").unwrap_or(0);
    Some(SyncSettings {
        interface,
        id: u8::try_from(id).ok()?,
        wait: file.seconds("sync_wait").unwrap_or(SyncSettings::WAIT),
    })
}

fn shared_disk(file: &Section) -> SharedDisk {
    SharedDisk {
        primary: argument(file, "primary_shared"),
        backup: argument(file, "backup_shared"),
        on_conflict: match file.choice("reservation_conflict_action") {
            Some("nothing") => Some(ConflictAction::Nothing),
            Some("preempt") => Some(ConflictAction::Preempt),
            _ => None,
        },
    }
}
