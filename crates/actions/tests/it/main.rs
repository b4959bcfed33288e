#![cfg(test)]
//! Actions on both databases.

mod account_changes;
mod account_tokens;
mod checks;
mod log_in;
mod monitors;
mod people;
mod sign_up;
mod two_factor;
