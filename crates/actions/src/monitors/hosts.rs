//! A new organization does not spread over the internet at once: ten new hosts a day in its first week (T-19).

use domain::monitor::{Monitor, Settings};
use domain::time::{DAY_MS, Timestamp};
use store::Tx;
use store::organizations::Membership;

use crate::{Context, Result, throttle};

/// So long an organization is new.
const NEW_MS: i64 = 7 * DAY_MS;

/// Counts the host of `monitor` when no monitor of the organization has it yet. `Throttled`: it is one too many today.
/// Without tiers people watch their own, and nothing is counted (D7).
pub(super) async fn count_step(
    ctx: &Context,
    tx: &mut Tx,
    by: &Membership,
    monitor: &Monitor,
    now: Timestamp,
) -> Result<()> {
    if !ctx.policy.are_plans_enforced || now.since(by.organization.created_at) > NEW_MS {
        return Ok(());
    }
    let Some(host) = host(monitor) else { return Ok(()) };
    let others = store::monitors::list(tx, by.scope(), None).await?;
    if others.iter().any(|other| self::host(other).as_deref() == Some(&host)) {
        return Ok(());
    }
    throttle::count_step(tx, &throttle::new_host(&by.organization.id.to_string()), now).await
}

/// Whose server is asked, in lower case. `None`: nobody's, or one that the operator chose.
fn host(monitor: &Monitor) -> Option<String> {
    let of_url = |text: &str| url::Url::parse(text).ok()?.host_str().map(str::to_owned);
    let host = match &monitor.settings {
        Settings::Http(_) => of_url(&monitor.url),
        Settings::Tcp(settings) => Some(settings.host.clone()),
        Settings::Icmp(settings) => Some(settings.host.clone()),
        Settings::TlsCertificate(settings) => Some(settings.host.clone()),
        Settings::Grpc(settings) => Some(settings.host.clone()),
        Settings::Websocket(settings) => of_url(&settings.url),
        Settings::Dns(settings) => settings.resolver.clone(),
        Settings::DomainExpiry(_) | Settings::Heartbeat(_) | Settings::Manual => None,
    };
    host.map(|host| host.trim_end_matches('.').to_lowercase())
}
