//! `check URL`: one check as a monitor would run it, with the reason when it is refused.

use std::fmt::Write as _;

use domain::check::{CheckJob, CheckStatus, Outcome};
use domain::id::{MonitorId, OrgId, ServiceId};
use domain::monitor::Method;
use domain::time::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::{Failure, Result, print, print_json};
use crate::cli::{Check, Exit};
use crate::config::Config;
use crate::parts;

/// Of a check by hand, milliseconds.
const TIMEOUT_MS: u32 = 10_000;

pub(super) async fn run(check: &Check, config: &Config) -> Result {
    let egress = parts::egress(config)?;
    egress
        .validate(&check.url)
        .map_err(|refused| Failure::new(Exit::BadData, format!("{} ({})", refused, refused.code())))?;
    let job = CheckJob {
        organization_id: OrgId::new(Uuid::nil()),
        service_id: ServiceId::new(Uuid::nil()),
        monitor_id: MonitorId::new(Uuid::nil()),
        slot_at: Timestamp::from_ms(0),
        url: check.url.clone(),
        method: Method::Get,
        expected_status: 200,
        timeout_ms: TIMEOUT_MS,
    };
    let outcome = egress.check(&job).await;
    if check.output.json {
        print_json(&outcome)?;
    } else {
        print(&describe(&outcome, check.explain))?;
    }
    match outcome.status {
        CheckStatus::Up | CheckStatus::Degraded => Ok(()),
        _ => Err(Failure::new(Exit::Failed, "The check did not succeed.")),
    }
}

fn describe(outcome: &Outcome, explain: bool) -> String {
    let word = serde_json::to_value(outcome.status).ok().and_then(|value| value.as_str().map(str::to_owned));
    let mut text = word.unwrap_or_default();
    if let Some(code) = outcome.status_code {
        let _ = write!(text, ", status {code}");
    }
    if let Some(ms) = outcome.response_time_ms {
        let _ = write!(text, ", {ms} ms");
    }
    if let Some(failure) = outcome.failure {
        let class = json!(failure);
        let _ = write!(text, ": {}", class.as_str().unwrap_or_default());
    }
    text.push('\n');
    if explain {
        let phases = &outcome.phases;
        for (name, ms) in [
            ("DNS", phases.dns_ms),
            ("connect", phases.connect_ms),
            ("TLS", phases.tls_ms),
            ("first byte", phases.first_byte_ms),
        ] {
            let value = ms.map_or_else(|| "–".to_owned(), |ms| format!("{ms} ms"));
            let _ = writeln!(text, "  {name:<11}{value}");
        }
    }
    text
}
