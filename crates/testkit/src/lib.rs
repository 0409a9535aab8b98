//! For tests: a fake kernel table, a daemon's check of a file, a manual page read, `/proc` read.
//!
//! - [`FakeIpvs`]: a table that refuses what the kernel refuses, in the kernel's order
//! - [`DryRun`]: `-t` of a daemon, run as configuration management does
//! - [`BadStart`]: a daemon that cannot start, and what it says then
//! - [`unexplained_options`]: what a program takes and its manual page does not say
//! - [`processor_ticks`]: what a process has cost so far
//! - [`skipped()`]: what this machine cannot run
//! - [`write_script`], [`copy_program`]: what can be executed at once

mod bad_start;
mod dry_run;
mod fake;
mod manual;
mod processes;
mod script;
mod skipped;

pub use bad_start::BadStart;
pub use dry_run::{DryRun, Ended, Place, ended};
pub use fake::FakeIpvs;
pub use manual::unexplained_options;
pub use processes::processor_ticks;
pub use script::{copy_program, write_script};
pub use skipped::skipped;
