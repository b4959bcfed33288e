//! Every SQL statement of the product, one text for SQLite and PostgreSQL. Nothing else lives here: no rules,
//! no HTTP, no clock.
//!
//! Reads take `&mut Conn`, writes take `&mut Tx`; a `Tx` is also a `Conn`. Functions over a tenant table take an
//! [`OrgScope`] first.
//!
//! - [`Database`], [`Conn`], [`Tx`]: connections and transactions; [`Error`]: what a caller can do about a failure
//! - one module per family of tables; `page_view` and `dashboard` read across them
//! - `dialect`: the few statements that differ between the databases, each with its reason

#[macro_use]
mod macros;

pub mod check_results;
mod connect;
pub mod dashboard;
mod dialect;
pub mod engine_facts;
mod error;
pub mod idempotency;
pub mod incident_suggestions;
pub mod incidents;
pub mod invitations;
pub mod members;
pub mod monitor_tags;
pub mod monitors;
pub mod organizations;
pub mod outbox;
pub mod overview;
pub mod page_view;
pub mod recovery_codes;
pub mod retention;
pub mod rollups;
mod scope;
pub mod service_view;
pub mod services;
pub mod sessions;
pub mod site_settings;
pub mod state_intervals;
pub mod status_pages;
pub mod subscribers;
pub mod throttles;
pub mod tokens;
pub mod users;
pub mod watch;

pub(crate) use connect::Driver;
pub use connect::{Conn, Database, Kind, MigrationStatus, Tx};
pub use error::{Error, Result};
pub use scope::OrgScope;

/// All tables of the schema; a test compares this list with both databases.
pub const TABLES: &[&str] = &[
    "organizations",
    "slug_redirects",
    "users",
    "organization_members",
    "sessions",
    "tokens",
    "recovery_codes",
    "invitations",
    "status_pages",
    "services",
    "placements",
    "monitors",
    "monitor_tags",
    "check_results",
    "hourly_rollups",
    "daily_rollups",
    "state_intervals",
    "incidents",
    "incident_services",
    "incident_updates",
    "incident_suggestions",
    "subscribers",
    "site_settings",
    "outbox",
    "throttles",
    "idempotency_keys",
    "engine_facts",
    "retention_nights",
];
