#![cfg(test)]
//! The kit is tested with its own tools.

mod browsers;
mod databases;
mod mails;
mod targets;
