//! HTTP: the public pages, the dashboard and the API. Reads come from `store`, every write is an action.
//!
//! A request goes through `listen`, `routes`, `layer` and the gates of `extract` to a handler, and back through `view`
//! or as JSON.
//!
//! - `routes`: every address on one screen, grouped by who may ask
//! - [`public`], `auth`, `dashboard`, [`api`]: handlers, by audience
//! - [`view`]: what the templates show, as ready-made text; [`words`] and [`bars`] make it
//! - [`cache`]: rendered public pages; [`assets`]: styles and images with their tags
//! - [`error`]: the one place where an error becomes an answer

pub mod api;
pub mod assets;
mod auth;
pub mod bars;
pub mod cache;
mod dashboard;
pub mod docs;
pub mod error;
mod extract;
mod layer;
pub mod listen;
pub mod markdown;
mod metrics;
pub mod ops;
mod page;
pub mod public;
mod routes;
mod state;
pub mod view;
pub mod words;

pub use metrics::admin;
pub use routes::{App, Route, app, document};
pub use state::{AppState, Rates, WebConfig};
