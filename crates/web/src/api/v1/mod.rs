//! `/api/v1`: the plan's endpoints with the conventions of `ux.md` 1.6. One file per noun.

pub mod auth;
pub mod dashboard;
mod dto;
pub mod incident_suggestions;
pub mod incidents;
pub mod invitations;
pub mod latency;
pub mod members;
mod monitor_list;
pub(crate) mod monitor_settings;
mod monitor_trial;
pub mod monitors;
pub mod organizations;
pub mod pages;
pub mod services;
pub mod settings;
pub mod subscribers;
pub mod uptime;
mod window;

use utoipa_axum::router::OpenApiRouter;

use crate::AppState;

/// All operations below `/api/v1`, in the order of the reference.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(auth::router())
        .merge(organizations::router())
        .merge(members::router())
        .merge(invitations::router())
        .merge(dashboard::router())
        .merge(pages::router())
        .merge(services::router())
        .merge(monitor_list::router())
        .merge(monitors::router())
        .merge(monitor_trial::router())
        .merge(uptime::router())
        .merge(latency::router())
        .merge(incidents::router())
        .merge(incident_suggestions::router())
        .merge(subscribers::router())
        .merge(settings::router())
}
