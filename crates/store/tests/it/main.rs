#![cfg(test)]
//! The store on both databases: every statement, both schemas, each query function.

mod migrations;
mod portability;
mod schema;
mod statements;
mod tenancy;
