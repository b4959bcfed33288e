//! What monitors of every kind have: name, service, rhythm, and when they count as down.

use actions::Checks;
use actions::monitors::{MonitorPatch, NewMonitor};
use actions::patch::Patch;
use domain::id::{MonitorId, ServiceId};
use domain::monitor::{Method, Monitor, MonitorKind};
use domain::plan::Tier;
use domain::service::Service;

use super::typed::{Typed, choices};
use crate::dashboard::input;
use crate::dashboard::monitor_words as about;
use crate::dashboard::screen::Screen;
use crate::view::Choice;
use crate::view::dashboard::fields::{Field, Group, Part};
use crate::view::plan::interval;

/// What the form offers, in seconds; shorter ones than the tier allows are left out.
const INTERVALS: [i32; 10] = [1, 10, 30, 60, 120, 300, 600, 900, 1800, 3600];
/// Registries are asked every hour at most.
const DOMAIN_INTERVALS: [i32; 4] = [3600, 21_600, 43_200, 86_400];

/// The numbers of the form, read. `None`: not in the form of this kind, so the default, or what is stored, stays.
pub(super) struct Numbers {
    interval_seconds: Option<i32>,
    timeout_seconds: Option<i32>,
    failures_to_open: Option<i32>,
    successes_to_close: Option<i32>,
    min_outage_seconds: i32,
    degraded_above_ms: Option<i32>,
}

impl Numbers {
    pub(super) fn read(typed: &Typed, checks: &mut Checks) -> Self {
        let mut number =
            |field: &'static str| typed.sent(field).map(|text| input::number(checks, field, text));
        let (interval_seconds, timeout_seconds) = (number("interval_seconds"), number("timeout_seconds"));
        let (failures_to_open, successes_to_close) =
            (number("failures_to_open"), number("successes_to_close"));
        let mut filled =
            |field: &'static str| typed.filled(field).map(|text| input::number(checks, field, &text));
        Self {
            interval_seconds,
            timeout_seconds,
            failures_to_open,
            successes_to_close,
            min_outage_seconds: filled("min_outage_seconds").unwrap_or(0),
            degraded_above_ms: filled("degraded_above_ms"),
        }
    }

    pub(super) fn put_into_new(self, new: &mut NewMonitor) {
        new.interval_seconds = self.interval_seconds;
        new.timeout_seconds = self.timeout_seconds;
        new.failures_to_open = self.failures_to_open;
        new.successes_to_close = self.successes_to_close;
        new.min_outage_seconds = Some(self.min_outage_seconds);
        new.degraded_above_ms = self.degraded_above_ms;
    }

    pub(super) fn put_into_patch(self, patch: &mut MonitorPatch) {
        patch.interval_seconds = self.interval_seconds;
        patch.timeout_seconds = self.timeout_seconds;
        patch.failures_to_open = self.failures_to_open;
        patch.successes_to_close = self.successes_to_close;
        patch.min_outage_seconds = Some(self.min_outage_seconds);
        patch.degraded_above_ms = self.degraded_above_ms.map_or(Patch::Clear, Patch::Set);
    }
}

/// Nothing asks for a heartbeat, and nobody for what people report.
pub(super) const fn is_asked(kind: MonitorKind) -> bool {
    !matches!(kind, MonitorKind::Heartbeat | MonitorKind::Manual)
}

/// What the form of a new monitor starts with; the same as the defaults of the API.
pub(super) fn start(typed: &mut Typed, kind: MonitorKind, least_interval_seconds: i32) {
    let usual = if kind == MonitorKind::DomainExpiry { 21_600 } else { 60 };
    typed.set("method", Method::Get.as_str());
    typed.set("interval_seconds", least_interval_seconds.max(usual).to_string());
    for (name, value) in [
        ("timeout_seconds", "10"),
        ("failures_to_open", "2"),
        ("successes_to_close", "1"),
        ("min_outage_seconds", "0"),
    ] {
        typed.set(name, value);
    }
    typed.tick("is_active", true);
}

pub(super) fn write(typed: &mut Typed, monitor: &Monitor) {
    typed.set("name", monitor.name.as_deref().unwrap_or_default());
    typed.set("service_id", monitor.service_id.to_string());
    for (name, value) in [
        ("interval_seconds", monitor.interval_seconds),
        ("timeout_seconds", monitor.timeout_seconds),
        ("failures_to_open", monitor.failures_to_open),
        ("successes_to_close", monitor.successes_to_close),
        ("min_outage_seconds", monitor.min_outage_seconds),
    ] {
        typed.set(name, value.to_string());
    }
    typed.set("degraded_above_ms", monitor.degraded_above_ms.map(|ms| ms.to_string()).unwrap_or_default());
    typed.set("parent_id", monitor.parent_id.map(|id| id.to_string()).unwrap_or_default());
    typed.set("tags", monitor.tags.iter().collect::<Vec<_>>().join(", "));
    typed.tick("is_active", monitor.is_active);
}

/// The empty choice: it depends on nothing.
pub(super) fn parent(typed: &Typed) -> actions::Result<Option<MonitorId>> {
    typed.filled("parent_id").map(|id| input::chosen("parent_id", id.parse().ok())).transpose()
}

pub(super) fn service(typed: &Typed) -> actions::Result<ServiceId> {
    input::chosen("service_id", typed.get("service_id").parse().ok())
}

/// Service and rhythm, which everybody sees. Only a new monitor chooses its service here.
pub(super) fn basics(screen: &Screen, typed: &Typed, services: Option<&[Service]>) -> Vec<Part> {
    let kind = typed.kind();
    let mut parts = Vec::new();
    if !is_asked(kind) {
        parts.push(Part::Field(name(typed)));
    }
    if let Some(services) = services {
        let all = services.iter().map(|service| (service.id.to_string(), &service.name));
        let field = Field::choose("service_id", "Service", choices(all, typed.get("service_id")));
        parts.push(Part::Field(field.hint("Its state follows this monitor.")));
    }
    if is_asked(kind) {
        let all = intervals(kind, screen.limits().min_check_interval_seconds, typed.get("interval_seconds"));
        let field = Field::choose("interval_seconds", "Check every", all);
        parts.push(Part::Field(field.hint(interval_hint(screen))));
    }
    parts
}

fn name(typed: &Typed) -> Field {
    let hint = if is_asked(typed.kind()) {
        "Left empty: the address names it."
    } else {
        "What people call it, such as Nightly backup."
    };
    Field::text("name", "Name", typed.get("name")).longest(100).hint(hint)
}

pub(super) fn slow(typed: &Typed) -> Field {
    Field::text("degraded_above_ms", "Slow above, in ms", typed.get("degraded_above_ms"))
        .longest(6)
        .hint("Then it is degraded. Left empty: never.")
}

/// Name, failures and time-outs.
pub(super) fn rules(id: Option<MonitorId>, typed: &Typed, monitors: &[Monitor]) -> Group {
    let kind = typed.kind();
    let text = |id: &str, label: &str, longest| Field::text(id, label, typed.get(id)).longest(longest);
    let parents = parents(id, monitors, typed.get("parent_id"));
    let depends = Field::choose("parent_id", "Depends on", parents)
        .hint("While that is down, failures here say nothing.");
    let tags =
        text("tags", "Tags", 400).hint("Words to find it by, with commas between them, such as billing, eu.");
    if !is_asked(kind) {
        let title = "Tags, dependence".to_owned();
        return Group { title, is_open: false, parts: vec![Part::Pair(tags, depends)] };
    }
    let mut parts = vec![
        Part::Pair(name(typed), tags),
        Part::Pair(
            text("failures_to_open", "Down after failures", 2)
                .hint("In a row, 1 to 10. The outage begins with the first of them."),
            text("successes_to_close", "Up after successes", 2).hint("In a row, 1 to 10."),
        ),
        Part::Pair(
            text("timeout_seconds", "Time-out, in seconds", 2).hint("1 to 60, shorter than the interval."),
            text("min_outage_seconds", "Shortest outage, in seconds", 4)
                .hint("Failures that do not last so long are no outage."),
        ),
    ];
    parts.push(match kind {
        MonitorKind::Http => Part::Field(depends),
        _ => Part::Pair(slow(typed), depends),
    });
    Group { title: "Name, tags, and when it counts as down".to_owned(), is_open: false, parts }
}

/// What a monitor may depend on: nothing, or any other one. Those that depend on it are refused with a sentence.
fn parents(id: Option<MonitorId>, monitors: &[Monitor], chosen: &str) -> Vec<Choice> {
    let others = monitors.iter().filter(|monitor| Some(monitor.id) != id);
    let others = others.map(|monitor| (monitor.id.to_string(), about::name(monitor)));
    choices(std::iter::once((String::new(), "Nothing".to_owned())).chain(others), chosen)
}

/// The usual intervals that kind and tier allow, and the one that is set.
fn intervals(kind: MonitorKind, minimum: i32, chosen: &str) -> Vec<Choice> {
    let set = chosen.trim().parse::<i32>().ok();
    let usual = if kind == MonitorKind::DomainExpiry { &DOMAIN_INTERVALS[..] } else { &INTERVALS[..] };
    let mut all: Vec<i32> = usual.iter().copied().filter(|seconds| *seconds >= minimum).chain(set).collect();
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
        intervals(MonitorKind::Http, minimum, chosen)
            .into_iter()
            .map(|choice| (choice.label, choice.is_chosen))
            .collect()
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
        let mut typed = Typed::default();
        start(&mut typed, MonitorKind::Http, 60);
        typed.set("interval_seconds", "");
        typed.set("timeout_seconds", "1.5");
        typed.set("degraded_above_ms", "slow");
        let mut checks = Checks::default();
        Numbers::read(&typed, &mut checks);
        let Err(actions::Error::Invalid(fields)) = checks.finish() else { panic!("accepted") };
        let names: Vec<_> = fields.iter().map(|field| field.field).collect();
        assert_eq!(names, ["interval_seconds", "timeout_seconds", "degraded_above_ms"]);
    }
}
