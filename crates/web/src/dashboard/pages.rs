//! `/orgs/{org}/pages`: the list and the form of status pages.

use actions::patch::Version;
use actions::status_pages::{self, FiguresPatch, NewPage, PagePatch};
use actions::{Checks, Error};
use axum::response::Response;
use domain::id::PageId;
use domain::organization::Permission;
use domain::plan::QuotaKind;
use domain::status_page::StatusPage;
use domain::uptime::{MaintenanceRule, Rule};
use domain::zone::Zone;
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
        let input = Input { is_public: true, ..Input::figures(&Zone::UTC, Rule::default()) };
        Ok(html(&form(&screen, None, input, Errors::default()).await?))
    };
    screen.answer(body).await
}

pub(crate) async fn create(screen: Screen, CsrfForm(input): CsrfForm<Input>) -> Response {
    let body = async {
        match make(&screen, &input).await {
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
        match save(&screen, id, &input).await {
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

async fn make(screen: &Screen, input: &Input) -> actions::Result<StatusPage> {
    let (title, slug, is_public) = (input.title.clone(), filled(&input.slug), input.is_public);
    let new = NewPage { title, slug, is_public, figures: input.to_figures()? };
    let page = status_pages::create(&screen.state.ctx, &screen.membership, new).await?;
    make_default(screen, page, input.is_default).await
}

async fn save(screen: &Screen, id: PageId, input: &Input) -> actions::Result<StatusPage> {
    let patch = PagePatch {
        title: Some(input.title.clone()),
        slug: filled(&input.slug),
        is_public: Some(input.is_public),
        figures: input.to_figures()?,
    };
    let (ctx, version) = (&screen.state.ctx, input::version(&input.version));
    let page = status_pages::update(ctx, &screen.membership, id, version, patch).await?;
    make_default(screen, page, input.is_default).await
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
    /// Empty fields of the figures stay as they are.
    time_zone: String,
    partial_outage_percent: String,
    degraded_percent: String,
    maintenance_rule: String,
}

impl Input {
    fn of(page: &StatusPage) -> Self {
        Self {
            version: page.updated_at.ms().to_string(),
            title: page.title.clone(),
            slug: page.slug.clone(),
            is_public: page.is_public,
            is_default: page.is_default,
            ..Self::figures(&page.time_zone, page.rule)
        }
    }

    fn figures(zone: &Zone, rule: Rule) -> Self {
        Self {
            time_zone: zone.name().to_owned(),
            partial_outage_percent: rule.partial_outage_percent.to_string(),
            degraded_percent: rule.degraded_percent.to_string(),
            maintenance_rule: rule.maintenance_rule.as_str().to_owned(),
            ..Self::default()
        }
    }

    fn to_figures(&self) -> Result<FiguresPatch, Error> {
        let mut checks = Checks::default();
        let mut percent = |field: &'static str, text: &str| {
            (!text.trim().is_empty()).then(|| input::number(&mut checks, field, text))
        };
        let partial_outage_percent = percent("partial_outage_percent", &self.partial_outage_percent);
        let degraded_percent = percent("degraded_percent", &self.degraded_percent);
        checks.finish()?;
        let rule = filled(&self.maintenance_rule).map(|word| {
            let found = MaintenanceRule::ALL.into_iter().find(|rule| rule.as_str() == word);
            input::chosen("maintenance_rule", found)
        });
        Ok(FiguresPatch {
            time_zone: filled(&self.time_zone),
            partial_outage_percent,
            degraded_percent,
            maintenance_rule: rule.transpose()?,
        })
    }
}

const fn words(rule: MaintenanceRule) -> &'static str {
    match rule {
        MaintenanceRule::Excluded => "Is left out",
        MaintenanceRule::Up => "Counts as up",
        MaintenanceRule::Down => "Counts as down",
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
        maintenance_rules: MaintenanceRule::ALL
            .into_iter()
            .map(|rule| Choice {
                value: rule.as_str().to_owned(),
                label: words(rule).to_owned(),
                is_chosen: rule.as_str() == input.maintenance_rule,
            })
            .collect(),
        time_zone: input.time_zone,
        time_zones: Zone::names(),
        partial_outage_percent: input.partial_outage_percent,
        degraded_percent: input.degraded_percent,
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
