//! `/orgs/{org}/incidents`: the list, a new one, and one with its line of updates.

use actions::incidents::{self, Affected, IncidentPatch, NewIncident, NewUpdate, shown_since};
use actions::patch::Version;
use axum::response::Response;
use domain::id::{IncidentId, ServiceId};
use domain::incident::{Incident, IncidentOrigin, IncidentStatus, IncidentUpdate};
use domain::organization::Permission;
use domain::service::ServiceStatus;
use domain::time::Timestamp;
use serde::Deserialize;
use store::incidents::Part;
use uuid::Uuid;

use super::incident_rows::{self, worst};
use super::input::{self, Fields, Nothing, field, filled};
use super::screen::{Refused, Screen, refused};
use super::states::States;
use super::suggestions;
use crate::error::Problem;
use crate::extract::{CsrfForm, Path};
use crate::page::html;
use crate::view::dashboard::incidents::{Effect, FormPage, ListPage, ShowPage};
use crate::view::{Choice, Errors, Update};
use crate::words;

/// Resolved incidents on one part of the list.
const PART: usize = 25;

pub(crate) async fn list(screen: Screen) -> Response {
    let body = async {
        let organization = &screen.membership.organization;
        let since = shown_since(&screen.state.ctx, organization.tier, screen.now());
        let before = screen.parameter("cursor").and_then(|cursor| read_cursor(&cursor));
        let is_first = before.is_none();
        let part = Part {
            is_open: Some(false),
            since,
            before: before.unwrap_or((Timestamp::from_ms(i64::MAX), Uuid::max())),
            limit: i64::try_from(PART + 1).unwrap_or(i64::MAX),
        };
        let mut conn = screen.read().await?;
        let mut resolved = store::incidents::list(&mut conn, screen.scope(), part).await?;
        drop(conn);
        let has_more = resolved.len() > PART;
        resolved.truncate(PART);
        let older = resolved.last().filter(|_| has_more).map(|last| older_path(&screen, last));
        let open = if is_first { incident_rows::open(&screen).await? } else { Vec::new() };
        Ok(html(&ListPage {
            shell: screen.shell().await?,
            suggestions: if is_first { suggestions::waiting(&screen, None).await? } else { Vec::new() },
            open,
            resolved: incident_rows::rows(&screen, &resolved).await?,
            older,
            hidden: hidden(&screen),
        }))
    };
    screen.answer(body).await
}

pub(crate) async fn new(screen: Screen) -> Response {
    let body = async {
        screen.require(Permission::ManageIncidents)?;
        let fields = vec![("status".to_owned(), IncidentStatus::Investigating.as_str().to_owned())];
        Ok(html(&form(&screen, &fields, Errors::default()).await?))
    };
    screen.answer(body).await
}

pub(crate) async fn open(screen: Screen, CsrfForm(fields): CsrfForm<Fields>) -> Response {
    let body = async {
        let opened = match new_incident(&fields) {
            Ok(new) => incidents::open(&screen.state.ctx, &screen.membership, new).await,
            Err(error) => Err(error),
        };
        match opened {
            Ok(incident) => Ok(screen.go(&format!("incidents/{}", incident.id), "incident-opened")),
            Err(error) => {
                let refusal = refused(error)?;
                Ok(refusal.show(&form(&screen, &fields, refusal.errors.clone()).await?))
            }
        }
    };
    screen.answer(body).await
}

pub(crate) async fn show(screen: Screen, Path((_, id)): Path<(String, String)>) -> Response {
    let body = async {
        let incident = find(&screen, &id).await?;
        Ok(html(&page(&screen, &incident, Typed::default(), Errors::default()).await?))
    };
    screen.answer(body).await
}

pub(crate) async fn post_update(
    screen: Screen,
    Path((_, id)): Path<(String, String)>,
    CsrfForm(fields): CsrfForm<Fields>,
) -> Response {
    let body = async {
        let id: IncidentId = input::id(&id)?;
        let posted = match new_update(&fields) {
            Ok(update) => incidents::post_update(&screen.state.ctx, &screen.membership, id, update).await,
            Err(error) => Err(error),
        };
        match posted {
            Ok(_) => Ok(screen.go(&format!("incidents/{id}"), "incident-updated")),
            Err(error) => again(&screen, id, Typed { fields, title: None }, refused(error)?).await,
        }
    };
    screen.answer(body).await
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Title {
    version: String,
    title: String,
}

pub(crate) async fn rename(
    screen: Screen,
    Path((_, id)): Path<(String, String)>,
    CsrfForm(input): CsrfForm<Title>,
) -> Response {
    let body = async {
        let id: IncidentId = input::id(&id)?;
        let patch = IncidentPatch { title: Some(input.title.clone()), ..IncidentPatch::default() };
        let version = input::version(&input.version);
        match incidents::update(&screen.state.ctx, &screen.membership, id, version, patch).await {
            Ok(_) => Ok(screen.go(&format!("incidents/{id}"), "incident-saved")),
            Err(error) => {
                let typed = Typed { title: Some(input.title), ..Typed::default() };
                again(&screen, id, typed, refused(error)?).await
            }
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
        incidents::delete(&screen.state.ctx, &screen.membership, input::id(&id)?, Version::Any).await?;
        Ok(screen.go("incidents", "incident-deleted"))
    };
    screen.answer(body).await
}

/// What the person typed before the page came back.
#[derive(Default)]
struct Typed {
    fields: Fields,
    title: Option<String>,
}

fn new_incident(fields: &Fields) -> actions::Result<NewIncident> {
    Ok(NewIncident {
        title: field(fields, "title").to_owned(),
        status: input::chosen("status", status(field(fields, "status")))?,
        body: filled(field(fields, "body")),
        impact: None,
        services: affected(fields)?,
        service_id: None,
        started_at: None,
        posted_at: None,
        notify: None,
    })
}

fn new_update(fields: &Fields) -> actions::Result<NewUpdate> {
    Ok(NewUpdate {
        status: Some(input::chosen("status", status(field(fields, "status")))?),
        body: field(fields, "body").to_owned(),
        services: affected(fields)?,
        posted_at: None,
        notify: None,
    })
}

pub(super) fn status(word: &str) -> Option<IncidentStatus> {
    IncidentStatus::ALL.into_iter().find(|status| status.as_str() == word)
}

fn effect(word: &str) -> Option<ServiceStatus> {
    ServiceStatus::ALL.into_iter().find(|status| status.as_str() == word)
}

/// The fields `service_{id}` that were filled.
pub(super) fn affected(fields: &Fields) -> actions::Result<Vec<Affected>> {
    fields
        .iter()
        .filter_map(|(name, word)| Some((name.strip_prefix("service_")?, word)))
        .filter(|(_, word)| !word.is_empty())
        .map(|(id, word)| {
            let service_id: ServiceId = input::chosen("", id.parse().ok())?;
            Ok(Affected { service_id, status: input::chosen("", effect(word))? })
        })
        .collect()
}

async fn again(screen: &Screen, id: IncidentId, typed: Typed, refused: Refused) -> Result<Response, Problem> {
    let incident = find(screen, &id.to_string()).await?;
    Ok(refused.show(&page(screen, &incident, typed, refused.errors.clone()).await?))
}

/// One that the tier hides is not there (S38, D10).
async fn find(screen: &Screen, id: &str) -> Result<Incident, Problem> {
    let since = shown_since(&screen.state.ctx, screen.membership.organization.tier, screen.now());
    let mut conn = screen.read().await?;
    let found = store::incidents::find(&mut conn, screen.scope(), input::id(id)?).await?;
    let shown = found.filter(|incident| incident.resolved_at.is_none_or(|end| end > since));
    shown.ok_or_else(Problem::not_found)
}

pub(super) async fn form(screen: &Screen, fields: &Fields, errors: Errors) -> Result<FormPage, Problem> {
    Ok(FormPage {
        shell: screen.shell().await?,
        suggestion: None,
        note: String::new(),
        title: field(fields, "title").to_owned(),
        statuses: statuses(field(fields, "status")),
        body: field(fields, "body").to_owned(),
        effects: effects(screen, fields, &[]).await?,
        told: told(screen).await?,
        errors,
    })
}

async fn page(
    screen: &Screen,
    incident: &Incident,
    typed: Typed,
    errors: Errors,
) -> Result<ShowPage, Problem> {
    let (now, scope) = (screen.now(), screen.scope());
    let mut conn = screen.read().await?;
    let touched: Vec<_> = store::incidents::list_services(&mut conn, scope, incident.id)
        .await?
        .into_iter()
        .map(|service| (service.service_id, service.status))
        .collect();
    let updates = store::incidents::list_updates(&mut conn, scope, incident.id).await?;
    let pages = store::incidents::list_pages_to_tell(&mut conn, scope, incident.id).await?;
    drop(conn);
    let end = incident.resolved_at.unwrap_or(now);
    let chosen = match field(&typed.fields, "status") {
        "" => next_status(incident.status).as_str(),
        word => word,
    };
    Ok(ShowPage {
        shell: screen.shell().await?,
        id: incident.id.to_string(),
        version: incident.updated_at.ms().to_string(),
        title: typed.title.unwrap_or_else(|| incident.title.clone()),
        state: worst(touched.iter().map(|(_, status)| *status), incident.impact),
        status: incident.status.label().to_owned(),
        is_resolved: incident.resolved_at.is_some(),
        began: words::moment(incident.started_at, now),
        lasting: words::lasting(end.since(incident.started_at)),
        origin: origin(incident).to_owned(),
        suggestions: suggestions::about(screen, incident.id).await?,
        pages: pages
            .into_iter()
            .map(|page| (page.title, format!("{}/incidents/{}", screen.public_path(&page.slug), incident.id)))
            .collect(),
        updates: updates.iter().map(|update| update_row(update, now)).collect(),
        statuses: statuses(chosen),
        body: field(&typed.fields, "body").to_owned(),
        effects: effects(screen, &typed.fields, &touched).await?,
        told: told(screen).await?,
        errors,
        next_update: None,
    })
}

/// Nobody is made to sign for what the engine did.
const fn origin(incident: &Incident) -> &'static str {
    match (incident.origin, incident.is_edited) {
        (IncidentOrigin::Person, _) => "",
        (IncidentOrigin::Automatic, false) => "Opened automatically",
        (IncidentOrigin::Automatic, true) => "Opened automatically, then edited",
    }
}

fn update_row(update: &IncidentUpdate, now: Timestamp) -> Update {
    Update {
        status: update.status.label().to_owned(),
        at: words::moment(update.created_at, now),
        body: crate::markdown::render(&update.body),
        changes: Vec::new(),
    }
}

/// What an author most likely wants next: the same once more, after the end a post-mortem.
const fn next_status(now: IncidentStatus) -> IncidentStatus {
    match now {
        IncidentStatus::Resolved => IncidentStatus::Postmortem,
        other => other,
    }
}

fn statuses(chosen: &str) -> Vec<Choice> {
    // A post-mortem is offered when the incident is over.
    let is_over = [IncidentStatus::Resolved, IncidentStatus::Postmortem].map(IncidentStatus::as_str);
    IncidentStatus::ALL
        .into_iter()
        .filter(|status| *status != IncidentStatus::Postmortem || is_over.contains(&chosen))
        .map(|status| Choice {
            value: status.as_str().to_owned(),
            label: status.label().to_owned(),
            is_chosen: status.as_str() == chosen,
        })
        .collect()
}

/// A row per service: its state now, and what to choose from. A service that the incident touches already cannot be
/// untouched by an update, only well again.
async fn effects(
    screen: &Screen,
    typed: &Fields,
    touched: &[(ServiceId, ServiceStatus)],
) -> Result<Vec<Effect>, Problem> {
    let states = States::load(screen).await?;
    let mut conn = screen.read().await?;
    let services = store::services::list(&mut conn, screen.scope()).await?;
    drop(conn);
    Ok(services
        .iter()
        .map(|service| {
            let stored = touched.iter().find(|(id, _)| *id == service.id).map(|(_, status)| status.as_str());
            let sent = field(typed, &format!("service_{}", service.id));
            let chosen = if sent.is_empty() { stored.unwrap_or_default() } else { sent };
            Effect {
                service_id: service.id.to_string(),
                name: service.name.clone(),
                state: states.of(service),
                choices: effect_choices(stored.is_some(), chosen),
            }
        })
        .collect())
}

fn effect_choices(is_touched: bool, chosen: &str) -> Vec<Choice> {
    let none = (!is_touched).then(|| Choice {
        value: String::new(),
        label: "Not affected".to_owned(),
        is_chosen: chosen.is_empty(),
    });
    let states = ServiceStatus::ALL.into_iter().map(|status| Choice {
        value: status.as_str().to_owned(),
        label: status.label().to_owned(),
        is_chosen: status.as_str() == chosen,
    });
    none.into_iter().chain(states).collect()
}

/// How many people a post reaches, said before it is posted.
async fn told(screen: &Screen) -> Result<String, Problem> {
    let mut conn = screen.read().await?;
    let confirmed = store::subscribers::count_confirmed(&mut conn, screen.scope()).await?;
    let owners = store::subscribers::list_verified_owners(&mut conn, screen.scope()).await?;
    Ok(match confirmed {
        0 => "No subscriber yet; it stands on your pages.".to_owned(),
        _ if owners.is_empty() => "No mail leaves before an owner has verified an address.".to_owned(),
        1 => "1 subscriber gets a mail, if the page is theirs.".to_owned(),
        many => format!("Up to {many} subscribers get a mail: those of the pages it stands on."),
    })
}

/// Says that older ones exist when the tier hides them (D10).
fn hidden(screen: &Screen) -> String {
    screen.limits().incident_history_days.map_or_else(String::new, |days| {
        let tier = screen.membership.organization.tier.label();
        format!("{tier} shows what was resolved in the last {days} days. Older incidents are kept and come back with a larger plan.")
    })
}

fn older_path(screen: &Screen, last: &Incident) -> String {
    format!("{}/incidents?cursor={}.{}", screen.root(), last.created_at.ms(), last.id)
}

fn read_cursor(cursor: &str) -> Option<(Timestamp, Uuid)> {
    let (ms, id) = cursor.split_once('.')?;
    let id: IncidentId = id.parse().ok()?;
    Some((Timestamp::from_ms(ms.parse().ok()?), id.uuid()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(pairs: &[(&str, &str)]) -> Fields {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn only_the_services_that_were_chosen_are_affected() {
        let id = ServiceId::new(Uuid::from_u128(7));
        let other = ServiceId::new(Uuid::from_u128(8));
        let fields = sent(&[
            (&format!("service_{id}"), "major_outage"),
            (&format!("service_{other}"), ""),
            ("title", "x"),
        ]);
        let found = affected(&fields).unwrap();
        assert_eq!(found, [Affected { service_id: id, status: ServiceStatus::MajorOutage }]);
        assert!(affected(&sent(&[("service_x", "major_outage")])).is_err());
        assert!(affected(&sent(&[(&format!("service_{id}"), "on fire")])).is_err());
    }

    #[test]
    fn a_touched_service_can_be_well_again_but_not_untouched() {
        assert_eq!(effect_choices(false, "")[0].label, "Not affected");
        assert!(effect_choices(true, "operational").iter().all(|choice| !choice.value.is_empty()));
    }

    #[test]
    fn a_post_mortem_is_offered_after_the_end() {
        let offered = |chosen| statuses(chosen).into_iter().map(|choice| choice.value).collect::<Vec<_>>();
        assert!(!offered("identified").contains(&"postmortem".to_owned()));
        assert!(offered("postmortem").contains(&"postmortem".to_owned()));
    }

    #[test]
    fn a_cursor_is_read_back_and_a_made_up_one_is_the_beginning() {
        let id = IncidentId::new(Uuid::from_u128(7));
        assert_eq!(read_cursor(&format!("12.{id}")), Some((Timestamp::from_ms(12), id.uuid())));
        assert_eq!(read_cursor("12"), None);
    }
}
