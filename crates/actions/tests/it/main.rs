#![cfg(test)]
//! Actions on both databases.

mod account_changes;
mod account_tokens;
mod log_in;
mod people;
mod sign_up;
mod two_factor;
