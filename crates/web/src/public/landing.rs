//! `GET /`: what the product is, for people without an account; a way to the dashboard for the others.

use axum::extract::State;
use axum::response::Response;

use crate::AppState;
use crate::extract::Visitor;
use crate::page::html;
use crate::view::Site;
use crate::view::landing::LandingPage;

pub async fn show(State(state): State<AppState>, Visitor(login): Visitor) -> Response {
    let site = Site { base: state.config.base().to_owned(), csrf: String::new() };
    html(&LandingPage::new(site, login.is_some(), state.ctx.now().day()))
}
