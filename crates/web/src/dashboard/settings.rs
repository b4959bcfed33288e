//! `/orgs/{org}/settings`: name, address, what stands at the foot of the pages, leaving and deleting.

use actions::members;
use actions::organizations::{self, OrganizationPatch};
use actions::patch::Version;
use actions::settings::{self, Settings, SettingsPatch};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::input::{self, Nothing, patch};
use super::screen::{Screen, refused};
use crate::error::Problem;
use crate::extract::CsrfForm;
use crate::page::html;
use crate::view::Errors;
use crate::view::dashboard::organization::SettingsPage;

pub(crate) async fn show(screen: Screen) -> Response {
    let body = async { Ok(html(&page(&screen, Input::default(), Errors::default()).await?)) };
    screen.answer(body).await
}

/// The fields of all forms of the page; each sends its own. What was not sent is shown as it is stored.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Input {
    version: String,
    name: Option<String>,
    slug: Option<String>,
    support_url: Option<String>,
    support_email: Option<String>,
    footer_text: Option<String>,
    confirm: String,
}

pub(crate) async fn rename(screen: Screen, CsrfForm(input): CsrfForm<Input>) -> Response {
    let body = async {
        let patch = OrganizationPatch { name: Some(input.name.clone().unwrap_or_default()), slug: None };
        let version = input::version(&input.version);
        match organizations::update(&screen.state.ctx, &screen.membership, version, patch).await {
            Ok(_) => Ok(screen.go("settings", "settings-saved")),
            Err(error) => again(&screen, input, error).await,
        }
    };
    screen.answer(body).await
}

/// Everything below the old slug leads to the new one for 90 days (X1).
pub(crate) async fn change_slug(screen: Screen, CsrfForm(input): CsrfForm<Input>) -> Response {
    let body = async {
        let patch = OrganizationPatch { name: None, slug: Some(input.slug.clone().unwrap_or_default()) };
        match organizations::update(&screen.state.ctx, &screen.membership, Version::Any, patch).await {
            Ok(organization) => {
                let to = format!("{}/orgs/{}/settings?done=settings-saved", screen.base(), organization.slug);
                Ok(Redirect::to(&to).into_response())
            }
            Err(error) => again(&screen, input, error).await,
        }
    };
    screen.answer(body).await
}

pub(crate) async fn contact(screen: Screen, CsrfForm(input): CsrfForm<Input>) -> Response {
    let body = async {
        let text = |field: &Option<String>| patch(field.as_deref().unwrap_or_default());
        let change = SettingsPatch {
            support_url: text(&input.support_url),
            support_email: text(&input.support_email),
            footer_text: text(&input.footer_text),
        };
        let version = input::version(&input.version);
        match settings::update(&screen.state.ctx, &screen.membership, version, change).await {
            Ok(_) => Ok(screen.go("settings", "settings-saved")),
            Err(error) => again(&screen, input, error).await,
        }
    };
    screen.answer(body).await
}

pub(crate) async fn leave(screen: Screen, CsrfForm(Nothing {}): CsrfForm<Nothing>) -> Response {
    let body = async {
        match members::leave(&screen.state.ctx, &screen.membership).await {
            Ok(()) => Ok(Redirect::to(&format!("{}/orgs", screen.base())).into_response()),
            Err(error) => again(&screen, Input::default(), error).await,
        }
    };
    screen.answer(body).await
}

/// Leads to the page that offers to bring it back.
pub(crate) async fn delete(screen: Screen, CsrfForm(input): CsrfForm<Input>) -> Response {
    let body = async {
        let confirm = input.confirm.trim();
        match organizations::delete(&screen.state.ctx, &screen.membership, Version::Any, confirm).await {
            Ok(()) => Ok(Redirect::to(&screen.root()).into_response()),
            Err(error) => again(&screen, input, error).await,
        }
    };
    screen.answer(body).await
}

/// Makes this the organization of `/orgs` and of requests that name none (D3).
pub(crate) async fn switch(screen: Screen, CsrfForm(Nothing {}): CsrfForm<Nothing>) -> Response {
    let body = async {
        let session = screen.user.login.session.id;
        organizations::switch(&screen.state.ctx, &screen.membership, session).await?;
        screen.state.forget_sessions();
        Ok(Redirect::to(&screen.root()).into_response())
    };
    screen.answer(body).await
}

async fn again(screen: &Screen, input: Input, error: actions::Error) -> Result<Response, Problem> {
    let refusal = refused(error)?;
    Ok(refusal.show(&page(screen, input, refusal.errors.clone()).await?))
}

async fn page(screen: &Screen, input: Input, errors: Errors) -> Result<SettingsPage, Problem> {
    let mut conn = screen.read().await?;
    let rows = store::site_settings::list(&mut conn, screen.scope()).await?;
    drop(conn);
    let stored = Settings::from_rows(rows);
    let organization = &screen.membership.organization;
    let text = |typed: Option<String>, stored: Option<String>| typed.or(stored).unwrap_or_default();
    Ok(SettingsPage {
        shell: screen.shell().await?,
        // Read with the membership of this request: after a refused save it is the newer version.
        version: organization.updated_at.ms().to_string(),
        name: input.name.unwrap_or_else(|| organization.name.clone()),
        slug: input.slug.unwrap_or_else(|| organization.slug.clone()),
        stored_slug: organization.slug.clone(),
        prefix: screen.absolute(&format!("{}/p/", screen.base())),
        support_url: text(input.support_url, stored.support_url),
        support_email: text(input.support_email, stored.support_email),
        footer_text: text(input.footer_text, stored.footer_text),
        errors,
    })
}
