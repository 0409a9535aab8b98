//! What the tests of this crate share: answers without a resolver.

use std::net::IpAddr;

use lvs_config::{Consequence, Finding, Loaded, Lookup, RefusedFile, read};
use lvs_model::{Account, Protocol};

/// Knows a few names, all of the documentation networks.
#[derive(Debug, Default)]
pub struct Names {
    /// Host names asked for, in order.
    pub asked: Vec<String>,
}

impl Lookup for Names {
    fn host(&mut self, name: &str) -> Option<IpAddr> {
        self.asked.push(name.to_owned());
        match name {
            "localhost" => "127.0.0.1".parse().ok(),
            "web1.example.com" => "192.0.2.41".parse().ok(),
            _ => None,
        }
    }

    fn service(&mut self, name: &str, protocol: Protocol) -> Option<u16> {
        match (name, protocol) {
            ("http", Protocol::Tcp) => Some(80),
            ("https", Protocol::Tcp) => Some(443),
            ("nntp", Protocol::Tcp) => Some(119),
            ("tftp", Protocol::Udp) => Some(69),
            _ => None,
        }
    }

    fn user(&mut self, name: &str) -> Option<Account> {
        let (uid, home) = match name {
            "root" => (0, "/root"),
            "checker" | "lvscheck" => (500, "/home/checker"),
            _ => return None,
        };
        Some(Account {
            name: name.to_owned(),
            uid,
            gid: uid,
            home: home.into(),
        })
    }

    fn check_expression(&mut self, expression: &[u8]) -> Result<(), String> {
        let count = |byte| expression.iter().filter(|b| **b == byte).count();
        if count(b'(') == count(b')') {
            Ok(())
        } else {
            Err("a parenthesis is not closed".into())
        }
    }
}

/// Reads a text with [`Names`].
pub fn read_text(text: &[u8]) -> Result<Loaded, RefusedFile> {
    read(text, &mut Names::default())
}

/// The verdict in a few words: `ok`, `warn 3`, `error 4`, `leave out 2`, or `TEXT LINE` of the first error.
pub fn verdict(text: &[u8]) -> String {
    match read_text(text) {
        Ok(loaded) => accepted(&loaded.findings),
        Err(refusal) => format!("{} {}", refusal.reason(), refusal.line()),
    }
}

fn accepted(findings: &[Finding]) -> String {
    let first = |consequence| {
        findings
            .iter()
            .find(|finding| finding.consequence == consequence)
    };
    for (consequence, word) in [
        (Consequence::LeaveOut, "leave out"),
        (Consequence::Error, "error"),
        (Consequence::Warn, "warn"),
    ] {
        if let Some(finding) = first(consequence) {
            return format!("{word} {}", finding.position.line);
        }
    }
    "ok".into()
}
