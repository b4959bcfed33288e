//! The binary's parts: configuration, command line, start and stop. Rules, SQL and HTML live elsewhere.

pub mod cli;
mod clock;
pub mod commands;
pub mod config;
mod lock;
mod log;
pub mod parts;
