//! For tests: random rounds, waiting, a fake kernel table, a daemon's check of a file, a manual page read.
//!
//! - [`seeds()`]: rounds of a random test; the one that fails is named
//! - [`wait_until`], [`wait_for`]: a condition with a limit, instead of a sleep
//! - `FakeIpvs`, with the feature `table`: refuses what the kernel refuses, in the kernel's order
//! - [`DryRun`]: `-t` of a daemon, run as configuration management does
//! - [`BadStart`]: a daemon that cannot start, and what it says then
//! - [`unexplained_options`]: what a program takes and its manual page does not say
//! - [`processor_ticks`]: what a process has cost so far
//! - [`skipped()`]: what this machine cannot run
//! - [`write_script`], [`copy_program`]: what can be executed at once

mod bad_start;
mod dry_run;
#[cfg(feature = "table")]
mod fake;
mod manual;
mod processes;
mod script;
mod seeds;
mod skipped;
mod wait;

pub use bad_start::BadStart;
pub use dry_run::{DryRun, Ended, Place, ended};
#[cfg(feature = "table")]
pub use fake::FakeIpvs;
pub use manual::unexplained_options;
pub use processes::processor_ticks;
pub use script::{copy_program, write_script};
pub use seeds::{Seeds, seeds};
pub use skipped::skipped;
pub use wait::{PATIENCE, comes_true, found, wait_for, wait_until};
