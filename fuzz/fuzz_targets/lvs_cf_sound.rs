//! An lvs.cf: printed as it was read, refused or accepted with bounded findings.
#![no_main]

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use lvs_config::{Lookup, MAX_FINDINGS, SyntaxTree, read};
use lvs_model::{Account, Protocol};

/// Knows no name and takes every expression.
struct Nobody;

impl Lookup for Nobody {
    fn host(&mut self, _: &str) -> Option<IpAddr> {
        None
    }

    fn service(&mut self, _: &str, _: Protocol) -> Option<u16> {
        None
    }

    fn user(&mut self, _: &str) -> Option<Account> {
        None
    }

    fn check_expression(&mut self, _: &[u8]) -> Result<(), String> {
        Ok(())
    }
}

fuzz_target!(|bytes: &[u8]| {
    assert_eq!(SyntaxTree::parse(bytes).print(), bytes);
    let findings = match read(bytes, &mut Nobody) {
        Ok(loaded) => loaded.findings,
        Err(refusal) => refusal.findings,
    };
    assert!(findings.len() <= MAX_FINDINGS);
});
