//! pulse's decisions: who is active, when to take over.
