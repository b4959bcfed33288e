//! `/orgs/{org}/pages`: the list and the form of status pages.

use actions::patch::Version;
use actions::status_pages::{self, NewPage, PagePatch};
use axum::response::Response;
use domain::id::PageId;
use domain::organization::Permission;
use domain::plan::QuotaKind;
use domain::status_page::StatusPage;
use serde::Deserialize;
use store::overview::PageCount;

use super::input::{self, filled, ticked};
use super::screen::{Refused, Screen, refused, room};
use crate::error::Problem;
use crate::extract::{CsrfForm, Path};
use crate::page::html;
use crate::view::dashboard::status_pages::{FormPage, ListPage, Row};
use crate::view::{Choice, Errors};

pub(crate) async fn list(screen: Screen) -> Response {
    let body = async {
        let mut conn = screen.read().await?;
        let pages = store::status_pages::list(&mut conn, screen.scope()).await?;
        let counts = store::overview::count_by_page(&mut conn, screen.scope()).await?;
        drop(conn);
        let used = i64::try_from(pages.len()).unwrap_or(i64::MAX);
        Ok(html(&ListPage {
            shell: screen.shell().await?,
            rows: pages.iter().map(|page| row(&screen, page, &counts)).collect(),
            room: room(&screen.limits(), QuotaKind::StatusPages, used, "status pages"),
        }))
    };
    screen.answer(body).await
}

pub(crate) async fn new(screen: Screen) -> Response {
    let body = async {
        screen.require(Permission::ManagePages)?;
        let input = Input { is_public: true, ..Input::default() };
        Ok(html(&form(&screen, None, input, Errors::default()).await?))
    };
    screen.answer(body).await
}

pub(crate) async fn create(screen: Screen, CsrfForm(input): CsrfForm<Input>) -> Response {
    let body = async {
        let new =
            NewPage { title: input.title.clone(), slug: filled(&input.slug), is_public: input.is_public };
        let made = match status_pages::create(&screen.state.ctx, &screen.membership, new).await {
            Ok(page) => make_default(&screen, page, input.is_default).await,
            Err(error) => Err(error),
        };
        match made {
            Ok(page) => Ok(screen.go(&format!("pages/{}", page.id), "page-made")),
            Err(error) => again(&screen, None, input, refused(error)?).await,
        }
    };
    screen.answer(body).await
}

pub(crate) async fn show(screen: Screen, Path((_, id)): Path<(String, String)>) -> Response {
    let body = async {
        let page = find(&screen, input::id(&id)?).await?;
        Ok(html(&form(&screen, Some(page.id), Input::of(&page), Errors::default()).await?))
    };
    screen.answer(body).await
}

pub(crate) async fn update(
    screen: Screen,
    Path((_, id)): Path<(String, String)>,
    CsrfForm(input): CsrfForm<Input>,
) -> Response {
    let body = async {
        let id: PageId = input::id(&id)?;
        let version = input::version(&input.version);
        let patch = PagePatch {
            title: Some(input.title.clone()),
            slug: filled(&input.slug),
            is_public: Some(input.is_public),
        };
        let saved =
            match status_pages::update(&screen.state.ctx, &screen.membership, id, version, patch).await {
                Ok(page) => make_default(&screen, page, input.is_default).await,
                Err(error) => Err(error),
            };
        match saved {
            Ok(_) => Ok(screen.go(&format!("pages/{id}"), "page-saved")),
            Err(error) => again(&screen, Some(id), input, refused(error)?).await,
        }
    };
    screen.answer(body).await
}

/// The default page needs another one in its place, which the form asks for (X24).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Successor {
    default_page_id: String,
}

pub(crate) async fn delete(
    screen: Screen,
    Path((_, id)): Path<(String, String)>,
    CsrfForm(input): CsrfForm<Successor>,
) -> Response {
    let body = async {
        let page = find(&screen, input::id(&id)?).await?;
        let (ctx, by) = (&screen.state.ctx, &screen.membership);
        if page.is_default
            && let Some(heir) = filled(&input.default_page_id)
        {
            status_pages::set_default(ctx, by, input::id(&heir)?).await?;
        }
        match status_pages::delete(ctx, by, page.id, Version::Any).await {
            Ok(()) => Ok(screen.go("pages", "page-deleted")),
            Err(error) => again(&screen, Some(page.id), Input::of(&page), refused(error)?).await,
        }
    };
    screen.answer(body).await
}

/// A default page steps back only for another one, so an empty box changes nothing.
async fn make_default(screen: &Screen, page: StatusPage, is_wanted: bool) -> actions::Result<StatusPage> {
    if !is_wanted || page.is_default {
        return Ok(page);
    }
    status_pages::set_default(&screen.state.ctx, &screen.membership, page.id).await
}

/// The fields of the form.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Input {
    version: String,
    title: String,
    slug: String,
    #[serde(deserialize_with = "ticked")]
    is_public: bool,
    #[serde(deserialize_with = "ticked")]
    is_default: bool,
}

impl Input {
    fn of(page: &StatusPage) -> Self {
        Self {
            version: page.updated_at.ms().to_string(),
            title: page.title.clone(),
            slug: page.slug.clone(),
            is_public: page.is_public,
            is_default: page.is_default,
        }
    }
}

async fn find(screen: &Screen, id: PageId) -> Result<StatusPage, Problem> {
    let mut conn = screen.read().await?;
    store::status_pages::find(&mut conn, screen.scope(), id).await?.ok_or_else(Problem::not_found)
}

async fn again(
    screen: &Screen,
    id: Option<PageId>,
    mut input: Input,
    refused: Refused,
) -> Result<Response, Problem> {
    if let (true, Some(id)) = (refused.is_stale, id) {
        input.version = find(screen, id).await?.updated_at.ms().to_string();
    }
    Ok(refused.show(&form(screen, id, input, refused.errors.clone()).await?))
}

async fn form(
    screen: &Screen,
    id: Option<PageId>,
    input: Input,
    errors: Errors,
) -> Result<FormPage, Problem> {
    let mut conn = screen.read().await?;
    let pages = store::status_pages::list(&mut conn, screen.scope()).await?;
    let services = match id {
        Some(id) => store::page_view::list_services(&mut conn, screen.scope(), id).await?,
        None => Vec::new(),
    };
    drop(conn);
    let stored = pages.iter().find(|page| Some(page.id) == id);
    let path = stored.map(|page| screen.public_path(&page.slug)).unwrap_or_default();
    let others = pages.iter().filter(|page| Some(page.id) != id);
    let successors = if stored.is_some_and(|page| page.is_default) {
        others
            .map(|page| Choice { value: page.id.to_string(), label: page.title.clone(), is_chosen: false })
            .collect()
    } else {
        Vec::new()
    };
    Ok(FormPage {
        shell: screen.shell().await?,
        id: id.map(|id| id.to_string()),
        version: input.version,
        title: input.title,
        slug: input.slug,
        is_public: input.is_public,
        is_default: input.is_default,
        public_url: screen.absolute(&path),
        path,
        services: services
            .into_iter()
            .map(|service| (service.id.to_string(), service.name, service.group_name.unwrap_or_default()))
            .collect(),
        successors,
        errors,
    })
}

fn row(screen: &Screen, page: &StatusPage, counts: &[PageCount]) -> Row {
    let count = counts.iter().find(|count| count.status_page_id == page.id);
    let (services, subscribers) = count.map_or((0, 0), |count| (count.services, count.subscribers));
    Row {
        id: page.id.to_string(),
        title: page.title.clone(),
        path: screen.public_path(&page.slug),
        is_default: page.is_default,
        is_public: page.is_public,
        services: services.to_string(),
        subscribers: subscribers.to_string(),
    }
}
