//! `/api/v1/settings` (S13): what an organization says on all of its pages.

use actions::patch::Patch;
use actions::settings::{Settings, SettingsPatch};
use axum::extract::State;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::dto::Object;
use crate::AppState;
use crate::error::Problem;
use crate::extract::{IfMatch, Json, Member};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(show, update))
}

/// Every setting there is; `null`: not set.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Settings)]
pub struct SettingsBody {
    /// Where visitors find help: `https://`, `http://` or `mailto:`.
    support_url: Option<String>,
    support_email: Option<String>,
    /// At most 300 characters of plain text.
    footer_text: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SettingsPatch)]
pub struct UpdateBody {
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    support_url: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    support_email: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    footer_text: Patch<String>,
}

/// The version is the organization's: it grows with every change of either.
fn object(settings: Settings, version: Timestamp) -> Object<SettingsBody> {
    let body = SettingsBody {
        support_url: settings.support_url,
        support_email: settings.support_email,
        footer_text: settings.footer_text,
    };
    Object { body, version, created_at: None }
}

/// All settings of the organization.
#[utoipa::path(get, path = "/settings", tag = "Settings", responses((status = 200, body = SettingsBody)))]
async fn show(State(state): State<AppState>, member: Member) -> Result<Object<SettingsBody>, Problem> {
    let mut conn = state.ctx.db.read().await?;
    let rows = store::site_settings::list(&mut conn, member.membership.scope()).await?;
    Ok(object(Settings::from_rows(rows), member.membership.organization.updated_at))
}

/// Changes settings; absent ones stay, `null` empties one (JSON Merge Patch).
#[utoipa::path(patch, path = "/settings", tag = "Settings", request_body = UpdateBody,
    responses((status = 200, body = SettingsBody), (status = 403, body = Problem), (status = 412, body = Problem),
        (status = 422, body = Problem)))]
async fn update(
    State(state): State<AppState>,
    member: Member,
    IfMatch(version): IfMatch,
    Json(body): Json<UpdateBody>,
) -> Result<Object<SettingsBody>, Problem> {
    let patch = SettingsPatch {
        support_url: body.support_url,
        support_email: body.support_email,
        footer_text: body.footer_text,
    };
    let (settings, version) =
        actions::settings::update(&state.ctx, &member.membership, version, patch).await?;
    Ok(object(settings, version))
}
