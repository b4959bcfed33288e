//! What all operations share and no handler says: how to prove who asks, headers that requests may carry, the type of
//! problems, where the API is.

use serde_json::{Value, json};
use utoipa::openapi::OpenApi;

/// Operations that somebody without a session may ask for.
const OPEN: [&str; 8] = [
    "/api/v1/auth/register",
    "/api/v1/auth/login",
    "/api/v1/auth/login/totp",
    "/api/v1/auth/verify-email",
    "/api/v1/auth/verify-email/resend",
    "/api/v1/auth/forgot-password",
    "/api/v1/auth/reset-password",
    "/api/v1/auth/change-email/confirm",
];

/// `base`: the path prefix of the installation, without a slash at the end.
pub(crate) fn complete(document: OpenApi, base: &str) -> OpenApi {
    let Ok(mut value) = serde_json::to_value(&document) else { return document };
    if let Some(whole) = value.as_object_mut() {
        let server = if base.is_empty() { "/" } else { base };
        whole.insert("servers".to_owned(), json!([{ "url": server }]));
        whole.insert("security".to_owned(), json!([{ "token": [] }, { "session": [], "form_token": [] }]));
    }
    if let Some(components) = value.get_mut("components").and_then(Value::as_object_mut) {
        components.insert("securitySchemes".to_owned(), schemes());
    }
    let paths = value.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            describe(path, method, operation);
        }
    }
    serde_json::from_value(value).unwrap_or(document)
}

fn schemes() -> Value {
    json!({
        "token": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
        "session": { "type": "apiKey", "in": "cookie", "name": "__Host-session",
            "description": "A browser's session; without https the cookie is called session." },
        "form_token": { "type": "apiKey", "in": "header", "name": "X-CSRF-Token",
            "description": "Needed beside the cookie by methods that change something." },
    })
}

fn describe(path: &str, method: &str, operation: &mut Value) {
    let Some(operation) = operation.as_object_mut() else { return };
    if OPEN.contains(&path) {
        operation.insert("security".to_owned(), json!([]));
    }
    let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
    let mut has_versions = false;
    for (status, response) in responses.into_iter().flatten() {
        has_versions |= status == "412";
        let is_problem = status.starts_with('4') || status.starts_with('5');
        if let Some(content) = response.get_mut("content").and_then(Value::as_object_mut)
            && is_problem
            && let Some(problem) = content.remove("application/json")
        {
            content.insert("application/problem+json".to_owned(), problem);
        }
    }
    let headers = headers(path, method, has_versions);
    if !headers.is_empty()
        && let Some(parameters) = operation.entry("parameters").or_insert_with(|| json!([])).as_array_mut()
    {
        parameters.extend(headers);
    }
}

fn headers(path: &str, method: &str, has_versions: bool) -> Vec<Value> {
    let header = |name: &str, text: &str| {
        json!({ "name": name, "in": "header", "required": false, "description": text,
                "schema": { "type": "string" } })
    };
    let is_auth = path.starts_with("/api/v1/auth/");
    let mut headers = Vec::new();
    if !is_auth && !path.starts_with("/api/v1/organizations") {
        let text = "Slug or id of the organization; the active one when left out.";
        headers.push(header("X-Organization", text));
    }
    if has_versions {
        headers.push(header("If-Match", "The ETag of the version that is meant."));
    }
    if method == "post" && !is_auth {
        let text = "1 to 255 characters; the same request with the same key is carried out once.";
        headers.push(header("Idempotency-Key", text));
    }
    headers
}
