#![cfg(test)]
//! The store on both databases: every statement, both schemas, each query function.

mod check_results;
mod dashboard;
mod idempotency;
mod incidents;
mod members;
mod migrations;
mod monitor_tags;
mod monitors;
mod ordering;
mod organizations;
mod outbox;
mod people;
mod portability;
mod retention;
mod rollups;
mod schema;
mod services;
mod sessions;
mod settings;
mod state_intervals;
mod statements;
mod status_pages;
mod subscribers;
mod tenancy;
mod tenant;
mod throttles;
mod tokens;
mod users;
mod watch;
