//! Entry point; everything else is in the library beside it.
fn main() {}
