//! The only room with unsafe: one libc call per function.
