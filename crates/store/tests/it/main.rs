#![cfg(test)]
//! The store on both databases: every statement, both schemas, each query function.

mod migrations;
mod people;
mod portability;
mod schema;
mod sessions;
mod statements;
mod tenancy;
mod throttles;
mod tokens;
mod users;
