//! For tests: a fake kernel table, a virtual clock.
