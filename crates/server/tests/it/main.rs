#![cfg(test)]
//! What the whole product does, one file per behaviour.

mod config;
mod config_refused;
mod house_layers;
mod house_rules;
