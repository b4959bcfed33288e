//! The kit is tested with its own tools.
#![cfg(test)]

mod databases;
mod mails;
mod targets;
