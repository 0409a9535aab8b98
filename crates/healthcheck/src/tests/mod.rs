//! The machines as a whole.

mod monitor;
mod probe;
mod under_lvsd;
mod weights;
mod world;
