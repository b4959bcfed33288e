//! The parts of the binary that tests use too.

pub mod cli;
pub mod config;
