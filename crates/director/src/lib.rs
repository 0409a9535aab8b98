//! lvsd's decisions: wanted and found table to a plan, supervision of its nannies.
