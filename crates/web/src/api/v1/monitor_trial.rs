//! `POST /api/v1/monitors/test`: a check of what is not saved yet.

use actions::monitors::{self, MonitorPatch, NewMonitor};
use axum::extract::State;
use domain::check::{CheckStatus, FailureClass, Outcome};
use domain::id::MonitorId;
use domain::monitor::{Method, MonitorKind};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::monitor_settings::{SecretsBody, wanted_change, wanted_new};
use super::monitors::{PhasesBody, checked_url_of, find};
use crate::AppState;
use crate::error::Problem;
use crate::extract::{Json, Member};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(test))
}

/// What to check, as for a new monitor or for a change of one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MonitorTest)]
pub(super) struct TestBody {
    /// A monitor whose settings and secrets stand in for what is absent here.
    #[schema(value_type = Option<String>)]
    monitor_id: Option<MonitorId>,
    /// `http` when left out; with `monitor_id`, its kind.
    #[schema(value_type = Option<String>)]
    kind: Option<MonitorKind>,
    url: Option<String>,
    #[schema(value_type = Option<Object>)]
    settings: Option<Map<String, Value>>,
    secrets: Option<SecretsBody>,
    #[schema(value_type = Option<String>)]
    method: Option<Method>,
    expected_status: Option<i32>,
    timeout_seconds: Option<i32>,
}

/// What the check saw. Nothing of it is stored.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MonitorTestOutcome)]
pub(super) struct OutcomeBody {
    /// `up`, `degraded`, `down` or `no_data`.
    #[schema(value_type = String)]
    status: CheckStatus,
    #[schema(value_type = Option<String>)]
    failure: Option<FailureClass>,
    error_message: Option<String>,
    status_code: Option<u16>,
    response_time_ms: Option<u32>,
    phases: PhasesBody,
    #[schema(value_type = Option<String>, format = DateTime)]
    certificate_expires_at: Option<Timestamp>,
}

impl OutcomeBody {
    fn new(outcome: &Outcome, expected_status: u16) -> Self {
        let code = outcome.status_code.map(i32::from);
        Self {
            status: outcome.status,
            failure: outcome.failure,
            error_message: outcome.failure.map(|class| class.explain(code, i32::from(expected_status))),
            status_code: outcome.status_code,
            response_time_ms: outcome.response_time_ms,
            phases: outcome.phases.into(),
            certificate_expires_at: outcome.certificate_expires_at,
        }
    }
}

/// Runs one check of what is not saved yet, and answers with what it saw and how long each phase took. It counts among
/// the checks by hand of the organization, of which six a minute are run.
#[utoipa::path(post, path = "/monitors/test", tag = "Monitors", request_body = TestBody,
    responses((status = 200, body = OutcomeBody), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem)))]
async fn test(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<TestBody>,
) -> Result<axum::Json<OutcomeBody>, Problem> {
    let url = checked_url_of(&state, body.url).await;
    let (ctx, by) = (&state.ctx, &member.membership);
    let job = if let Some(id) = body.monitor_id {
        let kind = find(&state, &member, id).await?.kind;
        if body.kind.is_some_and(|asked| asked != kind) {
            let message = "This monitor is of another kind.";
            return Err(Problem::unprocessable("/kind", "kind_fixed", message));
        }
        let patch = MonitorPatch {
            url,
            wanted: wanted_change(&state.egress, kind, body.settings, body.secrets).await?,
            method: body.method,
            expected_status: body.expected_status,
            timeout_seconds: body.timeout_seconds,
            ..MonitorPatch::default()
        };
        monitors::try_change(ctx, by, id, patch).await?
    } else {
        let input = NewMonitor {
            wanted: wanted_new(&state.egress, body.kind, body.settings, body.secrets).await?,
            url,
            method: body.method,
            expected_status: body.expected_status,
            timeout_seconds: body.timeout_seconds,
            ..NewMonitor::of(monitors::no_service())
        };
        monitors::try_new(ctx, by, input).await?
    };
    let outcome = state.egress.check(&job).await;
    Ok(axum::Json(OutcomeBody::new(&outcome, job.expected_status)))
}
