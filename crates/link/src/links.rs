//! The kernel's addresses and interfaces, asked and changed over one rtnetlink socket.

use std::net::IpAddr;

use kernel_wire::netlink::Requests;
use kernel_wire::rtnetlink::{self, Address, Link, Said};
use netlink::{Completeness, NetlinkSocket, Protocol};
use nix::errno::Errno;

use crate::error::LinkError;
use crate::plan::{
    Assignment, Change, batches, plan_drop, plan_drop_unseen, plan_precedence, plan_raise,
};

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
    /// [`LinkError::Netlink`]; [`LinkError::Interrupted`] if some may be missing.
    pub fn addresses(&mut self) -> Result<Vec<Address>, LinkError> {
        let (found, completeness) = self.look()?;
        match completeness {
            Completeness::Whole => Ok(found),
            Completeness::Interrupted => Err(LinkError::Interrupted),
        }
    }

    /// The addresses as far as they could be read.
    fn look(&mut self) -> Result<(Vec<Address>, Completeness), LinkError> {
        self.dump(rtnetlink::request_addresses, |said| match said {
            Said::Address(address) => Some(address),
            _ => None,
        })
    }

    /// Every interface.
    ///
    /// # Errors
    /// [`LinkError::Netlink`]; [`LinkError::Interrupted`] if some may be missing.
    pub fn links(&mut self) -> Result<Vec<Link>, LinkError> {
        match self.look_at_links()? {
            (links, Completeness::Whole) => Ok(links),
            (_, Completeness::Interrupted) => Err(LinkError::Interrupted),
        }
    }

    /// The interfaces as far as they could be read.
    fn look_at_links(&mut self) -> Result<(Vec<Link>, Completeness), LinkError> {
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

    /// Brings up what is missing of `wanted` on the interfaces `links`. Returns the changes with what the kernel
    /// said to each; "exists" counts as done.
    ///
    /// # Errors
    /// [`LinkError::Netlink`] if the kernel could not be asked.
    pub fn raise(
        &mut self,
        wanted: &[Assignment],
        links: &[Link],
    ) -> Result<Vec<Outcome>, LinkError> {
        // One that is there and was not read is added once more, which the kernel refuses.
        let (found, _) = self.look()?;
        self.apply(plan_raise(wanted, &found, links), links)
    }

    /// Takes down what is there of `unwanted`; "absent" counts as done.
    ///
    /// # Errors
    /// [`LinkError::Netlink`] if the kernel could not be asked.
    pub fn drop(&mut self, unwanted: &[Assignment]) -> Result<Vec<Outcome>, LinkError> {
        let ((found, completeness), (links, _)) = (self.look()?, self.look_at_links()?);
        let mut changes = plan_drop(unwanted, &found, &links);
        if completeness == Completeness::Interrupted {
            changes.extend(plan_drop_unseen(unwanted, &found, &links));
        }
        self.apply(changes, &links)
    }

    /// Makes each of `own` the first address of its subnet again, where one of `held` has become that.
    ///
    /// # Errors
    /// [`LinkError::Netlink`] if the kernel could not be asked.
    pub fn give_precedence(
        &mut self,
        held: &[Assignment],
        own: &[IpAddr],
    ) -> Result<Vec<Outcome>, LinkError> {
        let (found, links) = (self.addresses()?, self.links()?);
        self.apply(plan_precedence(held, own, &found, &links), &links)
    }

    /// Many in one message to the kernel: with a hundred addresses a takeover waits for this.
    fn apply(&mut self, changes: Vec<Change>, links: &[Link]) -> Result<Vec<Outcome>, LinkError> {
        let mut all = Vec::new();
        for batch in batches(changes, links) {
            let mut batch: Vec<Outcome> = batch.into_iter().map(|it| (it, Ok(()))).collect();
            let first = self.socket.next_sequences(batch.len());
            let mut requests = Requests::new();
            let mut last = first;
            for ((change, _), sequence) in batch.iter().zip(first..) {
                last = sequence;
                match change {
                    Change::Add(it) => rtnetlink::request_add(&mut requests, sequence, it),
                    Change::Remove(it) => rtnetlink::request_remove(&mut requests, sequence, it),
                    Change::Promote(interface, on) => {
                        rtnetlink::request_promotion(&mut requests, sequence, *interface, *on);
                    }
                }
            }
            self.socket.transact(&requests, last, |sequence, errno| {
                let place = sequence
                    .checked_sub(first)
                    .and_then(|n| usize::try_from(n).ok());
                let outcome = place.and_then(|place| batch.get_mut(place));
                let is_done = matches!(errno, Errno::EEXIST | Errno::EADDRNOTAVAIL);
                if let (Some((_, result)), false) = (outcome, is_done) {
                    *result = Err(errno);
                }
            })?;
            all.extend(batch);
        }
        Ok(all)
    }

    fn dump<T>(
        &mut self,
        request: fn(&mut Requests, u32),
        pick: fn(Said) -> Option<T>,
    ) -> Result<(Vec<T>, Completeness), LinkError> {
        repeat(|| {
            let mut all = Vec::new();
            let sequence = self.socket.next_sequence();
            let mut requests = Requests::new();
            request(&mut requests, sequence);
            self.socket.send(&requests)?;
            let completeness = self.socket.answers(sequence, |message| {
                all.extend(pick(rtnetlink::decode(&message)?));
                Ok::<_, LinkError>(())
            })?;
            Ok((all, completeness))
        })
    }
}

/// The first whole list, or after [`DUMP_ATTEMPTS`] the last one, which may lack something.
fn repeat<T>(
    mut read: impl FnMut() -> Result<(T, Completeness), LinkError>,
) -> Result<(T, Completeness), LinkError> {
    for _ in 1..DUMP_ATTEMPTS {
        let (all, completeness) = read()?;
        if completeness == Completeness::Whole {
            return Ok((all, completeness));
        }
    }
    read()
}

/// A change and what the kernel said to it.
pub type Outcome = (Change, Result<(), Errno>);

#[cfg(test)]
mod tests {
    use super::*;

    /// Interrupted so often, then whole.
    fn read(interruptions: usize) -> (usize, Completeness) {
        let mut attempts = 0;
        let read = repeat(|| {
            attempts += 1;
            let is_whole = attempts > interruptions;
            let completeness = if is_whole {
                Completeness::Whole
            } else {
                Completeness::Interrupted
            };
            Ok((attempts, completeness))
        });
        read.unwrap()
    }

    #[test]
    fn an_interrupted_list_is_read_again_and_never_passed_off_as_whole() {
        assert_eq!(read(0), (1, Completeness::Whole));
        assert_eq!(read(9), (10, Completeness::Whole));
        assert_eq!(read(10), (10, Completeness::Interrupted));
    }
}
