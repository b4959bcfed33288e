#![cfg(test)]
//! The store on both databases: every statement, both schemas, each query function.

mod check_results;
mod incidents;
mod migrations;
mod monitors;
mod outbox;
mod people;
mod portability;
mod retention;
mod rollups;
mod schema;
mod sessions;
mod state_intervals;
mod statements;
mod subscribers;
mod tenancy;
mod tenant;
mod throttles;
mod tokens;
mod users;
mod watch;
