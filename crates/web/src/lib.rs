//! HTTP: the public pages, the dashboard and the API. Reads come from `store`, every write is an action.

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
pub mod ops;
mod page;
pub mod public;
mod routes;
mod state;
pub mod view;
pub mod words;

pub use routes::{App, Route, app, document};
pub use state::{AppState, Rates, WebConfig};
