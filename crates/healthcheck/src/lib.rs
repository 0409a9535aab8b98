//! nanny's decisions: one check, the up and down of a server, its weight.
