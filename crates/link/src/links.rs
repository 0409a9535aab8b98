//! The kernel's addresses and interfaces, asked and changed over one rtnetlink socket.

use std::collections::BTreeSet;
use std::net::IpAddr;

use kernel_wire::netlink::Requests;
use kernel_wire::rtnetlink::{self, Address, Link, Said};
use netlink::{Completeness, NetlinkError, NetlinkSocket, Protocol};
use nix::errno::Errno;

use crate::error::LinkError;
use crate::plan::{
    Assignment, Change, batches, plan_drop, plan_drop_unseen, plan_precedence, plan_raise,
};

/// Most attempts at a dump that the kernel interrupts.
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
        // An address that is there and was not read is added once more, which the kernel refuses.
        let (found, _) = self.look()?;
        let changes = plan_raise(wanted, &found, links);
        if !changes.iter().any(|it| matches!(it, Change::Remove(_))) {
            return self.apply(changes, links);
        }
        // Whether others go along with an address is a switch whose changes the kernel tells nobody.
        let links = self.look_at_links()?;
        let links = with_lacking(links, wanted, |name| self.link_named(name))?;
        self.apply(changes, &links)
    }

    /// Takes down what is there of `unwanted`; "absent" counts as done.
    ///
    /// # Errors
    /// [`LinkError::Netlink`] if the kernel could not be asked.
    pub fn drop(&mut self, unwanted: &[Assignment]) -> Result<Vec<Outcome>, LinkError> {
        let (found, completeness) = self.look()?;
        let links = self.look_at_links()?;
        let links = with_lacking(links, unwanted, |name| self.link_named(name))?;
        let mut changes = plan_drop(unwanted, &found, &links);
        if completeness == Completeness::Interrupted {
            changes.extend(plan_drop_unseen(unwanted, &found, &links));
        }
        self.apply(changes, &links)
    }

    /// Makes each of `own` the first address of its subnet again, where one of `held` has taken that place.
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

    /// Many changes in one message: with a hundred addresses a takeover waits for this.
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

    /// The interface of this name. One answer: nothing can interrupt it.
    fn link_named(&mut self, name: &str) -> Result<Option<Link>, LinkError> {
        let sequence = self.socket.next_sequence();
        let mut requests = Requests::new();
        rtnetlink::request_link(&mut requests, sequence, name);
        self.socket.send(&requests)?;
        let answer = self.socket.answer(sequence, |message| {
            Ok::<_, LinkError>(match rtnetlink::decode(&message)? {
                Said::Link(link) => Some(link),
                _ => None,
            })
        });
        match answer {
            // There is none, or none can have such a name.
            Err(LinkError::Netlink(NetlinkError::Refused(_))) => Ok(None),
            answer => answer,
        }
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

/// The first whole list; after [`DUMP_ATTEMPTS`] the last one, which may lack something.
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

/// The interfaces. A list that may be incomplete is filled up: each interface of `unwanted` that it lacks
/// is asked for.
fn with_lacking(
    (mut links, completeness): (Vec<Link>, Completeness),
    unwanted: &[Assignment],
    mut ask: impl FnMut(&str) -> Result<Option<Link>, LinkError>,
) -> Result<Vec<Link>, LinkError> {
    if completeness == Completeness::Whole {
        return Ok(links);
    }
    let known: BTreeSet<String> = links.iter().map(|link| link.name.clone()).collect();
    let wanted: BTreeSet<&str> = unwanted.iter().map(|it| it.interface.as_str()).collect();
    for name in wanted.into_iter().filter(|name| !known.contains(*name)) {
        links.extend(ask(name)?);
    }
    Ok(links)
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

    fn link(name: &str) -> Link {
        let mut links = Links::open().unwrap().links().unwrap().into_iter();
        let lo = links
            .find(|link| link.name == "lo")
            .expect("it is everywhere");
        Link {
            name: name.to_owned(),
            ..lo
        }
    }

    #[test]
    fn r_an_address_goes_also_from_an_interface_that_an_interrupted_list_lacks() {
        let unwanted = |interface: &str| Assignment {
            address: "10.1.0.50".parse().unwrap(),
            prefix: 24,
            interface: interface.to_owned(),
            label: interface.to_owned(),
        };
        let unwanted = ["eth0", "eth1", "eth1", "gone0"].map(unwanted);
        let mut asked = Vec::new();
        let mut complete = |completeness| {
            let links = with_lacking((vec![link("eth0")], completeness), &unwanted, |name| {
                asked.push(name.to_owned());
                Ok((name == "eth1").then(|| link(name)))
            });
            plan_drop_unseen(&unwanted, &[], &links.unwrap()).len()
        };
        assert_eq!(complete(Completeness::Interrupted), 3);
        assert_eq!(complete(Completeness::Whole), 1);
        assert_eq!(asked, ["eth1", "gone0"]);
    }

    #[test]
    fn an_interface_is_asked_for_by_its_name() {
        let mut links = Links::open().unwrap();
        let lo = links.link_named("lo").unwrap();
        assert_eq!(lo, Some(link("lo")));
        for none in ["none0", "a-name-that-no-interface-can-have", ""] {
            assert_eq!(links.link_named(none).unwrap(), None, "{none}");
        }
        assert_eq!(links.link_named("lo").unwrap(), lo);
    }

    #[test]
    fn an_interrupted_list_is_read_again_and_never_passed_off_as_whole() {
        assert_eq!(read(0), (1, Completeness::Whole));
        assert_eq!(read(9), (10, Completeness::Whole));
        assert_eq!(read(10), (10, Completeness::Interrupted));
    }
}
