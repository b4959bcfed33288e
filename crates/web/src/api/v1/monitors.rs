//! `/api/v1/monitors` (S11): the monitors of an organization, their results, checks by hand.

use actions::monitors::{CheckedUrl, MonitorPatch, NewMonitor};
use actions::patch::Patch;
use actions::{Context, FieldError};
use axum::extract::State;
use axum::http::StatusCode;
use domain::check::{CheckResult, CheckStatus, FailureClass, Phases};
use domain::id::{MonitorId, ServiceId};
use domain::monitor::{Method, Monitor, MonitorKind, MonitorState};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::dto::{List, Object, PageQuery, Paged};
use super::monitor_settings::{self, SecretsBody, SecretsHeldBody};
use crate::AppState;
use crate::error::Problem;
use crate::extract::{IfMatch, Json, Member, Path, Query};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(show, update, delete))
        .routes(routes!(check))
        .routes(routes!(results))
}

/// What is checked, how often, and what was found last.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Monitor)]
pub struct MonitorBody {
    #[schema(value_type = String, example = "mn_01hzxk3v9q8r7t6m5n4p3w2y1z")]
    pub(super) id: MonitorId,
    #[schema(value_type = String)]
    service_id: ServiceId,
    /// What it depends on: while that fails, a failure of this one is recorded as `no_data`.
    #[schema(value_type = Option<String>)]
    parent_id: Option<MonitorId>,
    /// `http`, `tcp`, `dns`, `icmp`, `tls_certificate`, `domain_expiry`, `websocket` or `grpc`.
    #[schema(value_type = String, example = "http")]
    kind: MonitorKind,
    name: Option<String>,
    /// What is watched, in one line; empty when nothing is asked.
    #[schema(example = "https://example.com/")]
    target: String,
    /// Of HTTP; `null` for other kinds.
    url: Option<String>,
    /// Of HTTP.
    #[schema(value_type = String, example = "GET")]
    method: Method,
    /// Of HTTP.
    expected_status: i32,
    /// What the kind needs beyond this.
    #[schema(value_type = Object)]
    settings: Map<String, Value>,
    secrets: SecretsHeldBody,
    timeout_seconds: i32,
    /// As asked for. A plan with a longer minimum checks at its minimum.
    interval_seconds: i32,
    /// So many failures in a row make the monitor down.
    failures_to_open: i32,
    /// So many successes in a row make it up again.
    successes_to_close: i32,
    /// Failures that do not last so long are no outage; one that does begins with the first of them.
    min_outage_seconds: i32,
    /// A good answer slower than this counts as degraded; `null`: never.
    degraded_above_ms: Option<i32>,
    is_active: bool,
    /// `no_data`, `up`, `degraded` or `down`.
    #[schema(value_type = String)]
    state: MonitorState,
    /// The first check that led to the state.
    #[schema(value_type = Option<String>, format = DateTime)]
    state_since: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_checked_at: Option<Timestamp>,
    #[schema(value_type = Option<String>)]
    last_failure: Option<FailureClass>,
    last_error_message: Option<String>,
    last_status_code: Option<i32>,
    last_response_time_ms: Option<i32>,
    /// When the certificate ends that the target showed last.
    #[schema(value_type = Option<String>, format = DateTime)]
    certificate_expires_at: Option<Timestamp>,
    /// Since when its state changes again and again: 6 times or more within 24 hours, until an hour passes without a
    /// change. `null`: it does not.
    #[schema(value_type = Option<String>, format = DateTime)]
    flapping_since: Option<Timestamp>,
    /// In alphabetical order.
    tags: Vec<String>,
    /// Until then it opens no incident and alerts nobody, and is checked and counted as ever; `null`: it is not snoozed.
    #[schema(value_type = Option<String>, format = DateTime)]
    snoozed_until: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    pub(super) created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl MonitorBody {
    pub(super) fn new(ctx: &Context, monitor: Monitor) -> Result<Self, Problem> {
        let secrets = actions::monitors::secrets_held(ctx, &monitor)?.into();
        let explained = monitor
            .last_failure
            .map(|class| class.explain(monitor.last_status_code, monitor.expected_status));
        Ok(Self {
            id: monitor.id,
            service_id: monitor.service_id,
            parent_id: monitor.parent_id,
            kind: monitor.kind,
            target: monitor.target(),
            settings: monitor_settings::write(&monitor.settings),
            secrets,
            name: monitor.name,
            url: Some(monitor.url).filter(|url| !url.is_empty()),
            method: monitor.method,
            expected_status: monitor.expected_status,
            timeout_seconds: monitor.timeout_seconds,
            interval_seconds: monitor.interval_seconds,
            failures_to_open: monitor.failures_to_open,
            successes_to_close: monitor.successes_to_close,
            min_outage_seconds: monitor.min_outage_seconds,
            degraded_above_ms: monitor.degraded_above_ms,
            is_active: monitor.is_active,
            state: monitor.state,
            state_since: monitor.state_since,
            last_checked_at: monitor.last_checked_at,
            last_failure: monitor.last_failure,
            last_error_message: explained,
            last_status_code: monitor.last_status_code,
            last_response_time_ms: monitor.last_response_time_ms,
            certificate_expires_at: monitor.certificate_expires_at,
            flapping_since: monitor.flapping_since,
            tags: monitor.tags.iter().map(str::to_owned).collect(),
            snoozed_until: monitor.snoozed_until.filter(|until| ctx.now() < *until),
            created_at: monitor.created_at,
            updated_at: monitor.updated_at,
        })
    }
}

/// One execution of a monitor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CheckResult)]
pub struct ResultBody {
    /// Made of the monitor and the instant, which name a result: the same whenever it is asked for.
    #[schema(example = "cr_01hzxk3v9q8r7t6m5n4p3w2y1z_1763633700123")]
    id: String,
    #[schema(value_type = String)]
    monitor_id: MonitorId,
    /// `up`, `degraded`, `down` or `no_data`.
    #[schema(value_type = String)]
    status: CheckStatus,
    response_time_ms: Option<i32>,
    status_code: Option<i16>,
    /// The kind of failure, for programs.
    #[schema(value_type = Option<String>)]
    failure: Option<FailureClass>,
    /// One sentence for people.
    error_message: Option<String>,
    phases: PhasesBody,
    /// Asked for by a person; in no uptime.
    is_manual: bool,
    #[schema(value_type = String, format = DateTime)]
    checked_at: Timestamp,
}

impl ResultBody {
    fn new(result: CheckResult, expected_status: i32) -> Self {
        let code = result.status_code.map(i32::from);
        let error_message = match (result.failure, result.status) {
            (Some(class), _) => Some(class.explain(code, expected_status)),
            (None, CheckStatus::NoData) => {
                Some("The check could not run on our side, so it says nothing about the server.".to_owned())
            }
            (None, _) => None,
        };
        let monitor = result.monitor_id.to_string();
        let monitor = monitor.split_once('_').map_or(monitor.as_str(), |(_, id)| id);
        Self {
            id: format!("cr_{monitor}_{}", result.checked_at.ms()),
            monitor_id: result.monitor_id,
            status: result.status,
            response_time_ms: result.response_time_ms,
            status_code: result.status_code,
            failure: result.failure,
            error_message,
            phases: result.phases.into(),
            is_manual: result.is_manual,
            checked_at: result.checked_at,
        }
    }
}

/// How long each phase took, in milliseconds; `null`: the phase was not reached or not needed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CheckPhases)]
#[expect(clippy::struct_field_names, reason = "the unit belongs to each name of the wire")]
pub struct PhasesBody {
    dns_ms: Option<u32>,
    connect_ms: Option<u32>,
    tls_ms: Option<u32>,
    first_byte_ms: Option<u32>,
}

impl From<Phases> for PhasesBody {
    fn from(phases: Phases) -> Self {
        Self {
            dns_ms: phases.dns_ms,
            connect_ms: phases.connect_ms,
            tls_ms: phases.tls_ms,
            first_byte_ms: phases.first_byte_ms,
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMonitor)]
pub struct CreateBody {
    #[schema(value_type = String)]
    service_id: ServiceId,
    /// `http` when left out; it cannot be changed later.
    #[schema(value_type = Option<String>)]
    kind: Option<MonitorKind>,
    /// Up to 100 characters; left out, the target names it.
    name: Option<String>,
    /// `http` or `https`, a public host. HTTP needs it, other kinds have their target in `settings`.
    url: Option<String>,
    /// What the kind needs; see the documentation of monitors. Absent fields have their defaults.
    #[schema(value_type = Option<Object>)]
    settings: Option<Map<String, Value>>,
    secrets: Option<SecretsBody>,
    /// `GET`, `HEAD` or `POST`; `GET` when left out.
    #[schema(value_type = Option<String>)]
    method: Option<Method>,
    /// 200 when left out.
    expected_status: Option<i32>,
    /// 1 to 60, shorter than the interval; 10 when left out.
    timeout_seconds: Option<i32>,
    /// 60 when left out, or the minimum of the plan.
    interval_seconds: Option<i32>,
    /// 1 to 10; 2 when left out.
    failures_to_open: Option<i32>,
    /// 1 to 10; 1 when left out.
    successes_to_close: Option<i32>,
    /// 0 to 3600; 0 when left out.
    min_outage_seconds: Option<i32>,
    degraded_above_ms: Option<i32>,
    /// Another monitor of the organization; nothing when left out.
    #[schema(value_type = Option<String>)]
    parent_id: Option<MonitorId>,
    /// At most 10 words of 1 to 30 characters: letters a to z, digits and `-` `_` `.` `:`.
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default = "yes")]
    is_active: bool,
}

const fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MonitorPatch)]
pub struct UpdateBody {
    /// Moves the monitor to another service of the same organization.
    #[schema(value_type = Option<String>)]
    service_id: Option<ServiceId>,
    /// `null` or blank: the target names it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    name: Patch<String>,
    url: Option<String>,
    /// All settings of the kind: absent fields have their defaults.
    #[schema(value_type = Option<Object>)]
    settings: Option<Map<String, Value>>,
    secrets: Option<SecretsBody>,
    #[schema(value_type = Option<String>)]
    method: Option<Method>,
    expected_status: Option<i32>,
    timeout_seconds: Option<i32>,
    interval_seconds: Option<i32>,
    failures_to_open: Option<i32>,
    successes_to_close: Option<i32>,
    min_outage_seconds: Option<i32>,
    #[serde(default)]
    #[schema(value_type = Option<i32>)]
    degraded_above_ms: Patch<i32>,
    /// Not the monitor itself, nor one that depends on it; five above one at most. `null`: nothing.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    parent_id: Patch<MonitorId>,
    /// All tags from now on.
    tags: Option<Vec<String>>,
    is_active: Option<bool>,
}

/// What the guard of outgoing connections and the network say to a URL that a person typed, in the form that actions
/// take. May take some seconds.
pub(crate) async fn checked_url(state: &AppState, text: &str) -> CheckedUrl {
    let consulted = match state.egress.validate(text.trim()) {
        Ok(target) => state.egress.consult(&target).await.map(|()| target.as_str().to_owned()),
        Err(error) => Err(error),
    };
    consulted.map_err(|error| FieldError {
        field: "url",
        path: String::new(),
        code: error.code(),
        message: error.to_string(),
    })
}

/// The same where the URL may be left out.
pub(super) async fn checked_url_of(state: &AppState, text: Option<String>) -> Option<CheckedUrl> {
    match text {
        Some(text) => Some(checked_url(state, &text).await),
        None => None,
    }
}

/// Creates a monitor; its first check runs at once.
#[utoipa::path(post, path = "/monitors", tag = "Monitors", request_body = CreateBody,
    responses((status = 201, body = MonitorBody), (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn create(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<CreateBody>,
) -> Result<Object<MonitorBody>, Problem> {
    let input = NewMonitor {
        service_id: body.service_id,
        name: body.name,
        url: checked_url_of(&state, body.url).await,
        wanted: monitor_settings::wanted_new(&state.egress, body.kind, body.settings, body.secrets).await?,
        method: body.method,
        expected_status: body.expected_status,
        timeout_seconds: body.timeout_seconds,
        interval_seconds: body.interval_seconds,
        failures_to_open: body.failures_to_open,
        successes_to_close: body.successes_to_close,
        min_outage_seconds: body.min_outage_seconds,
        degraded_above_ms: body.degraded_above_ms,
        parent_id: body.parent_id,
        tags: body.tags,
        is_active: body.is_active,
    };
    let monitor = actions::monitors::create(&state.ctx, &member.membership, input).await?;
    let mut answer = object(&state, monitor)?;
    answer.created_at = Some(format!("{}/api/v1/monitors/{}", state.config.base(), answer.body.id));
    Ok(answer)
}

/// One monitor.
#[utoipa::path(get, path = "/monitors/{id}", tag = "Monitors", params(("id" = String, Path)),
    responses((status = 200, body = MonitorBody), (status = 404, body = Problem)))]
async fn show(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<MonitorId>,
) -> Result<Object<MonitorBody>, Problem> {
    object(&state, find(&state, &member, id).await?)
}

/// Changes a monitor; absent fields stay as they are (JSON Merge Patch). `is_active` false pauses it: the time until
/// it is switched on again has no data.
#[utoipa::path(patch, path = "/monitors/{id}", tag = "Monitors", params(("id" = String, Path)),
    request_body = UpdateBody,
    responses((status = 200, body = MonitorBody), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem)))]
async fn update(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<MonitorId>,
    IfMatch(version): IfMatch,
    Json(body): Json<UpdateBody>,
) -> Result<Object<MonitorBody>, Problem> {
    let wanted = if body.settings.is_some() || body.secrets.is_some() {
        let kind = find(&state, &member, id).await?.kind;
        monitor_settings::wanted_change(&state.egress, kind, body.settings, body.secrets).await?
    } else {
        None
    };
    let patch = MonitorPatch {
        service_id: body.service_id,
        name: body.name,
        wanted,
        url: checked_url_of(&state, body.url).await,
        method: body.method,
        expected_status: body.expected_status,
        timeout_seconds: body.timeout_seconds,
        interval_seconds: body.interval_seconds,
        failures_to_open: body.failures_to_open,
        successes_to_close: body.successes_to_close,
        min_outage_seconds: body.min_outage_seconds,
        degraded_above_ms: body.degraded_above_ms,
        parent_id: body.parent_id,
        tags: body.tags,
        is_active: body.is_active,
    };
    object(&state, actions::monitors::update(&state.ctx, &member.membership, id, version, patch).await?)
}

/// Deletes a monitor; the history of its service stays.
#[utoipa::path(delete, path = "/monitors/{id}", tag = "Monitors", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 412, body = Problem)))]
async fn delete(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<MonitorId>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, Problem> {
    actions::monitors::delete(&state.ctx, &member.membership, id, version).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Runs one check now and answers with what it saw; at most once in ten seconds. The result is marked as manual and
/// counts in no uptime.
#[utoipa::path(post, path = "/monitors/{id}/check", tag = "Monitors", params(("id" = String, Path)),
    responses((status = 200, body = ResultBody), (status = 404, body = Problem), (status = 429, body = Problem)))]
async fn check(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<MonitorId>,
) -> Result<axum::Json<ResultBody>, Problem> {
    let check = actions::checks::begin_by_hand(&state.ctx, &member.membership, id).await?;
    let outcome = state.egress.check(&check.job).await;
    let result = actions::checks::record_by_hand(&state.ctx, &member.membership, &check, &outcome).await?;
    let result = ResultBody::new(result, i32::from(check.job.expected_status));
    Ok(axum::Json(result))
}

/// The results of a monitor, newest first, as long as single results are kept.
#[utoipa::path(get, path = "/monitors/{id}/results", tag = "Monitors", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = List<ResultBody>), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn results(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<MonitorId>,
    Query(query): Query<PageQuery>,
) -> Result<Paged<ResultBody>, Problem> {
    let (limit, before) = (query.limit()?, query.before()?);
    let monitor = find(&state, &member, id).await?;
    let mut conn = state.ctx.db.read().await?;
    let scope = member.membership.scope();
    let rows = store::check_results::list(&mut conn, scope, id, before, i64::from(limit) + 1).await?;
    let bodies = rows.into_iter().map(|row| ResultBody::new(row, monitor.expected_status)).collect();
    let path = format!("{}/api/v1/monitors/{id}/results", state.config.base());
    Ok(Paged::new(bodies, limit, path, |body: &ResultBody| body.checked_at))
}

pub(super) async fn find(state: &AppState, member: &Member, id: MonitorId) -> Result<Monitor, Problem> {
    let mut conn = state.ctx.db.read().await?;
    let found = store::monitors::find(&mut conn, member.membership.scope(), id).await?;
    found.map(|monitor| known(state, member, monitor)).ok_or_else(Problem::not_found)
}

/// As far as is known now: without recent results there is no state.
pub(super) fn known(state: &AppState, member: &Member, monitor: Monitor) -> Monitor {
    let limits = state.ctx.policy.limits(member.membership.organization.tier);
    let interval_seconds = limits.clamp_interval(monitor.interval_seconds);
    monitor.as_known(interval_seconds, state.ctx.now())
}

pub(super) fn object(state: &AppState, monitor: Monitor) -> Result<Object<MonitorBody>, Problem> {
    let version = monitor.updated_at;
    Ok(Object { version, body: MonitorBody::new(&state.ctx, monitor)?, created_at: None })
}
