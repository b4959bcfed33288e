//! The `indie-status` binary.

fn main() {}
