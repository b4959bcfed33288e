//! The kit is tested with its own tools.
#![cfg(test)]

mod browsers;
mod databases;
mod mails;
mod targets;
