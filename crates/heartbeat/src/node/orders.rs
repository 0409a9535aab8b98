//! Orders of an administrator.

use super::Node;
use crate::model::Action;
use crate::orders::{Order, OrderRefused, Orders};

impl Node {
    /// Tells a node that has not been started which orders an earlier start kept.
    pub const fn remember_orders(&mut self, orders: Orders) {
        self.orders = orders;
    }

    pub(super) fn order(&mut self, order: Order, out: &mut Vec<Action>) {
        let answer = match order {
            Order::Failover => Err(OrderRefused::NotActive),
            Order::Standby(on) => {
                self.orders.standby = on;
                Ok(())
            }
            Order::Freeze(on) => {
                self.orders.frozen = on;
                Ok(())
            }
        };
        if answer.is_ok() {
            out.push(Action::KeepOrders(self.orders));
        }
        out.push(Action::Answer(answer));
    }
}
