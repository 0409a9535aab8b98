//! pulse asked and ordered over its control socket, on both directors of a running pair.

mod clients;
mod directors;
mod evidence;
mod orders;
mod status;
