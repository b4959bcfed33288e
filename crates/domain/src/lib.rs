//! What a status page is: records, value types and rules. No I/O, no clock, no randomness, no async.
//!
//! - [`id`], [`time`], [`zone`], [`text`]: the small values everything is made of
//! - [`organization`], [`user`], [`invitation`], [`plan`]: tenants, people, what a tier allows
//! - [`status_page`], [`service`], [`monitor`], [`incident`], [`subscriber`], [`notification`]: the nouns
//! - [`schedule`], [`check`], [`verdict`], [`uptime`], [`overview`]: from a due check to what a visitor reads
//! - [`packed`], [`rollup`], [`latency`], [`retention`]: what is kept of results, and how long

pub mod check;
pub mod id;
pub mod incident;
pub mod invitation;
pub mod latency;
pub mod monitor;
pub mod notification;
pub mod organization;
pub mod overview;
pub mod packed;
pub mod plan;
pub mod retention;
pub mod rollup;
pub mod schedule;
pub mod service;
pub mod status_page;
pub mod subscriber;
pub mod text;
pub mod time;
pub mod uptime;
pub mod user;
pub mod verdict;
pub mod zone;
