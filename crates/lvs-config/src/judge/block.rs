//! What `virtual` and `failover` blocks have in common, and failover blocks.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use lvs_model::{CheckSpec, Protocol, unescape};

use super::{Judge, protocol};
use crate::extension;
use crate::finding::Reason;
use crate::keyword::{self, Keyword};
use crate::model::{Command, Device, FailoverBlock};
use crate::section::Section;
use crate::value::Port;

/// Most bytes of a literal `expect`, as in the original.
const MAX_EXPECT: usize = 254;

impl Judge<'_, '_> {
    /// An active failover block.
    pub(super) fn failover_block(&mut self, block: &Section) -> Option<FailoverBlock> {
        for server in block.blocks() {
            let what = "a server block has no effect in a failover block";
            self.findings.warn(server.position, what.into());
        }
        let check = self.check(block);
        let port = self.block_port(block);
        if !block.is_on(keyword::ACTIVE) {
            return None;
        }
        self.warn_of_silent_udp(block);
        let address = self.vip(block, "failover");
        let start_cmd = self.needed_command(block, keyword::START_CMD);
        let stop_cmd = self.needed_command(block, keyword::STOP_CMD);
        if port == Some(0) {
            self.refuse_port_zero(block, "a failover block checks one");
        }
        let (vip, device) = address?;
        Some(FailoverBlock {
            name: block.name.clone(),
            line: block.position.line,
            vip,
            device,
            vip_prefix: self.vip_prefix(block, &vip),
            protocol: protocol(block),
            port: port?,
            check: CheckSpec {
                use_regex: false,
                reentry: CheckSpec::default().reentry,
                ..check
            },
            monitor: monitor(block),
            start_cmd: start_cmd?,
            stop_cmd: stop_cmd?,
            start_timeout: block
                .seconds(extension::START_TIMEOUT)
                .unwrap_or(FailoverBlock::START_TIMEOUT),
        })
    }

    /// The command, which an active failover block must have.
    fn needed_command(&mut self, block: &Section, keyword: Keyword) -> Option<Command> {
        let found = block.command(keyword);
        self.check_root_program(block, keyword);
        if found.is_none() && !block.is_bad(keyword) {
            let (name, line) = (&block.name, block.position.line);
            let what = format!("failover {name} of line {line} has no {keyword}, one expected");
            self.findings
                .refuse(block.at(keyword), Reason::MissingArguments, what);
        }
        found
    }

    /// The address of an active block; without a usable one the block is left out.
    pub(super) fn vip(&mut self, block: &Section, kind: &str) -> Option<(IpAddr, Device)> {
        let found = block.address_and_device(keyword::ADDRESS);
        self.leave_out_unresolved(block, keyword::ADDRESS, &format!("{kind} {}", block.name));
        if let Some((address, _)) = &found {
            self.check_carried(block.at(keyword::ADDRESS), keyword::ADDRESS, *address);
        }
        if found.is_none() && !block.is_bad(keyword::ADDRESS) {
            let (reason, fault) = if block.has(keyword::ADDRESS) {
                (Reason::InvalidHost, "all zeros for its address")
            } else {
                (Reason::MissingArguments, "no address")
            };
            let (name, line) = (&block.name, block.position.line);
            let what = format!(
                "{kind} {name} of line {line} is active and has {fault}, address = IP INTERFACE expected"
            );
            self.findings
                .refuse(block.at(keyword::ADDRESS), reason, what);
        }
        found
    }

    /// The prefix length of the virtual address; of no use where pulse does not raise it.
    pub(super) fn vip_prefix(&mut self, block: &Section, vip: &IpAddr) -> Option<u8> {
        let was_idle = self.findings.is_idle();
        self.findings.set_idle(was_idle || self.is_external);
        let prefix = self.prefix(block, keyword::VIP_NMASK, vip);
        self.findings.set_idle(was_idle);
        prefix
    }

    /// The block's port; `None` if its name is unknown.
    pub(super) fn block_port(&mut self, block: &Section) -> Option<u16> {
        if block.is_bad(keyword::PORT) || block.is_bad(keyword::PROTOCOL) {
            return None;
        }
        let port = block
            .port(keyword::PORT)
            .cloned()
            .unwrap_or(Port::Number(80));
        self.port(block, &port, protocol(block))
    }

    pub(super) fn refuse_port_zero(&mut self, block: &Section, why: &str) {
        let what = format!("port = 0, 1 to 65535 expected: {why}");
        self.findings
            .refuse(block.at(keyword::PORT), Reason::InvalidArgument, what);
    }

    /// How the block's servers are checked.
    pub(super) fn check(&mut self, block: &Section) -> CheckSpec {
        let default = CheckSpec::default();
        let check = CheckSpec {
            send: block.argument(keyword::SEND),
            expect: block.argument(keyword::EXPECT),
            use_regex: block.is_on(keyword::USE_REGEX),
            send_program: block.argument(keyword::SEND_PROGRAM),
            timeout: block.seconds(keyword::TIMEOUT).unwrap_or(default.timeout),
            reentry: self.reentry(block).unwrap_or(default.reentry),
            fall: block.integer(extension::FALL).unwrap_or(default.fall),
            rise: block.integer(extension::RISE),
            ..default
        };
        self.check_expect(block, &check);
        self.check_program(block, keyword::SEND_PROGRAM);
        check
    }

    /// Zero would bring a server back at once; that is a warning.
    fn reentry(&mut self, block: &Section) -> Option<Duration> {
        let reentry = block.seconds(keyword::REENTRY)?;
        if reentry.is_zero() {
            let what = "reentry = 0 means the default, 180 seconds";
            self.findings.warn(block.at(keyword::REENTRY), what.into());
            return None;
        }
        Some(reentry)
    }

    /// What is expected of an answer. Nothing expected is a warning; no expression, or one that is too
    /// long, is refused.
    fn check_expect(&mut self, block: &Section, check: &CheckSpec) {
        let is_literal = check.send_program.is_some() || !check.use_regex;
        if check.send_program.is_some() && check.use_regex {
            let what = "use_regex has no effect with send_program: expect is compared literally";
            self.findings
                .warn(block.at(keyword::USE_REGEX), what.into());
        }
        let Some(expect) = block.text(keyword::EXPECT) else {
            if check.send_program.is_some() && !block.has(keyword::EXPECT) {
                let what = "send_program without expect: exit status 0 is up";
                self.findings
                    .warn(block.at(keyword::SEND_PROGRAM), what.into());
            }
            return;
        };
        let plain = unescape(expect).unwrap_or_default();
        if is_literal {
            self.check_length(block, &plain);
        } else {
            self.check_expression(block, &plain);
        }
    }

    fn check_length(&mut self, block: &Section, expect: &[u8]) {
        if expect.len() > MAX_EXPECT {
            let length = expect.len();
            let what = format!("expect has {length} bytes, at most {MAX_EXPECT} expected");
            self.findings
                .refuse(block.at(keyword::EXPECT), Reason::InvalidArgument, what);
        }
    }

    fn check_expression(&mut self, block: &Section, expression: &[u8]) {
        let fault = if expression == b"*" {
            Err("* is no regular expression, write .* for any answer".to_owned())
        } else {
            self.hosts.lookup().check_expression(expression)
        };
        if let Err(fault) = fault {
            let what = format!("expect with use_regex = 1: {fault}");
            self.findings
                .refuse(block.at(keyword::EXPECT), Reason::InvalidArgument, what);
        }
    }

    /// Warns of a UDP service without expect or send_program: its check sees little of a dead server.
    pub(super) fn warn_of_silent_udp(&mut self, block: &Section) {
        let is_udp = protocol(block) == Protocol::Udp;
        if is_udp && !block.has(keyword::EXPECT) && !block.has(keyword::SEND_PROGRAM) {
            let what = "protocol = udp without expect or send_program: \
                        a server counts as down only if its port is unreachable";
            self.findings.warn(block.at(keyword::PROTOCOL), what.into());
        }
    }
}

/// The program that watches a server of the block.
pub(super) fn monitor(block: &Section) -> PathBuf {
    block
        .argument(keyword::CLIENT_MONITOR)
        .unwrap_or_else(|| OsString::from("/usr/sbin/nanny"))
        .into()
}
