//! lvs.cf: read, checked, printed without loss.
