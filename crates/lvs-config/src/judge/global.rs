//! Statements outside blocks.

use lvs_model::{Account, Protocol};

use super::Judge;
use super::pair::has_partner;
use crate::extension;
use crate::finding::{Reason, shown};
use crate::keyword;
use crate::model::{Config, Heartbeat, NatRouter, PrivatePath};
use crate::section::Section;
use crate::value::Port;

impl Judge<'_, '_> {
    /// Everything but the blocks.
    pub(super) fn global(&mut self, file: &Section) -> Config {
        self.check_names_of_pair(file);
        self.check_late(file);
        self.check_trust(file);
        self.check_root_programs(file);
        Config {
            heartbeat: self.heartbeat(file),
            nat_router: self.nat_router(file),
            check_user: self.check_user(file),
            ..Config::plain(file)
        }
    }

    /// Programs that check run with this user's rights.
    fn check_user(&mut self, file: &Section) -> Option<Account> {
        let text = file.text(extension::CHECK_USER)?;
        let name = std::str::from_utf8(text).ok();
        let account = name.and_then(|name| self.hosts.lookup().user(name));
        let at = file.at(extension::CHECK_USER);
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
        let plain = Heartbeat::plain(file);
        let heartbeat = Heartbeat {
            private: self.private_path(file),
            port: self.heartbeat_port(file).unwrap_or(plain.port),
            ..plain
        };
        self.findings.set_idle(!has_partner(file));
        self.check_dead_time(file, &heartbeat);
        self.findings.set_idle(false);
        heartbeat
    }

    /// Values that an original looks at only if another keyword switches them on.
    fn check_late(&mut self, file: &Section) {
        self.findings.set_idle(!file.is_on(keyword::SYNCDAEMON));
        self.say_late(file);
        self.findings.set_idle(false);
    }

    /// A dead time that matters must be longer than the pause between heartbeats.
    fn check_dead_time(&mut self, file: &Section, heartbeat: &Heartbeat) {
        if !heartbeat.backup_active && !file.has(keyword::DEADTIME) {
            return;
        }
        let given = [keyword::DEADTIME, keyword::KEEPALIVE];
        if given.iter().any(|keyword| file.is_bad(*keyword)) {
            return;
        }
        let keyword = given.into_iter().find(|keyword| file.has(*keyword));
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
        let at = file.at(keyword::HEARTBEAT_PORT);
        let number = match file.port(keyword::HEARTBEAT_PORT)? {
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
        let primary = file.address(keyword::PRIMARY_PRIVATE);
        let backup = file.address(keyword::BACKUP_PRIVATE);
        match (primary, backup) {
            (Some(primary), Some(backup)) => {
                let differs = file.address(keyword::PRIMARY) != Some(primary);
                differs.then_some(PrivatePath { primary, backup })
            }
            (None, None) => None,
            _ if file.is_bad(keyword::PRIMARY_PRIVATE) || file.is_bad(keyword::BACKUP_PRIVATE) => {
                None
            }
            (primary, _) => {
                let [given, missing] = match primary {
                    Some(_) => [keyword::PRIMARY_PRIVATE, keyword::BACKUP_PRIVATE],
                    None => [keyword::BACKUP_PRIVATE, keyword::PRIMARY_PRIVATE],
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
        let is_raised = matches!(file.choice(keyword::NETWORK), None | Some("nat"))
            && file.choice(keyword::SERVICE) != Some("fos");
        self.findings.set_idle(!is_raised);
        self.leave_out_unresolved(file, keyword::NAT_ROUTER, "nat_router");
        let router = file
            .address_and_device(keyword::NAT_ROUTER)
            .map(|(address, device)| {
                self.check_carried(file.at(keyword::NAT_ROUTER), keyword::NAT_ROUTER, address);
                NatRouter {
                    address,
                    device,
                    prefix: self.prefix(file, keyword::NAT_NMASK, &address),
                    line: file.at(keyword::NAT_ROUTER).line,
                }
            });
        self.findings.set_idle(false);
        router
    }
}
