//! Incidents as rows of a list, for their own page and the overview.

use std::collections::BTreeMap;

use domain::id::{IncidentId, ServiceId};
use domain::incident::{Incident, IncidentService};
use domain::service::ServiceStatus;
use domain::time::Timestamp;
use store::incidents::Part;
use uuid::Uuid;

use super::screen::Screen;
use crate::error::Problem;
use crate::view::State;
use crate::view::dashboard::overview::IncidentRow;
use crate::words;

/// More open incidents than this are not listed; somebody forgot to end them.
const MAX_OPEN: i64 = 100;

/// Every open incident, the newest first.
pub(crate) async fn open(screen: &Screen) -> Result<Vec<IncidentRow>, Problem> {
    let part = Part {
        is_open: Some(true),
        since: Timestamp::from_ms(0),
        before: (Timestamp::from_ms(i64::MAX), Uuid::max()),
        limit: MAX_OPEN,
    };
    let mut conn = screen.read().await?;
    let incidents = store::incidents::list(&mut conn, screen.scope(), part).await?;
    drop(conn);
    rows(screen, &incidents).await
}

/// The rows of a part of the list.
pub(crate) async fn rows(screen: &Screen, incidents: &[Incident]) -> Result<Vec<IncidentRow>, Problem> {
    let times = || incidents.iter().map(|incident| incident.created_at);
    let (Some(oldest), Some(newest)) = (times().min(), times().max()) else { return Ok(Vec::new()) };
    let mut conn = screen.read().await?;
    let effects =
        store::incidents::list_services_made_between(&mut conn, screen.scope(), oldest, newest).await?;
    let services = store::services::list(&mut conn, screen.scope()).await?;
    let names: BTreeMap<ServiceId, String> =
        services.into_iter().map(|service| (service.id, service.name)).collect();
    let now = screen.now();
    Ok(incidents.iter().map(|incident| row(incident, &effects, &names, now)).collect())
}

fn row(
    incident: &Incident,
    effects: &[IncidentService],
    names: &BTreeMap<ServiceId, String>,
    now: Timestamp,
) -> IncidentRow {
    let at = words::moment(incident.resolved_at.unwrap_or(incident.updated_at), now);
    let named: Vec<&str> = of(effects, incident.id)
        .filter_map(|effect| names.get(&effect.service_id).map(String::as_str))
        .collect();
    IncidentRow {
        id: incident.id.to_string(),
        title: incident.title.clone(),
        services: named.join(", "),
        state: worst(of(effects, incident.id).map(|effect| effect.status), incident.impact),
        status: incident.status.label().to_owned(),
        updated: at.text,
        note: at.note.unwrap_or_default(),
    }
}

fn of(effects: &[IncidentService], incident: IncidentId) -> impl Iterator<Item = &IncidentService> {
    effects.iter().filter(move |effect| effect.incident_id == incident)
}

/// The worst effect; without one, what the impact stands for.
pub(crate) fn worst(
    statuses: impl Iterator<Item = ServiceStatus>,
    impact: domain::incident::Impact,
) -> State {
    statuses.max().unwrap_or_else(|| impact.default_service_status()).into()
}
