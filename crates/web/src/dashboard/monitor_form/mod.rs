//! The form of a monitor: one for each kind, for a new monitor and for one that is there, and its button "Test it",
//! which runs the check at once and saves nothing.

pub(crate) mod http;
mod kinds;
mod numbers;
pub(crate) mod rows;
mod trial;
mod typed;

use actions::Checks;
use actions::monitors::{self, MonitorPatch, NewMonitor, SecretsHeld, SecretsPatch, Wanted};
use actions::patch::Patch;
use axum::response::Response;
use domain::id::{MonitorId, ServiceId};
use domain::monitor::{Method, Monitor, MonitorKind, Secrets, Settings};
use domain::organization::Permission;
use domain::plan::Tier;

use self::numbers::{Numbers, is_asked};
use self::typed::Typed;
use super::input::{self, Fields};
use super::monitor_words as about;
use super::monitors::find;
use super::screen::{Refused, Screen, refused};
use crate::api::v1::monitor_settings::{consulted, guard};
use crate::api::v1::monitors::checked_url;
use crate::error::Problem;
use crate::extract::{CsrfForm, Path};
use crate::page::html;
use crate::view::Errors;
use crate::view::dashboard::fields::{Group, Part};
use crate::view::dashboard::monitors::{FormPage, KindLink, Trial};

pub(crate) async fn new(screen: Screen) -> Response {
    let body = async {
        screen.require(Permission::ManageMonitors)?;
        let asked = screen.parameter("kind").unwrap_or_default();
        let kind = MonitorKind::ALL.into_iter().find(|kind| kind.as_str() == asked).unwrap_or_default();
        let mut typed = Typed::start(kind, None);
        numbers::start(&mut typed, kind, screen.limits().min_check_interval_seconds);
        kinds::start(&mut typed, kind);
        typed.set("service_id", screen.parameter("service_id").unwrap_or_default());
        Ok(html(&form(&screen, None, &typed, Shown::default()).await?))
    };
    screen.answer(body).await
}

pub(crate) async fn create(screen: Screen, CsrfForm(fields): CsrfForm<Fields>) -> Response {
    let body = async {
        screen.require(Permission::ManageMonitors)?;
        let typed = Typed::from(fields);
        if typed.more().is_some() {
            return more(&screen, None, &typed).await;
        }
        let made = match to_new(&screen, &typed).await {
            Ok(new) => monitors::create(&screen.state.ctx, &screen.membership, new).await,
            Err(error) => Err(error),
        };
        match made {
            Ok(monitor) => Ok(screen.go(&format!("monitors/{}", monitor.id), "monitor-made")),
            Err(error) => again(&screen, None, typed, refused(error)?).await,
        }
    };
    screen.answer(body).await
}

pub(crate) async fn edit(screen: Screen, Path((_, id)): Path<(String, String)>) -> Response {
    let body = async {
        screen.require(Permission::ManageMonitors)?;
        let monitor = find(&screen, input::id(&id)?).await?;
        Ok(html(&form(&screen, Some(&monitor), &of(&monitor), Shown::default()).await?))
    };
    screen.answer(body).await
}

pub(crate) async fn update(
    screen: Screen,
    Path((_, id)): Path<(String, String)>,
    CsrfForm(fields): CsrfForm<Fields>,
) -> Response {
    let body = async {
        screen.require(Permission::ManageMonitors)?;
        let monitor = find(&screen, input::id(&id)?).await?;
        let typed = of_kind(fields, &monitor);
        if typed.more().is_some() {
            return more(&screen, Some(&monitor), &typed).await;
        }
        let version = input::version(typed.get("version"));
        let saved = match to_patch(&screen, &monitor, &typed).await {
            Ok(patch) => {
                monitors::update(&screen.state.ctx, &screen.membership, monitor.id, version, patch).await
            }
            Err(error) => Err(error),
        };
        match saved {
            Ok(_) => Ok(screen.go(&format!("monitors/{}", monitor.id), "monitor-saved")),
            Err(error) => again(&screen, Some(&monitor), typed, refused(error)?).await,
        }
    };
    // Two forms of settings are held at once, which is much for a stack.
    screen.answer(Box::pin(body)).await
}

/// Checks what was typed for a new monitor, at once (S4).
pub(crate) async fn test(screen: Screen, CsrfForm(fields): CsrfForm<Fields>) -> Response {
    let body = async {
        screen.require(Permission::ManageMonitors)?;
        let typed = Typed::from(fields);
        let job = match to_trial(&screen, &typed).await {
            Ok(new) => monitors::try_new(&screen.state.ctx, &screen.membership, new).await,
            Err(error) => Err(error),
        };
        tried(&screen, None, typed, job).await
    };
    screen.answer(body).await
}

/// Checks what was typed for a monitor that is there, with the secrets that it has.
pub(crate) async fn test_change(
    screen: Screen,
    Path((_, id)): Path<(String, String)>,
    CsrfForm(fields): CsrfForm<Fields>,
) -> Response {
    let body = async {
        screen.require(Permission::ManageMonitors)?;
        let monitor = find(&screen, input::id(&id)?).await?;
        let typed = of_kind(fields, &monitor);
        let job = match to_patch(&screen, &monitor, &typed).await {
            Ok(patch) => monitors::try_change(&screen.state.ctx, &screen.membership, monitor.id, patch).await,
            Err(error) => Err(error),
        };
        tried(&screen, Some(&monitor), typed, job).await
    };
    screen.answer(body).await
}

async fn tried(
    screen: &Screen,
    monitor: Option<&Monitor>,
    typed: Typed,
    job: actions::Result<domain::check::CheckJob>,
) -> Result<Response, Problem> {
    match job {
        Ok(job) => {
            let outcome = screen.state.egress.check(&job).await;
            let slow_ms = typed.get("degraded_above_ms").trim().parse().ok();
            let trial = Some(trial::of(&job, &outcome, slow_ms, screen.now()));
            let shown = Shown { trial, ..Shown::default() };
            Ok(html(&form(screen, monitor, &typed, shown).await?))
        }
        Err(error) => again(screen, monitor, typed, refused(error)?).await,
    }
}

/// A monitor that could not be switched on, in its form with the switch set and the reason above it.
pub(super) async fn not_resumed(
    screen: &Screen,
    monitor: &Monitor,
    refused: Refused,
) -> Result<Response, Problem> {
    let mut typed = of(monitor);
    typed.tick("is_active", true);
    again(screen, Some(monitor), typed, refused).await
}

fn of(monitor: &Monitor) -> Typed {
    let mut typed = Typed::start(monitor.kind, Some(monitor.updated_at));
    numbers::write(&mut typed, monitor);
    kinds::write(&mut typed, monitor);
    typed
}

/// The kind of a monitor stays, whatever a form says.
fn of_kind(fields: Fields, monitor: &Monitor) -> Typed {
    let mut typed = Typed::from(fields);
    typed.set("kind", monitor.kind.as_str());
    typed
}

fn wanted(screen: &Screen, typed: &Typed, checks: &mut Checks) -> (Settings, SecretsPatch) {
    let kind = typed.kind();
    let settings = kinds::read(kind, typed, checks);
    let secrets = match kind {
        MonitorKind::Http => http::secrets(typed, carried(screen, typed)),
        _ => SecretsPatch::default(),
    };
    (settings, secrets)
}

fn carried(screen: &Screen, typed: &Typed) -> Secrets {
    monitors::carried(&screen.state.ctx, &screen.membership, typed.get("carried"))
}

/// What belongs to HTTP alone: address, method and expected status.
type Http = (Option<monitors::CheckedUrl>, Option<Method>, Option<i32>);

async fn http_part(screen: &Screen, typed: &Typed) -> actions::Result<Http> {
    if typed.kind() != MonitorKind::Http {
        return Ok((None, None, None));
    }
    let word = if typed.get("method").is_empty() { "GET" } else { typed.get("method") };
    let method = [Method::Get, Method::Head, Method::Post].into_iter().find(|one| one.as_str() == word);
    let (expected_status, _) = http::statuses(typed)?;
    let url = checked_url(&screen.state, typed.get("url")).await;
    Ok((Some(url), Some(input::chosen("method", method)?), Some(expected_status)))
}

async fn to_new(screen: &Screen, typed: &Typed) -> actions::Result<NewMonitor> {
    let service_id = numbers::service(typed)?;
    Ok(NewMonitor { service_id, parent_id: numbers::parent(typed)?, ..to_trial(screen, typed).await? })
}

/// A check needs no service yet.
async fn to_trial(screen: &Screen, typed: &Typed) -> actions::Result<NewMonitor> {
    let mut checks = Checks::default();
    let numbers = Numbers::read(typed, &mut checks);
    let (settings, secrets) = wanted(screen, typed, &mut checks);
    checks.finish()?;
    let settings = consulted(&screen.state.egress, settings).await?;
    let (url, method, expected_status) = http_part(screen, typed).await?;
    let mut new = NewMonitor {
        name: typed.filled("name"),
        url,
        wanted: Some(Wanted { settings: Some(settings), secrets, guard: guard(&screen.state.egress) }),
        method,
        expected_status,
        tags: input::words(typed.get("tags")),
        is_active: typed.is_ticked("is_active"),
        ..NewMonitor::of(monitors::no_service())
    };
    numbers.put_into_new(&mut new);
    Ok(new)
}

async fn to_patch(screen: &Screen, stored: &Monitor, typed: &Typed) -> actions::Result<MonitorPatch> {
    let mut checks = Checks::default();
    let numbers = Numbers::read(typed, &mut checks);
    let (mut settings, secrets) = wanted(screen, typed, &mut checks);
    checks.finish()?;
    kinds::keep_line_ends(&mut settings, &stored.settings);
    let settings = consulted(&screen.state.egress, settings).await?;
    let (url, method, expected_status) = http_part(screen, typed).await?;
    let mut patch = MonitorPatch {
        name: input::patch(typed.get("name")),
        url,
        wanted: Some(Wanted { settings: Some(settings), secrets, guard: guard(&screen.state.egress) }),
        method,
        expected_status,
        parent_id: numbers::parent(typed)?.map_or(Patch::Clear, Patch::Set),
        tags: typed.sent("tags").map(input::words),
        is_active: Some(typed.is_ticked("is_active")),
        ..MonitorPatch::default()
    };
    numbers.put_into_patch(&mut patch);
    Ok(patch)
}

/// What is shown with the form.
#[derive(Default)]
struct Shown {
    errors: Errors,
    trial: Option<Trial>,
}

async fn more(screen: &Screen, monitor: Option<&Monitor>, typed: &Typed) -> Result<Response, Problem> {
    Ok(html(&form(screen, monitor, typed, Shown::default()).await?))
}

/// The form as it was sent, with what was wrong; after somebody else's edit, with their version under it.
async fn again(
    screen: &Screen,
    monitor: Option<&Monitor>,
    mut typed: Typed,
    refused: Refused,
) -> Result<Response, Problem> {
    if let (true, Some(monitor)) = (refused.is_stale, monitor) {
        let theirs = find(screen, monitor.id).await?.updated_at;
        typed.set("version", theirs.ms().to_string());
    }
    let shown = Shown { errors: refused.errors.clone(), trial: None };
    Ok(refused.show(&form(screen, monitor, &typed, shown).await?))
}

async fn form(
    screen: &Screen,
    monitor: Option<&Monitor>,
    typed: &Typed,
    shown: Shown,
) -> Result<FormPage, Problem> {
    let (id, kind, ctx) = (monitor.map(|monitor| monitor.id), typed.kind(), &screen.state.ctx);
    let mut conn = screen.read().await?;
    let services = store::services::list(&mut conn, screen.scope()).await?;
    let others = store::monitors::list(&mut conn, screen.scope(), None).await?;
    drop(conn);
    let held = monitor.map(|monitor| monitors::secrets_held(ctx, monitor)).transpose()?.unwrap_or_default();
    let kept = kept(screen, typed);
    let mut main = kinds::target(kind, typed);
    main.extend(numbers::basics(screen, typed, id.is_none().then_some(&services[..])));
    let mut groups = groups(screen, typed, &held, &kept);
    groups.push(numbers::rules(id, typed, &others));
    let errors = placed(&shown.errors, &main, &groups);
    Ok(FormPage {
        shell: screen.shell().await?,
        id: id.map(|id: MonitorId| id.to_string()),
        version: typed.get("version").to_owned(),
        kind: kind.as_str().to_owned(),
        kind_label: about::kind(kind).to_owned(),
        kinds: if id.is_none() { kind_links(kind, typed) } else { Vec::new() },
        main,
        groups: groups.into_iter().map(|group| group.opened_for(&errors)).collect(),
        is_active: typed.is_ticked("is_active"),
        is_tried: is_asked(kind),
        trial: shown.trial,
        carried: monitors::carry(ctx, &screen.membership, &kept)?,
        errors,
    })
}

/// Secrets that were typed into this form or one before it, and that nothing has stored yet.
fn kept(screen: &Screen, typed: &Typed) -> Secrets {
    if typed.kind() != MonitorKind::Http {
        return Secrets::default();
    }
    let SecretsPatch { password, token, headers } = http::secrets(typed, carried(screen, typed));
    let one = |patch: Patch<String>| if let Patch::Set(text) = patch { Some(text) } else { None };
    Secrets {
        password: one(password),
        token: one(token),
        headers: if let Patch::Set(headers) = headers { headers } else { Vec::new() },
    }
}

fn groups(screen: &Screen, typed: &Typed, held: &SecretsHeld, kept: &Secrets) -> Vec<Group> {
    let kind = typed.kind();
    if kind == MonitorKind::Http {
        let is_get_only =
            screen.membership.organization.tier == Tier::Free && screen.limits() == Tier::Free.limits();
        return http::groups(typed, held, kept, is_get_only);
    }
    let parts = kinds::options(kind, typed);
    if parts.is_empty() {
        return Vec::new();
    }
    let title = match kind {
        MonitorKind::Dns => "Expected values, DNS server",
        MonitorKind::Grpc => "Service",
        _ => "What is sent and expected",
    };
    vec![Group { title: title.to_owned(), is_open: typed.more().is_some(), parts }]
}

/// The other kinds, each a link to its own form; the service goes along.
fn kind_links(chosen: MonitorKind, typed: &Typed) -> Vec<KindLink> {
    let service: Option<ServiceId> = typed.get("service_id").parse().ok();
    let service = service.map(|id| format!("&service_id={id}")).unwrap_or_default();
    MonitorKind::OFFERED
        .into_iter()
        .map(|kind| KindLink {
            query: format!("kind={}{service}", kind.as_str()),
            label: about::kind(kind).to_owned(),
            sentence: about::kind_sentence(kind).to_owned(),
            is_chosen: kind == chosen,
        })
        .collect()
}

/// Messages at the fields of this form; what has no field here belongs to the whole form.
fn placed(errors: &Errors, main: &[Part], groups: &[Group]) -> Errors {
    let is_there =
        |id: &str| main.iter().chain(groups.iter().flat_map(|group| &group.parts)).any(|part| part.has(id));
    errors.all().iter().fold(Errors::default(), |all, (id, message)| {
        let id = field_of(id);
        all.with(if is_there(&id) { id } else { String::new() }, message)
    })
}

/// The field for what the rules call otherwise: several of them may stand in one.
fn field_of(id: &str) -> String {
    let starts = [
        ("settings_statuses", "expected_status"),
        ("settings_expected", "settings_expected"),
        ("settings_schedule_", "heartbeat_"),
        ("settings_grace_seconds", "heartbeat_grace_seconds"),
        ("secrets_headers", rows::SECRET_HEADERS),
    ];
    for (start, field) in starts {
        let Some(rest) = id.strip_prefix(start) else { continue };
        return if field.ends_with('_') { format!("{field}{rest}") } else { field.to_owned() };
    }
    match id.strip_prefix("settings_assertions_") {
        Some(_) => id.replace("_path", "_name").replace("_most_ms", "_value"),
        None => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::dashboard::fields::Field;

    #[test]
    fn messages_stand_at_the_field_that_was_typed_into() {
        for (said, field) in [
            ("settings_host", "settings_host"),
            ("settings_statuses_3", "expected_status"),
            ("settings_expected_0", "settings_expected"),
            ("settings_schedule_time_zone", "heartbeat_time_zone"),
            ("settings_grace_seconds", "heartbeat_grace_seconds"),
            ("settings_assertions_1_path", "settings_assertions_1_name"),
            ("settings_assertions_0_most_ms", "settings_assertions_0_value"),
            ("secrets_headers_0_value", "secrets_headers"),
            ("settings_headers_2_value", "settings_headers_2_value"),
        ] {
            assert_eq!(field_of(said), field);
        }
    }

    #[test]
    fn what_has_no_field_belongs_to_the_whole_form() {
        let errors = Errors::default().with("settings_host", "Host.").with("kind", "Kind.");
        let main = [Part::Field(Field::text("settings_host", "Host", ""))];
        let placed = placed(&errors, &main, &[]);
        assert_eq!(placed.of("settings_host"), Some("Host."));
        assert_eq!(placed.of(""), Some("Kind."));
    }
}
