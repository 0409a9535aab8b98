//! What lvsd says of itself on its status socket: one JSON object a line.
//!
//! Made by the crate `director`, sent by the shell of lvsd, read by the page and by scripts. The
//! first line has `"kind":"lvsd"`; then comes each service (`"kind":"service"`), directly followed by
//! its servers (`"kind":"server"`), one for each check. Members may be added; those that are there
//! keep their name and meaning. Times are seconds with decimals, and ages, not times of day.

use std::net::IpAddr;
use std::time::Duration;

use lvs_model::{DestinationKey, SchedulerName, ServiceKey, Weight};

use crate::json::Object;
use crate::{CheckResult, Phase, Place, Reason};

/// lvsd, its services and their servers at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its process id.
    pub pid: u32,
    /// The lvs.cf that it goes by.
    pub file: FileStatus,
    /// What was wrong with lvs.cf at the last SIGHUP, in the words of the log; empty once a good
    /// file was read.
    pub reload_failure: Vec<String>,
    /// Operations that put right what somebody else had changed in the table, since the start.
    pub repairs: u64,
    /// Operations that the kernel refused and that concern no service of lvs.cf: as options of ipvsadm,
    /// with the reason.
    pub refused: Vec<String>,
    /// The services of lvs.cf, in its order.
    pub services: Vec<ServiceStatus>,
}

/// Which lvs.cf it is; two directors' files are compared by this.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileStatus {
    /// Where it was read.
    pub path: String,
    /// Its `serial_no`.
    pub serial: u32,
    /// Hash of its content, as in the log.
    pub content: String,
    /// What of it does not work: left out, or refused by the kernel; in the words of the log.
    pub faults: Vec<String>,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceStatus {
    /// What finds it.
    pub key: ServiceKey,
    /// Names of its `virtual` blocks.
    pub names: Vec<String>,
    /// The scheduler that the kernel has; where it has no such service, that of lvs.cf.
    pub scheduler: SchedulerName,
    /// The scheduler of lvs.cf.
    pub wanted_scheduler: SchedulerName,
    /// Whether the kernel had it when the table was last read or changed.
    pub is_present: bool,
    /// The sorry server and whether it is in.
    pub sorry: Option<(DestinationKey, bool)>,
    /// How many real servers get connections: in the table with a weight above 0.
    pub serving: usize,
    /// Operations on it and on its destinations that the kernel refused and that are still wanted.
    pub refused: Vec<String>,
    /// Its servers, one for each check.
    pub servers: Vec<ServerStatus>,
}

/// One check of one real server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerStatus {
    /// Name of the `virtual` block.
    pub block: String,
    /// Name of the `server` block.
    pub name: String,
    /// The destination.
    pub destination: DestinationKey,
    /// Port that is checked.
    pub check_port: u16,
    /// What its nanny said last.
    pub phase: Phase,
    /// Good checks in a row, and how many of them bring the server back (T); 0 before the nanny
    /// has said it.
    pub count: (u32, u32),
    /// Where its checks want it: in the table with this weight, or out.
    pub place: Place,
    /// The weight that somebody has set by hand and that stays; then the table has this one.
    pub by_hand: Option<Weight>,
    /// The weight that lvs.cf says.
    pub target: Weight,
    /// Why it is down.
    pub reason: Reason,
    /// The last check.
    pub last_check: Option<CheckStatus>,
    /// The process that checks it.
    pub pid: Option<u32>,
    /// Nannies that were started after the first.
    pub restarts: u32,
    /// Operations on its destination that the kernel refused and that are still wanted.
    pub refused: Vec<String>,
}

/// One check, done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckStatus {
    /// How long ago it ended.
    pub age: Duration,
    /// How long it took.
    pub duration: Duration,
    /// How it went.
    pub result: CheckResult,
}

impl Status {
    /// The lines, each with its end.
    #[must_use]
    pub fn json_lines(&self) -> String {
        let mut text = String::new();
        line(&mut text, "lvsd", |object| {
            object.plain("pid", self.pid);
            object.string("file", &self.file.path);
            object.plain("serial_no", self.file.serial);
            object.string("content", &self.file.content);
            object.plain("reload_failed", !self.reload_failure.is_empty());
            object.strings("reload_failure", &self.reload_failure);
            object.plain("repairs", self.repairs);
            object.strings("faults", &self.file.faults);
            object.strings("refused", &self.refused);
            object.plain("services", self.services.len());
        });
        for service in &self.services {
            line(&mut text, "service", |object| service.write(object));
            for server in &service.servers {
                line(&mut text, "server", |object| {
                    object.string("service", &service.key.to_string());
                    server.write(object);
                });
            }
        }
        text
    }
}

fn line(text: &mut String, kind: &str, members: impl FnOnce(&mut Object<'_>)) {
    Object::write(text, |object| {
        object.string("kind", kind);
        members(object);
    });
    text.push('\n');
}

impl ServiceStatus {
    fn write(&self, object: &mut Object<'_>) {
        object.string("service", &self.key.to_string());
        object.strings("virtual", &self.names);
        object.string("scheduler", &self.scheduler.to_string());
        object.plain("present", self.is_present);
        object.object("sorry_server", self.sorry, |(key, is_in), sorry| {
            write_address(sorry, key.address, key.port);
            sorry.plain("in", is_in);
        });
        object.string("wanted_scheduler", &self.wanted_scheduler.to_string());
        object.strings("refused", &self.refused);
        object.plain("servers", self.servers.len());
        let is_up = |server: &&ServerStatus| server.phase.is_up();
        object.plain("up", self.servers.iter().filter(is_up).count());
        object.plain("serving", self.serving);
    }
}

impl ServerStatus {
    fn write(&self, object: &mut Object<'_>) {
        object.string("virtual", &self.block);
        object.string("server", &self.name);
        write_address(object, self.destination.address, self.destination.port);
        object.plain("check_port", self.check_port);
        object.string("state", self.phase.word());
        object.plain("count", self.count.0);
        object.plain("needed", self.count.1);
        let weight = match self.place {
            Place::In(weight) => Some(self.by_hand.unwrap_or(weight)),
            Place::Out => None,
        };
        object.optional("weight", weight);
        object.plain("drained", self.by_hand == Some(Weight::ZERO));
        object.optional("by_hand", self.by_hand);
        object.plain("target", self.target);
        object.string("reason", self.reason.as_str());
        object.object("last_check", self.last_check.as_ref(), |check, last| {
            last.seconds("age", check.age);
            last.seconds("duration", check.duration);
            last.plain("good", check.result == CheckResult::Good);
            if let CheckResult::Failed(reason) = &check.result {
                last.string("reason", reason.as_str());
            }
        });
        object.strings("refused", &self.refused);
        object.optional("pid", self.pid);
        object.plain("restarts", self.restarts);
    }
}

fn write_address(object: &mut Object<'_>, address: IpAddr, port: u16) {
    object.string("address", &address.to_string());
    object.plain("port", port);
}

#[cfg(test)]
mod tests {
    use lvs_model::Protocol;

    use super::*;

    #[test]
    fn a_status_is_one_line_for_each_of_its_parts() {
        let server = ServerStatus {
            block: "web".into(),
            name: "rs1".into(),
            destination: DestinationKey {
                address: "10.0.0.1".parse().unwrap(),
                port: 80,
            },
            check_port: 8080,
            phase: Phase::Ramp,
            count: (4, 3),
            place: Place::In(Weight::ONE),
            by_hand: None,
            target: Weight::new(7).unwrap(),
            reason: Reason::default(),
            last_check: Some(CheckStatus {
                age: Duration::from_millis(1500),
                duration: Duration::from_micros(312),
                result: CheckResult::Good,
            }),
            pid: Some(812),
            restarts: 1,
            refused: Vec::new(),
        };
        let status = Status {
            pid: 7,
            file: FileStatus {
                path: "/etc/lvs.cf".into(),
                serial: 12,
                content: "cbf29ce484222325".into(),
                faults: vec!["lvs.cf:9:1: left out: x".into()],
            },
            reload_failure: vec!["lvs.cf:2:1: unknown command \"x\"".into()],
            repairs: 3,
            refused: vec!["--set 1 2 3: Invalid argument".into()],
            services: vec![ServiceStatus {
                key: ServiceKey::Address {
                    protocol: Protocol::Tcp,
                    address: "192.0.2.1".parse().unwrap(),
                    port: 80,
                },
                names: vec!["web".into()],
                scheduler: SchedulerName::default(),
                wanted_scheduler: SchedulerName::new("rr").unwrap(),
                refused: vec!["-E -t 192.0.2.1:80 -s rr: No such file or directory".into()],
                is_present: true,
                sorry: None,
                serving: 1,
                servers: vec![server],
            }],
        };
        let lines = status.json_lines();
        let lines: Vec<&str> = lines.lines().collect();
        assert_eq!(
            lines,
            [
                r#"{"kind":"lvsd","pid":7,"file":"/etc/lvs.cf","serial_no":12,"content":"cbf29ce484222325","reload_failed":true,"reload_failure":["lvs.cf:2:1: unknown command \"x\""],"repairs":3,"faults":["lvs.cf:9:1: left out: x"],"refused":["--set 1 2 3: Invalid argument"],"services":1}"#,
                r#"{"kind":"service","service":"-t 192.0.2.1:80","virtual":["web"],"scheduler":"wlc","present":true,"sorry_server":null,"wanted_scheduler":"rr","refused":["-E -t 192.0.2.1:80 -s rr: No such file or directory"],"servers":1,"up":1,"serving":1}"#,
                r#"{"kind":"server","service":"-t 192.0.2.1:80","virtual":"web","server":"rs1","address":"10.0.0.1","port":80,"check_port":8080,"state":"ramp","count":4,"needed":3,"weight":1,"drained":false,"by_hand":null,"target":7,"reason":"","last_check":{"age":1.500000,"duration":0.000312,"good":true},"refused":[],"pid":812,"restarts":1}"#,
            ]
        );
    }
}
