//! lvsd in a world of data: a table that refuses as the kernel does, nannies that say what a test
//! lets them say, a clock that jumps.

mod audit;
mod by_hand;
mod desertion;
mod faults;
mod misfortune;
mod random;
mod reload;
mod scale;
mod site;
mod start;
mod status;
mod stop;
mod supervision;
mod trace;
mod world;
