//! lvsd with its nannies on a kernel: start, reload, deaths; every table operation is compared.

mod daemon;
mod director;
mod external;
mod reload;
mod samples;
mod start;
mod status;
mod supervision;
