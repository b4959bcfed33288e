//! `GET /services/{id}/uptime` and `/monitors/{id}/uptime` (D8): the percentage of any time, by the function that pages and
//! badges use, and on request every span behind it.

use axum::extract::State;
use domain::id::{MonitorId, PageId, ServiceId};
use domain::time::{Day, Interval, Timestamp};
use domain::uptime::{Durations, MaintenanceRule, Rule, Stretch, Timeline, Uptime, format_percent, uptime};
use domain::verdict::{MonitorVerdict, Policy};
use domain::zone::Zone;
use serde::{Deserialize, Serialize};
use store::page_view::PlacedService;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::monitors;
use super::window::{Bounds, Wanted};
use crate::AppState;
use crate::error::Problem;
use crate::extract::{Member, Path, Query};
use crate::public::documents::percent;
use crate::public::timeline::{DAYS, Lens, Seen};

const BOUNDS: Bounds = Bounds { default_days: DAYS, most_days: 400 };
/// Spans of an explanation; a shorter time has fewer.
const MOST_SPANS: usize = 10_000;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(of_service)).routes(routes!(of_monitor))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct UptimeQuery {
    /// Beginning of the time, RFC 3339. Give either `from`, with or without `to`, or `days`.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// End of the time; now when left out or later than that.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// The last days of the time zone, today included: 1 to 400; 90 when nothing is given.
    days: Option<i64>,
    /// Of the IANA database: where days begin. That of the page when left out.
    time_zone: Option<String>,
    /// The page whose time zone and rule are used; the default page when left out.
    #[param(value_type = Option<String>)]
    page_id: Option<PageId>,
    /// `1`: list the spans that the percentage was added up from.
    #[param(value_type = Option<u8>)]
    explain: Option<u8>,
}

/// How much of a time a service or monitor worked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Uptime)]
pub struct UptimeBody {
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    #[schema(example = "Europe/Berlin")]
    time_zone: String,
    rule: RuleBody,
    /// Rounded down to three decimals; `null`: there is no time that counts.
    #[schema(example = 99.982)]
    uptime_percent: Option<f64>,
    /// As it stands on the page.
    #[schema(example = "99.982 %")]
    uptime: Option<String>,
    /// Weighted time down, rounded up.
    down_ms: i64,
    /// The time that the percentage is a part of.
    counted_ms: i64,
    durations: DurationsBody,
    /// Every day that the time touches, oldest first.
    days: Vec<DayBody>,
    /// With `explain=1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<ExplanationBody>,
}

/// What counts as down, and how much.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UptimeRule)]
pub struct RuleBody {
    partial_outage_percent: i32,
    degraded_percent: i32,
    /// `excluded`, `up` or `down`.
    #[schema(value_type = String)]
    maintenance_rule: MaintenanceRule,
}

/// How long each state lasted; together they are the whole time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UptimeDurations)]
#[expect(clippy::struct_field_names, reason = "the unit belongs to each name of the wire")]
pub struct DurationsBody {
    operational_ms: i64,
    degraded_performance_ms: i64,
    partial_outage_ms: i64,
    major_outage_ms: i64,
    under_maintenance_ms: i64,
    no_data_ms: i64,
}

impl From<Durations> for DurationsBody {
    fn from(durations: Durations) -> Self {
        Self {
            operational_ms: durations.operational_ms,
            degraded_performance_ms: durations.degraded_ms,
            partial_outage_ms: durations.partial_ms,
            major_outage_ms: durations.major_ms,
            under_maintenance_ms: durations.maintenance_ms,
            no_data_ms: durations.no_data_ms,
        }
    }
}

/// One day, as far as it lies in the time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UptimeDay)]
pub struct DayBody {
    #[schema(example = "2026-11-23")]
    date: String,
    /// The worst state of the day; `no_data` when nothing is known.
    state: &'static str,
    uptime_percent: Option<f64>,
    down_ms: i64,
    counted_ms: i64,
}

/// The spans behind a percentage. `uptime_percent` is 100 × (`counted_ms` − `down_percent_ms` / 100) / `counted_ms`, rounded
/// down to three decimals; both are sums over the spans.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UptimeExplanation)]
pub struct ExplanationBody {
    /// The sum of `ms` of all spans that count.
    counted_ms: i64,
    /// The sum of `ms` × `down_percent` of all spans.
    down_percent_ms: i64,
    /// In order of time, without gaps.
    intervals: Vec<IntervalBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UptimeInterval)]
pub struct IntervalBody {
    #[schema(value_type = String, format = DateTime)]
    start: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    end: Timestamp,
    /// `operational`, `degraded_performance`, `partial_outage`, `major_outage`, `under_maintenance` or `no_data`.
    state: &'static str,
    /// `up`, `down`, `partly_down` or `not_counted`.
    counted_as: &'static str,
    down_percent: i32,
    ms: i64,
}

fn state_of(status: Option<domain::service::ServiceStatus>) -> &'static str {
    status.map_or("no_data", domain::service::ServiceStatus::as_str)
}

fn date(day: Day) -> String {
    day.start().to_jiff().strftime("%Y-%m-%d").to_string()
}

impl UptimeBody {
    fn new(seen: &Uptime, lens: &Lens, is_explained: bool) -> Result<Self, Problem> {
        let (window, rule) = (lens.window, lens.rule);
        Ok(Self {
            from: window.start,
            to: window.end,
            time_zone: lens.zone.name().to_owned(),
            rule: RuleBody {
                partial_outage_percent: rule.partial_outage_percent,
                degraded_percent: rule.degraded_percent,
                maintenance_rule: rule.maintenance_rule,
            },
            uptime_percent: seen.uptime.map(percent),
            uptime: seen.uptime.map(format_percent),
            down_ms: seen.down_ms,
            counted_ms: seen.durations.counted_ms(rule),
            durations: seen.durations.into(),
            days: seen
                .days
                .iter()
                .map(|bar| DayBody {
                    date: date(bar.day),
                    state: state_of(bar.worst),
                    uptime_percent: bar.durations.uptime(rule).map(percent),
                    down_ms: bar.down_ms,
                    counted_ms: bar.durations.counted_ms(rule),
                })
                .collect(),
            explanation: if is_explained { Some(explain(seen, rule)?) } else { None },
        })
    }
}

fn explain(seen: &Uptime, rule: Rule) -> Result<ExplanationBody, Problem> {
    if seen.stretches.len() > MOST_SPANS {
        let detail = format!("More than {MOST_SPANS} spans lie in this time. Choose a shorter one.");
        return Err(Problem::unprocessable("explain", "too_many", detail));
    }
    let interval = |stretch: &Stretch| IntervalBody {
        start: stretch.interval.start,
        end: stretch.interval.end,
        state: state_of(stretch.status),
        counted_as: rule.counts(stretch.status).as_str(),
        down_percent: rule.counts(stretch.status).down_percent(),
        ms: stretch.interval.length_ms(),
    };
    Ok(ExplanationBody {
        counted_ms: seen.durations.counted_ms(rule),
        down_percent_ms: i64::try_from(seen.durations.down_percent_ms(rule)).unwrap_or(i64::MAX),
        intervals: seen.stretches.iter().map(interval).collect(),
    })
}

impl UptimeQuery {
    /// How to look at the past, by the page that was named or the default page. 404 for a page that is not there.
    async fn lens(&self, state: &AppState, member: &Member) -> Result<Lens, Problem> {
        let (scope, now) = (member.membership.scope(), state.ctx.now());
        let mut conn = state.ctx.db.read().await?;
        let page = match self.page_id {
            Some(id) => {
                let found = store::status_pages::find(&mut conn, scope, id).await?;
                Some(found.ok_or_else(Problem::not_found)?)
            }
            None => store::status_pages::find_default(&mut conn, scope).await?,
        };
        let (mut zone, rule) = page.map(|page| (page.time_zone, page.rule)).unwrap_or_default();
        if let Some(name) = &self.time_zone {
            zone = Zone::parse(name).map_err(|unknown| {
                Problem::unprocessable("time_zone", "unknown_time_zone", unknown.to_string())
            })?;
        }
        if self.explain.is_some_and(|explain| explain > 1) {
            return Err(Problem::unprocessable("explain", "out_of_range", "Choose 0 or 1."));
        }
        let wanted = Wanted { from: self.from, to: self.to, days: self.days };
        Ok(Lens { window: wanted.window(BOUNDS, &zone, now)?, zone, rule, now })
    }

    fn is_explained(&self) -> bool {
        self.explain == Some(1)
    }
}

/// The uptime of a service, as its page counts it: from what its monitors saw and what incidents did to it.
#[utoipa::path(get, path = "/services/{id}/uptime", tag = "Services", params(("id" = String, Path), UptimeQuery),
    responses((status = 200, body = UptimeBody), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn of_service(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<ServiceId>,
    Query(query): Query<UptimeQuery>,
) -> Result<axum::Json<UptimeBody>, Problem> {
    let scope = member.membership.scope();
    let mut conn = state.ctx.db.read().await?;
    let service = store::services::find(&mut conn, scope, id).await?.ok_or_else(Problem::not_found)?;
    drop(conn);
    let lens = query.lens(&state, &member).await?;
    let Interval { start, end } = lens.window;
    let mut conn = state.ctx.db.read().await?;
    let seen = Seen {
        monitors: store::service_view::list_monitors(&mut conn, scope, id).await?,
        intervals: store::service_view::list_intervals(&mut conn, scope, id, start, end).await?,
        incidents: store::service_view::list_effects(&mut conn, scope, id, start).await?,
    };
    drop(conn);
    let limits = state.ctx.policy.limits(member.membership.organization.tier);
    let seen = seen.uptime(&limits, &PlacedService::from(service), &lens);
    Ok(axum::Json(UptimeBody::new(&seen, &lens, query.is_explained())?))
}

/// The uptime of one monitor, from what it saw: incidents and other monitors have no part in it.
#[utoipa::path(get, path = "/monitors/{id}/uptime", tag = "Monitors", params(("id" = String, Path), UptimeQuery),
    responses((status = 200, body = UptimeBody), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn of_monitor(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<MonitorId>,
    Query(query): Query<UptimeQuery>,
) -> Result<axum::Json<UptimeBody>, Problem> {
    let monitor = monitors::find(&state, &member, id).await?;
    let lens = query.lens(&state, &member).await?;
    let mut conn = state.ctx.db.read().await?;
    let scope = member.membership.scope();
    let spans = store::state_intervals::list(&mut conn, scope, id, lens.window.start).await?;
    drop(conn);
    let limits = state.ctx.policy.limits(member.membership.organization.tier);
    let policy = Policy::of(&monitor, limits.clamp_interval(monitor.interval_seconds));
    let known_until = MonitorVerdict::of(&monitor).known_until(policy, lens.now);
    let spans: Vec<_> = spans
        .iter()
        .map(|span| {
            (Interval { start: span.started_at, end: span.ended_at.unwrap_or(known_until) }, span.state)
        })
        .collect();
    let timeline = Timeline { monitors: &spans, ..Timeline::default() };
    let seen = uptime(&timeline, lens.window, &lens.zone, lens.rule);
    Ok(axum::Json(UptimeBody::new(&seen, &lens, query.is_explained())?))
}
