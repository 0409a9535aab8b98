//! Other stations that claim our addresses. Pure.
//!
//! On the active director each of them is one too many. On standby one is the partner, and two that take
//! turns are one too many. A station that claims an address that our heartbeats are sent from always is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use lvs_model::Mac;
use lvs_model::Mono;

/// Time after a takeover in which the partner's earlier words may still be under way, or in its queues.
const SETTLING: Duration = Duration::from_secs(3);
/// A station must claim an address again after this time to be one too many. At a clean stop the partner
/// announces the addresses a moment before they go here.
const CONFIRMED_AFTER: Duration = Duration::from_secs(1);
/// Pause after the first word of another station before asking who has the addresses.
const ASKED_AFTER: Duration = Duration::from_millis(1500);
/// Announcements are repeated each minute: a station that was not heard for this time has stopped.
const GONE_AFTER: Duration = Duration::from_secs(150);
/// Pause between two reports of a station.
const REPEATED_AFTER: Duration = Duration::from_secs(600);
/// How many addresses of one station are named in that time.
const NAMED: usize = 3;
/// Pause after the first of them before the log says how many more there are: answers come one by one.
const COUNTED_AFTER: Duration = Duration::from_secs(3);
/// Most stations that are named in that time.
const NAMED_STATIONS: usize = 16;
/// Most stations that are kept: invented hardware addresses fill no memory.
const MOST: usize = 1024;

/// A station claimed an address of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The address.
    pub address: IpAddr,
    /// Hardware address of the station.
    pub mac: Mac,
    /// The interface that it was heard on.
    pub device: String,
    /// The address is this director's for good: heartbeats are sent from it.
    pub is_own: bool,
}

/// A station that has an address of ours, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rival {
    /// What it says.
    pub sighting: Sighting,
    /// The other station that claims it; this director itself if none.
    pub beside: Option<Mac>,
}

impl fmt::Display for Rival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sighting {
            address,
            mac,
            device,
            ..
        } = &self.sighting;
        match self.beside {
            None => write!(f, "{address} is announced by {mac} on {device} as well"),
            Some(other) => write!(
                f,
                "{address} is announced by {mac} and by {other} on {device}"
            ),
        }
    }
}

/// Who was heard.
#[derive(Clone, Debug, Default)]
pub struct Rivals {
    heard: BTreeMap<(IpAddr, Mac), Station>,
    /// This director holds the addresses since then.
    holding_since: Option<Mono>,
    /// When to ask again, after the first station was heard.
    ask_at: Option<Mono>,
    /// Stations that were reported.
    said: BTreeMap<Mac, Said>,
}

/// What was reported of a station.
#[derive(Clone, Debug)]
struct Said {
    since: Mono,
    /// The addresses that were named.
    named: BTreeSet<IpAddr>,
    /// Those that were not.
    more: BTreeSet<IpAddr>,
    /// When to report their number.
    count_at: Option<Mono>,
}

/// A station has more addresses of ours than were named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct More {
    /// How many more.
    pub count: usize,
    /// Hardware address of the station.
    pub mac: Mac,
}

impl fmt::Display for More {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, mac } = self;
        write!(f, "{mac} announces {count} more of the addresses as well")
    }
}

#[derive(Clone, Debug)]
struct Station {
    device: String,
    is_own: bool,
    first: Mono,
    last: Mono,
    standing: Standing,
}

/// What a station is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// The partner, as far as is known.
    Alone,
    /// Beside us, and not for long.
    Unconfirmed,
    /// One too many beside us.
    BesideUs,
    /// One too many, on standby, beside that one.
    Beside(Mac),
}

impl Standing {
    const fn is_rival(self) -> bool {
        matches!(self, Self::BesideUs | Self::Beside(_))
    }

    const fn other(self) -> Option<Mac> {
        match self {
            Self::Beside(mac) => Some(mac),
            Self::Alone | Self::Unconfirmed | Self::BesideUs => None,
        }
    }
}

impl Rivals {
    /// This director begins to hold the addresses, or holds them no more.
    pub fn hold(&mut self, now: Mono, is_holding: bool) {
        if is_holding == self.holding_since.is_some() {
            return;
        }
        self.holding_since = is_holding.then_some(now);
        // A station heard until now was right, or is heard again.
        self.heard.clear();
        self.said.clear();
        self.ask_at = None;
    }

    /// When [`Rivals::is_due`] says so, or [`Rivals::more`] has something to say.
    #[must_use]
    pub fn next(&self) -> Option<Mono> {
        let counts = self.said.values().filter_map(|it| it.count_at);
        counts.chain(self.ask_at).min()
    }

    /// Whether it is time to ask who has the addresses.
    pub fn is_due(&mut self, now: Mono) -> bool {
        self.ask_at.take_if(|at| *at <= now).is_some()
    }

    /// Takes a sighting; returns what to log, if the station is one too many.
    pub fn hear(&mut self, now: Mono, sighting: Sighting) -> Option<Rival> {
        self.heard.retain(|_, it| now - it.last < GONE_AFTER);
        let standing = self.standing(now, &sighting)?;
        let Sighting { address, mac, .. } = sighting;
        if self.heard.len() >= MOST && !self.heard.contains_key(&(address, mac)) {
            return None;
        }
        let device = sighting.device.clone();
        let first = self.heard.get(&(address, mac)).map_or(now, |it| it.first);
        let station = Station {
            device,
            is_own: sighting.is_own,
            first,
            last: now,
            standing,
        };
        self.heard.insert((address, mac), station);
        if standing == Standing::Unconfirmed {
            self.ask_at.get_or_insert(now + ASKED_AFTER);
        }
        let rival = Rival {
            sighting,
            beside: standing.other(),
        };
        (standing.is_rival() && self.is_news(now, address, mac)).then_some(rival)
    }

    /// What the station is; not known while this director settles.
    fn standing(&self, now: Mono, sighting: &Sighting) -> Option<Standing> {
        let own = self.heard.get(&(sighting.address, sighting.mac));
        let since = self.holding_since.or(sighting.is_own.then_some(Mono::ZERO));
        if let Some(since) = since {
            let is_settled = sighting.is_own || now - since >= SETTLING;
            let is_confirmed = own.is_some_and(|own| now - own.first >= CONFIRMED_AFTER);
            let standing = if is_confirmed {
                Standing::BesideUs
            } else {
                Standing::Unconfirmed
            };
            return is_settled.then_some(standing);
        }
        let Some(own) = own else {
            return Some(Standing::Alone);
        };
        let all = (sighting.address, Mac([0; 6]))..=(sighting.address, Mac([0xff; 6]));
        // Another one was heard since this one: they take turns.
        let mut heard = self.heard.range(all);
        let later = heard.find(|((_, mac), it)| *mac != sighting.mac && own.last < it.last);
        Some(later.map_or(own.standing, |((_, mac), _)| Standing::Beside(*mac)))
    }

    fn is_news(&mut self, now: Mono, address: IpAddr, mac: Mac) -> bool {
        self.said.retain(|_, it| now - it.since < REPEATED_AFTER);
        if self.said.len() >= NAMED_STATIONS && !self.said.contains_key(&mac) {
            return false;
        }
        let said = self.said.entry(mac).or_insert_with(|| Said {
            since: now,
            named: BTreeSet::new(),
            more: BTreeSet::new(),
            count_at: None,
        });
        if said.named.contains(&address) {
            return false;
        }
        if said.named.len() < NAMED {
            return said.named.insert(address);
        }
        // One that comes later than the count is in the status.
        if said.more.is_empty() {
            said.count_at = Some(now + COUNTED_AFTER);
        }
        said.more.insert(address);
        false
    }

    /// Stations that have more addresses than were named, each when it is time to log it.
    pub fn more(&mut self, now: Mono) -> Vec<More> {
        let due = self.said.iter_mut().filter_map(|(mac, said)| {
            said.count_at.take_if(|at| *at <= now)?;
            let (count, mac) = (said.more.len(), *mac);
            Some(More { count, mac })
        });
        due.collect()
    }

    /// Everybody who is one too many now.
    #[must_use]
    pub fn all(&self, now: Mono) -> Vec<Rival> {
        let present = self
            .heard
            .iter()
            .filter(|(_, it)| now - it.last < GONE_AFTER);
        let rival = |((address, mac), station): (&(IpAddr, Mac), &Station)| Rival {
            sighting: Sighting {
                address: *address,
                mac: *mac,
                device: station.device.clone(),
                is_own: station.is_own,
            },
            beside: station.standing.other(),
        };
        let present = present.filter(|(_, it)| it.standing.is_rival());
        present.map(rival).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono::new(Duration::from_secs(seconds))
    }

    fn said(rivals: &mut Rivals, seconds: u64, host: u8, station: u8) -> Option<String> {
        let sighting = Sighting {
            address: [10, 1, 0, host].into(),
            mac: Mac([2, 0, 0, 0, 0, station]),
            device: "eth0".to_owned(),
            is_own: host < 10,
        };
        let rival = rivals.hear(at(seconds), sighting);
        rival.map(|rival| rival.to_string())
    }

    #[test]
    fn on_the_active_director_each_station_is_said_once_in_ten_minutes() {
        let mut rivals = Rivals::default();
        rivals.hold(at(10), true);
        assert_eq!(said(&mut rivals, 12, 50, 7), None, "still under way");
        assert_eq!(rivals.next(), None);
        for host in 50..100 {
            assert_eq!(said(&mut rivals, 13, host, 7), None, "a clean stop");
        }
        assert_eq!(rivals.all(at(13)), []);
        assert!(!rivals.is_due(at(14)) && rivals.is_due(at(15)) && !rivals.is_due(at(15)));
        let line = "10.1.0.50 is announced by 02:00:00:00:00:07 on eth0 as well";
        assert_eq!(said(&mut rivals, 15, 50, 7).as_deref(), Some(line));
        for host in [51, 52] {
            assert!(said(&mut rivals, 15, host, 7).is_some());
        }
        for host in 50..100 {
            assert_eq!(said(&mut rivals, 15, host, 7), None, "{host}");
        }
        assert_eq!((rivals.next(), rivals.more(at(17))), (Some(at(18)), vec![]));
        let more = rivals.more(at(18));
        let line = "02:00:00:00:00:07 announces 47 more of the addresses as well";
        assert_eq!(
            more.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [line]
        );
        assert_eq!(rivals.next(), None, "once");
        assert_eq!(rivals.all(at(15)).len(), 50);
        assert_eq!(said(&mut rivals, 16, 60, 7), None);
        assert_eq!(rivals.next(), None);
        said(&mut rivals, 20, 50, 8);
        assert!(said(&mut rivals, 22, 50, 8).is_some(), "another station");
        assert_eq!(said(&mut rivals, 22, 50, 7), None, "again");
        said(&mut rivals, 500, 50, 7);
        assert_eq!(said(&mut rivals, 614, 50, 7), None);
        assert!(said(&mut rivals, 615, 50, 7).is_some());
        assert_eq!(rivals.all(at(615)).len(), 1, "who is silent has stopped");
        assert_eq!(rivals.all(at(765)), []);
        rivals.hold(at(620), false);
        assert_eq!(rivals.all(at(620)), []);
    }

    #[test]
    fn on_standby_the_partner_is_alone_and_two_that_take_turns_are_not() {
        let mut rivals = Rivals::default();
        for seconds in [0, 60, 120] {
            assert_eq!(said(&mut rivals, seconds, 50, 1), None);
        }
        // A partner with another card.
        assert_eq!(said(&mut rivals, 130, 50, 2), None);
        assert_eq!(said(&mut rivals, 190, 50, 2), None);
        assert_eq!(rivals.all(at(190)), []);
        let line = "10.1.0.50 is announced by 02:00:00:00:00:01 and by 02:00:00:00:00:02 on eth0";
        assert_eq!(said(&mut rivals, 200, 50, 1).as_deref(), Some(line));
        assert_eq!(rivals.all(at(200)).len(), 1);
        // It is said once while it lasts.
        assert!(
            said(&mut rivals, 250, 50, 2).is_some(),
            "the other of the two"
        );
        assert_eq!(said(&mut rivals, 260, 50, 1), None, "the same address");
    }

    #[test]
    fn who_has_an_address_of_our_own_is_one_too_many_on_standby_too() {
        let mut rivals = Rivals::default();
        assert_eq!(said(&mut rivals, 1, 2, 7), None);
        assert!(rivals.is_due(at(3)));
        let line = "10.1.0.2 is announced by 02:00:00:00:00:07 on eth0 as well";
        assert_eq!(said(&mut rivals, 3, 2, 7).as_deref(), Some(line));
        assert_eq!(rivals.all(at(3)).len(), 1);
    }

    #[test]
    fn invented_hardware_addresses_fill_no_memory() {
        let mut rivals = Rivals::default();
        rivals.hold(at(0), true);
        let twice = (0..5000_u32)
            .map(|it| (5, it))
            .chain((0..5000).map(|it| (7, it)));
        for (seconds, number) in twice {
            let [_, _, high, low] = number.to_be_bytes();
            let sighting = Sighting {
                address: [10, 1, 0, 50].into(),
                mac: Mac([2, 0, 0, 0, high, low]),
                device: "eth0".to_owned(),
                is_own: false,
            };
            rivals.hear(at(seconds), sighting);
        }
        assert_eq!(rivals.all(at(7)).len(), MOST);
        assert_eq!(rivals.said.len(), NAMED_STATIONS);
    }
}
