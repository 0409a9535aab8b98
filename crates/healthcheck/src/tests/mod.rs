//! The machines as a whole.

mod monitor;
mod probe;
