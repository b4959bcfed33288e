//! What a status page is: records, value types and rules. No I/O, no clock, no randomness, no async.

pub mod check;
pub mod id;
pub mod monitor;
pub mod time;
