//! What goes wrong in a schedule, and what an attacker on the path does.

use std::net::IpAddr;
use std::time::Duration;

use lvs_model::Mono;

use super::{FAULTS_END, GROWN, Happening, World};
use crate::fitness::{Trouble, TroubleKind};
use crate::model::Input;
use crate::orders::Order;

/// Orders are lifted at this time at the latest, in most schedules.
const LIFTED: Duration = Duration::from_secs(40);
/// Number of datagrams recorded in each direction.
const RECORDED: usize = 400;

/// Bits of a cut: the directions to one side, on both paths.
const TO_SIDE: [u8; 2] = [1 | 4, 2 | 8];
const PUBLIC: u8 = 1 | 2;
const PRIVATE: u8 = 4 | 8;

/// Somebody who reads and delays datagrams, and sends them again.
#[derive(Default)]
pub(super) struct Attacker {
    pub is_there: bool,
    recorded: [Vec<Vec<u8>>; 2],
    /// What goes to a side is held back until then.
    held_until: [Mono; 2],
}

/// The first virtual addresses, two at most.
pub(super) fn addresses(count: u64) -> Vec<IpAddr> {
    let all = [[10, 1, 0, 50], [10, 1, 0, 51]].map(IpAddr::from);
    all.into_iter().zip(0..count).map(|(it, _)| it).collect()
}

impl Attacker {
    /// Nothing has been held back for a while.
    pub fn is_away(&self, now: Mono) -> bool {
        self.held_until.iter().all(|until| *until + GROWN <= now)
    }
}

impl World {
    pub(super) fn fault(&mut self) -> Happening {
        let side = usize::from(self.random.below(2) == 1);
        let kinds = if self.attacker.is_there { 16 } else { 14 };
        match self.random.below(kinds) {
            0 => Happening::Partition(PUBLIC | PRIVATE),
            1 => Happening::Partition(TO_SIDE[side]),
            2 => Happening::Pause(side, self.random.below(14_000)),
            3 => Happening::Restart(side),
            4 => Happening::Stop(side),
            5 => Happening::Links(side, false),
            6 => Happening::FailService(side),
            7 => Happening::Partition([PUBLIC, PRIVATE][side]),
            8 | 9 => {
                let which = self.random.below(3);
                let (public, private) = (which == 0, which == 1 && self.has_private);
                Happening::Own(side, public && self.has_private, private)
            }
            10 | 11 => Happening::Devices(side, 1 + self.random.below(2)),
            12 => Happening::Order(side, self.some_order()),
            13 => Happening::Mute(side, true),
            14 => Happening::Replay(side),
            _ => Happening::HoldBack(side, 1 + self.random.below(12_000)),
        }
    }

    fn some_order(&mut self) -> u64 {
        self.random.below(5)
    }

    pub(super) fn plan_faults(&mut self) {
        for _ in 0..self.random.below(7) {
            let happening = self.fault();
            let delay = self.millis(30_000);
            self.plan(delay, happening);
        }
        // In every fourth schedule orders and broken devices stay.
        let mends = self.random.below(4) != 0;
        for side in 0..2 {
            if mends {
                for order in [2, 4] {
                    self.plan(LIFTED, Happening::Order(side, order));
                }
                self.plan(LIFTED, Happening::Devices(side, 0));
            }
            self.plan(FAULTS_END, Happening::Own(side, true, true));
            self.plan(FAULTS_END, Happening::Mute(side, false));
        }
        self.plan(FAULTS_END, Happening::Partition(0));
    }

    /// An own address goes or comes back; what was cut off is so for a while.
    pub(super) fn change_own(&mut self, index: usize, public: bool, private: bool) {
        self.sides[index].own = [public, private];
        self.give(index, Input::OwnAddresses { public, private });
        if !(public && private) {
            let length = self.millis(12_000);
            self.plan(length, Happening::Own(index, true, true));
        }
    }

    /// A firewall or a route refuses what a side sends, for a while.
    pub(super) fn change_mute(&mut self, index: usize, is_mute: bool) {
        self.sides[index].is_mute = is_mute;
        if is_mute {
            let length = self.millis(15_000);
            self.plan(length, Happening::Mute(index, false));
        }
    }

    /// This many of two virtual addresses have no device.
    pub(super) fn change_devices(&mut self, index: usize, missing: u64) {
        self.sides[index].missing = missing;
        let troubles = self.troubles(index);
        self.give(index, Input::Serving(troubles));
    }

    pub(super) fn troubles(&self, index: usize) -> Vec<Trouble> {
        let trouble = |address| Trouble {
            address,
            device: "eth1".to_owned(),
            what: TroubleKind::NoDevice,
        };
        let missing = addresses(self.sides[index].missing);
        missing.into_iter().map(trouble).collect()
    }

    pub(super) fn give_order(&mut self, index: usize, number: u64) {
        let order = [
            Order::Failover,
            Order::Standby(true),
            Order::Standby(false),
            Order::Freeze(true),
            Order::Freeze(false),
        ];
        let number = usize::try_from(number).unwrap_or(0);
        self.give(index, Input::Order(order[number]));
    }

    /// What the attacker makes of a datagram: it arrives now, or some time later.
    pub(super) fn intercept(&mut self, to: usize, datagram: &[u8]) -> Option<Duration> {
        if !self.attacker.is_there {
            return None;
        }
        let recorded = self.attacker.recorded[to].len();
        if recorded < RECORDED {
            self.attacker.recorded[to].push(datagram.to_vec());
        } else {
            let place = usize::try_from(self.random.below(400)).unwrap_or(0);
            self.attacker.recorded[to][place] = datagram.to_vec();
        }
        let is_held = self.now < self.attacker.held_until[to];
        is_held.then(|| self.millis(30_000))
    }

    /// Recordings of any age, for ten seconds.
    pub(super) fn replay(&mut self, to: usize) {
        let recorded = self.attacker.recorded[to].len();
        for _ in 0..self
            .random
            .below(60)
            .min(u64::try_from(recorded).unwrap_or(0))
        {
            let place = usize::try_from(self.random.below(400)).unwrap_or(0) % recorded;
            let datagram = self.attacker.recorded[to][place].clone();
            let private = self.has_private && self.random.below(2) == 1;
            let delay = self.millis(10_000);
            self.plan(delay, Happening::Arrive(to, private, datagram));
        }
    }

    pub(super) fn hold_back(&mut self, to: usize, millis: u64) {
        self.attacker.held_until[to] = self.now + Duration::from_millis(millis);
    }
}
