//! For tests: a fake kernel table, a manual page read.
//!
//! - [`FakeIpvs`]: a table that refuses what the kernel refuses, in the kernel's order
//! - [`unexplained_options`]: what a program takes and its manual page does not say

mod fake;
mod manual;

pub use fake::FakeIpvs;
pub use manual::unexplained_options;
