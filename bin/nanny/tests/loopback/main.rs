//! nanny as a process, with servers on loopback and the test in lvsd's place.

mod harness;
mod life;
mod network;
mod programs;
