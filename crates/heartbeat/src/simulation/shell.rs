//! What a shell does with the actions: processes that take their time, datagrams on their way.

use std::time::Duration;

use crate::datagram::Value;
use crate::datagram::signed::{self, Signed, Statement};

use super::{Happening, World, keys};
use crate::auth::Echo;
use crate::model::{Action, Hook};

impl World {
    pub(super) fn perform(&mut self, index: usize, action: &Action) {
        match action {
            Action::Send(value) => self.send(index, Echo::Partner, *value),
            Action::Challenge(value) => self.send(index, Echo::Unproven, *value),
            Action::StartService => self.start_service(index),
            Action::ClearTable => {
                self.sides[index].service += 1;
                self.sides[index].service_runs = true;
                self.end_service(index, 3000);
            }
            Action::StopService => self.end_service(index, 900),
            Action::KillService => self.end_service(index, 10),
            Action::RunHook(Hook::Inactive) if !self.sides[index].hook_patience.is_zero() => {
                let time = self.millis(500);
                self.plan(time, Happening::LetGo(index));
            }
            Action::RaiseAddresses => self.sides[index].holding = true,
            Action::DropAddresses => self.sides[index].holding = false,
            Action::KeepTerm(term) => self.sides[index].term = *term,
            Action::KeepOrders(orders) => self.sides[index].orders = *orders,
            Action::Exit => {
                assert!(!self.sides[index].holding, "ended with the addresses up");
                let pause = self.millis(6000);
                self.plan(pause, Happening::Restart(index));
            }
            _ => {}
        }
    }

    pub(super) fn start_service(&mut self, index: usize) {
        let load = self.millis(400);
        let side = &mut self.sides[index];
        side.service += 1;
        side.service_runs = true;
        let number = side.service;
        let happening = if side.service_bad_until > self.now {
            Happening::Ended(index, number)
        } else {
            // A server that is silent for long, or several.
            let checks = self.millis(3000);
            self.plan(load + checks, Happening::Checked(index, number));
            Happening::Ready(index, number)
        };
        self.plan(load, happening);
    }

    pub(super) fn end_service(&mut self, index: usize, longest: u64) {
        let delay = self.millis(longest);
        let number = self.sides[index].service;
        self.plan(delay, Happening::Ended(index, number));
    }

    pub(super) fn send(&mut self, from: usize, echo: Echo, value: Value) {
        let holding = self.sides[from].holding;
        assert!(
            value == Value::Running || !holding,
            "STOPPED said while holding the addresses"
        );
        self.sent += 1;
        let can_send = !self.sides[from].is_mute;
        if std::mem::replace(&mut self.sides[from].can_send, can_send) != can_send {
            self.plan(Duration::ZERO, Happening::CanSend(from, can_send));
        }
        if !can_send {
            return;
        }
        for private in [false, true] {
            if private && !self.has_private || !self.sides[from].own[usize::from(private)] {
                continue;
            }
            let side = &mut self.sides[from];
            let statement = side.node.statement(self.now, value);
            let datagram = side.auth.seal(self.now, echo, value, statement);
            let datagram = if side.is_old {
                aged(datagram)
            } else {
                datagram
            };
            self.transmit(1 - from, private, &datagram);
        }
    }

    pub(super) fn transmit(&mut self, to: usize, private: bool, datagram: &[u8]) {
        let copies = 1 + u64::from(self.random.below(100) < self.copies_percent);
        let held = self.intercept(to, datagram);
        for _ in 0..copies {
            let lost = self.trouble && self.random.below(100) < self.loss_percent;
            if lost || self.cut & (1 << (to + 2 * usize::from(private))) != 0 {
                continue;
            }
            let flight = self.millis(if self.trouble { 200 } else { 20 });
            let arrival = Happening::Arrive(to, private, datagram.to_vec());
            self.plan(held.unwrap_or(flight), arrival);
        }
    }
}

/// What an older program would have sent: version 1, and no word of another one.
fn aged(datagram: Vec<u8>) -> Vec<u8> {
    let keys = keys();
    let (Ok(signed), Some(magic)) = (signed::decode(&datagram, &keys), datagram.first_chunk())
    else {
        return datagram;
    };
    let signed = Signed {
        statement: Statement {
            details: None,
            ..signed.statement
        },
        reads_details: false,
        ..signed
    };
    signed::encode(*magic, &signed, &keys[0])
}
