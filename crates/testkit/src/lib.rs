//! For tests: a fake kernel table.
//!
//! - [`FakeIpvs`]: a table that refuses what the kernel refuses, in the kernel's order

mod fake;

pub use fake::FakeIpvs;
