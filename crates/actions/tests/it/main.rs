#![cfg(test)]
//! Actions on both databases.

mod account_changes;
mod account_tokens;
mod acme;
mod checks;
mod fan_out;
mod incidents;
mod log_in;
mod monitors;
mod people;
mod sign_up;
mod subscribers;
mod two_factor;
