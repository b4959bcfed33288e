//! Subscribe, confirm, unsubscribe: pages without cookies. A link from a mail only shows a button; pressing it acts
//! (X55, T-14).

use actions::subscribers::{Outcome, Visitor};
use askama::Template;
use axum::Extension;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::id::SubscriberId;
use serde::Deserialize;
use store::page_view::PublicPage;

use super::gate::{Open, frame};
use crate::AppState;
use crate::error::Problem;
use crate::extract::{Form, Path};
use crate::layer::ClientIp;
use crate::view::Errors;
use crate::view::public::{ConfirmPage, NoticePage, Page, SubscribePage};

/// A public page that takes subscriptions; one of an unverified owner does not have these paths (D13).
pub struct Taking(PublicPage);

impl FromRequestParts<AppState> for Taking {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let Open(open) = Open::from_request_parts(parts, state).await?;
        if open.is_owner_verified {
            return Ok(Self(open));
        }
        Err(crate::page::failure(state, Problem::not_found()))
    }
}

#[derive(Debug, Deserialize)]
pub struct SubscribeForm {
    #[serde(default)]
    email: String,
}

/// The form.
pub async fn show(State(state): State<AppState>, Taking(open): Taking) -> Response {
    let page = frame(&state, &open, String::new());
    answer(StatusCode::OK, &SubscribePage { page, email: String::new(), errors: Errors::default() })
}

/// Asks for updates: one answer, whatever is known of the address (D1).
pub async fn request(
    State(state): State<AppState>,
    Taking(open): Taking,
    Extension(client): Extension<ClientIp>,
    form: Result<Form<SubscribeForm>, Problem>,
) -> Response {
    let form = match form {
        Ok(Form(form)) => form,
        Err(problem) => return crate::page::failure(&state, problem),
    };
    let page = frame(&state, &open, String::new());
    let visitor = Visitor { bucket: client.bucket(), per_hour: state.config.rates.subscribe_per_hour };
    match actions::subscribers::request(&state.ctx, &open, &form.email, &visitor).await {
        Ok(Outcome::Done) => answer(StatusCode::ACCEPTED, &NoticePage::subscription_requested(page)),
        Ok(Outcome::Full) => answer(StatusCode::OK, &NoticePage::subscriptions_full(page)),
        Err(actions::Error::Invalid(fields)) => {
            let errors = fields
                .into_iter()
                .fold(Errors::default(), |errors, field| errors.with(field.field, field.message));
            answer(StatusCode::UNPROCESSABLE_ENTITY, &SubscribePage { page, email: form.email, errors })
        }
        Err(error) => crate::page::failure(&state, error.into()),
    }
}

/// The page behind the link of the confirmation mail. Looks nothing up: scanners learn nothing and change nothing.
pub async fn confirm_form(
    State(state): State<AppState>,
    Taking(open): Taking,
    Path((_, _, token)): Path<(String, String, String)>,
) -> Response {
    answer(StatusCode::OK, &ConfirmPage::subscription(frame(&state, &open, String::new()), &token))
}

/// The button of that page.
pub async fn confirm(
    State(state): State<AppState>,
    Taking(open): Taking,
    Path((_, _, token)): Path<(String, String, String)>,
) -> Response {
    let page = frame(&state, &open, String::new());
    match actions::subscribers::confirm(&state.ctx, &open, &token).await {
        Ok(Outcome::Done) => answer(StatusCode::OK, &NoticePage::subscribed(page)),
        Ok(Outcome::Full) => answer(StatusCode::OK, &NoticePage::subscriptions_full(page)),
        Err(actions::Error::InvalidToken) => answer(StatusCode::BAD_REQUEST, &NoticePage::link_expired(page)),
        Err(error) => crate::page::failure(&state, error.into()),
    }
}

/// The page behind the link in every mail.
pub async fn unsubscribe_form(
    State(state): State<AppState>,
    open: Result<Open, Response>,
    Path((organization, page, token)): Path<(String, String, String)>,
) -> Response {
    if read(&state, &token).is_none() {
        return crate::page::failure(&state, Problem::not_found());
    }
    let page = frame_of(&state, open, &organization, &page);
    answer(StatusCode::OK, &ConfirmPage::end_of_subscription(page, &token))
}

/// The button of that page, and the one click of a mail program (RFC 8058), which sends a body of its own and no
/// cookie. Any number of times.
pub async fn unsubscribe(
    State(state): State<AppState>,
    open: Result<Open, Response>,
    Path((organization, page, token)): Path<(String, String, String)>,
) -> Response {
    let Some((id, proof)) = read(&state, &token) else {
        return crate::page::failure(&state, Problem::not_found());
    };
    match actions::subscribers::unsubscribe(&state.ctx, id, proof).await {
        Ok(()) => {
            let page = frame_of(&state, open, &organization, &page);
            answer(StatusCode::OK, &NoticePage::unsubscribed(page))
        }
        Err(error) => crate::page::failure(&state, error.into()),
    }
}

/// `{subscriber}.{proof}`; `None` when the proof is not that subscriber's.
fn read<'a>(state: &AppState, token: &'a str) -> Option<(SubscriberId, &'a str)> {
    let (id, proof) = token.split_once('.')?;
    let id = id.parse().ok()?;
    state.ctx.keys.is_unsubscribe_token(id, proof).then_some((id, proof))
}

/// Leaving works on a page that is not public any more or has moved, too; it then says nothing about the page (D12).
fn frame_of(state: &AppState, open: Result<Open, Response>, organization: &str, page: &str) -> Page {
    if let Ok(Open(open)) = open {
        return frame(state, &open, String::new());
    }
    let base = state.config.base();
    Page {
        base: base.to_owned(),
        root: format!("{base}/p/{organization}/{page}"),
        title: "this page".to_owned(),
        noindex: true,
        product_url: format!("{base}/"),
        ..Page::default()
    }
}

/// Never kept by anybody, and the link in the address bar is not passed on.
fn answer(status: StatusCode, view: &impl Template) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::REFERRER_POLICY, "no-referrer")];
    (status, headers, crate::page::html(view)).into_response()
}
