//! Second stage, second half: what typed settings mean together.
//!
//! One module a level of the file.

mod block;
mod global;
mod host;
mod one_place;
mod pair;
mod server;
mod virtual_block;

use std::collections::BTreeSet;
use std::net::IpAddr;

use lvs_model::{Account, AddressFamily, Protocol};

use crate::finding::{Consequence, Findings, Reason, shown};
use crate::keyword::{self, Keyword, Place};
use crate::lookup::Hosts;
use crate::model::{Config, VipMover};
use crate::section::Section;
use crate::value::Port;

/// What the judges share: where to report, whom to ask.
pub(crate) struct Judge<'a, 'b> {
    pub(crate) findings: &'b mut Findings,
    pub(crate) hosts: &'b mut Hosts<'a>,
    /// Hooks move the virtual addresses: pulse raises none.
    pub(crate) is_external: bool,
    /// User of check and load programs, if the file names one.
    pub(crate) check_user: Option<Account>,
    /// Names without an address for which something in force was left out.
    pub(crate) unresolved: BTreeSet<String>,
}

impl Judge<'_, '_> {
    /// The configuration that a file's settings make. It counts only if nothing was refused.
    pub(crate) fn config(&mut self, file: &Section) -> Config {
        let mut config = self.global(file);
        self.check_user.clone_from(&config.check_user);
        self.is_external = config.heartbeat.vip == VipMover::External;
        // Without the keyword it is lvs; but then the other blocks may be meant as well.
        let is_meant = |place| match file.choice(keyword::SERVICE) {
            Some("lvs") => place == Place::Virtual,
            Some("fos") => place == Place::Failover,
            _ => true,
        };
        for block in file.blocks() {
            let is_used = block.is_on(keyword::ACTIVE) && is_meant(block.place);
            for server in block.blocks() {
                let is_used =
                    is_used && server.is_on(keyword::ACTIVE) && block.place == Place::Virtual;
                self.judge_as(is_used, server, |_| {});
            }
            self.judge_as(is_used, block, |judge| match block.place {
                Place::Virtual => config
                    .virtuals
                    .extend(judge.virtual_block(block, config.network)),
                Place::Failover => config.failovers.extend(judge.failover_block(block)),
                Place::Global | Place::Server => {}
            });
        }
        self.findings.set_idle(!is_meant(Place::Virtual));
        self.leave_out_second_services(&mut config.virtuals, file);
        self.findings.set_idle(false);
        self.check_pair(file, &config);
        self.check_one_place(file, &config);
        config
    }

    /// Reports what is wrong with the values of a section, now that it is known whether it is used.
    fn say_late(&mut self, section: &Section) {
        for finding in &section.late {
            self.findings.push(finding.clone());
        }
    }

    /// Judges a block. If it is not used, what is wrong with it is a note at most.
    fn judge_as(&mut self, is_used: bool, block: &Section, judge: impl FnOnce(&mut Self)) {
        let was_idle = self.findings.is_idle();
        if !is_used {
            self.findings
                .note_warnings(block.lines(), block.at(keyword::ACTIVE));
        }
        self.findings.set_idle(was_idle || !is_used);
        self.say_late(block);
        judge(self);
        self.findings.set_idle(was_idle);
    }

    /// Leaves out what needs the address of a name that does not resolve; returns whether there is one.
    fn leave_out_unresolved(
        &mut self,
        section: &Section,
        keyword: Keyword,
        what_goes: &str,
    ) -> bool {
        let Some(name) = section.unresolved(keyword) else {
            return false;
        };
        let what = format!("{what_goes}: the host name {name} does not resolve");
        let at = section.at(keyword);
        self.findings.remark(at, Consequence::LeaveOut, what);
        if !self.findings.is_idle() {
            self.unresolved.insert(name.to_owned());
        }
        true
    }

    /// A port as number; a name is looked up for `protocol`.
    fn port(&mut self, section: &Section, port: &Port, protocol: Protocol) -> Option<u16> {
        match port {
            Port::Number(number) => Some(*number),
            Port::Name(name) => {
                // Both are looked up in any case: a first reading only collects the questions.
                let original = self.hosts.lookup().service(name, Protocol::Tcp);
                let number = self.hosts.lookup().service(name, protocol);
                if number.is_some() && original.is_none() && !section.is_hidden(keyword::PORT) {
                    let what = "an original director knows names of tcp services only";
                    let at = section.at(keyword::PORT);
                    self.findings.remark(at, Consequence::Note, what.into());
                }
                if number.is_none() {
                    let (name, word) = (shown(name.as_bytes()), protocol_word(protocol));
                    let what = format!(
                        "port = {name}, the name of a {word} service or 1 to 65535 expected"
                    );
                    self.findings
                        .refuse(section.at(keyword::PORT), Reason::InvalidArgument, what);
                }
                number
            }
        }
    }

    /// The prefix length of a netmask that goes with `address`.
    fn prefix(&mut self, section: &Section, keyword: Keyword, address: &IpAddr) -> Option<u8> {
        let mask = section.mask(keyword)?;
        let family = AddressFamily::of(address);
        if mask.family == family {
            return Some(mask.prefix);
        }
        let wanted = match family {
            AddressFamily::Inet => "a netmask such as 255.255.255.0",
            AddressFamily::Inet6 => "a prefix length of 1 to 128",
        };
        let what = format!("{keyword} does not go with {address}, {wanted} expected");
        self.findings
            .refuse(section.at(keyword), Reason::BadSubnetMask, what);
        None
    }
}

/// `tcp` unless the block says otherwise.
fn protocol(section: &Section) -> Protocol {
    match section.choice(keyword::PROTOCOL) {
        Some("udp") => Protocol::Udp,
        Some("sctp") => Protocol::Sctp,
        _ => Protocol::Tcp,
    }
}

const fn protocol_word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Udp => "udp",
        Protocol::Sctp => "sctp",
        Protocol::Tcp | Protocol::Other(_) => "tcp",
    }
}
