//! `GET /monitors/{id}/latency` (H5): response times by hour or day, from sketches that add up.

use axum::extract::State;
use domain::id::MonitorId;
use domain::rollup::Rollup;
use domain::time::{DAY_MS, HOUR_MS, Interval, Timestamp};
use domain::zone::Zone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::monitors;
use super::window::{Bounds, Wanted};
use crate::AppState;
use crate::error::Problem;
use crate::extract::{Member, Path, Query};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(latency))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    #[default]
    Hour,
    Day,
}

impl Resolution {
    const fn bounds(self) -> Bounds {
        match self {
            Self::Hour => Bounds { default_days: 1, most_days: 31 },
            Self::Day => Bounds { default_days: 90, most_days: 400 },
        }
    }

    const fn length_ms(self) -> i64 {
        match self {
            Self::Hour => HOUR_MS,
            Self::Day => DAY_MS,
        }
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct LatencyQuery {
    /// A point for each `hour`, over 31 days at most, or for each `day` of UTC, over 400; `hour` when left out.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    resolution: Resolution,
    /// Beginning of the time, RFC 3339. Give either `from`, with or without `to`, or `days`.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// End of the time; now when left out or later than that.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// The last days of UTC, today included; 1 for hours and 90 for days when nothing is given.
    days: Option<i64>,
}

/// Response times of a monitor. Those of good answers only: a failure that ran into its time-out would drown them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Latency)]
pub struct LatencyBody {
    resolution: Resolution,
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    /// All points together: percentiles of all answers, not means of percentiles.
    total: LatencyFigures,
    /// Hours or days with results, oldest first; whole ones, also where the time begins or ends within.
    points: Vec<LatencyPoint>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct LatencyPoint {
    #[schema(value_type = String, format = DateTime)]
    start: Timestamp,
    #[serde(flatten)]
    figures: LatencyFigures,
}

/// Percentiles are never less than the true ones, and less than 8 % and one millisecond more. `null`: no good answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct LatencyFigures {
    /// Results by what they said.
    up: i64,
    degraded: i64,
    down: i64,
    no_data: i64,
    /// Good answers with a response time: what all figures below are taken over.
    count: i64,
    mean_ms: Option<i64>,
    p50_ms: Option<u32>,
    p90_ms: Option<u32>,
    p95_ms: Option<u32>,
    p99_ms: Option<u32>,
    max_ms: Option<i32>,
    phases: PhaseMeans,
}

/// How long each phase took in the mean, rounded down; a phase that was not needed took no time.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the unit belongs to each name of the wire")]
pub struct PhaseMeans {
    dns_ms: Option<i64>,
    connect_ms: Option<i64>,
    tls_ms: Option<i64>,
    first_byte_ms: Option<i64>,
}

/// Sums that may be larger than those of one hour or day.
#[derive(Debug, Default)]
struct Sum {
    up: i64,
    degraded: i64,
    down: i64,
    no_data: i64,
    count: i64,
    total_ms: i64,
    max_ms: i32,
    phases: domain::rollup::PhaseSums,
    latency: domain::latency::Latency,
}

impl Sum {
    fn add(&mut self, rollup: &Rollup) {
        self.up += i64::from(rollup.up);
        self.degraded += i64::from(rollup.degraded);
        self.down += i64::from(rollup.down);
        self.no_data += i64::from(rollup.no_data);
        self.count += i64::from(rollup.response_time_count);
        self.total_ms += rollup.response_time_sum_ms;
        self.max_ms = self.max_ms.max(rollup.response_time_max_ms);
        self.phases.dns_ms += rollup.phases.dns_ms;
        self.phases.connect_ms += rollup.phases.connect_ms;
        self.phases.tls_ms += rollup.phases.tls_ms;
        self.phases.first_byte_ms += rollup.phases.first_byte_ms;
        self.latency.merge(&rollup.latency);
    }

    fn figures(&self) -> LatencyFigures {
        let mean = |sum_ms: i64| sum_ms.checked_div(self.count);
        LatencyFigures {
            up: self.up,
            degraded: self.degraded,
            down: self.down,
            no_data: self.no_data,
            count: self.count,
            mean_ms: mean(self.total_ms),
            p50_ms: self.latency.percentile(500),
            p90_ms: self.latency.percentile(900),
            p95_ms: self.latency.percentile(950),
            p99_ms: self.latency.percentile(990),
            max_ms: (self.count > 0).then_some(self.max_ms),
            phases: PhaseMeans {
                dns_ms: mean(self.phases.dns_ms),
                connect_ms: mean(self.phases.connect_ms),
                tls_ms: mean(self.phases.tls_ms),
                first_byte_ms: mean(self.phases.first_byte_ms),
            },
        }
    }
}

/// Response times of a monitor by hour or day.
#[utoipa::path(get, path = "/monitors/{id}/latency", tag = "Monitors", params(("id" = String, Path), LatencyQuery),
    responses((status = 200, body = LatencyBody), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn latency(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<MonitorId>,
    Query(query): Query<LatencyQuery>,
) -> Result<axum::Json<LatencyBody>, Problem> {
    let monitor = monitors::find(&state, &member, id).await?;
    let wanted = Wanted { from: query.from, to: query.to, days: query.days };
    let resolution = query.resolution;
    let Interval { start, end } = wanted.window(resolution.bounds(), &Zone::UTC, state.ctx.now())?;
    let (scope, last) = (member.membership.scope(), end.plus_ms(-1));
    let mut conn = state.ctx.db.read().await?;
    let rollups = match resolution {
        Resolution::Hour => {
            store::rollups::list_hours(&mut conn, scope, monitor.id, start.hour(), last.hour() + 1).await?
        }
        Resolution::Day => {
            store::rollups::list_days(&mut conn, scope, monitor.id, start.day(), last.day().plus(1)).await?
        }
    };
    drop(conn);
    let mut total = Sum::default();
    let mut points = Vec::with_capacity(rollups.len());
    for rollup in &rollups {
        let mut one = Sum::default();
        one.add(rollup);
        total.add(rollup);
        let start = Timestamp::from_ms(rollup.bucket * resolution.length_ms());
        points.push(LatencyPoint { start, figures: one.figures() });
    }
    Ok(axum::Json(LatencyBody { resolution, from: start, to: end, total: total.figures(), points }))
}
