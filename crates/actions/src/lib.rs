//! What one can do. One public function is one transaction: it checks permission and limits, writes, queues what is
//! to be sent, commits, and only then gives hints to the loops. Nothing here knows HTTP or SQL.
//!
//! - [`accounts`], [`organizations`], [`members`], [`invitations`], [`settings`]: people and tenants
//! - [`status_pages`], [`services`], [`monitors`], [`incidents`], [`subscribers`]: the nouns
//! - [`incident_suggestions`]: what the engine leaves to a person
//! - [`checks`]: from the reports of probes to results, states and history
//! - [`gate`]: roles and limits; [`patch`]: partial changes and versions; [`idempotency`]: repeated requests
//! - [`Context`]: database, clock, ids, keys and policy, given to every action; [`signals`]: hints after a commit
//! - [`health`]: whether the loops turn; [`meters`]: what the engine counts about itself

pub mod accounts;
mod automatic_incidents;
pub mod checks;
mod context;
mod error;
pub mod gate;
pub mod health;
pub mod idempotency;
pub mod ids;
pub mod incident_suggestions;
pub mod incidents;
pub mod invitations;
pub mod members;
pub mod meters;
pub mod monitors;
mod notifications;
pub mod organizations;
mod passwords;
pub mod patch;
pub mod secrets;
pub mod services;
pub mod settings;
pub mod signals;
pub mod status_pages;
pub mod subscribers;
mod throttle;
mod totp;

pub use context::{Clock, Context, Ids, Policy};
pub use error::{Checks, Coded, Error, FieldError, Result};
pub use passwords::Passwords;
