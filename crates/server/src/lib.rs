//! The binary's parts: configuration, command line, start and stop. Rules, SQL and HTML live elsewhere.
//!
//! `main` reads the command line ([`cli`]) and the configuration ([`config`]), and hands both to one of the
//! [`commands`]. [`parts`] makes database, context, door out, mailer and web state of it: the only place where they meet.

pub mod cli;
mod clock;
pub mod commands;
pub mod config;
mod lock;
mod log;
pub mod parts;
