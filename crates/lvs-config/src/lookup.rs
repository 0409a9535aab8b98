//! What reading a file needs to know from outside; the program passes it in.

use std::collections::HashMap;
use std::net::IpAddr;

use lvs_model::{Account, Protocol, SchedulerName};

/// Answers about names and expressions. The program's shell implements it, with its time limits.
pub trait Lookup {
    /// The first IPv4 address of a host name, else its first IPv6 address.
    ///
    /// Asked once for each name of a file, never for an address. `None` leaves out what needs it; for the
    /// pair's own addresses it refuses the file. So a shell limits the time of all calls together (5 s),
    /// not of each.
    fn host(&mut self, name: &str) -> Option<IpAddr>;

    /// Whether [`host`](Self::host) answered with an earlier address of the name, since nobody knows the
    /// present one.
    fn is_old(&mut self, _name: &str) -> bool {
        false
    }

    /// The port of a service name, as `/etc/services` has it.
    fn service(&mut self, name: &str, protocol: Protocol) -> Option<u16>;

    /// The account of a user, by name.
    fn user(&mut self, name: &str) -> Option<Account>;

    /// Whether the monitor can use an extended regular expression, its escapes undone.
    ///
    /// # Errors
    /// What is wrong with the expression, as a sentence without a full stop.
    fn check_expression(&mut self, expression: &[u8]) -> Result<(), String>;

    /// Whether the kernel of this machine has a scheduler that is not one of Linux' own.
    fn scheduler(&mut self, _name: &SchedulerName) -> SchedulerAnswer {
        SchedulerAnswer::Known
    }

    /// Why `user`, or the user of the nannies, could not run the program of this command line. `None` if it
    /// could, or if that is not known. A sentence without a full stop.
    fn program_fault(&mut self, _command: &[u8], _user: Option<&Account>) -> Option<String> {
        None
    }

    /// Why root could not, or should not, run the program of a command line, whose path is given; `None` as
    /// above.
    fn root_program_fault(&mut self, _command: &[u8]) -> Option<String> {
        None
    }

    /// Which other user could change a program that root runs; `None` if none could.
    fn trust_fault(&mut self, _program: &[u8]) -> Option<String> {
        None
    }
}

/// What the machine says of a scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchedulerAnswer {
    /// It is loaded, or there is a module of its name; or it was not asked for.
    Known,
    /// Neither.
    Unknown,
    /// This machine has no IPVS, or its modules cannot be listed.
    NoIpvs,
}

/// Asks each host name once.
pub(crate) struct Hosts<'a> {
    lookup: &'a mut dyn Lookup,
    known: HashMap<String, Option<IpAddr>>,
    /// The last one asked, if its address is what it was earlier.
    old: Option<(String, IpAddr)>,
}

impl<'a> Hosts<'a> {
    pub(crate) fn new(lookup: &'a mut dyn Lookup) -> Self {
        Self {
            lookup,
            known: HashMap::new(),
            old: None,
        }
    }

    pub(crate) fn address(&mut self, name: &str) -> Option<IpAddr> {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let address = self.lookup.host(name);
        self.known.insert(name.to_owned(), address);
        if let Some(address) = address.filter(|_| self.lookup.is_old(name)) {
            self.old = Some((name.to_owned(), address));
        }
        address
    }

    /// A name that was just asked for the first time and has its earlier address.
    pub(crate) fn take_old(&mut self) -> Option<(String, IpAddr)> {
        self.old.take()
    }

    pub(crate) fn lookup(&mut self) -> &mut dyn Lookup {
        self.lookup
    }
}
