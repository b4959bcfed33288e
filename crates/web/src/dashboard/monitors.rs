//! `/orgs/{org}/monitors/{id}`: one monitor with its last checks, the form, and the buttons.

use actions::monitors::{self, MonitorPatch, NewMonitor};
use actions::patch::{Patch, Version};
use actions::{Checks, checks};
use axum::response::Response;
use domain::id::MonitorId;
use domain::monitor::{Method, Monitor};
use domain::organization::Permission;
use domain::plan::Tier;
use serde::Deserialize;

use super::input::{self, Nothing, filled, ticked};
use super::monitor_page;
use super::monitor_words as about;
use super::screen::{Refused, Screen, refused};
use crate::api::v1::monitors::checked_url;
use crate::error::Problem;
use crate::extract::{CsrfForm, Path};
use crate::page::html;
use crate::view::dashboard::monitors::FormPage;
use crate::view::plan::interval;
use crate::view::{Choice, Errors};

/// What the form offers, in seconds; shorter ones than the tier allows are left out.
const INTERVALS: [i32; 10] = [1, 10, 30, 60, 120, 300, 600, 900, 1800, 3600];

pub(crate) async fn new(screen: Screen) -> Response {
    let body = async {
        screen.require(Permission::ManageMonitors)?;
        let minimum = screen.limits().min_check_interval_seconds;
        let input = Input {
            service_id: screen.parameter("service_id").unwrap_or_default(),
            interval_seconds: minimum.max(60).to_string(),
            ..Input::defaults()
        };
        Ok(html(&form(&screen, None, input, Errors::default()).await?))
    };
    screen.answer(body).await
}

pub(crate) async fn create(screen: Screen, CsrfForm(input): CsrfForm<Input>) -> Response {
    let body = async {
        let made = match input.to_new(&screen).await {
            Ok(new) => monitors::create(&screen.state.ctx, &screen.membership, new).await,
            Err(error) => Err(error),
        };
        match made {
            Ok(monitor) => Ok(screen.go(&format!("monitors/{}", monitor.id), "monitor-made")),
            Err(error) => again(&screen, None, input, refused(error)?).await,
        }
    };
    screen.answer(body).await
}

pub(crate) async fn show(screen: Screen, Path((_, id)): Path<(String, String)>) -> Response {
    let body = async {
        let monitor = find(&screen, input::id(&id)?).await?;
        Ok(html(&monitor_page::of(&screen, &monitor).await?))
    };
    screen.answer(body).await
}

pub(crate) async fn edit(screen: Screen, Path((_, id)): Path<(String, String)>) -> Response {
    let body = async {
        screen.require(Permission::ManageMonitors)?;
        let monitor = find(&screen, input::id(&id)?).await?;
        Ok(html(&form(&screen, Some(monitor.id), Input::of(&monitor), Errors::default()).await?))
    };
    screen.answer(body).await
}

pub(crate) async fn update(
    screen: Screen,
    Path((_, id)): Path<(String, String)>,
    CsrfForm(input): CsrfForm<Input>,
) -> Response {
    let body = async {
        let id: MonitorId = input::id(&id)?;
        let version = input::version(&input.version);
        let saved = match input.to_patch(&screen).await {
            Ok(patch) => monitors::update(&screen.state.ctx, &screen.membership, id, version, patch).await,
            Err(error) => Err(error),
        };
        match saved {
            Ok(_) => Ok(screen.go(&format!("monitors/{id}"), "monitor-saved")),
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
                let id = input::id(&id)?;
                let monitor = find(&screen, id).await?;
                again(&screen, Some(id), Input { is_active: true, ..Input::of(&monitor) }, refused(error)?)
                    .await
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

/// The fields of the form.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Input {
    version: String,
    service_id: String,
    url: String,
    method: String,
    expected_status: String,
    interval_seconds: String,
    timeout_seconds: String,
    failures_to_open: String,
    successes_to_close: String,
    min_outage_seconds: String,
    degraded_above_ms: String,
    parent_id: String,
    tags: String,
    #[serde(deserialize_with = "ticked")]
    is_active: bool,
}

/// The numbers of the form, read.
struct Numbers {
    expected_status: i32,
    interval_seconds: i32,
    timeout_seconds: i32,
    failures_to_open: i32,
    successes_to_close: i32,
    min_outage_seconds: i32,
    degraded_above_ms: Option<i32>,
}

impl Input {
    /// What the form of a new monitor starts with; the same as the defaults of the API.
    fn defaults() -> Self {
        Self {
            method: Method::Get.as_str().to_owned(),
            expected_status: "200".to_owned(),
            timeout_seconds: "10".to_owned(),
            failures_to_open: "2".to_owned(),
            successes_to_close: "1".to_owned(),
            min_outage_seconds: "0".to_owned(),
            is_active: true,
            ..Self::default()
        }
    }

    fn of(monitor: &Monitor) -> Self {
        Self {
            version: monitor.updated_at.ms().to_string(),
            service_id: monitor.service_id.to_string(),
            url: monitor.url.clone(),
            method: monitor.method.as_str().to_owned(),
            expected_status: monitor.expected_status.to_string(),
            interval_seconds: monitor.interval_seconds.to_string(),
            timeout_seconds: monitor.timeout_seconds.to_string(),
            failures_to_open: monitor.failures_to_open.to_string(),
            successes_to_close: monitor.successes_to_close.to_string(),
            min_outage_seconds: monitor.min_outage_seconds.to_string(),
            degraded_above_ms: monitor.degraded_above_ms.map(|ms| ms.to_string()).unwrap_or_default(),
            parent_id: monitor.parent_id.map(|id| id.to_string()).unwrap_or_default(),
            tags: monitor.tags.iter().collect::<Vec<_>>().join(", "),
            is_active: monitor.is_active,
        }
    }

    fn numbers(&self) -> actions::Result<Numbers> {
        let mut checks = Checks::default();
        let mut number = |field, text: &str| input::number(&mut checks, field, text);
        let numbers = Numbers {
            expected_status: number("expected_status", &self.expected_status),
            interval_seconds: number("interval_seconds", &self.interval_seconds),
            timeout_seconds: number("timeout_seconds", &self.timeout_seconds),
            failures_to_open: number("failures_to_open", &self.failures_to_open),
            successes_to_close: number("successes_to_close", &self.successes_to_close),
            min_outage_seconds: filled(&self.min_outage_seconds)
                .map_or(0, |text| number("min_outage_seconds", &text)),
            degraded_above_ms: filled(&self.degraded_above_ms).map(|text| number("degraded_above_ms", &text)),
        };
        checks.finish()?;
        Ok(numbers)
    }

    /// The empty choice: it depends on nothing.
    fn parent(&self) -> actions::Result<Option<MonitorId>> {
        filled(&self.parent_id).map(|id| input::chosen("parent_id", id.parse().ok())).transpose()
    }

    async fn to_new(&self, screen: &Screen) -> actions::Result<NewMonitor> {
        let numbers = self.numbers()?;
        Ok(NewMonitor {
            service_id: input::chosen("service_id", self.service_id.parse().ok())?,
            name: None,
            url: Some(checked_url(&screen.state, &self.url).await),
            wanted: None,
            method: Some(input::chosen("method", method(&self.method))?),
            expected_status: Some(numbers.expected_status),
            timeout_seconds: Some(numbers.timeout_seconds),
            interval_seconds: Some(numbers.interval_seconds),
            failures_to_open: Some(numbers.failures_to_open),
            successes_to_close: Some(numbers.successes_to_close),
            min_outage_seconds: Some(numbers.min_outage_seconds),
            degraded_above_ms: numbers.degraded_above_ms,
            parent_id: self.parent()?,
            tags: input::words(&self.tags),
            is_active: self.is_active,
        })
    }

    async fn to_patch(&self, screen: &Screen) -> actions::Result<MonitorPatch> {
        let numbers = self.numbers()?;
        Ok(MonitorPatch {
            service_id: None,
            name: Patch::Keep,
            wanted: None,
            url: Some(checked_url(&screen.state, &self.url).await),
            method: Some(input::chosen("method", method(&self.method))?),
            expected_status: Some(numbers.expected_status),
            timeout_seconds: Some(numbers.timeout_seconds),
            interval_seconds: Some(numbers.interval_seconds),
            failures_to_open: Some(numbers.failures_to_open),
            successes_to_close: Some(numbers.successes_to_close),
            min_outage_seconds: Some(numbers.min_outage_seconds),
            degraded_above_ms: numbers.degraded_above_ms.map_or(Patch::Clear, Patch::Set),
            parent_id: self.parent()?.map_or(Patch::Clear, Patch::Set),
            tags: Some(input::words(&self.tags)),
            is_active: Some(self.is_active),
        })
    }
}

fn method(word: &str) -> Option<Method> {
    [Method::Get, Method::Head, Method::Post].into_iter().find(|method| method.as_str() == word)
}

async fn find(screen: &Screen, id: MonitorId) -> Result<Monitor, Problem> {
    let mut conn = screen.read().await?;
    let found = store::monitors::find(&mut conn, screen.scope(), id).await?;
    found.map(|monitor| screen.known(monitor)).ok_or_else(Problem::not_found)
}

/// The form as it was sent, with what was wrong; after somebody else's edit, with their version under it.
async fn again(
    screen: &Screen,
    id: Option<MonitorId>,
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
    id: Option<MonitorId>,
    input: Input,
    errors: Errors,
) -> Result<FormPage, Problem> {
    let mut conn = screen.read().await?;
    let services = store::services::list(&mut conn, screen.scope()).await?;
    let monitors = store::monitors::list(&mut conn, screen.scope(), None).await?;
    drop(conn);
    let choice =
        |value: String, label: String, chosen: &str| Choice { is_chosen: value == chosen, value, label };
    let is_free = screen.membership.organization.tier == Tier::Free && screen.limits() == Tier::Free.limits();
    let methods = [Method::Get, Method::Head, Method::Post]
        .into_iter()
        .filter(|method| method.is_free() || !is_free || method.as_str() == input.method);
    Ok(FormPage {
        shell: screen.shell().await?,
        parents: parents(id, &monitors, &input.parent_id),
        id: id.map(|id| id.to_string()),
        version: input.version,
        services: services
            .into_iter()
            .map(|service| choice(service.id.to_string(), service.name, &input.service_id))
            .collect(),
        url: input.url,
        methods: methods
            .map(|method| choice(method.as_str().to_owned(), method.as_str().to_owned(), &input.method))
            .collect(),
        expected_status: input.expected_status,
        intervals: intervals(screen.limits().min_check_interval_seconds, &input.interval_seconds),
        interval_hint: interval_hint(screen),
        timeout_seconds: input.timeout_seconds,
        failures_to_open: input.failures_to_open,
        successes_to_close: input.successes_to_close,
        min_outage_seconds: input.min_outage_seconds,
        degraded_above_ms: input.degraded_above_ms,
        tags: input.tags,
        is_active: input.is_active,
        errors,
    })
}

/// What a monitor may depend on: nothing, or any other one. Those that depend on it are refused with a sentence.
fn parents(id: Option<MonitorId>, monitors: &[Monitor], chosen: &str) -> Vec<Choice> {
    let nothing = Choice { value: String::new(), label: "Nothing".to_owned(), is_chosen: chosen.is_empty() };
    let others = monitors.iter().filter(|monitor| Some(monitor.id) != id).map(|monitor| {
        let value = monitor.id.to_string();
        Choice { is_chosen: value == chosen, value, label: about::name(monitor) }
    });
    std::iter::once(nothing).chain(others).collect()
}

/// The usual intervals that the tier allows, and the one that is set.
fn intervals(minimum: i32, chosen: &str) -> Vec<Choice> {
    let set = chosen.trim().parse::<i32>().ok();
    let mut all: Vec<i32> = INTERVALS.into_iter().filter(|seconds| *seconds >= minimum).chain(set).collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter()
        .map(|seconds| Choice {
            value: seconds.to_string(),
            label: interval(seconds),
            is_chosen: Some(seconds) == set,
        })
        .collect()
}

/// "Pro checks every 1 min." while a larger tier checks more often than this one.
fn interval_hint(screen: &Screen) -> String {
    let minimum = screen.limits().min_check_interval_seconds;
    Tier::ALL
        .into_iter()
        .find(|tier| tier.limits().min_check_interval_seconds < minimum)
        .map(|tier| {
            format!("{} checks every {}.", tier.label(), interval(tier.limits().min_check_interval_seconds))
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(minimum: i32, chosen: &str) -> Vec<(String, bool)> {
        intervals(minimum, chosen).into_iter().map(|choice| (choice.label, choice.is_chosen)).collect()
    }

    #[test]
    fn only_intervals_of_the_tier_are_offered_and_the_one_that_is_set() {
        // S34
        assert_eq!(offered(300, "300").first(), Some(&("5 min".to_owned(), true)));
        assert_eq!(offered(30, "60")[..2], [("30 s".to_owned(), false), ("1 min".to_owned(), true)]);
        // After a downgrade the written interval stays visible.
        assert_eq!(offered(300, "60").first(), Some(&("1 min".to_owned(), true)));
    }

    #[test]
    fn every_wrong_number_of_the_form_is_told() {
        let input =
            Input { expected_status: "ok".into(), timeout_seconds: "1.5".into(), ..Input::defaults() };
        let Err(actions::Error::Invalid(fields)) = input.numbers() else { panic!("accepted") };
        let names: Vec<_> = fields.iter().map(|field| field.field).collect();
        assert_eq!(names, ["expected_status", "interval_seconds", "timeout_seconds"]);
    }
}
