//! What other stations say of lvs.cf's addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsFd, BorrowedFd};

use link::{Advertisement, Answers, Held, LinkError, Rival, Rivals, Sighting, Sightings};
use lvs_model::Mono;

/// The sockets that they are heard on, and who is one too many.
pub struct Neighbours {
    /// IPv6; none without it.
    answers: Option<Answers>,
    /// IPv4.
    sightings: Sightings,
    /// The kernel's want of room for their filter has been said.
    is_coarse: bool,
    rivals: Rivals,
    /// What heartbeats are sent from.
    own: Vec<IpAddr>,
}

impl Neighbours {
    /// Opens the sockets.
    ///
    /// # Errors
    /// No right to.
    pub fn open(own: Vec<IpAddr>) -> Result<Self, LinkError> {
        Ok(Self {
            own,
            is_coarse: false,
            answers: Answers::open().ok(),
            sightings: Sightings::open()?,
            rivals: Rivals::default(),
        })
    }

    /// Readable when somebody said something.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let answers = self.answers.as_ref().map(AsFd::as_fd);
        answers.into_iter().chain([self.sightings.as_fd()])
    }

    /// Listens to what is said of `addresses`, and of those of our own, from now on.
    pub fn listen_to(&mut self, addresses: impl Iterator<Item = IpAddr>) {
        let four = |address| match address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        };
        let own = self.own.iter().copied();
        let all: BTreeSet<Ipv4Addr> = addresses.chain(own).filter_map(four).collect();
        let count = all.len();
        if let Err(error) = self.sightings.listen_to(all) {
            log::error!("who else announces the addresses is not heard: {error}");
        }
        let was_coarse = std::mem::replace(&mut self.is_coarse, !self.sightings.is_exact());
        if self.is_coarse && !was_coarse {
            log::warn!(
                "the kernel has no room for a filter of {count} addresses (net.core.optmem_max): \
                 every announcement on the network is looked at"
            );
        }
    }

    /// Takes what was said, tells of who is one too many and of how many addresses, and returns what was said of IPv6 addresses.
    pub fn hear(&mut self, now: Mono, held: &mut Held) -> Vec<Advertisement> {
        let is_holding = !held.assignments().is_empty();
        self.rivals.hold(now, is_holding);
        for more in self.rivals.more(now) {
            if is_holding {
                log::error!("{more}");
            } else {
                log::warn!("{more}");
            }
        }
        let heard = self.sightings.drain();
        let answers = self.answers.as_ref();
        let mut said = answers.map_or_else(Vec::new, |it| {
            it.drain(|address| held.is_ours(address.into()))
        });
        said.retain(|said| !said.mac.is_some_and(|mac| held.is_own(mac)));
        if heard.is_empty() && said.is_empty() {
            return said;
        }
        let wanted = [held.wanted(), held.own().places()].concat();
        let places: BTreeMap<IpAddr, &str> = wanted
            .iter()
            .map(|it| (it.address, it.interface.as_str()))
            .collect();
        let four = heard.into_iter().filter_map(|(sender, index)| {
            let device = held.name_of(index)?;
            Some((sender.address.into(), sender.mac, device.to_owned()))
        });
        let six = said.iter().filter_map(|said| {
            let address = IpAddr::from(said.address);
            let device = places.get(&address)?;
            Some((address, said.mac?, (*device).to_owned()))
        });
        for (address, mac, device) in four.chain(six) {
            let is_there = places.get(&address) == Some(&device.as_str());
            if !is_there || held.is_own(mac) {
                continue;
            }
            let sighting = Sighting {
                address,
                mac,
                device,
                is_own: self.own.contains(&address),
            };
            if let Some(rival) = self.rivals.hear(now, sighting) {
                // On standby it may be a partner with several cards.
                if rival.beside.is_none() {
                    log::error!("{rival}");
                } else {
                    log::warn!("{rival}");
                }
            }
        }
        said
    }

    /// When [`Neighbours::hear`] has something to say, or it is to be [asked](Self::is_due) who has the addresses.
    pub fn next(&self) -> Option<Mono> {
        self.rivals.next()
    }

    /// Whether it is to be asked now.
    pub fn is_due(&mut self, now: Mono) -> bool {
        self.rivals.is_due(now)
    }

    /// Who is one too many, for each address.
    pub fn rivals(&self, now: Mono) -> BTreeMap<IpAddr, Vec<String>> {
        let mut rivals: BTreeMap<IpAddr, Vec<String>> = BTreeMap::new();
        for Rival { sighting, .. } in self.rivals.all(now) {
            let macs = rivals.entry(sighting.address).or_default();
            macs.push(sighting.mac.to_string());
        }
        rivals
    }
}
