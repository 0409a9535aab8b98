//! nanny as a process, with servers on loopback and the test in lvsd's place.

mod faults;
mod harness;
mod hostile;
mod leaks;
mod life;
mod load;
mod network;
mod programs;
mod shared;
mod user;
