//! `GET /api/v1/monitors` and what is done to many monitors at once: `bulk`, and snoozing one.

use actions::monitors::{Change, Outcome, SnoozeEnd};
use axum::extract::State;
use axum::http::StatusCode;
use domain::id::{MonitorId, ServiceId};
use domain::monitor::Tags;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::dto::{List, Object, PageQuery, Paged};
use super::monitors::{MonitorBody, known, object};
use crate::AppState;
use crate::error::Problem;
use crate::extract::{Json, Member, Path, Query};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(bulk)).routes(routes!(snooze, end_snooze))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// 1 to 200; 50 when left out.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Only the monitors of this service.
    #[param(value_type = Option<String>)]
    service_id: Option<ServiceId>,
    /// Only those with this tag.
    tag: Option<String>,
}

/// What is done to the monitors of a [`BulkBody`].
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum BulkAction {
    Pause,
    Resume,
    Snooze,
    Unsnooze,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MonitorBulk)]
pub(super) struct BulkBody {
    /// 1 to 200.
    #[schema(value_type = Vec<String>)]
    ids: Vec<MonitorId>,
    /// `pause`, `resume`, `snooze` or `unsnooze`.
    action: BulkAction,
    /// Of `snooze`: its end, at most 7 days ahead.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// Of `snooze`, instead of `until`: 1 to 10080 from now on.
    minutes: Option<i64>,
}

/// What became of one monitor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MonitorBulkOutcome)]
pub(super) struct OutcomeBody {
    #[schema(value_type = String)]
    id: MonitorId,
    /// `changed`, `unchanged` when it was so already, or `not_found`.
    outcome: &'static str,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MonitorSnooze)]
pub(super) struct SnoozeBody {
    /// The end, at most 7 days ahead.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// Instead of `until`: 1 to 10080 from now on.
    minutes: Option<i64>,
}

/// One of the two, and only one.
fn end(until: Option<Timestamp>, minutes: Option<i64>) -> Result<SnoozeEnd, Problem> {
    match (until, minutes) {
        (Some(until), None) => Ok(SnoozeEnd::At(until)),
        (None, Some(minutes)) => Ok(SnoozeEnd::AfterMinutes(minutes)),
        (Some(_), Some(_)) => {
            Err(Problem::unprocessable("/minutes", "contradictory", "Give until or minutes, not both."))
        }
        (None, None) => {
            Err(Problem::unprocessable("/until", "required", "Say until when, or for how many minutes."))
        }
    }
}

fn filter(service: Option<ServiceId>, tag: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if let Some(service) = service {
        query.append_pair("service_id", &service.to_string());
    }
    if let Some(tag) = tag {
        query.append_pair("tag", tag);
    }
    let query = query.finish();
    if query.is_empty() { query } else { format!("?{query}") }
}

/// The monitors of the organization, of one service or with one tag, oldest first.
#[utoipa::path(get, path = "/monitors", tag = "Monitors", params(ListQuery),
    responses((status = 200, body = List<MonitorBody>), (status = 422, body = Problem)))]
async fn list(
    State(state): State<AppState>,
    member: Member,
    Query(query): Query<ListQuery>,
) -> Result<Paged<MonitorBody>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    if let Some(tag) = &query.tag {
        // What is no tag is on no monitor; PostgreSQL takes not every text as a parameter.
        Tags::parse([tag]).map_err(|error| Problem::unprocessable("tag", error.code(), error.to_string()))?;
    }
    let (limit, after) = (page.limit()?, page.after::<(i64, MonitorId)>()?);
    let after = after.map(|(at, id)| (Timestamp::from_ms(at), id));
    let (scope, service, most) = (member.membership.scope(), query.service_id, i64::from(limit) + 1);
    let mut conn = state.ctx.db.read().await?;
    let tag = query.tag.as_deref();
    let monitors = store::monitors::list_part(&mut conn, scope, service, tag, after, most).await?;
    let path = format!("{}/api/v1/monitors{}", state.config.base(), filter(service, tag));
    let bodies = monitors
        .into_iter()
        .map(|monitor| MonitorBody::new(&state.ctx, known(&state, &member, monitor)))
        .collect::<Result<_, _>>()?;
    Ok(Paged::by_key(bodies, limit, path, |body: &MonitorBody| (body.created_at.ms(), body.id)))
}

/// Pauses, resumes or snoozes up to 200 monitors in one step, and says of each what became of it; 404 when none of
/// them is there. When the plan has no room for one that is resumed, none is changed.
#[utoipa::path(post, path = "/monitors/bulk", tag = "Monitors", request_body = BulkBody,
    responses((status = 200, body = List<OutcomeBody>), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn bulk(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<BulkBody>,
) -> Result<axum::Json<List<OutcomeBody>>, Problem> {
    let is_timed = body.until.is_some() || body.minutes.is_some();
    let change = match body.action {
        BulkAction::Snooze => Change::Snooze(end(body.until, body.minutes)?),
        _ if is_timed => {
            return Err(Problem::unprocessable("/until", "not_of_this_action", "Only snooze has an end."));
        }
        BulkAction::Pause => Change::Pause,
        BulkAction::Resume => Change::Resume,
        BulkAction::Unsnooze => Change::EndSnooze,
    };
    let bulk = actions::monitors::change_many(&state.ctx, &member.membership, &body.ids, change).await?;
    let word = |outcome| match outcome {
        Outcome::Changed => "changed",
        Outcome::Unchanged => "unchanged",
        Outcome::NotFound => "not_found",
    };
    let outcomes = bulk.into_iter().map(|(id, outcome)| OutcomeBody { id, outcome: word(outcome) });
    Ok(axum::Json(List::whole(outcomes.collect())))
}

/// Snoozes a monitor: until then it opens and suggests no incident and alerts nobody. It is checked, shown and counted as
/// ever, and the snooze ends by itself.
#[utoipa::path(post, path = "/monitors/{id}/snooze", tag = "Monitors", params(("id" = String, Path)),
    request_body = SnoozeBody,
    responses((status = 200, body = MonitorBody), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn snooze(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<MonitorId>,
    Json(body): Json<SnoozeBody>,
) -> Result<Object<MonitorBody>, Problem> {
    let end = end(body.until, body.minutes)?;
    let monitor = actions::monitors::snooze(&state.ctx, &member.membership, id, end).await?;
    object(&state, known(&state, &member, monitor))
}

/// Ends a snooze early.
#[utoipa::path(delete, path = "/monitors/{id}/snooze", tag = "Monitors", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
async fn end_snooze(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<MonitorId>,
) -> Result<StatusCode, Problem> {
    actions::monitors::end_snooze(&state.ctx, &member.membership, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
