//! HTTP: the public pages, the dashboard and the API. Reads come from `store`, every write is an action.

pub mod api;
pub mod error;
mod extract;
mod layer;
mod page;
mod routes;
mod state;

pub use routes::{App, Route, app};
pub use state::{AppState, Rates, WebConfig};
