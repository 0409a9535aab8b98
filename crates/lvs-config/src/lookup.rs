//! What reading a file needs to know from outside of it, passed in by the program.

use std::collections::HashMap;
use std::net::IpAddr;

use lvs_model::{Account, Protocol};

/// Answers about names and expressions. The program's shell implements it, with its time limits.
pub trait Lookup {
    /// The first IPv4 address of a host name, else its first IPv6 address.
    ///
    /// Asked once for each name of a file, addresses are never asked. `None` refuses the file, so a
    /// shell bounds the time of all calls together (5 s), not of each.
    fn host(&mut self, name: &str) -> Option<IpAddr>;

    /// The port of a service name, as `/etc/services` has it.
    fn service(&mut self, name: &str, protocol: Protocol) -> Option<u16>;

    /// The account of a user, by name.
    fn user(&mut self, name: &str) -> Option<Account>;

    /// Whether the monitor can use an extended regular expression, its escapes undone.
    ///
    /// # Errors
    /// What is wrong with the expression, as a sentence without a full stop.
    fn check_expression(&mut self, expression: &[u8]) -> Result<(), String>;
}

/// Asks each host name once.
pub(crate) struct Hosts<'a> {
    lookup: &'a mut dyn Lookup,
    known: HashMap<String, Option<IpAddr>>,
}

impl<'a> Hosts<'a> {
    pub(crate) fn new(lookup: &'a mut dyn Lookup) -> Self {
        Self {
            lookup,
            known: HashMap::new(),
        }
    }

    pub(crate) fn address(&mut self, name: &str) -> Option<IpAddr> {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let address = self.lookup.host(name);
        self.known.insert(name.to_owned(), address);
        address
    }

    pub(crate) fn lookup(&mut self) -> &mut dyn Lookup {
        self.lookup
    }
}
