//! pulse's report for people: 80 columns, plain text.

use std::fmt::Write;

use crate::pulse::{
    AddressStatus, OrderStatus, PartnerStatus, PathStatus, PulseReport, PulseStatus,
    SignatureStatus, TransitionStatus,
};
use crate::service_summary::ServiceSummary;

const COLUMNS: usize = 80;
const INDENT: usize = 9;
/// Most lines about services that are shown.
const TROUBLES: usize = 20;
/// Most changes that are shown, the newest first.
const CHANGES: usize = 6;

impl PulseReport {
    /// The report on a screen.
    #[must_use]
    pub fn screen(&self) -> String {
        let mut screen = Screen::default();
        let pulse = &self.pulse;
        screen.line("pulse", &headline(pulse));
        if !pulse.fit {
            screen.line("unfit", &pulse.unfit.join("; "));
        }
        for line in &pulse.impaired {
            screen.line("impaired", line);
        }
        for line in self.service_lines() {
            screen.line("service", &line);
        }
        if !pulse.orders.is_empty() {
            screen.line("orders", &orders(&pulse.orders));
        }
        if let Some(last) = &pulse.last_order {
            screen.line("ordered", &last_order(last));
        }
        match &pulse.partner {
            Some(_) if pulse.phase == "waiting" => screen.line("partner", "not known yet"),
            Some(known) => screen.line("partner", &partner(known, &pulse.signatures)),
            None if pulse.partner_switched_off => {
                screen.line("partner", "switched off (backup_active = 0)");
            }
            None => screen.line("partner", "lvs.cf has none"),
        }
        for it in &self.paths {
            screen.line("path", &path(it));
        }
        screen.line("signed", &signatures(&pulse.signatures));
        for it in &self.addresses {
            screen.line("address", &address(it));
        }
        let child = &pulse.child;
        let pid = child.pid.map(|pid| format!(", pid {pid}"));
        let mut text = format!("{}{}", child.state, pid.unwrap_or_default());
        if self.lvsd.is_some() {
            let _ = write!(text, "; {}", self.count_services());
        }
        screen.line(&child.program, &text);
        for line in &child.failure {
            screen.line("", line);
        }
        if let Some(sync) = &pulse.sync_daemon {
            let text = format!(
                "{} on {}, id {}: {}",
                sync.role, sync.interface, sync.id, sync.state
            );
            screen.line("sync", &text);
        }
        let text = format!(
            "{}, serial_no {}, content {}",
            pulse.file, pulse.serial_no, pulse.content
        );
        screen.line("lvs.cf", &text);
        for line in &pulse.faults {
            screen.line("", line);
        }
        if pulse.reload_failed {
            screen.line("", "the last reload failed, this one stays in force:");
        }
        for line in &pulse.reload_failure {
            screen.line("", line);
        }
        for it in self.transitions.iter().rev().take(CHANGES) {
            screen.line("changed", &change(it));
        }
        screen.text
    }

    /// What lvsd reports as wrong, a line each; of a great many only the first.
    fn service_lines(&self) -> Vec<String> {
        let refused = self.lvsd.iter().flat_map(|lvsd| &lvsd.refused);
        let refused = refused.map(|said| format!("refused: {said}"));
        let troubles = self.services.iter().flat_map(ServiceSummary::troubles);
        let mut lines: Vec<String> = refused.chain(troubles).collect();
        let more = lines.len().saturating_sub(TROUBLES);
        if more > 0 {
            lines.truncate(TROUBLES);
            lines.push(format!("{more} lines more, see lvsd --status"));
        }
        lines
    }

    fn count_services(&self) -> String {
        let all = self.services.len();
        let is_well = |service: &&ServiceSummary| service.troubles().is_empty();
        match self.services.iter().filter(is_well).count() {
            well if well == all => format!("services: {all}"),
            well => format!("services: {all}, {} NOT WELL", all - well),
        }
    }
}

impl PulseStatus {
    /// Role, phase and what keeps it from serving, in a few words.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut text = format!("{}, {}", self.role, self.phase);
        if !self.orders.is_empty() {
            let _ = write!(text, ", ordered: {}", self.orders.join(", "));
        }
        if !self.fit {
            let _ = write!(text, ", unfit: {}", self.unfit.join("; "));
        }
        text
    }
}

fn headline(pulse: &PulseStatus) -> String {
    let fit = if pulse.fit { "fit" } else { "not fit" };
    let failed = match pulse.child.failure.is_empty() {
        true => String::new(),
        false => format!(", the last {} did not start", pulse.child.program),
    };
    let role = match pulse.role.as_str() {
        "unknown" => "role not known yet",
        role => role,
    };
    format!(
        "{} for {}, {fit}{failed}; {role}, pid {}",
        pulse.phase,
        span(pulse.age),
        pulse.pid
    )
}

fn orders(orders: &[String]) -> String {
    let words = orders.iter().map(|order| match order.as_str() {
        "standby" => "standby (it never takes over)",
        "freeze" => "freeze (nothing moves)",
        other => other,
    });
    words.collect::<Vec<_>>().join(", ")
}

fn last_order(last: &OrderStatus) -> String {
    let age = span(last.age);
    let OrderStatus {
        order,
        outcome,
        text,
        ..
    } = last;
    // Most answers begin with the order.
    let text = text.strip_prefix(&format!("{order}: ")).unwrap_or(text);
    let colon = if text.is_empty() { "" } else { ": " };
    format!("{order}, {age} ago, {outcome}{colon}{text}")
}

fn partner(partner: &PartnerStatus, signatures: &SignatureStatus) -> String {
    let mut words = vec![if partner.alive { "alive" } else { "not heard" }.to_owned()];
    words.extend(doing(partner));
    words.extend(
        partner
            .fit
            .map(|fit| if fit { "fit" } else { "not fit" }.to_owned()),
    );
    if let Some(unserved) = partner.unserved.filter(|count| *count > 0) {
        words.push(format!("{unserved} addresses could not be served there"));
    }
    if let Some(given) = partner.orders.as_ref().filter(|given| !given.is_empty()) {
        words.push(format!("ordered: {}", orders(given)));
    }
    let words = words.join(", ");
    match partner.same_content {
        Some(true) => format!("{words}, same lvs.cf"),
        Some(false) => format!("{words}, ANOTHER lvs.cf, content {}", partner.content),
        None => format!("{words}; {}", not_compared(signatures.partner.as_deref())),
    }
}

/// What the partner does: its own word for it, or what its heartbeat's value means.
fn doing(partner: &PartnerStatus) -> Option<String> {
    let value = || {
        partner.says.as_deref().map(|said| match said {
            "stopped" => "standby (says STOPPED)".into(),
            "running" => "active (says RUNNING)".into(),
            other => format!("says {}", other.to_uppercase()),
        })
    };
    partner.state.clone().or_else(value)
}

/// Why it is not known whether its lvs.cf is ours; `form` is that of its heartbeats.
fn not_compared(form: Option<&str>) -> String {
    match form {
        Some("unsigned") => "lvs.cf not compared: unsigned heartbeats".into(),
        Some(form) => format!("lvs.cf not compared: heartbeats of {form}"),
        None => "no heartbeat yet".into(),
    }
}

fn path(path: &PathStatus) -> String {
    let mut text = format!("{}, {}", path.path, path.own);
    if !path.own_present {
        text.push_str(" (NOT ON THIS MACHINE)");
    }
    if let Some(partner) = &path.partner {
        let _ = write!(text, " to {partner}");
        let _ = match path.age {
            Some(age) => write!(text, ": last heartbeat {} ago", span(age)),
            None => write!(text, ": no heartbeat yet"),
        };
        if let Some(failure) = &path.send_failure {
            let _ = write!(text, ", NOT SENDING: {failure}");
        }
    }
    text
}

fn signatures(status: &SignatureStatus) -> String {
    let mut text = status.mode.clone();
    if let Some(partner) = &status.partner {
        let _ = write!(text, "; partner: {partner}");
    }
    if let Some(accepted) = status.accepted {
        let _ = write!(text, "; {accepted} counted");
    }
    for (reason, count) in &status.refused {
        let _ = write!(text, ", {count} {reason}");
    }
    text
}

fn address(address: &AddressStatus) -> String {
    let mut text = format!(
        "{}/{} {} {}: {}",
        address.address, address.prefix, address.device, address.label, address.state
    );
    if !address.rivals.is_empty() {
        let _ = write!(text, "; ALSO AT {}", address.rivals.join(", "));
    }
    text
}

fn change(change: &TransitionStatus) -> String {
    let mut text = format!(
        "{} ago {} -> {}: {}",
        span(change.age),
        change.from,
        change.to,
        change.reason
    );
    if let Some(silence) = &change.silence {
        let _ = write!(text, " ({silence})");
    }
    text
}

/// A time in its two largest units.
fn span(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    // For any number from a socket: saturates, and is 0 for what is no number.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast of a float saturates"
    )]
    let minutes = (seconds / 60.0) as u64;
    let (hours, days) = (minutes / 60, minutes / 1440);
    match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, hours) => format!("{hours} h {} min", minutes % 60),
        (days, hours) => format!("{days} d {} h", hours % 24),
    }
}

#[derive(Default)]
struct Screen {
    text: String,
}

impl Screen {
    /// A label and words, wrapped behind it. Control characters do not reach the terminal.
    fn line(&mut self, label: &str, words: &str) {
        let mut column = INDENT;
        let _ = write!(self.text, "{label:<INDENT$}");
        for (place, word) in words.split(' ').enumerate() {
            let word: String = word
                .chars()
                .map(|c| if c.is_control() { '?' } else { c })
                .collect();
            let length = word.chars().count();
            if place > 0 && column + 1 + length > COLUMNS {
                let _ = write!(self.text, "\n{:INDENT$}", "");
                column = INDENT;
            } else if place > 0 {
                self.text.push(' ');
                column += 1;
            }
            self.text.push_str(&word);
            column += length;
        }
        self.text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LvsdSummary;
    use crate::pulse_tests::full;

    #[test]
    fn a_screen_shows_all_of_a_report_in_eighty_columns() {
        let screen = full().screen();
        let wanted = "\
pulse    active for 12.5 s, not fit; primary, pid 812
unfit    address 10.1.0.50: device eth1 is down
orders   freeze (nothing moves)
ordered  failover, 3.0 s ago, failed: the partner is silent: this director stays
         active
partner  alive, standby, fit, same lvs.cf
path     public, 10.1.0.1:539 to 10.1.0.2:539: last heartbeat 0.2 s ago
signed   require; partner: version 2; 90 counted, 3 replayed
address  10.1.0.50/24 eth0 eth0:1: up; ALSO AT 02:00:00:00:00:01
lvsd     serving, pid 813
sync     master on eth0, id 0: runs
lvs.cf   /etc/lvs.cf, serial_no 12, content 85944171f73967e8
         lvs.cf:9:1: left out: virtual b
         the last reload failed, this one stays in force:
         lvs.cf:2:1: unknown command \"x\"
changed  12.5 s ago standby -> starting: the partner is silent (no heartbeat for
         1.500 s on the public path)
";
        assert_eq!(screen, wanted);
        assert!(screen.lines().all(|line| line.len() <= COLUMNS));
    }

    #[test]
    fn what_is_wrong_is_not_overlooked() {
        let mut report = full();
        report.paths[0].own_present = false;
        report.paths[0].age = None;
        report.paths[0].send_failure = Some("Permission denied".into());
        let partner = report.pulse.partner.as_mut().unwrap();
        partner.alive = false;
        partner.same_content = Some(false);
        partner.unserved = Some(2);
        partner.orders = Some(vec!["standby".into()]);
        let screen = report.screen();
        for said in [
            "10.1.0.1:539 (NOT ON THIS MACHINE) to 10.1.0.2:539: no heartbeat yet",
            "NOT SENDING: Permission denied",
            "not heard, standby, fit, 2 addresses could not be served there",
            "standby (it never takes over)",
            "ANOTHER lvs.cf, content 85944171f73967e8",
        ] {
            let flat = screen.replace("\n         ", " ");
            assert!(flat.contains(said), "{said}: {screen}");
        }
        assert!(screen.lines().all(|line| line.len() <= COLUMNS), "{screen}");
    }

    /// Without signed heartbeats all is well, too.
    #[test]
    fn a_healthy_partner_that_signs_nothing_does_not_read_as_a_failure() {
        for (says, form, wanted) in [
            (
                "stopped",
                Some("unsigned"),
                "alive, standby (says STOPPED); lvs.cf not compared: unsigned heartbeats",
            ),
            (
                "running",
                Some("unsigned"),
                "alive, active (says RUNNING); lvs.cf not compared: unsigned heartbeats",
            ),
            (
                "stopme",
                Some("version 1"),
                "alive, says STOPME; lvs.cf not compared: heartbeats of version 1",
            ),
        ] {
            let mut report = full();
            report.pulse.signatures.partner = form.map(Into::into);
            report.pulse.partner = Some(PartnerStatus {
                alive: true,
                says: Some(says.into()),
                content: "unknown".into(),
                ..PartnerStatus::default()
            });
            let screen = report.screen();
            let line = format!("partner  {wanted}\n");
            assert!(
                line.len() <= COLUMNS + 1 && screen.contains(&line),
                "{screen}"
            );
        }
    }

    #[test]
    fn a_partner_that_is_switched_off_is_not_one_that_lvs_cf_does_not_have() {
        let mut report = full();
        report.pulse.partner = None;
        assert!(report.screen().contains("partner  lvs.cf has none\n"));
        report.pulse.partner_switched_off = true;
        let said = "partner  switched off (backup_active = 0)\n";
        assert!(report.screen().contains(said));
    }

    #[test]
    fn why_lvsd_does_not_start_stands_below_it() {
        let mut report = full();
        report.pulse.child.state = "failed".into();
        report.pulse.child.pid = None;
        report.pulse.child.failure = vec!["lvs: another lvsd runs (pid 7)".into()];
        let said = "lvsd     failed\n         lvs: another lvsd runs (pid 7)\n";
        assert!(report.screen().contains(said), "{}", report.screen());
        // It is tried again, and nothing keeps this node from taking over.
        report.pulse.phase = "starting".into();
        report.pulse.fit = true;
        let said =
            "pulse    starting for 12.5 s, fit, the last lvsd did not start; primary, pid 812\n";
        let flat = report.screen().replace("\n         ", " ");
        assert!(flat.contains(said), "{flat}");
    }

    #[test]
    fn what_pulse_cannot_do_here_stands_below_the_headline() {
        let mut report = full();
        assert!(!report.screen().contains("impaired"));
        report.pulse.impaired = vec!["no hook runs".into(), "no guardian".into()];
        let screen = report.screen();
        let said = "\nimpaired no hook runs\nimpaired no guardian\n";
        assert!(screen.contains(said), "{screen}");
        assert_eq!(PulseReport::decode(&report.encode()), Some(report));
    }

    #[test]
    fn services_that_are_not_well_stand_below_the_headline() {
        let mut report = full();
        let well = ServiceSummary {
            service: "-t 192.0.2.1:443".into(),
            present: true,
            servers: 1,
            up: 1,
            ..ServiceSummary::default()
        };
        let lost = ServiceSummary {
            service: "-t 192.0.2.1:80".into(),
            names: vec!["web".into()],
            up: 0,
            ..well.clone()
        };
        report.lvsd = Some(LvsdSummary::default());
        report.services = vec![well];
        let screen = report.screen();
        assert!(screen.contains("lvsd     serving, pid 813; services: 1\n"));
        assert!(!screen.contains("service  "), "{screen}");
        report.services.extend(vec![lost; TROUBLES + 2]);
        report.lvsd.as_mut().unwrap().refused = vec!["--set 1 2 3: no".into()];
        let screen = report.screen();
        for line in [
            "service  refused: --set 1 2 3: no\n",
            "service  -t 192.0.2.1:80 (web): NO REAL SERVER is up of 1\n",
            "service  3 lines more, see lvsd --status\n",
            "lvsd     serving, pid 813; services: 23, 22 NOT WELL\n",
        ] {
            assert!(screen.contains(line), "{line}: {screen}");
        }
    }

    #[test]
    fn a_director_that_waits_knows_neither_its_role_nor_its_partner_yet() {
        let mut report = full();
        report.pulse.phase = "waiting".into();
        report.pulse.role = "unknown".into();
        let screen = report.screen();
        for said in [
            "pulse    waiting for 12.5 s, not fit; role not known yet, pid 812\n",
            "partner  not known yet\n",
        ] {
            assert!(screen.contains(said), "{said}: {screen}");
        }
    }

    #[test]
    fn a_time_is_said_in_its_two_largest_units() {
        for (seconds, text) in [
            (0.0, "0.0 s"),
            (59.0, "59.0 s"),
            (61.0, "1 min"),
            (3_700.0, "1 h 1 min"),
            (90_000.0, "1 d 1 h"),
        ] {
            assert_eq!(span(seconds), text);
        }
        assert!(span(f64::MAX).ends_with(" h"));
    }

    #[test]
    fn one_line_has_role_phase_orders_and_what_makes_it_unfit() {
        let mut pulse = full().pulse;
        let unfit =
            "primary, active, ordered: freeze, unfit: address 10.1.0.50: device eth1 is down";
        assert_eq!(pulse.summary(), unfit);
        pulse.fit = true;
        pulse.orders.clear();
        assert_eq!(pulse.summary(), "primary, active");
    }

    #[test]
    fn nothing_drives_the_terminal() {
        let mut report = full();
        report.pulse.file = "a\x1b[31m\n".into();
        assert!(report.screen().contains("a?[31m?, serial_no"));
    }
}
