//! Who is knocking, for limits and for the list of sessions.

use std::convert::Infallible;

use actions::accounts::Client;
use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use crate::AppState;
use crate::layer::ClientIp;

/// The client of this request with the limits of the installation.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub Client);

impl FromRequestParts<AppState> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let ip = parts.extensions.get::<ClientIp>().copied();
        let user_agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self(Client {
            bucket: ip.map(ClientIp::bucket).unwrap_or_default(),
            ip: ip.map(|ip| ip.0.to_canonical().to_string()),
            user_agent: user_agent.map(str::to_owned),
            registers_per_hour: state.config.rates.register_per_hour,
            log_ins_per_hour: state.config.rates.login_per_hour,
        }))
    }
}
