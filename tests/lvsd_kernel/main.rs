//! lvsd with its nannies on a kernel: start, reload, deaths; every table operation is compared.

mod answers;
mod by_hand;
mod daemon;
mod extensions;
mod external;
mod hostile;
mod marks;
mod names;
mod output;
mod refused;
mod reload;
mod samples;
mod shared;
mod start;
mod status;
mod supervision;

use caribe_tests::director;
