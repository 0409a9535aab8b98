//! Where a node is: the rows of the table begin with it.

/// Where a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Inactive, says STOPPED.
    Standby,
    /// The service is being started; no address is up. Says RUNNING.
    Starting,
    /// Holds the addresses, says RUNNING.
    Active,
    /// Holds the addresses until the partner has them, then ends, or stands by if it was an order. Says
    /// RUNNING and that it leaves.
    HandingOver,
    /// Service and addresses are being given up. Says RUNNING until the addresses are down.
    Releasing,
    /// The program is to end.
    Gone,
}

impl Phase {
    /// Its name in a status.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standby => "standby",
            Self::Starting => "starting",
            Self::Active => "active",
            Self::HandingOver => "handing-over",
            Self::Releasing => "releasing",
            Self::Gone => "gone",
        }
    }
}
