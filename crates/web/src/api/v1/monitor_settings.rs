//! Settings and secrets of monitors on the wire: `kind` names what stands in `settings`; `secrets` are written and never
//! read.

use actions::FieldError;
use actions::monitors::{Guard, SecretsHeld, SecretsPatch, Wanted};
use actions::patch::Patch;
use domain::monitor::{Header, MonitorKind, Secrets, Settings};
use egress::{Egress, Finding, check_http};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::error::Problem;

/// Secrets as they are sent: what is absent stays, `null` takes it away.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MonitorSecrets)]
pub(crate) struct SecretsBody {
    /// Of basic authentication.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    password: Patch<String>,
    /// Of bearer authentication.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    token: Patch<String>,
    /// Headers with a name and a value, which follow no redirect; a list replaces the list.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Object>>)]
    headers: Patch<Vec<Header>>,
}

/// Which secrets are stored.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MonitorSecretsHeld)]
pub(crate) struct SecretsHeldBody {
    password: bool,
    token: bool,
    /// Names of the secret headers.
    headers: Vec<String>,
}

impl From<SecretsHeld> for SecretsHeldBody {
    fn from(held: SecretsHeld) -> Self {
        Self { password: held.password, token: held.token, headers: held.headers }
    }
}

/// The guard of outgoing connections, in the form that actions take.
pub(crate) fn guard(egress: &Egress) -> Guard {
    let egress = egress.clone();
    Guard::new(move |settings, secrets| findings(&egress, settings, secrets))
}

fn findings(egress: &Egress, settings: &Settings, secrets: &Secrets) -> Vec<FieldError> {
    let found = match settings {
        Settings::Http(http) => check_http(http, secrets),
        others => egress.validate_settings(others, secrets),
    };
    found.into_iter().map(field).collect()
}

/// Settings that the network has nothing against.
pub(crate) async fn consulted(egress: &Egress, settings: Settings) -> actions::Result<Settings> {
    match egress.consult_settings(&settings).await {
        None => Ok(settings),
        Some(finding) => Err(actions::Error::Invalid(vec![field(finding)])),
    }
}

fn field(finding: Finding) -> FieldError {
    let (field, path) = match finding.pointer.strip_prefix("/secrets") {
        Some(path) => ("secrets", path.to_owned()),
        None => ("settings", finding.pointer),
    };
    FieldError { field, path, code: finding.code, message: finding.message.into_owned() }
}

/// Settings of `kind` as they were sent; nothing sent: the defaults of HTTP, and for the others what is missing is told
/// by the guard.
pub(crate) fn read(kind: MonitorKind, settings: Option<Map<String, Value>>) -> Result<Settings, Problem> {
    let mut object = settings.unwrap_or_default();
    if object.contains_key("kind") {
        let message = "The kind stands beside the settings, not in them.";
        return Err(Problem::unprocessable("/settings/kind", "unknown_field", message));
    }
    object.insert("kind".to_owned(), Value::String(kind.as_str().to_owned()));
    serde_json::from_value(Value::Object(object)).map_err(|error| {
        let message = format!("These settings cannot be understood: {error}.");
        Problem::unprocessable("/settings", "malformed", message)
    })
}

/// The settings as they are sent out: without the kind, which stands beside them.
pub(crate) fn write(settings: &Settings) -> Map<String, Value> {
    let Ok(Value::Object(mut object)) = serde_json::to_value(settings) else { return Map::new() };
    object.remove("kind");
    object
}

/// What is wanted of a new monitor. `None`: a plain HTTP check.
pub(crate) async fn wanted_new(
    egress: &Egress,
    kind: Option<MonitorKind>,
    settings: Option<Map<String, Value>>,
    secrets: Option<SecretsBody>,
) -> Result<Option<Wanted>, Problem> {
    if kind.is_none() && settings.is_none() && secrets.is_none() {
        return Ok(None);
    }
    let settings = consulted(egress, read(kind.unwrap_or_default(), settings)?).await?;
    Ok(Some(Wanted { settings: Some(settings), secrets: patch(secrets), guard: guard(egress) }))
}

/// What is wanted of a monitor of `kind` that exists. `None`: what is stored.
pub(crate) async fn wanted_change(
    egress: &Egress,
    kind: MonitorKind,
    settings: Option<Map<String, Value>>,
    secrets: Option<SecretsBody>,
) -> Result<Option<Wanted>, Problem> {
    if settings.is_none() && secrets.is_none() {
        return Ok(None);
    }
    let settings = match settings {
        Some(settings) => Some(consulted(egress, read(kind, Some(settings))?).await?),
        None => None,
    };
    Ok(Some(Wanted { settings, secrets: patch(secrets), guard: guard(egress) }))
}

fn patch(secrets: Option<SecretsBody>) -> SecretsPatch {
    let SecretsBody { password, token, headers } = secrets.unwrap_or_default();
    SecretsPatch { password, token, headers }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: &Value) -> Option<Map<String, Value>> {
        value.as_object().cloned()
    }

    #[test]
    fn settings_are_read_by_their_kind_and_written_without_it() {
        let settings =
            read(MonitorKind::Tcp, object(&json!({ "host": "db.example.com", "port": 5432 }))).unwrap();
        assert_eq!(settings.target(), "db.example.com:5432");
        let written = write(&settings);
        assert_eq!(written.get("port"), Some(&json!(5432)));
        assert!(!written.contains_key("kind"));
        assert_eq!(read(MonitorKind::Http, None).unwrap(), Settings::default());
    }

    #[test]
    fn what_cannot_be_read_is_told_at_the_settings() {
        for (kind, settings) in [
            (MonitorKind::Tcp, json!({ "hosts": "db.example.com" })),
            (MonitorKind::Tcp, json!({ "port": 70_000 })),
            (MonitorKind::Http, json!({ "follow_redirects": 1 })),
            (MonitorKind::Tcp, json!({ "kind": "tcp", "host": "db.example.com" })),
        ] {
            let problem = read(kind, object(&settings)).unwrap_err();
            assert_eq!(problem.status, 422, "{settings}");
            assert!(problem.errors[0].pointer.starts_with("/settings"), "{settings}");
        }
    }
}
