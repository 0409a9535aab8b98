//! lvs.cf's addresses that are on this machine though it does not hold them. Pure.
//!
//! It is not known who put them there, so they are logged and left. A start beside a partner takes them
//! down.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use crate::plan::Assignment;

/// One of them came or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// The address.
    pub address: IpAddr,
    /// The interface that it is or was on.
    pub device: String,
    /// It is there now.
    pub is_there: bool,
}

impl fmt::Display for Stray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (address, device) = (self.address, &self.device);
        if self.is_there {
            write!(
                f,
                "{address} is on {device}, put there by somebody else: this director does not hold it"
            )
        } else {
            write!(
                f,
                "{address}, put on {device} by somebody else, is gone or held"
            )
        }
    }
}

/// As they were found last.
#[derive(Clone, Debug, Default)]
pub struct Strays {
    known: BTreeSet<(IpAddr, String)>,
}

impl Strays {
    /// Whether this address was found on some interface.
    #[must_use]
    pub fn contain(&self, address: IpAddr) -> bool {
        self.known.iter().any(|(known, _)| *known == address)
    }

    /// Takes those of lvs.cf's addresses that are `present` and those that are `held`; returns what to log.
    pub fn update(&mut self, present: &[Assignment], held: &[Assignment]) -> Vec<Stray> {
        let place = |it: &Assignment| (it.address, it.interface.clone());
        let held: BTreeSet<_> = held.iter().map(place).collect();
        let mut found: BTreeSet<_> = present.iter().map(place).collect();
        found.retain(|it| !held.contains(it));
        let news = |(address, device): &(IpAddr, String), is_there| Stray {
            address: *address,
            device: device.clone(),
            is_there,
        };
        let came = found.difference(&self.known).map(|it| news(it, true));
        let went = self.known.difference(&found).map(|it| news(it, false));
        let all = came.chain(went).collect();
        self.known = found;
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assignment(host: u8) -> Assignment {
        Assignment {
            address: [10, 1, 0, host].into(),
            prefix: 24,
            interface: "eth0".to_owned(),
            label: "eth0:1".to_owned(),
        }
    }

    #[test]
    fn what_is_there_and_not_held_is_told_of_once() {
        let mut strays = Strays::default();
        let said = |strays: &mut Strays, present: &[u8], held: &[u8]| {
            let present: Vec<_> = present.iter().map(|host| assignment(*host)).collect();
            let held: Vec<_> = held.iter().map(|host| assignment(*host)).collect();
            let news = strays.update(&present, &held);
            news.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(said(&mut strays, &[50, 51], &[50, 51]), [""; 0]);
        let there =
            "10.1.0.51 is on eth0, put there by somebody else: this director does not hold it";
        assert_eq!(said(&mut strays, &[50, 51], &[50]), [there]);
        assert_eq!(said(&mut strays, &[50, 51], &[50]), [""; 0]);
        let gone = "10.1.0.51, put on eth0 by somebody else, is gone or held";
        assert_eq!(said(&mut strays, &[50, 51], &[50, 51]), [gone]);
    }
}
