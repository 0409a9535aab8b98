//! The transition table of a node, as data.
//!
//! [`decide`] walks [`TABLE`] from the top. The first row that fits is the verdict; if none fits, the event
//! changes nothing. `docs/internals/heartbeat.md` prints the same rows. `node/stage.rs` draws what a node
//! knows in each phase.
//!
//! ```text
//!            silence, offer                  ready                  yield, link, stop …
//!  Standby ─────────────────▶ Starting ─────────────────▶ Active ──────────────────────┐
//!     ▲                          │ yield, unfit, link, stop …                           ▼
//!     │                          └───────────────────────────────────────────────▶ Releasing
//!     │                                                stop, order:                      │
//!     │                                      Active ──▶ HandingOver ── taken, too late ──┤
//!     │                                             ◀── an order, and not taken           │
//!     └──────────────────────────────── released ───────────────────────────────────────┤
//!                                                                 released, stopping    ▼
//!                                                                                     Gone
//! ```

mod condition;
mod event;
mod phase;
mod row;
mod rows;

pub use condition::{Facts, When};
pub use event::Event;
pub use phase::Phase;
pub use row::{Row, Verdict};
pub use rows::TABLE;

/// The verdict on `event` in `phase`.
#[must_use]
pub fn decide(phase: Phase, event: Event, facts: Facts) -> Verdict {
    TABLE
        .iter()
        .find(|row| row.event == event && row.phases.contains(&phase) && row.when.holds(facts))
        .map_or(Verdict::Stay, |row| row.verdict)
}
