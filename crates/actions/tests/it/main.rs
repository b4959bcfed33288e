#![cfg(test)]
//! Actions on both databases.

mod account_changes;
mod account_tokens;
mod acme;
mod automatic_incidents;
mod checks;
mod false_alarms;
mod fan_out;
mod incidents;
mod log_in;
mod monitor_bulk;
mod monitor_kinds;
mod monitors;
mod pages;
mod people;
mod races;
mod sign_up;
mod subscribers;
mod team;
mod tenants;
mod tiers;
mod two_factor;
