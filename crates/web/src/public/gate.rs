//! The one visibility gate of a page, for every surface of it (X22, H-11, H-20).

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use domain::text::Slug;
use store::page_view::PublicPage;

use crate::AppState;
use crate::error::Problem;
use crate::page::moved as moved_to;
use crate::view::Href;
use crate::view::public::Page;

/// The public page named by `{org}` and `{page}` in the path. A page that is not public answers like one that does not
/// exist; an organization that changed its slug is followed (X1).
#[derive(Debug, Clone)]
pub struct Open(pub PublicPage);

impl FromRequestParts<AppState> for Open {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let failure = |problem: Problem| crate::page::failure(state, problem);
        let path = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| failure(Problem::not_found()))?;
        let named = |name: &str| path.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
        let (organization, page) = (named("org").unwrap_or_default(), named("page"));
        if !can_name(&organization, page.as_deref()) {
            return Err(failure(Problem::not_found()));
        }
        let mut conn = state.ctx.db.read().await.map_err(|error| failure(error.into()))?;
        let found = store::page_view::find_public_page(&mut conn, &organization, page.as_deref()).await;
        drop(conn);
        match found.map_err(|error| failure(error.into()))? {
            Some(open) => Ok(Self(open)),
            None => Err(moved_or_absent(state, &organization, page.as_deref(), parts).await),
        }
    }
}

/// Whether a page could stand at these slugs; what could not is absent before anything is looked up or kept.
pub(super) fn can_name(organization: &str, page: Option<&str>) -> bool {
    Slug::is_shaped(organization) && page.is_none_or(Slug::is_shaped)
}

/// To the organization's new slug (X1) if the page there is public, or 404. `page` as for
/// [`store::page_view::find_public_page`].
pub(super) async fn moved_or_absent(
    state: &AppState,
    organization: &str,
    page: Option<&str>,
    asked: &Parts,
) -> Response {
    let moved = async {
        let mut conn = state.ctx.db.read().await?;
        store::page_view::find_moved_page(&mut conn, organization, page, state.ctx.now()).await
    };
    match moved.await {
        Ok(Some(slug)) => {
            let base = state.config.base();
            let path = asked.uri.path();
            let path = path.strip_prefix(base).unwrap_or(path);
            let rest =
                path.strip_prefix("/p/").and_then(|rest| rest.strip_prefix(organization)).unwrap_or_default();
            let to = format!("{base}/p/{slug}{rest}");
            // A form that is sent on must stay a form: 308.
            if asked.method.is_safe() { moved_to(&to) } else { Redirect::permanent(&to).into_response() }
        }
        Ok(None) => crate::page::failure(state, Problem::not_found()),
        Err(error) => crate::page::failure(state, error.into()),
    }
}

/// The frame of every view of this page.
pub(super) fn frame(state: &AppState, open: &PublicPage, watched: String) -> Page {
    let base = state.config.base();
    let support =
        open.support_url.clone().or_else(|| open.support_email.as_ref().map(|mail| format!("mailto:{mail}")));
    Page {
        base: base.to_owned(),
        root: format!("{base}/p/{}/{}", open.organization_slug, open.page.slug),
        title: open.page.title.clone(),
        noindex: !open.is_owner_verified,
        takes_subscribers: open.is_owner_verified,
        watched,
        time_zone: open.page.time_zone.name().to_owned(),
        footer_text: open.footer_text.clone(),
        support: support.as_deref().and_then(Href::parse),
        product_url: format!("{base}/"),
    }
}
