//! `/orgs/{org}`: the answer to "is anything broken?", and what is left to set up.

use axum::response::{IntoResponse, Redirect, Response};
use domain::monitor::{Monitor, MonitorState};
use domain::organization::Permission;
use domain::plan::QuotaKind;
use domain::service::Service;
use domain::status_page::StatusPage;
use domain::time::Timestamp;

use super::incident_rows;
use super::monitor_words as about;
use super::screen::Screen;
use super::states::States;
use super::suggestions;
use crate::AppState;
use crate::extract::{PageUser, used_last};
use crate::page::html;
use crate::view::dashboard::overview::{Broken, OverviewPage, ServiceRow, Step};
use crate::words;
use axum::extract::State;

/// `/orgs`: the organization used last, or the way to make one (X20).
pub(crate) async fn choose(State(state): State<AppState>, user: PageUser) -> Response {
    let base = state.config.base();
    match used_last(&state, &user.login).await {
        Ok(Some(membership)) => {
            Redirect::to(&format!("{base}/orgs/{}", membership.organization.slug)).into_response()
        }
        Ok(None) => Redirect::to(&format!("{base}/organizations/new")).into_response(),
        Err(problem) => crate::page::failure(&state, problem),
    }
}

pub(crate) async fn show(screen: Screen) -> Response {
    let body = async {
        let now = screen.now();
        let states = States::load(&screen).await?;
        let mut conn = screen.read().await?;
        let monitors = store::monitors::list(&mut conn, screen.scope(), None).await?;
        let monitors: Vec<Monitor> = monitors.into_iter().map(|monitor| screen.known(monitor)).collect();
        let services = store::services::list(&mut conn, screen.scope()).await?;
        let pages = store::status_pages::list(&mut conn, screen.scope()).await?;
        drop(conn);
        let incidents = incident_rows::open(&screen).await?;
        let broken: Vec<&Monitor> = monitors.iter().filter(|monitor| about::is_broken(monitor)).collect();
        let view = OverviewPage {
            title: title(&monitors, incidents.len()),
            sentence: sentence(&monitors, now),
            is_empty: monitors.is_empty() && services.is_empty(),
            broken: broken.into_iter().map(|monitor| broken_row(monitor, now)).collect(),
            suggestions: suggestions::waiting(&screen, None).await?,
            incidents,
            services: services.iter().map(|service| service_row(&states, service)).collect(),
            pages: pages.iter().map(|page| (page.title.clone(), screen.public_path(&page.slug))).collect(),
            steps: steps(&screen, &monitors, &services, &pages),
            shell: screen.shell().await?,
        };
        Ok(html(&view))
    };
    screen.answer(body).await
}

fn title(monitors: &[Monitor], open_incidents: usize) -> String {
    let active: Vec<MonitorState> =
        monitors.iter().filter(|monitor| monitor.is_active).map(|monitor| monitor.state).collect();
    let count = |state| active.iter().filter(|other| **other == state).count();
    let all = active.len();
    match (count(MonitorState::Down), count(MonitorState::Degraded), count(MonitorState::NoData)) {
        _ if monitors.is_empty() && open_incidents == 0 => "Nothing is watched yet".to_owned(),
        (1, _, _) if all == 1 => "The monitor is failing".to_owned(),
        (1, _, _) => format!("1 of {all} monitors is failing"),
        (down @ 2.., _, _) => format!("{down} of {all} monitors are failing"),
        _ if open_incidents == 1 => "1 incident is open".to_owned(),
        _ if open_incidents > 1 => format!("{open_incidents} incidents are open"),
        _ if all == 0 => "Every monitor is paused".to_owned(),
        (_, 1, _) if all == 1 => "The monitor answers slowly".to_owned(),
        (_, slow @ 1.., _) => format!("{slow} of {all} monitors answer slowly"),
        (_, _, waiting @ 1..) if waiting == all => "Waiting for the first check".to_owned(),
        (_, _, waiting @ 1..) => format!("{} of {all} monitors answer", all - waiting),
        _ if all == 1 => "The monitor answers".to_owned(),
        _ => format!("All {all} monitors answer"),
    }
}

fn sentence(monitors: &[Monitor], now: Timestamp) -> String {
    let active = || monitors.iter().filter(|monitor| monitor.is_active);
    let first = active()
        .filter(|monitor| monitor.state == MonitorState::Down)
        .filter_map(|monitor| monitor.state_since)
        .min();
    let last = active().filter_map(|monitor| monitor.last_checked_at).max();
    let mut parts = Vec::new();
    if let Some(at) = first {
        let since = words::moment(at, now).text;
        parts.push(format!("The first failed at {since}, {} ago.", words::lasting(now.since(at))));
    }
    if let Some(at) = last {
        parts.push(format!("Last check {} ago.", words::lasting(now.since(at))));
    }
    parts.join(" ")
}

fn broken_row(monitor: &Monitor, now: Timestamp) -> Broken {
    let since = monitor.state_since;
    Broken {
        monitor_id: monitor.id.to_string(),
        name: about::name(monitor),
        state: monitor.state.into(),
        seen: about::seen(monitor),
        note: match monitor.run_length {
            1 => "1 check.".to_owned(),
            many => format!("{many} checks in a row."),
        },
        since: since.map(|at| words::moment(at, now).text).unwrap_or_default(),
        lasting: since.map(|at| words::lasting(now.since(at))).unwrap_or_default(),
    }
}

fn service_row(states: &States, service: &Service) -> ServiceRow {
    ServiceRow {
        id: service.id.to_string(),
        name: service.name.clone(),
        state: states.of(service),
        uptime: states.uptime(service),
    }
}

/// What a new organization still lacks; gone when all of it is done.
fn steps(screen: &Screen, monitors: &[Monitor], services: &[Service], pages: &[StatusPage]) -> Vec<Step> {
    let step = |is_done, text: &str, path: Option<&str>, note: &str| Step {
        is_done,
        text: text.to_owned(),
        path: path.map(str::to_owned),
        note: note.to_owned(),
    };
    let may = |permission| screen.membership.role.may(permission);
    let mut steps = Vec::new();
    if may(Permission::ManageMonitors) {
        steps.push(step(!monitors.is_empty(), "Watch an address", Some("welcome"), "about a minute"));
        let is_named =
            services.len() > 1 || services.iter().any(|service| service.updated_at > service.created_at);
        steps.push(step(is_named, "Name your services", Some("services"), ""));
    }
    if may(Permission::ManagePages) {
        let page = pages.first().map(|page| format!("pages/{}", page.id));
        let is_touched = pages.iter().any(|page| page.updated_at > page.created_at);
        steps.push(step(is_touched, "Give your page its title", page.as_deref(), ""));
    }
    steps.push(step(screen.membership.is_email_verified, "Verify your address", None, "by mail"));
    if may(Permission::ManageMembers) && screen.limits().check(QuotaKind::Members, 1).is_err() {
        steps.push(step(false, "Invite your team", Some("plan"), "needs Pro"));
    }
    // A line that only a purchase can tick does not keep the list on the screen.
    let is_open = steps.iter().any(|step| !step.is_done && step.path.as_deref() != Some("plan"));
    if is_open { steps } else { Vec::new() }
}
