//! `/api/v1`: the plan's endpoints with the conventions of `ux.md` 1.6. One file per noun.

pub mod auth;
mod dto;
pub mod incidents;
pub mod monitors;
pub mod services;
pub mod subscribers;

use utoipa_axum::router::OpenApiRouter;

use crate::AppState;

/// All operations below `/api/v1`, in the order of the reference.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(auth::router())
        .merge(services::router())
        .merge(monitors::router())
        .merge(incidents::router())
        .merge(subscribers::router())
}
