#![cfg(test)]
//! What the whole product does, one file per behaviour.

mod access_tokens;
mod account_pages;
mod accounts;
mod automatic_incidents;
mod bad_input;
mod config;
mod config_refusals;
mod config_refused;
mod conventions;
mod dashboard;
mod first_minute;
mod house_docs;
mod house_layers;
mod house_rules;
mod house_sources;
mod idempotency;
mod incidents;
mod invitation_page;
mod isolation;
mod metrics;
mod monitor_forms;
mod monitor_kinds;
mod monitor_list;
mod monitor_screens;
mod monitors;
mod organizations;
mod own_host;
mod process;
mod public_page;
mod readiness;
mod secrets;
mod subscriptions;
mod uptime;
mod without_organization;
