//! The kernel's addresses and interfaces, asked and changed over one rtnetlink socket.

use std::net::IpAddr;

use netlink::{Completeness, NetlinkError, NetlinkSocket, Protocol};
use nix::errno::Errno;
use wire::netlink::Requests;
use wire::rtnetlink::{self, Address, Link, Said};

use crate::error::LinkError;
use crate::plan::{Assignment, Change, plan_drop, plan_raise};

/// A dump that the kernel interrupted is asked for again, so often at most.
const DUMP_ATTEMPTS: usize = 10;

/// One rtnetlink socket.
#[derive(Debug)]
pub struct Links {
    socket: NetlinkSocket,
}

impl Links {
    /// Opens the socket in the caller's network namespace.
    ///
    /// # Errors
    /// [`LinkError::Netlink`].
    pub fn open() -> Result<Self, LinkError> {
        let socket = NetlinkSocket::open(Protocol::Route)?;
        Ok(Self { socket })
    }

    /// Every address of every interface.
    ///
    /// # Errors
    /// [`LinkError::Netlink`].
    pub fn addresses(&mut self) -> Result<Vec<Address>, LinkError> {
        self.dump(rtnetlink::request_addresses, |said| match said {
            Said::Address(address) => Some(address),
            _ => None,
        })
    }

    /// Every interface.
    ///
    /// # Errors
    /// [`LinkError::Netlink`].
    pub fn links(&mut self) -> Result<Vec<Link>, LinkError> {
        self.dump(rtnetlink::request_links, |said| match said {
            Said::Link(link) => Some(link),
            _ => None,
        })
    }

    /// The interface that carries `address`, if any does.
    ///
    /// # Errors
    /// [`LinkError::Netlink`].
    pub fn link_of(&mut self, address: IpAddr) -> Result<Option<Link>, LinkError> {
        let found = self.addresses()?.into_iter().find(|a| a.address == address);
        let Some(found) = found else { return Ok(None) };
        let mut links = self.links()?.into_iter();
        Ok(links.find(|link| link.index == found.interface))
    }

    /// Brings up what is missing of `wanted`. Returns the changes with what the kernel said to
    /// each; "exists" counts as done.
    ///
    /// # Errors
    /// [`LinkError::Netlink`] if the kernel could not be asked.
    pub fn raise(&mut self, wanted: &[Assignment]) -> Result<Vec<Outcome>, LinkError> {
        let (found, links) = (self.addresses()?, self.links()?);
        self.apply(plan_raise(wanted, &found, &links))
    }

    /// Takes down what is there of `unwanted`; "absent" counts as done.
    ///
    /// # Errors
    /// [`LinkError::Netlink`] if the kernel could not be asked.
    pub fn drop(&mut self, unwanted: &[Assignment]) -> Result<Vec<Outcome>, LinkError> {
        let (found, links) = (self.addresses()?, self.links()?);
        self.apply(plan_drop(unwanted, &found, &links))
    }

    fn apply(&mut self, changes: Vec<Change>) -> Result<Vec<Outcome>, LinkError> {
        let mut outcomes = Vec::with_capacity(changes.len());
        for change in changes {
            let result = match self.make(&change) {
                Ok(()) => Ok(()),
                Err(NetlinkError::Refused(Errno::EEXIST | Errno::EADDRNOTAVAIL)) => Ok(()),
                Err(NetlinkError::Refused(errno)) => Err(errno),
                Err(error) => return Err(error.into()),
            };
            outcomes.push((change, result));
        }
        Ok(outcomes)
    }

    fn make(&mut self, change: &Change) -> Result<(), NetlinkError> {
        let sequence = self.socket.next_sequence();
        let mut requests = Requests::new();
        match change {
            Change::Add(address) => rtnetlink::request_add(&mut requests, sequence, address),
            Change::Remove(address) => rtnetlink::request_remove(&mut requests, sequence, address),
        }
        let mut refusal = Ok(());
        self.socket.transact(&requests, sequence, |_, errno| {
            refusal = Err(NetlinkError::Refused(errno));
        })?;
        refusal
    }

    fn dump<T>(
        &mut self,
        request: fn(&mut Requests, u32),
        pick: fn(Said) -> Option<T>,
    ) -> Result<Vec<T>, LinkError> {
        let mut all = Vec::new();
        for _ in 0..DUMP_ATTEMPTS {
            all.clear();
            let sequence = self.socket.next_sequence();
            let mut requests = Requests::new();
            request(&mut requests, sequence);
            self.socket.send(&requests)?;
            let completeness = self.socket.answers(sequence, |message| {
                all.extend(pick(rtnetlink::decode(&message)?));
                Ok::<_, LinkError>(())
            })?;
            if completeness == Completeness::Whole {
                break;
            }
        }
        Ok(all)
    }
}

/// A change and what the kernel said to it.
pub type Outcome = (Change, Result<(), Errno>);
