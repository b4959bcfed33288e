//! What tiers and kinds say about the numbers of a monitor (S34, X43, X46).

use domain::monitor::{Method, Monitor, MonitorKind};
use domain::plan::{Limits, Tier};

use crate::{Checks, Context};

/// Longest interval: a day.
const MAX_INTERVAL_SECONDS: i32 = 86_400;
/// What a tier that could check more often starts with.
const DEFAULT_INTERVAL_SECONDS: i32 = 60;
/// The end of a registration moves once a year, and registries count questions.
const DOMAIN_INTERVAL_SECONDS: i32 = 21_600;
const LEAST_DOMAIN_INTERVAL_SECONDS: i32 = 3600;

/// What the tier of the organization says about monitors.
pub(super) struct Gate {
    pub(super) tier: Tier,
    pub(super) limits: Limits,
}

impl Gate {
    pub(super) fn of(ctx: &Context, tier: Tier) -> Self {
        Self { tier, limits: ctx.policy.limits(tier) }
    }

    /// The methods of the free tier change nothing at the target (X46). Without tiers nothing is refused (D7).
    pub(super) fn check_method(&self, checks: &mut Checks, method: Method) {
        let is_free = self.tier == Tier::Free && self.limits == Tier::Free.limits();
        if is_free && !method.is_free() {
            checks.add(
                "method",
                "method_needs_plan",
                "The Free plan checks with GET or HEAD. Choose one of them, or upgrade to Pro.",
            );
        }
    }

    pub(super) fn check_interval(&self, checks: &mut Checks, kind: MonitorKind, interval_seconds: i32) {
        let minimum = self.limits.min_check_interval_seconds;
        if kind == MonitorKind::DomainExpiry && interval_seconds < LEAST_DOMAIN_INTERVAL_SECONDS {
            checks.add(
                "interval_seconds",
                "interval_too_short",
                "Registries are asked every hour at most. Choose 3600 or more.",
            );
            return;
        }
        if interval_seconds >= minimum {
            check_range(checks, "interval_seconds", interval_seconds, 1, MAX_INTERVAL_SECONDS);
            return;
        }
        let enough = Tier::ALL
            .into_iter()
            .find(|tier| tier.limits().min_check_interval_seconds <= interval_seconds && *tier > self.tier);
        let way_out = match enough {
            Some(tier) => format!("Choose {minimum} or more, or upgrade to {}.", tier.label()),
            None => format!("Choose {minimum} or more."),
        };
        checks.add(
            "interval_seconds",
            "interval_too_short",
            format!("The {} plan checks every {minimum} seconds at most. {way_out}", self.tier.label()),
        );
    }

    pub(super) fn default_interval_seconds(&self, kind: MonitorKind) -> i32 {
        let usual = match kind {
            MonitorKind::DomainExpiry => DOMAIN_INTERVAL_SECONDS,
            _ => DEFAULT_INTERVAL_SECONDS,
        };
        usual.max(self.limits.min_check_interval_seconds)
    }
}

pub(super) fn check_range(checks: &mut Checks, field: &'static str, value: i32, least: i32, most: i32) {
    if value < least || value > most {
        checks.add(field, "out_of_range", format!("Choose a number from {least} to {most}."));
    }
}

/// The numbers of a monitor that no tier changes.
pub(super) fn check_numbers(checks: &mut Checks, monitor: &Monitor) {
    check_range(checks, "expected_status", monitor.expected_status, 100, 599);
    check_range(checks, "timeout_seconds", monitor.timeout_seconds, 1, 60);
    check_range(checks, "failures_to_open", monitor.failures_to_open, 1, 10);
    check_range(checks, "successes_to_close", monitor.successes_to_close, 1, 10);
    check_range(checks, "min_outage_seconds", monitor.min_outage_seconds, 0, 3600);
    if let Some(limit_ms) = monitor.degraded_above_ms {
        check_range(checks, "degraded_above_ms", limit_ms, 1, 60_000);
    }
    if monitor.timeout_seconds >= monitor.interval_seconds {
        checks.add(
            "timeout_seconds",
            "not_below_interval",
            "The time-out must be shorter than the interval, so that a check ends before the next one starts.",
        );
    }
}
