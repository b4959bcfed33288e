//! `/account/two-factor`: setting up the second factor, recovery codes, switching it off.

use actions::Error;
use actions::accounts::{self, NewSecret};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::account::{Own, Typed};
use crate::dashboard::screen::refused;
use crate::error::Problem;
use crate::extract::CsrfForm;
use crate::page::html;
use crate::view::Errors;
use crate::view::dashboard::account::{RecoveryCodesPage, TwoFactorPage};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Start {
    totp_password: String,
}

/// Makes a secret, in place of one that was made and not confirmed.
pub(crate) async fn start(own: Own, CsrfForm(form): CsrfForm<Start>) -> Response {
    let body = async {
        match accounts::start_totp(&own.state.ctx, own.user_id(), &form.totp_password).await {
            Ok(_) => Ok(Redirect::to(&format!("{}/account/two-factor", own.base())).into_response()),
            Err(error) => own.refuse(error, &[("password", "totp_password")], Typed::default()).await,
        }
    };
    own.answer(body).await
}

/// The secret that waits for its confirmation.
pub(crate) async fn show(own: Own) -> Response {
    let body = async {
        Ok(match accounts::pending_totp(&own.state.ctx, own.user_id()).await? {
            Some(secret) => html(&page(&own, &secret, Errors::default()).await?),
            None => Redirect::to(&format!("{}/account", own.base())).into_response(),
        })
    };
    own.answer(body).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Code {
    code: String,
}

pub(crate) async fn confirm(own: Own, CsrfForm(form): CsrfForm<Code>) -> Response {
    let body = async {
        let ctx = &own.state.ctx;
        match accounts::confirm_totp(ctx, own.user_id(), &form.code).await {
            Ok(codes) => codes_page(&own, codes).await,
            Err(error @ (Error::Invalid(_) | Error::Throttled { .. })) => {
                let Some(secret) = accounts::pending_totp(ctx, own.user_id()).await? else {
                    return Err(error.into());
                };
                let refusal = refused(error)?;
                Ok(refusal.show(&page(&own, &secret, refusal.errors.clone()).await?))
            }
            Err(error) => Err(error.into()),
        }
    };
    own.answer(body).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Off {
    disable_password: String,
    code: String,
}

pub(crate) async fn disable(own: Own, CsrfForm(form): CsrfForm<Off>) -> Response {
    let body = async {
        let ctx = &own.state.ctx;
        match accounts::disable_totp(ctx, own.user_id(), &form.disable_password, &form.code).await {
            Ok(()) => Ok(own.done("two-factor-off")),
            Err(error) => own.refuse(error, &[("password", "disable_password")], Typed::default()).await,
        }
    };
    own.answer(body).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Renewal {
    recovery_code: String,
}

pub(crate) async fn renew_codes(own: Own, CsrfForm(form): CsrfForm<Renewal>) -> Response {
    let body = async {
        let ctx = &own.state.ctx;
        match accounts::renew_recovery_codes(ctx, own.user_id(), &form.recovery_code).await {
            Ok(codes) => codes_page(&own, codes).await,
            Err(error) => own.refuse(error, &[("code", "recovery_code")], Typed::default()).await,
        }
    };
    own.answer(body).await
}

async fn codes_page(own: &Own, codes: Vec<String>) -> Result<Response, Problem> {
    let view = RecoveryCodesPage { shell: own.shell().await?, codes };
    Ok((StatusCode::OK, html(&view)).into_response())
}

async fn page(own: &Own, secret: &NewSecret, errors: Errors) -> Result<TwoFactorPage, Problem> {
    Ok(TwoFactorPage {
        shell: own.shell().await?,
        secret: grouped(&secret.secret),
        link: secret.otpauth_url.clone(),
        errors,
    })
}

/// In groups of four, as people type it.
fn grouped(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}
