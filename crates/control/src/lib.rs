//! Messages between the programs: a nanny's reports, its orders.
