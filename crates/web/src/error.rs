//! The one place that turns an error into an answer: problem+json (RFC 9457) for the API, HTML for pages.
//! Details of a 5xx go to the log, never to the client.

use actions::FieldError;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// RFC 9457. `detail` keeps the plan's wording where it gives one (D15).
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// A URI that names the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: &'static str,
    pub status: u16,
    pub detail: String,
    /// Stable, snake case; what a program should branch on.
    pub code: &'static str,
    /// What is wrong with which field of the input.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemField>,
    /// The allowed number, when a tier's limit is reached (X72).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// How many are in use, when a tier's limit is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<i64>,
    /// The lowest tier that has room or has the feature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required_tier: Option<&'static str>,
    /// Where the plan of the organization that was asked for stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgrade_url: Option<String>,
    /// To be spent with the second factor (`POST /auth/login/totp`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge: Option<String>,
    /// Names the request in the log; also in `X-Request-Id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    #[serde(skip)]
    pub retry_after_s: Option<i64>,
}

/// Marks an answer whose request failed before anything was stored, because the database was away: actions write in
/// one transaction, which was rolled back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Untouched;

/// One field of the input and what is wrong with it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ProblemField {
    /// A JSON pointer (RFC 6901) into the request's body, or the name of a parameter.
    pub pointer: String,
    pub code: String,
    pub detail: String,
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:indie-status:problem:{}", code.replace('_', "-")),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            code,
            errors: Vec::new(),
            limit: None,
            used: None,
            required_tier: None,
            upgrade_url: None,
            challenge: None,
            request_id: None,
            retry_after_s: None,
        }
    }

    /// The same bytes for what does not exist and for what belongs to somebody else (T-02).
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing here.")
    }

    pub fn unauthorized(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    pub fn unprocessable(pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail.clone());
        problem.errors.push(ProblemField { pointer: pointer.into(), code: code.to_owned(), detail });
        problem
    }

    fn invalid(fields: Vec<FieldError>) -> Self {
        let detail = fields.first().map(|first| first.message.clone()).unwrap_or_default();
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail);
        problem.errors = fields
            .into_iter()
            .map(|field| ProblemField {
                pointer: format!("/{}{}", field.field, field.path),
                code: field.code.to_owned(),
                detail: field.message,
            })
            .collect();
        problem
    }
}

impl From<actions::Error> for Problem {
    fn from(error: actions::Error) -> Self {
        use actions::Error as E;
        match error {
            E::NotFound => Self::not_found(),
            E::Forbidden(detail) => Self::new(StatusCode::FORBIDDEN, "forbidden", detail),
            E::LimitReached(reached) => {
                let mut problem = Self::new(StatusCode::FORBIDDEN, "plan_limit", reached.to_string());
                problem.limit = Some(reached.limit);
                problem.used = Some(reached.current);
                problem.required_tier = reached.required.map(domain::plan::Tier::as_str);
                problem
            }
            E::PersonalLimit { message, limit, current } => {
                let mut problem = Self::new(StatusCode::FORBIDDEN, "plan_limit", message);
                problem.limit = Some(limit);
                problem.used = Some(current);
                problem
            }
            E::FeatureMissing(missing) => {
                let mut problem = Self::new(StatusCode::FORBIDDEN, "plan_feature", missing.to_string());
                problem.required_tier = missing.required.map(domain::plan::Tier::as_str);
                problem
            }
            E::Invalid(fields) => Self::invalid(fields),
            E::Conflict { code, message } => Self::new(StatusCode::CONFLICT, code, message),
            E::Stale => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "stale",
                "Somebody changed this meanwhile. Load it again and repeat your change.",
            ),
            E::Unauthorized => Self::unauthorized("Invalid credentials"),
            E::SecondFactor { challenge } => {
                let mut problem = Self::new(
                    StatusCode::UNAUTHORIZED,
                    "second_factor_required",
                    "Send the code of your authenticator with this challenge.",
                );
                problem.challenge = Some(challenge);
                problem
            }
            E::Throttled { retry_after_s } => {
                let mut problem = Self::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "too_many_requests",
                    "Too many attempts. Try again later.",
                );
                problem.retry_after_s = Some(retry_after_s.max(1));
                problem
            }
            E::InvalidToken => Self::new(
                StatusCode::BAD_REQUEST,
                "invalid_token",
                "This link was used before, has expired or is incomplete. Ask for a new one.",
            ),
            E::Store(error) => error.into(),
            E::Internal(what) => {
                tracing::error!(error = what, "internal error");
                Self::internal()
            }
        }
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        match &error {
            store::Error::Unavailable(cause) => {
                tracing::warn!(error = %cause, "the database is not available");
                let detail = "The service cannot save or load data right now. Try again shortly.";
                let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
                problem.retry_after_s = Some(5);
                return problem;
            }
            store::Error::Unconfirmed(cause) => {
                tracing::warn!(error = %cause, "the database went away at the end of a transaction");
                return Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "outcome_unknown",
                    "The database went away while your change was being saved. Look whether it was made before you \
                     repeat it.",
                );
            }
            _ => {}
        }
        if let store::Error::Character(cause) = &error {
            tracing::warn!(error = %cause, "a text was refused by the database that a parser should have refused");
            return Self::new(
                StatusCode::BAD_REQUEST,
                "malformed",
                "The request holds a character that cannot be stored, such as NUL. Nothing was changed.",
            );
        }
        tracing::error!(error = &error as &dyn std::error::Error, "store error");
        Self::internal()
    }
}

impl Problem {
    /// Something of ours failed; the log has it.
    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something failed on our side; it has been logged.",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        self.request_id = crate::layer::current_request_id();
        if matches!(self.code, "plan_limit" | "plan_feature") {
            self.upgrade_url = self.upgrade_url.or_else(crate::layer::current_plan_url);
        }
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry = self.retry_after_s;
        let is_untouched = self.code == "unavailable";
        let mut response = (status, Json(self)).into_response();
        if is_untouched {
            response.extensions_mut().insert(Untouched);
        }
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
