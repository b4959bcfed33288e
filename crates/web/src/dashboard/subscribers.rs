//! `/orgs/{org}/subscribers`: who gets mail, adding and removing.

use actions::patch::Version;
use actions::subscribers;
use axum::response::Response;
use domain::id::SubscriberId;
use domain::organization::Permission;
use domain::plan::QuotaKind;
use domain::status_page::StatusPage;
use domain::subscriber::Subscriber;
use domain::time::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use super::input::{self, Nothing, filled};
use super::screen::{Screen, refused, room};
use crate::error::Problem;
use crate::extract::{CsrfForm, Path};
use crate::page::html;
use crate::view::dashboard::subscribers::{ListPage, Row};
use crate::view::{Choice, Errors};
use crate::words;

/// Rows on one part of the list.
const PART: usize = 100;

pub(crate) async fn list(screen: Screen) -> Response {
    let body = async {
        // Addresses of people outside: for those who look after subscribers only.
        actions::gate::require(&screen.membership, Permission::ManageSubscribers)?;
        Ok(html(&page(&screen, Input::default(), Errors::default()).await?))
    };
    screen.answer(body).await
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Input {
    email: String,
    status_page_id: String,
}

pub(crate) async fn add(screen: Screen, CsrfForm(input): CsrfForm<Input>) -> Response {
    let body = async {
        let page_id =
            filled(&input.status_page_id).map(|id| input::chosen("status_page_id", id.parse().ok()));
        let added = match page_id.transpose() {
            Ok(page) => subscribers::add(&screen.state.ctx, &screen.membership, page, &input.email).await,
            Err(error) => Err(error),
        };
        match added {
            Ok(_) => Ok(screen.go("subscribers", "subscriber-added")),
            Err(error) => {
                let refusal = refused(error)?;
                Ok(refusal.show(&page(&screen, input, refusal.errors.clone()).await?))
            }
        }
    };
    screen.answer(body).await
}

pub(crate) async fn remove(
    screen: Screen,
    Path((_, id)): Path<(String, String)>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> Response {
    let body = async {
        subscribers::remove(&screen.state.ctx, &screen.membership, input::id(&id)?, Version::Any).await?;
        Ok(screen.go("subscribers", "subscriber-deleted"))
    };
    screen.answer(body).await
}

async fn page(screen: &Screen, input: Input, errors: Errors) -> Result<ListPage, Problem> {
    let before = screen.parameter("cursor").and_then(|cursor| read_cursor(&cursor));
    let before = before.unwrap_or((Timestamp::from_ms(i64::MAX), Uuid::max()));
    let limit = i64::try_from(PART + 1).unwrap_or(i64::MAX);
    let mut conn = screen.read().await?;
    let mut rows = store::subscribers::list(&mut conn, screen.scope(), before, limit).await?;
    let confirmed = store::subscribers::count_confirmed(&mut conn, screen.scope()).await?;
    let pages = store::status_pages::list(&mut conn, screen.scope()).await?;
    drop(conn);
    let has_more = rows.len() > PART;
    rows.truncate(PART);
    let more = rows
        .last()
        .filter(|_| has_more)
        .map(|last| format!("{}/subscribers?cursor={}.{}", screen.root(), last.created_at.ms(), last.id));
    Ok(ListPage {
        shell: screen.shell().await?,
        rows: rows.iter().map(|row| subscriber_row(row, &pages, screen.now())).collect(),
        room: room(&screen.limits(), QuotaKind::Subscribers, confirmed, "confirmed subscribers"),
        pages: pages
            .iter()
            .map(|page| Choice {
                value: page.id.to_string(),
                label: page.title.clone(),
                is_chosen: page.id.to_string() == input.status_page_id,
            })
            .collect(),
        email: input.email,
        more,
        errors,
    })
}

fn subscriber_row(row: &Subscriber, pages: &[StatusPage], now: Timestamp) -> Row {
    let page = pages.iter().find(|page| page.id == row.status_page_id);
    Row {
        id: row.id.to_string(),
        email: row.email.clone(),
        page: page.map(|page| page.title.clone()).unwrap_or_default(),
        is_confirmed: row.is_confirmed,
        since: match row.confirmed_at {
            Some(at) => format!("since {}", words::date(at)),
            None => format!("asked {} ago", words::lasting(now.since(row.created_at))),
        },
    }
}

fn read_cursor(cursor: &str) -> Option<(Timestamp, Uuid)> {
    let (ms, id) = cursor.split_once('.')?;
    let id: SubscriberId = id.parse().ok()?;
    Some((Timestamp::from_ms(ms.parse().ok()?), id.uuid()))
}
