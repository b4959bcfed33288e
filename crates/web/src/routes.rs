//! The whole URL map on one screen, grouped by audience and gate. A route that is not here does not exist; each one
//! has a line in the isolation matrix (`server/tests/it/isolation/matrix.toml`).

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::handler::Handler;
use axum::http::uri::PathAndQuery;
use axum::http::{StatusCode, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower::Layer as _;
use tower::util::MapRequestLayer;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::error::Problem;
use crate::{AppState, api, assets, docs, layer, ops, public};

/// Bodies above this are refused with 413 (T-25).
const MAX_BODY_BYTES: usize = 1024 * 1024;

#[derive(OpenApi)]
#[openapi(info(
    title = "Indie Status Page",
    description = "Status pages, monitors, incidents and subscribers."
))]
struct Document;

/// One operation of the URL map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub method: &'static str,
    pub path: String,
}

/// The application with the list of everything it answers to.
pub struct App {
    pub router: Router,
    pub document: utoipa::openapi::OpenApi,
    /// HTML pages and health; the operations of the API stand in the document.
    pub pages: Vec<Route>,
}

/// Routes of HTML pages, noted down while they are added.
struct Pages {
    router: Router<AppState>,
    routes: Vec<Route>,
}

impl Pages {
    fn new() -> Self {
        Self { router: Router::new(), routes: Vec::new() }
    }

    fn get<H: Handler<T, AppState>, T: 'static>(mut self, path: &str, handler: H) -> Self {
        self.routes.push(Route { method: "GET", path: path.to_owned() });
        self.router = self.router.route(path, get(handler));
        self
    }

    fn merge(mut self, other: Self) -> Self {
        self.routes.extend(other.routes);
        self.router = self.router.merge(other.router);
        self
    }

    fn post<H: Handler<T, AppState>, T: 'static>(mut self, path: &str, handler: H) -> Self {
        self.routes.push(Route { method: "POST", path: path.to_owned() });
        self.router = self.router.route(path, post(handler));
        self
    }
}

/// For everybody: a session changes one link.
fn product() -> Pages {
    Pages::new().get("/", public::landing::show).get("/docs", docs::index).get("/docs/api", docs::api)
}

/// For machines: no session, no tenant.
fn machines() -> Pages {
    Pages::new()
        .get("/livez", ops::livez)
        .get("/readyz", ops::readyz)
        .get("/health", ops::health)
        .get("/static/{name}", assets::show)
        .get("/api/v1/openapi.json", api::openapi)
}

/// For visitors: the gate of the page itself (X22).
fn visitors(state: &AppState) -> Pages {
    let mut pages = Pages::new()
        .get("/p/{org}", public::status_page::show_default)
        .get("/p/{org}/incident/{id}", public::incident::find_page)
        .get("/p/{org}/{page}", public::status_page::show)
        .get("/p/{org}/{page}/incidents/{id}", public::incident::show)
        .get("/p/{org}/{page}/history.atom", public::documents::show_history)
        .get("/p/{org}/{page}/api/v2/status.json", public::documents::show_status)
        .get("/p/{org}/{page}/api/v2/components.json", public::documents::show_components)
        .get("/p/{org}/{page}/badge.svg", public::badge::show_svg)
        .get("/p/{org}/{page}/badge.json", public::badge::show_json)
        .get("/p/{org}/{page}/badge/{file}", public::badge::show_component)
        .get("/p/{org}/{page}/subscribe", public::subscribe::show)
        .post("/p/{org}/{page}/subscribe", public::subscribe::request)
        .get("/p/{org}/{page}/confirm/{token}", public::subscribe::confirm_form)
        .post("/p/{org}/{page}/confirm/{token}", public::subscribe::confirm)
        .get("/p/{org}/{page}/unsubscribe/{token}", public::subscribe::unsubscribe_form)
        .post("/p/{org}/{page}/unsubscribe/{token}", public::subscribe::unsubscribe);
    pages.router = pages.router.layer(from_fn_with_state(state.clone(), layer::public_rate));
    pages
}

/// For people, logged in or not: accounts and the links that come by mail.
fn people() -> Pages {
    use crate::auth::{account, invitation, log_in, mailed, sign_up, two_factor};
    Pages::new()
        .get("/signup", sign_up::show)
        .post("/signup", sign_up::register)
        .get("/login", log_in::show)
        .post("/login", log_in::log_in)
        .post("/login/code", log_in::complete)
        .post("/logout", log_in::log_out)
        .get("/forgot", mailed::show_forgot)
        .post("/forgot", mailed::forgot)
        .get("/reset", mailed::show_reset)
        .post("/reset/{token}", mailed::reset)
        .get("/invite", invitation::show)
        .post("/invite/{token}", invitation::accept)
        .get("/verify", mailed::show_verify)
        .post("/verify/{token}", mailed::verify)
        .post("/verify/resend", mailed::resend)
        .get("/change-email", mailed::show_change_email)
        .post("/change-email/{token}", mailed::change_email)
        .get("/account", account::show)
        .post("/account/name", account::rename)
        .post("/account/password", account::change_password)
        .post("/account/email", account::change_email)
        .post("/account/sessions/{id}/end", account::end_session)
        .post("/account/sessions/end-others", account::end_other_sessions)
        .post("/account/two-factor/start", two_factor::start)
        .get("/account/two-factor", two_factor::show)
        .post("/account/two-factor", two_factor::confirm)
        .post("/account/two-factor/disable", two_factor::disable)
        .post("/account/recovery-codes", two_factor::renew_codes)
        .post("/account/delete", account::delete)
}

/// For members: `Screen` proves the membership, `CsrfForm` the form. What is watched and told.
fn members() -> Pages {
    use crate::dashboard::{
        incidents, monitor_form, monitor_list, monitors, organizations, overview, services, settings,
        subscribers, suggestions, welcome,
    };
    Pages::new()
        .get("/orgs", overview::choose)
        .get("/organizations/new", organizations::new)
        .post("/organizations/new", organizations::create)
        .get("/orgs/{org}", overview::show)
        .post("/orgs/{org}/switch", settings::switch)
        .get("/orgs/{org}/welcome", welcome::show)
        .post("/orgs/{org}/welcome", welcome::watch)
        .get("/orgs/{org}/services", services::list)
        .post("/orgs/{org}/services", services::create)
        .get("/orgs/{org}/services/new", services::new)
        .get("/orgs/{org}/services/{id}", services::show)
        .post("/orgs/{org}/services/{id}", services::update)
        .post("/orgs/{org}/services/{id}/delete", services::delete)
        .post("/orgs/{org}/services/{id}/placements", services::place)
        .post("/orgs/{org}/services/{id}/placements/{page}/delete", services::take_off)
        .get("/orgs/{org}/monitors", monitor_list::list)
        .post("/orgs/{org}/monitors/bulk", monitor_list::bulk)
        .post("/orgs/{org}/monitors", monitor_form::create)
        .get("/orgs/{org}/monitors/new", monitor_form::new)
        .post("/orgs/{org}/monitors/test", monitor_form::test)
        .get("/orgs/{org}/monitors/{id}", monitors::show)
        .get("/orgs/{org}/monitors/{id}/edit", monitor_form::edit)
        .post("/orgs/{org}/monitors/{id}/edit", monitor_form::update)
        .post("/orgs/{org}/monitors/{id}/test", monitor_form::test_change)
        .post("/orgs/{org}/monitors/{id}/delete", monitors::delete)
        .post("/orgs/{org}/monitors/{id}/check", monitors::check)
        .post("/orgs/{org}/monitors/{id}/pause", monitors::pause)
        .post("/orgs/{org}/monitors/{id}/resume", monitors::resume)
        .get("/orgs/{org}/incidents", incidents::list)
        .post("/orgs/{org}/incidents", incidents::open)
        .get("/orgs/{org}/incidents/new", incidents::new)
        .get("/orgs/{org}/incidents/{id}", incidents::show)
        .post("/orgs/{org}/incidents/{id}", incidents::rename)
        .post("/orgs/{org}/incidents/{id}/updates", incidents::post_update)
        .post("/orgs/{org}/incidents/{id}/delete", incidents::delete)
        .get("/orgs/{org}/suggestions/{id}", suggestions::show)
        .post("/orgs/{org}/suggestions/{id}/accept", suggestions::accept)
        .post("/orgs/{org}/suggestions/{id}/dismiss", suggestions::dismiss)
        .get("/orgs/{org}/subscribers", subscribers::list)
        .post("/orgs/{org}/subscribers", subscribers::add)
        .post("/orgs/{org}/subscribers/{id}/delete", subscribers::remove)
}

/// For members: pages, people and the organization itself.
fn managers() -> Pages {
    use crate::dashboard::{members, organizations, pages, plan, settings};
    Pages::new()
        .get("/orgs/{org}/pages", pages::list)
        .post("/orgs/{org}/pages", pages::create)
        .get("/orgs/{org}/pages/new", pages::new)
        .get("/orgs/{org}/pages/{id}", pages::show)
        .post("/orgs/{org}/pages/{id}", pages::update)
        .post("/orgs/{org}/pages/{id}/delete", pages::delete)
        .get("/orgs/{org}/members", members::list)
        .post("/orgs/{org}/members/{user}/role", members::change_role)
        .post("/orgs/{org}/members/{user}/remove", members::remove)
        .post("/orgs/{org}/members/{user}/transfer", members::transfer)
        .post("/orgs/{org}/invitations", members::invite)
        .post("/orgs/{org}/invitations/{id}/resend", members::resend)
        .post("/orgs/{org}/invitations/{id}/revoke", members::revoke)
        .get("/orgs/{org}/settings", settings::show)
        .post("/orgs/{org}/settings", settings::contact)
        .post("/orgs/{org}/settings/name", settings::rename)
        .post("/orgs/{org}/settings/slug", settings::change_slug)
        .post("/orgs/{org}/settings/leave", settings::leave)
        .post("/orgs/{org}/settings/delete", settings::delete)
        .post("/orgs/{org}/settings/restore", organizations::restore)
        .get("/orgs/{org}/plan", plan::show)
}

/// The OpenAPI document of the whole API.
pub fn document() -> utoipa::openapi::OpenApi {
    document_at("")
}

/// The same for an installation below this path.
pub(crate) fn document_at(base: &str) -> utoipa::openapi::OpenApi {
    api::complete(api().split_for_parts().1, base)
}

fn api() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Document::openapi()).nest("/api/v1", api::v1::router())
}

/// The application and its OpenAPI document.
#[expect(clippy::needless_pass_by_value, reason = "the state belongs to the application from here on")]
pub fn app(state: AppState) -> App {
    let (routes_of_api, document) = api().split_for_parts();
    let document = api::complete(document, state.config.base());
    let api = routes_of_api
        .route_layer(from_fn_with_state(state.clone(), layer::idempotency))
        .route_layer(from_fn(layer::not_modified))
        .route_layer(from_fn_with_state(state.clone(), layer::api_rate));
    let Pages { router, routes } = machines()
        .merge(product())
        .merge(visitors(&state))
        .merge(people())
        .merge(members())
        .merge(managers());
    let router = api
        .merge(router)
        .fallback(absent)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(state.clone(), layer::security_headers))
        .layer(from_fn_with_state(state.clone(), layer::client_ip))
        .layer(from_fn_with_state(state.clone(), layer::request_id))
        .with_state(state.clone());
    // Below a path prefix the proxy in front may cut it off or leave it: both arrive (X30).
    let base = state.config.base();
    let prefix = base.to_owned();
    let router = if base.is_empty() {
        router
    } else {
        Router::new().nest(base, router.clone()).fallback_service(router)
    };
    // A layer of a router runs after the route is chosen, so this one stands around it.
    let trimmed = MapRequestLayer::new(move |request| without_slash(request, &prefix));
    let router = Router::new().fallback_service(trimmed.layer(router));
    App { router, document, pages: routes }
}

/// Below `/api/v1` a slash at the end means nothing: a redirect would lose the body of a POST.
fn without_slash(mut request: Request, base: &str) -> Request {
    let path = request.uri().path();
    let is_api =
        path.strip_prefix(base).unwrap_or(path).starts_with("/api/v1/") || path.starts_with("/api/v1/");
    let Some(shorter) = path.strip_suffix('/').filter(|_| is_api) else { return request };
    let target = match request.uri().query() {
        Some(query) => format!("{shorter}?{query}"),
        None => shorter.to_owned(),
    };
    let mut parts = request.uri().clone().into_parts();
    if let Ok(target) = target.parse::<PathAndQuery>() {
        parts.path_and_query = Some(target);
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    request
}

/// A path that nobody serves: problem+json below `/api`, a page elsewhere.
async fn absent(State(state): State<AppState>, uri: Uri) -> Response {
    let problem = Problem::not_found();
    if is_api(&uri) { problem.into_response() } else { crate::page::failure(&state, problem) }
}

async fn wrong_method(State(state): State<AppState>, uri: Uri) -> Response {
    let problem = Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This address does not take this method.",
    );
    if is_api(&uri) { problem.into_response() } else { crate::page::failure(&state, problem) }
}

/// A bug in one request is an answer, not the end of the connection; the log has the message.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a request handler panicked");
    Problem::internal().into_response()
}

fn is_api(uri: &Uri) -> bool {
    uri.path().contains("/api/")
}
