//! `pulse -t`: what is wrong with lvs.cf or odd about it, and what a start would set up.
//!
//! The exit status is about the file alone. What this machine lacks is said and does not change it:
//! a file may be checked where it is written, without the directors' addresses or rights. With `--here` it
//! does: so a restart can be refused by which this machine would stop to serve.

use std::io::{self, Write};
use std::net::IpAddr;
use std::process::ExitCode;

use config_file::{ConfigFile, Program};
use heartbeat::datagram::signed::Key;
use heartbeat::{ConfiguredRole, Notice};
use link::{Fault, TroubleNews};
use lvs_config::{Authentication, Command, Config, Heartbeat, ServiceKind};
use lvs_model::SyncRole;

use crate::addresses;
use crate::ask;
use crate::commands::{sync_arguments, words};
use crate::options::Options;
use crate::places;
use crate::report;
use crate::service::{self, Part};
use crate::setup::{self, SetupError};
use crate::signing;

/// With `--here`: the file is good, and this machine would not serve by it. As "not configured" of the Linux
/// Standard Base.
const NOT_HERE: u8 = 6;

/// Prints findings to `err` and the plan to `out`. The status is 1 for a file that is refused, that
/// pulse would not start with, or of which something was left out; [`NOT_HERE`].
pub fn run(options: &Options, out: &mut impl Write, err: &mut impl Write) -> ExitCode {
    let file = match config_file::check(&options.config_file) {
        Ok(file) => file,
        Err(fault) => {
            // A reader that has gone away does not matter: the status says it too.
            let _ = write_lines(err, &fault.lines_with_notes(Program::Pulse));
            return ExitCode::FAILURE;
        }
    };
    let report = Report::new(&file, options);
    let findings = write_lines(err, &file.remarks(true)).and_then(|()| {
        let remarks = report.remarks.iter().map(|line| format!("pulse: {line}"));
        write_lines(err, &remarks.collect::<Vec<_>>())
    });
    let written = findings.and_then(|()| write_lines(out, &report.plan));
    let is_good = report.starts && !file.has_faults() && written.is_ok();
    if options.here && report.starts && !report.serves_here {
        ExitCode::from(NOT_HERE)
    } else if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn write_lines(out: &mut impl Write, lines: &[String]) -> io::Result<()> {
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))?;
    out.flush()
}

/// What is said about an accepted file.
struct Report {
    /// Lines beside those about the text.
    remarks: Vec<String>,
    plan: Vec<String>,
    /// pulse would start with this file, on a machine that is one of the directors.
    starts: bool,
    /// This machine has what it needs of its own: an address of a director that is to run, devices, and keys.
    serves_here: bool,
}

impl Report {
    fn new(file: &ConfigFile, options: &Options) -> Self {
        let config = &file.loaded.config;
        let mut report = Self {
            remarks: setup::remarks(config),
            plan: Vec::new(),
            starts: true,
            serves_here: true,
        };
        let primary = config.heartbeat.primary.ok_or(SetupError::NoPrimary);
        if let Err(error) = setup::service(config, &file.path).and(primary) {
            report.remarks.push(error.to_string());
            report.starts = false;
            return report;
        }
        let role = setup::own_addresses().and_then(|own| {
            let role = setup::role(config, &own)?;
            report.add_lacking(config, role, &own);
            Ok(role)
        });
        report
            .remarks
            .extend(places::unannounced(config, role.is_ok()));
        if options.here && role.is_ok() {
            report.add_step(&config.heartbeat);
        }
        report.add_role(role, setup::has_partner(&config.heartbeat));
        report.plan.extend(heartbeat(&config.heartbeat));
        report.add_keys(signing::keys(&config.heartbeat), &config.heartbeat);
        report.add_active(config, options);
        report.add_standby(config, options);
        report
    }

    fn add_role(&mut self, role: Result<ConfiguredRole, SetupError>, has_partner: bool) {
        let name = match role {
            Ok(ConfiguredRole::Primary) => "primary",
            Ok(ConfiguredRole::Backup) => {
                let refusal = Notice::BackupInactive.to_string();
                self.remarks.extend((!has_partner).then_some(refusal));
                self.serves_here &= has_partner;
                "backup"
            }
            Err(error) => {
                self.remarks.push(error.to_string());
                self.serves_here = false;
                "unknown"
            }
        };
        self.plan.push(format!("role: {name}"));
    }

    /// What a director lacks that it would wait for or could not serve.
    fn add_lacking(&mut self, config: &Config, role: ConfiguredRole, own: &[IpAddr]) {
        self.remarks.extend(setup::absent(config, role, own));
        self.remarks.extend(setup::partners_here(config, role, own));
        self.remarks.extend(setup::lone(config, role));
        match addresses::troubles(config) {
            Ok(troubles) => {
                let is_missing = |it: &TroubleNews| it.what == Some(Fault::NoDevice);
                self.serves_here &= !troubles.iter().any(is_missing);
                let lines = troubles.iter().map(ToString::to_string);
                self.remarks.extend(lines);
            }
            Err(error) => self.remarks.push(error.to_string()),
        }
    }

    /// A start with this file ends the pulse that runs here, and begins where its partner is.
    fn add_step(&mut self, pair: &Heartbeat) {
        let modes = [
            Authentication::Off,
            Authentication::Accept,
            Authentication::Sign,
            Authentication::Require,
        ];
        let refusal = ask::running().and_then(|report| {
            let signatures = &report.pulse.signatures;
            let alive = report.pulse.partner.is_some_and(|partner| partner.alive);
            let mut modes = modes.into_iter();
            let before = modes.find(|mode| signing::name(*mode) == signatures.mode)?;
            let form = signatures.partner.as_deref().filter(|_| alive)?;
            signing::refusal(before, pair.authentication, form != report::UNSIGNED)
        });
        if let Some(refusal) = refusal {
            self.remarks.push(refusal);
            self.serves_here = false;
        }
    }

    fn add_keys(&mut self, keys: Result<Vec<Key>, impl std::fmt::Display>, pair: &Heartbeat) {
        if pair.authentication == Authentication::Off {
            return;
        }
        match keys {
            Ok(keys) => {
                let ids: Vec<String> = keys.iter().map(|key| key.id.to_string()).collect();
                self.plan.push(format!("keys: {}", ids.join(", ")));
            }
            Err(error) => {
                self.remarks.push(error.to_string());
                self.serves_here = false;
            }
        }
    }

    /// In the order of a takeover.
    fn add_active(&mut self, config: &Config, options: &Options) {
        let raised = setup::addresses(config).into_iter().map(|it| {
            format!(
                "active: address {}/{} on {} as {}",
                it.address, it.prefix, it.interface, it.label
            )
        });
        match config.service {
            ServiceKind::Lvs => {
                self.add_hook("active", config.active_cmd.as_ref());
                self.add_service("active", options, Part::Lvsd);
                self.add_sync("active", config, SyncRole::Master);
                self.plan.extend(raised);
            }
            ServiceKind::Fos => {
                self.plan.extend(raised);
                self.add_service("active", options, Part::FosActive);
            }
        }
    }

    fn add_standby(&mut self, config: &Config, options: &Options) {
        match config.service {
            ServiceKind::Lvs => {
                self.add_hook("standby", config.inactive_cmd.as_ref());
                self.add_sync("standby", config, SyncRole::Backup);
                if config.heartbeat.warm_standby {
                    self.add_service("standby", options, Part::Lvsd);
                }
            }
            ServiceKind::Fos if setup::has_partner(&config.heartbeat) => {
                self.add_service("standby", options, Part::FosMonitor);
            }
            ServiceKind::Fos => {}
        }
    }

    fn add_hook(&mut self, when: &str, hook: Option<&Command>) {
        match hook.map(words) {
            None => {}
            Some(Ok(words)) => self.plan.push(line(when, &words)),
            // It has its line among the findings.
            Some(Err(_)) => {}
        }
    }

    fn add_service(&mut self, when: &str, options: &Options, part: Part) {
        let program = service::command(options, part);
        let words = [vec![program.path.into_os_string()], program.args].concat();
        self.plan.push(line(when, &words));
    }

    fn add_sync(&mut self, when: &str, config: &Config, role: SyncRole) {
        let ipvsadm = config.ipvsadm.clone().into_os_string();
        for arguments in sync_arguments(config, role) {
            let words = [vec![ipvsadm.clone()], arguments].concat();
            self.plan.push(line(when, &words));
        }
    }
}

/// The program is the one that would be run, also where it lies elsewhere than usual.
fn line(when: &str, words: &[std::ffi::OsString]) -> String {
    let (program, arguments) = words.split_first().unzip();
    let program = program.map(|it| daemon::installed(it.as_ref()).into_os_string());
    let words = program.iter().chain(arguments.unwrap_or_default());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    format!("{when}: {}", words.join(" "))
}

/// The times and both ends of each path.
fn heartbeat(pair: &Heartbeat) -> Vec<String> {
    let (Some(primary), Some(backup), true) = (pair.primary, pair.backup, pair.backup_active)
    else {
        return vec!["heartbeat: none, there is no partner".to_owned()];
    };
    let (keepalive, dead_time) = (pair.keepalive.as_secs_f64(), pair.dead_time.as_secs_f64());
    let times = format!(
        "heartbeat: UDP port {}, every {keepalive} s, the partner is dead after {dead_time} s",
        pair.port
    );
    let private = pair.private.map(|path| (path.primary, path.backup));
    let paths = [Some((primary, backup)), private].into_iter().flatten();
    let paths =
        paths.map(|(primary, backup)| format!("heartbeat: primary {primary}, backup {backup}"));
    std::iter::once(times).chain(paths).collect()
}
