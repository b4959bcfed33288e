//! The parts of the binary that tests use too.
