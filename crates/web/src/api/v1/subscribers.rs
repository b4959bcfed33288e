//! `/api/v1/subscribers` (S12): who gets mail about the organization's pages. Never public (X48).

use axum::extract::State;
use axum::http::StatusCode;
use domain::id::{PageId, SubscriberId};
use domain::organization::Permission;
use domain::subscriber::Subscriber;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::dto::{Object, PageQuery, Paged};
use crate::AppState;
use crate::error::Problem;
use crate::extract::{IfMatch, Json, Member, Path, Query};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(delete)).routes(routes!(confirm))
}

/// An address that gets mail about one page, once it is confirmed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Subscriber)]
pub struct SubscriberBody {
    #[schema(value_type = String, example = "sb_01hzxk3v9q8r7t6m5n4p3w2y1z")]
    id: SubscriberId,
    #[schema(value_type = String)]
    status_page_id: PageId,
    email: String,
    /// Only confirmed subscribers get mail and count against the plan's limit.
    is_confirmed: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    confirmed_at: Option<Timestamp>,
}

impl From<Subscriber> for SubscriberBody {
    fn from(subscriber: Subscriber) -> Self {
        Self {
            id: subscriber.id,
            status_page_id: subscriber.status_page_id,
            email: subscriber.email,
            is_confirmed: subscriber.is_confirmed,
            created_at: subscriber.created_at,
            confirmed_at: subscriber.confirmed_at,
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSubscriber)]
pub struct CreateBody {
    email: String,
    /// The organization's default page when left out.
    #[schema(value_type = Option<String>)]
    status_page_id: Option<PageId>,
}

/// All subscribers of the organization's pages, newest first, those that have not confirmed yet too.
#[utoipa::path(get, path = "/subscribers", tag = "Subscribers", params(PageQuery),
    responses((status = 200, body = super::dto::List<SubscriberBody>), (status = 422, body = Problem)))]
async fn list(
    State(state): State<AppState>,
    member: Member,
    Query(page): Query<PageQuery>,
) -> Result<Paged<SubscriberBody>, Problem> {
    // Addresses of people outside: for those who look after subscribers only.
    actions::gate::require(&member.membership, Permission::ManageSubscribers)?;
    let limit = page.limit()?;
    let before = page.before_row()?;
    let mut conn = state.ctx.db.read().await?;
    let scope = member.membership.scope();
    let rows = store::subscribers::list(&mut conn, scope, before, i64::from(limit) + 1).await?;
    let bodies = rows.into_iter().map(SubscriberBody::from).collect();
    let path = format!("{}/api/v1/subscribers", state.config.base());
    Ok(Paged::by_row(bodies, limit, path, |body: &SubscriberBody| (body.created_at, body.id.uuid())))
}

/// Sends the confirmation mail to an address; its owner decides.
#[utoipa::path(post, path = "/subscribers", tag = "Subscribers", request_body = CreateBody,
    responses((status = 201, body = SubscriberBody), (status = 403, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem)))]
async fn create(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<CreateBody>,
) -> Result<Object<SubscriberBody>, Problem> {
    let subscriber =
        actions::subscribers::add(&state.ctx, &member.membership, body.status_page_id, &body.email).await?;
    let mut answer = object(subscriber);
    answer.created_at = Some(format!("{}/api/v1/subscribers/{}", state.config.base(), answer.body.id));
    Ok(answer)
}

/// Takes an address off the list.
#[utoipa::path(delete, path = "/subscribers/{id}", tag = "Subscribers", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 412, body = Problem)))]
async fn delete(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<SubscriberId>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, Problem> {
    actions::subscribers::remove(&state.ctx, &member.membership, id, version).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Confirms an address on its owner's behalf; takes a place of the plan's limit.
#[utoipa::path(post, path = "/subscribers/{id}/confirm", tag = "Subscribers", params(("id" = String, Path)),
    responses((status = 200, body = SubscriberBody), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn confirm(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<SubscriberId>,
) -> Result<Object<SubscriberBody>, Problem> {
    let subscriber = actions::subscribers::confirm_as_admin(&state.ctx, &member.membership, id).await?;
    Ok(object(subscriber))
}

fn object(subscriber: Subscriber) -> Object<SubscriberBody> {
    let version = actions::subscribers::version_of(&subscriber);
    Object { version, body: subscriber.into(), created_at: None }
}
