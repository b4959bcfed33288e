//! What a status page is: records, value types and rules. No I/O, no clock, no randomness, no async.

pub mod check;
pub mod id;
pub mod incident;
pub mod monitor;
pub mod organization;
pub mod plan;
pub mod service;
pub mod text;
pub mod time;
