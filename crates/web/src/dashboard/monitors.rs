//! `/orgs/{org}/monitors/{id}`: one monitor with its last checks, and the buttons. The form stands in `monitor_form`, the
//! list in `monitor_list`.

use actions::checks;
use actions::monitors::{self, MonitorPatch};
use actions::patch::Version;
use axum::response::Response;
use domain::id::MonitorId;
use domain::monitor::Monitor;

use super::input::{self, Nothing};
use super::monitor_form;
use super::monitor_page;
use super::screen::{Screen, refused};
use crate::error::Problem;
use crate::extract::{CsrfForm, Path};
use crate::page::html;

pub(crate) async fn show(screen: Screen, Path((_, id)): Path<(String, String)>) -> Response {
    let body = async {
        let monitor = find(&screen, input::id(&id)?).await?;
        Ok(html(&monitor_page::of(&screen, &monitor).await?))
    };
    screen.answer(body).await
}

pub(crate) async fn delete(
    screen: Screen,
    Path((_, id)): Path<(String, String)>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> Response {
    let body = async {
        monitors::delete(&screen.state.ctx, &screen.membership, input::id(&id)?, Version::Any).await?;
        Ok(screen.go("monitors", "monitor-deleted"))
    };
    screen.answer(body).await
}

/// Runs one check at once; its result stands among the others and counts in no uptime (X47).
pub(crate) async fn check(
    screen: Screen,
    Path((_, id)): Path<(String, String)>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> Response {
    let body = async {
        let id: MonitorId = input::id(&id)?;
        match checks::begin_by_hand(&screen.state.ctx, &screen.membership, id).await {
            Ok(by_hand) => {
                let outcome = screen.state.egress.check(&by_hand.job).await;
                checks::record_by_hand(&screen.state.ctx, &screen.membership, &by_hand, &outcome).await?;
            }
            // Pressed twice: the result of the first press is the answer to both.
            Err(actions::Error::Throttled { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(screen.go(&format!("monitors/{id}"), "checked"))
    };
    screen.answer(body).await
}

pub(crate) async fn pause(
    screen: Screen,
    Path((_, id)): Path<(String, String)>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> Response {
    let body = async {
        switch(&screen, &id, false).await?;
        Ok(screen.go(&format!("monitors/{id}"), "paused"))
    };
    screen.answer(body).await
}

pub(crate) async fn resume(
    screen: Screen,
    Path((_, id)): Path<(String, String)>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> Response {
    let body = async {
        match switch(&screen, &id, true).await {
            Ok(_) => Ok(screen.go(&format!("monitors/{id}"), "resumed")),
            // No room for one more that runs (X67): the form says why, with the switch still set.
            Err(error) => {
                let monitor = find(&screen, input::id(&id)?).await?;
                monitor_form::not_resumed(&screen, &monitor, refused(error)?).await
            }
        }
    };
    screen.answer(body).await
}

async fn switch(screen: &Screen, id: &str, is_active: bool) -> actions::Result<Monitor> {
    let id = id.parse().map_err(|_| actions::Error::NotFound)?;
    let patch = MonitorPatch { is_active: Some(is_active), ..MonitorPatch::default() };
    monitors::update(&screen.state.ctx, &screen.membership, id, Version::Any, patch).await
}

pub(super) async fn find(screen: &Screen, id: MonitorId) -> Result<Monitor, Problem> {
    let mut conn = screen.read().await?;
    let found = store::monitors::find(&mut conn, screen.scope(), id).await?;
    found.map(|monitor| screen.known(monitor)).ok_or_else(Problem::not_found)
}
