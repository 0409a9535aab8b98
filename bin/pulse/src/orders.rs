//! The orders of an administrator, kept for the next start in a small file of their own.
//!
//! That they are on the disk is waited for before the administrator is told so; a [child](KeptFile) writes them.

use std::io;

use heartbeat::Orders;
use lvs_model::ChildExit;

use crate::file_keeper::KeptFile;

const FILE: &str = "pulse.orders";
/// The words of the file, a line each.
const STANDBY: &str = "standby";
const FREEZE: &str = "freeze";

/// Where the orders are kept.
pub struct OrdersFile(KeptFile);

impl OrdersFile {
    /// The place of this service.
    pub fn find() -> Self {
        Self(KeptFile::find(FILE))
    }

    /// The orders of an earlier start, none if none were kept; and why they are not known, if they are not.
    pub fn read(&self) -> (Orders, Option<String>) {
        let path = self.0.path().display();
        let text = match self.0.read() {
            Ok(text) => text.unwrap_or_default(),
            Err(error) => {
                let fault = format!("{path}: orders not known: {error}");
                log::error!("{fault}");
                return (Orders::default(), Some(fault));
            }
        };
        let (mut orders, mut fault) = (Orders::default(), None);
        for word in text.lines() {
            match word {
                STANDBY => orders.standby = true,
                FREEZE => orders.frozen = true,
                other => {
                    let line = format!("{path}: no order: {other:?}");
                    log::error!("{line}");
                    fault = Some(line);
                }
            }
        }
        (orders, fault)
    }

    /// Keeps these. [`is_busy`](Self::is_busy) until they are on the disk.
    ///
    /// # Errors
    /// No room for a process.
    pub fn keep(&mut self, orders: Orders) -> io::Result<()> {
        self.0.keep(print(orders))
    }

    /// Begins the file of this network namespace with `orders`, if it has none.
    ///
    /// # Errors
    /// As [`keep`](Self::keep).
    pub fn begin(&mut self, orders: Orders) -> io::Result<()> {
        match self.0.is_to_be_begun() {
            true => self.keep(orders),
            false => Ok(()),
        }
    }

    /// Whether orders are being written.
    pub const fn is_busy(&self) -> bool {
        self.0.is_busy()
    }

    /// If `pid` wrote them: how that ended.
    pub fn ended(&mut self, pid: i32, exit: ChildExit) -> Option<io::Result<()>> {
        let done = self.0.ended(pid, exit)?;
        Some(done.map_err(|error| {
            let path = self.0.path().display();
            io::Error::new(error.kind(), format!("{path}: {error}"))
        }))
    }

    /// They are waited for no longer.
    pub fn give_up(&mut self) {
        self.0.give_up();
    }
}

/// The file's text.
fn print(orders: Orders) -> String {
    let words = [(orders.standby, STANDBY), (orders.frozen, FREEZE)];
    let words = words.into_iter().filter(|(is_given, _)| *is_given);
    words.map(|(_, word)| format!("{word}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    use crate::file_keeper::write;

    #[test]
    fn orders_outlive_the_program_and_what_is_not_understood_is_none() {
        let directory = std::env::temp_dir().join(format!("pulse-orders-{}", std::process::id()));
        let path = directory.join("state/pulse.orders");
        let file = OrdersFile(KeptFile::at(path.clone()));
        assert_eq!(file.read(), (Orders::default(), None));
        for (standby, frozen) in [(true, false), (false, true), (true, true), (false, false)] {
            let orders = Orders { standby, frozen };
            write(&path, OsStr::new(&print(orders))).unwrap();
            assert_eq!(file.read(), (orders, None));
        }
        write(&path, OsStr::new("standby\nstandy\n")).unwrap();
        let standby = Orders {
            standby: true,
            ..Orders::default()
        };
        let (orders, fault) = file.read();
        assert_eq!(orders, standby);
        let fault = fault.expect("it is shown");
        assert!(
            fault.ends_with("pulse.orders: no order: \"standy\""),
            "{fault}"
        );
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
