//! `/api/v1/dashboard` (S54): an organization at a glance.

use axum::extract::State;
use domain::id::{IncidentId, ServiceId};
use domain::incident::{Impact, Incident, IncidentStatus};
use domain::monitor::MonitorState;
use domain::plan::{Limits, Quota, QuotaKind};
use domain::service::{Service, ServiceStatus};
use domain::time::Timestamp;
use serde::Serialize;
use store::dashboard::{StateCount, Usage};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::organizations::OrganizationBody;
use super::pages::{self, PageBody};
use crate::AppState;
use crate::error::Problem;
use crate::extract::Member;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(show))
}

/// An organization at a glance.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Dashboard)]
pub struct DashboardBody {
    organization: OrganizationBody,
    /// One entry per limit of the plan.
    usage: Vec<UsageBody>,
    pages: Vec<PageBody>,
    services: Vec<DashboardServiceBody>,
    monitors: MonitorCountsBody,
    /// Newest first, at most 50.
    open_incidents: Vec<OpenIncidentBody>,
}

/// How much of a limit is in use. Limits per page or per service count the fullest one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Usage)]
pub struct UsageBody {
    #[schema(value_type = String, example = "status_pages")]
    kind: QuotaKind,
    used: i64,
    /// `null`: as many as you like.
    limit: Option<u32>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DashboardService)]
pub struct DashboardServiceBody {
    #[schema(value_type = String)]
    id: ServiceId,
    name: String,
    slug: String,
    group_name: Option<String>,
    is_visible: bool,
    #[schema(value_type = Option<String>)]
    manual_status: Option<ServiceStatus>,
}

/// Monitors by confirmed state.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = MonitorCounts)]
pub struct MonitorCountsBody {
    up: i64,
    degraded: i64,
    down: i64,
    /// Not checked yet.
    no_data: i64,
    paused: i64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OpenIncident)]
pub struct OpenIncidentBody {
    #[schema(value_type = String)]
    id: IncidentId,
    title: String,
    #[schema(value_type = String)]
    status: IncidentStatus,
    #[schema(value_type = String)]
    impact: Impact,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
}

fn usage(limits: &Limits, used: &Usage, members: i64) -> Vec<UsageBody> {
    let of = |kind| match kind {
        QuotaKind::StatusPages => used.status_pages,
        QuotaKind::ServicesPerPage => used.services_per_page,
        QuotaKind::MonitorsPerService => used.monitors_per_service,
        QuotaKind::Subscribers => used.subscribers,
        QuotaKind::Members => members,
    };
    let limit = |kind| match limits.quota(kind) {
        Quota::Limited(limit) => Some(limit),
        Quota::Unlimited => None,
    };
    QuotaKind::ALL.map(|kind| UsageBody { kind, used: of(kind), limit: limit(kind) }).into()
}

fn monitors(counts: Vec<StateCount>) -> MonitorCountsBody {
    let mut body = MonitorCountsBody::default();
    for row in counts {
        let place = match row.state {
            _ if !row.is_active => &mut body.paused,
            MonitorState::Up => &mut body.up,
            MonitorState::Degraded => &mut body.degraded,
            MonitorState::Down => &mut body.down,
            MonitorState::NoData => &mut body.no_data,
        };
        *place += row.count;
    }
    body
}

impl From<Service> for DashboardServiceBody {
    fn from(service: Service) -> Self {
        Self {
            id: service.id,
            name: service.name,
            slug: service.slug,
            group_name: service.group_name,
            is_visible: service.is_visible,
            manual_status: service.manual_status,
        }
    }
}

impl From<Incident> for OpenIncidentBody {
    fn from(incident: Incident) -> Self {
        Self {
            id: incident.id,
            title: incident.title,
            status: incident.status,
            impact: incident.impact,
            started_at: incident.started_at,
        }
    }
}

/// Pages, services, monitors, open incidents, and how much of the plan is in use.
#[utoipa::path(get, path = "/dashboard", tag = "Dashboard", responses((status = 200, body = DashboardBody)))]
async fn show(State(state): State<AppState>, member: Member) -> Result<axum::Json<DashboardBody>, Problem> {
    let membership = member.membership;
    let scope = membership.scope();
    let limits = state.ctx.policy.limits(membership.organization.tier);
    let mut conn = state.ctx.db.read().await?;
    let used = store::dashboard::count_usage(&mut conn, scope).await?;
    let members = store::members::count_seats(&mut conn, scope, state.ctx.now()).await?;
    let pages = store::status_pages::list(&mut conn, scope).await?;
    let services = store::services::list(&mut conn, scope).await?;
    let counts = store::dashboard::count_monitors(&mut conn, scope).await?;
    let incidents = store::dashboard::list_open_incidents(&mut conn, scope).await?;
    let slug = membership.organization.slug.clone();
    Ok(axum::Json(DashboardBody {
        organization: membership.into(),
        usage: usage(&limits, &used, members),
        pages: pages.into_iter().map(|page| pages::body(&state, &slug, page)).collect(),
        services: services.into_iter().map(DashboardServiceBody::from).collect(),
        monitors: monitors(counts),
        open_incidents: incidents.into_iter().map(OpenIncidentBody::from).collect(),
    }))
}
