//! Addresses that the kernel has refused, and when they are tried again. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use lvs_model::Mono;

/// Pause before a refused address is tried again.
const RETRIED_AFTER: Duration = Duration::from_secs(60);

/// What was refused last.
#[derive(Clone, Debug, Default)]
pub struct Refusals {
    addresses: BTreeSet<IpAddr>,
    retry_at: Option<Mono>,
    /// Whether the set has changed since it was last asked for.
    changed: bool,
}

impl Refusals {
    /// Takes the kernel's answer about each address that was to be raised.
    pub fn note(&mut self, now: Mono, outcomes: impl Iterator<Item = (IpAddr, bool)>) {
        for (address, is_up) in outcomes {
            self.changed |= if is_up {
                self.addresses.remove(&address)
            } else {
                self.addresses.insert(address)
            };
        }
        self.retry_at = (!self.addresses.is_empty()).then_some(now + RETRIED_AFTER);
    }

    /// Whether `address` was refused.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.addresses.contains(&address)
    }

    /// None is known any more.
    pub fn forget(&mut self) {
        self.changed |= !self.addresses.is_empty();
        self.addresses.clear();
    }

    /// When there is something to ask.
    pub const fn next(&self) -> Option<Mono> {
        if self.changed {
            return Some(Mono::ZERO);
        }
        self.retry_at
    }

    /// Whether they have to be tried again. Says so once.
    pub fn is_due(&mut self, now: Mono) -> bool {
        self.retry_at.take_if(|at| *at <= now).is_some()
    }

    /// Whether they have changed; says so once.
    pub const fn have_changed(&mut self) -> bool {
        std::mem::replace(&mut self.changed, false)
    }
}
