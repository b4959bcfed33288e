//! `/orgs/{org}/services`: the list, and one service with its placements and monitors.

use std::collections::BTreeMap;

use actions::services::{NewPlacement, NewService, ServicePatch};
use actions::{Checks, services};
use axum::response::Response;
use domain::id::{PageId, ServiceId};
use domain::organization::Permission;
use domain::plan::QuotaKind;
use domain::service::{IncidentMode, Service, ServiceStatus};
use domain::status_page::{Placement, StatusPage};
use serde::Deserialize;

use super::input::{self, Nothing, filled, ticked};
use super::monitor_words as about;
use super::screen::{Refused, Screen, refused, room};
use super::states::States;
use super::suggestions;
use crate::error::Problem;
use crate::extract::{CsrfForm, Path};
use crate::page::html;
use crate::view::dashboard::Room;
use crate::view::dashboard::services::{FormPage, ListPage, Placement as Placed, Row};
use crate::view::{Choice, Errors, State};

pub(crate) async fn list(screen: Screen) -> Response {
    let body = async {
        let states = States::load(&screen).await?;
        let (pages, placements) = standing(&screen).await?;
        let mut conn = screen.read().await?;
        let services = store::services::list(&mut conn, screen.scope()).await?;
        drop(conn);
        let rows = services.iter().map(|service| row(service, &states, &pages, &placements)).collect();
        let room = services_room(&screen, &pages, &placements);
        Ok(html(&ListPage { shell: screen.shell().await?, rows, room }))
    };
    screen.answer(body).await
}

pub(crate) async fn new(screen: Screen) -> Response {
    let body = async {
        screen.require(Permission::ManageServices)?;
        let input = Input { is_visible: true, ..Input::default() };
        Ok(html(&form(&screen, None, input, Errors::default()).await?))
    };
    screen.answer(body).await
}

pub(crate) async fn create(screen: Screen, CsrfForm(input): CsrfForm<Input>) -> Response {
    let body = async {
        let made = match input.to_new() {
            Ok(new) => services::create(&screen.state.ctx, &screen.membership, new).await,
            Err(error) => Err(error),
        };
        match made {
            Ok(service) => Ok(screen.go(&format!("services/{}", service.id), "service-made")),
            Err(error) => again(&screen, None, input, refused(error)?).await,
        }
    };
    screen.answer(body).await
}

pub(crate) async fn show(screen: Screen, Path((_, id)): Path<(String, String)>) -> Response {
    let body = async {
        let service = find(&screen, &id).await?;
        Ok(html(&form(&screen, Some(service.id), Input::of(&service), Errors::default()).await?))
    };
    screen.answer(body).await
}

pub(crate) async fn update(
    screen: Screen,
    Path((_, id)): Path<(String, String)>,
    CsrfForm(input): CsrfForm<Input>,
) -> Response {
    let body = async {
        let id: ServiceId = input::id(&id)?;
        let version = input::version(&input.version);
        let saved = match input.to_patch() {
            Ok(patch) => services::update(&screen.state.ctx, &screen.membership, id, version, patch).await,
            Err(error) => Err(error),
        };
        match saved {
            Ok(_) => Ok(screen.go(&format!("services/{id}"), "service-saved")),
            Err(error) => again(&screen, Some(id), input, refused(error)?).await,
        }
    };
    screen.answer(body).await
}

pub(crate) async fn delete(
    screen: Screen,
    Path((_, id)): Path<(String, String)>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> Response {
    let body = async {
        let version = actions::patch::Version::Any;
        services::delete(&screen.state.ctx, &screen.membership, input::id(&id)?, version).await?;
        Ok(screen.go("services", "service-deleted"))
    };
    screen.answer(body).await
}

/// The page to put a service on.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Place {
    status_page_id: String,
}

pub(crate) async fn place(
    screen: Screen,
    Path((_, id)): Path<(String, String)>,
    CsrfForm(input): CsrfForm<Place>,
) -> Response {
    let body = async {
        let (id, page): (ServiceId, PageId) = (input::id(&id)?, input::id(&input.status_page_id)?);
        let how = NewPlacement { is_visible: true, ..NewPlacement::default() };
        match services::place(&screen.state.ctx, &screen.membership, page, id, how).await {
            Ok(_) => Ok(screen.go(&format!("services/{id}"), "placed")),
            Err(error) => {
                let service = find(&screen, &id.to_string()).await?;
                again(&screen, Some(id), Input::of(&service), refused(error)?).await
            }
        }
    };
    screen.answer(body).await
}

pub(crate) async fn take_off(
    screen: Screen,
    Path((_, id, page)): Path<(String, String, String)>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> Response {
    let body = async {
        let id: ServiceId = input::id(&id)?;
        services::displace(&screen.state.ctx, &screen.membership, input::id(&page)?, id).await?;
        Ok(screen.go(&format!("services/{id}"), "taken-off"))
    };
    screen.answer(body).await
}

/// The fields of the form.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Input {
    version: String,
    name: String,
    slug: String,
    description: String,
    group_name: String,
    position: String,
    #[serde(deserialize_with = "ticked")]
    is_visible: bool,
    manual_status: String,
    incident_mode: String,
    status_page_id: String,
}

impl Input {
    fn of(service: &Service) -> Self {
        Self {
            version: service.updated_at.ms().to_string(),
            name: service.name.clone(),
            slug: service.slug.clone(),
            description: service.description.clone().unwrap_or_default(),
            group_name: service.group_name.clone().unwrap_or_default(),
            position: service.position.to_string(),
            is_visible: service.is_visible,
            manual_status: service.manual_status.map(ServiceStatus::as_str).unwrap_or_default().to_owned(),
            incident_mode: service.incident_mode.as_str().to_owned(),
            status_page_id: String::new(),
        }
    }

    fn to_new(&self) -> actions::Result<NewService> {
        let mut checks = Checks::default();
        let position = self.position(&mut checks);
        checks.finish()?;
        Ok(NewService {
            status_page_id: filled(&self.status_page_id)
                .map(|id| input::chosen("status_page_id", id.parse().ok()))
                .transpose()?,
            name: self.name.clone(),
            slug: filled(&self.slug),
            description: filled(&self.description),
            group_name: filled(&self.group_name),
            position,
            is_visible: self.is_visible,
            incident_mode: self.mode()?.unwrap_or_default(),
        })
    }

    fn to_patch(&self) -> actions::Result<ServicePatch> {
        let mut checks = Checks::default();
        let position = self.position(&mut checks);
        checks.finish()?;
        let manual_status = match filled(&self.manual_status) {
            None => actions::patch::Patch::Clear,
            Some(word) => actions::patch::Patch::Set(input::chosen("manual_status", status(&word))?),
        };
        Ok(ServicePatch {
            name: Some(self.name.clone()),
            slug: filled(&self.slug),
            description: input::patch(&self.description),
            group_name: input::patch(&self.group_name),
            position: Some(position),
            is_visible: Some(self.is_visible),
            manual_status,
            incident_mode: self.mode()?,
        })
    }

    /// `None`: not sent.
    fn mode(&self) -> actions::Result<Option<IncidentMode>> {
        let find = |word: String| IncidentMode::ALL.into_iter().find(|mode| mode.as_str() == word);
        filled(&self.incident_mode).map(|word| input::chosen("incident_mode", find(word))).transpose()
    }

    fn position(&self, checks: &mut Checks) -> i32 {
        if self.position.trim().is_empty() { 0 } else { input::number(checks, "position", &self.position) }
    }
}

fn status(word: &str) -> Option<ServiceStatus> {
    ServiceStatus::ALL.into_iter().find(|status| status.as_str() == word)
}

/// The form as it was sent, with what was wrong; after somebody else's edit, with their version under it.
async fn again(
    screen: &Screen,
    id: Option<ServiceId>,
    mut input: Input,
    refused: Refused,
) -> Result<Response, Problem> {
    if let (true, Some(id)) = (refused.is_stale, id) {
        input.version = find(screen, &id.to_string()).await?.updated_at.ms().to_string();
    }
    Ok(refused.show(&form(screen, id, input, refused.errors.clone()).await?))
}

async fn find(screen: &Screen, id: &str) -> Result<Service, Problem> {
    let mut conn = screen.read().await?;
    let found = store::services::find(&mut conn, screen.scope(), input::id(id)?).await?;
    found.ok_or_else(Problem::not_found)
}

async fn standing(screen: &Screen) -> Result<(Vec<StatusPage>, Vec<Placement>), Problem> {
    let mut conn = screen.read().await?;
    let pages = store::status_pages::list(&mut conn, screen.scope()).await?;
    let placements = store::services::list_placements(&mut conn, screen.scope()).await?;
    Ok((pages, placements))
}

async fn form(
    screen: &Screen,
    id: Option<ServiceId>,
    input: Input,
    errors: Errors,
) -> Result<FormPage, Problem> {
    let (pages, placements) = standing(screen).await?;
    let stands = |page: PageId| {
        placements
            .iter()
            .find(|placement| placement.status_page_id == page && Some(placement.service_id) == id)
    };
    let placed =
        pages.iter().filter_map(|page| stands(page.id).map(|placement| placed(screen, page, placement)));
    let free = pages.iter().filter(|page| stands(page.id).is_none());
    let choice = |page: &StatusPage| Choice {
        value: page.id.to_string(),
        label: page.title.clone(),
        is_chosen: page.id.to_string() == input.status_page_id,
    };
    Ok(FormPage {
        shell: screen.shell().await?,
        id: id.map(|id| id.to_string()),
        placements: placed.collect(),
        pages: free.map(choice).collect(),
        manual_status: manual_choices(&input.manual_status),
        incident_mode: mode_choices(&input.incident_mode),
        suggestions: match id {
            Some(id) => suggestions::waiting(screen, Some(id)).await?,
            None => Vec::new(),
        },
        monitors: monitors(screen, id).await?,
        version: input.version,
        name: input.name,
        slug: input.slug,
        description: input.description,
        group_name: input.group_name,
        position: input.position,
        is_visible: input.is_visible,
        errors,
    })
}

/// As `(id, host and path, state)`.
async fn monitors(
    screen: &Screen,
    service: Option<ServiceId>,
) -> Result<Vec<(String, String, State)>, Problem> {
    if service.is_none() {
        return Ok(Vec::new());
    }
    let mut conn = screen.read().await?;
    let monitors = store::monitors::list(&mut conn, screen.scope(), service).await?;
    Ok(monitors
        .into_iter()
        .map(|monitor| screen.known(monitor))
        .map(|monitor| (monitor.id.to_string(), about::name(&monitor), about::state(&monitor)))
        .collect())
}

fn manual_choices(chosen: &str) -> Vec<Choice> {
    let follow = Choice {
        value: String::new(),
        label: "Follow the monitors and incidents".to_owned(),
        is_chosen: chosen.is_empty(),
    };
    let states = ServiceStatus::ALL.into_iter().map(|status| Choice {
        value: status.as_str().to_owned(),
        label: status.label().to_owned(),
        is_chosen: status.as_str() == chosen,
    });
    std::iter::once(follow).chain(states).collect()
}

fn mode_choices(chosen: &str) -> Vec<Choice> {
    let chosen = if chosen.is_empty() { IncidentMode::default().as_str() } else { chosen };
    IncidentMode::ALL
        .into_iter()
        .map(|mode| Choice {
            value: mode.as_str().to_owned(),
            label: mode.label().to_owned(),
            is_chosen: mode.as_str() == chosen,
        })
        .collect()
}

fn placed(screen: &Screen, page: &StatusPage, placement: &Placement) -> Placed {
    let words = [
        placement.public_name.as_ref().map(|name| format!("as “{name}”")),
        placement.group_name.as_ref().map(|group| format!("in “{group}”")),
        placement.position.map(|position| format!("position {position}")),
        (!placement.is_visible).then(|| "hidden there".to_owned()),
    ];
    Placed {
        page_id: page.id.to_string(),
        page_title: page.title.clone(),
        page_path: screen.public_path(&page.slug),
        text: words.into_iter().flatten().collect::<Vec<_>>().join(", "),
    }
}

fn row(service: &Service, states: &States, pages: &[StatusPage], placements: &[Placement]) -> Row {
    let on: Vec<&str> = pages
        .iter()
        .filter(|page| {
            placements
                .iter()
                .any(|placement| placement.status_page_id == page.id && placement.service_id == service.id)
        })
        .map(|page| page.title.as_str())
        .collect();
    let note = match (service.manual_status.is_some(), service.is_visible) {
        (true, true) => "Set by hand",
        (true, false) => "Set by hand, hidden",
        (false, true) => "",
        (false, false) => "Hidden",
    };
    Row {
        id: service.id.to_string(),
        name: service.name.clone(),
        group: service.group_name.clone().unwrap_or_default(),
        state: states.of(service),
        note: note.to_owned(),
        pages: if on.is_empty() { "No page".to_owned() } else { on.join(", ") },
        monitors: match states.monitors_of(service) {
            0 => "Nobody".to_owned(),
            1 => "1 monitor".to_owned(),
            many => format!("{many} monitors"),
        },
    }
}

/// Of the default page; blocked only when every page is full.
fn services_room(screen: &Screen, pages: &[StatusPage], placements: &[Placement]) -> Room {
    let mut counts: BTreeMap<PageId, i64> = pages.iter().map(|page| (page.id, 0)).collect();
    for placement in placements {
        *counts.entry(placement.status_page_id).or_default() += 1;
    }
    let limits = screen.limits();
    let count = |page: &StatusPage| counts.get(&page.id).copied().unwrap_or_default();
    let Some(first) = pages.first() else { return Room::default() };
    let mut shown =
        room(&limits, QuotaKind::ServicesPerPage, count(first), &format!("services on {}", first.title));
    if pages.iter().any(|page| limits.check(QuotaKind::ServicesPerPage, count(page)).is_ok()) {
        shown.blocked = None;
    }
    shown
}
