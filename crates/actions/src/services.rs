//! Services: create, edit, delete, place on a page (S1, S9, D4).

use domain::id::{PageId, ServiceId};
use domain::organization::Permission;
use domain::plan::QuotaKind;
use domain::service::{IncidentMode, Service, ServiceStatus};
use domain::status_page::Placement;
use domain::text::{Description, DisplayName, Slug, SlugOf};
use domain::time::Timestamp;
use store::organizations::Membership;
use store::{OrgScope, Tx};

use crate::patch::{Patch, Version};
use crate::{Checks, Context, Error, Result, gate};

/// What a person gives to create a service; text as it was typed.
#[derive(Debug, Clone, Default)]
pub struct NewService {
    /// `None`: the organization's default page.
    pub status_page_id: Option<PageId>,
    pub name: String,
    /// `None`: made from the name.
    pub slug: Option<String>,
    pub description: Option<String>,
    pub group_name: Option<String>,
    pub position: i32,
    pub is_visible: bool,
    pub incident_mode: IncidentMode,
}

/// What a person changes; absent fields stay.
#[derive(Debug, Clone, Default)]
pub struct ServicePatch {
    pub name: Option<String>,
    pub slug: Option<String>,
    pub description: Patch<String>,
    pub group_name: Patch<String>,
    pub position: Option<i32>,
    pub is_visible: Option<bool>,
    pub manual_status: Patch<ServiceStatus>,
    /// Counts from the next change of a monitor on; `Manual` takes back what is suggested.
    pub incident_mode: Option<IncidentMode>,
}

/// A service and where it stands, as the transaction left them: nothing has to be read again after the commit, when
/// an outage would turn what was done into an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    pub service: Service,
    pub placements: Vec<Placement>,
}

/// Creates a service and places it on a page, if the page has room (S31, X66).
pub async fn create(ctx: &Context, by: &Membership, input: NewService) -> Result<Service> {
    create_placed(ctx, by, input).await.map(|placed| placed.service)
}

/// Like [`create`], for an answer that also says where the service stands.
pub async fn create_placed(ctx: &Context, by: &Membership, input: NewService) -> Result<Placed> {
    gate::require(by, Permission::ManageServices)?;
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let tier = store::organizations::lock_tier(&mut tx, by.scope()).await?;
    let service = insert_step(ctx, &mut tx, by.scope(), tier, input, now).await?;
    let placed = placed_step(&mut tx, by.scope(), service).await?;
    tx.commit().await?;
    ctx.signals.pages_changed(by.organization.id);
    Ok(placed)
}

async fn placed_step(tx: &mut Tx, scope: OrgScope, service: Service) -> Result<Placed> {
    let placements = store::services::list_placements_of_service(tx, scope, service.id).await?;
    Ok(Placed { service, placements })
}

/// The steps of [`create`] inside a transaction that already holds the organization's lock.
pub(crate) async fn insert_step(
    ctx: &Context,
    tx: &mut Tx,
    scope: OrgScope,
    tier: domain::plan::Tier,
    input: NewService,
    now: Timestamp,
) -> Result<Service> {
    let mut checks = Checks::default();
    let name = checks.take("name", DisplayName::parse(&input.name));
    let slug = match &input.slug {
        Some(slug) => checks.take("slug", Slug::parse(slug, SlugOf::Service)),
        None => name.as_ref().map(|name| Slug::from_name(name.as_str(), SlugOf::Service)),
    };
    let description = checks.optional("description", input.description.as_deref(), Description::parse);
    let group_name = checks.optional("group_name", input.group_name.as_deref(), DisplayName::parse);
    checks.finish()?;
    let (Some(name), Some(slug)) = (name, slug) else { return Err(Error::NotFound) };

    let page = match input.status_page_id {
        Some(id) => store::status_pages::find(tx, scope, id).await?,
        None => store::status_pages::find_default(tx, scope).await?,
    };
    let page = page.ok_or_else(|| {
        Error::field(
            "status_page_id",
            "not_found",
            "There is no such status page. Leave it out for the default page.",
        )
    })?;
    gate::quota(
        &ctx.policy.limits(tier),
        QuotaKind::ServicesPerPage,
        store::services::count_placements(tx, scope, page.id).await?,
    )?;

    let mut service = Service {
        id: ServiceId::new(ctx.uuid(now)),
        organization_id: scope.organization_id(),
        name: name.into_string(),
        slug: slug.into_string(),
        description: description.map(Description::into_string),
        group_name: group_name.map(DisplayName::into_string),
        position: input.position,
        is_visible: input.is_visible,
        manual_status: None,
        incident_mode: input.incident_mode,
        created_at: now,
        updated_at: now,
    };
    // A slug made from the name gives way; one that a person chose is answered with a conflict.
    if input.slug.is_none() && store::services::is_slug_taken(tx, scope, &service.slug).await? {
        service.slug =
            Slug::from_name(&service.name, SlugOf::Service).with_suffix(&short_suffix(ctx)).into_string();
    }
    store::services::insert(tx, scope, &service).await.map_err(slug_conflict)?;
    let placement = Placement {
        organization_id: scope.organization_id(),
        status_page_id: page.id,
        service_id: service.id,
        public_name: None,
        group_name: None,
        position: None,
        is_visible: true,
    };
    store::services::insert_placement(tx, scope, &placement, now).await?;
    Ok(service)
}

/// Changes a service. `version`: only if it is still the stored one (`If-Match`).
pub async fn update(
    ctx: &Context,
    by: &Membership,
    id: ServiceId,
    version: Version,
    patch: ServicePatch,
) -> Result<Placed> {
    gate::require(by, Permission::ManageServices)?;
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let before = store::services::find(&mut tx, by.scope(), id).await?.ok_or(Error::NotFound)?;
    version.check(before.updated_at)?;
    let after = apply(&before, patch, now)?;
    if !store::services::update(&mut tx, by.scope(), &after, before.updated_at)
        .await
        .map_err(slug_conflict)?
    {
        return Err(Error::Stale);
    }
    if after.incident_mode == IncidentMode::Manual && before.incident_mode != IncidentMode::Manual {
        store::incident_suggestions::withdraw_of_service(&mut tx, by.scope(), id, now).await?;
    }
    let placed = placed_step(&mut tx, by.scope(), after).await?;
    tx.commit().await?;
    ctx.signals.pages_withdrawn(by.organization.id);
    Ok(placed)
}

fn apply(before: &Service, patch: ServicePatch, now: Timestamp) -> Result<Service> {
    let mut checks = Checks::default();
    let mut after = before.clone();
    if let Some(name) = patch.name.and_then(|name| checks.take("name", DisplayName::parse(&name))) {
        after.name = name.into_string();
    }
    if let Some(slug) = patch.slug.and_then(|slug| checks.take("slug", Slug::parse(&slug, SlugOf::Service))) {
        after.slug = slug.into_string();
    }
    patch.description.apply(&mut after.description, |text| {
        checks.take("description", Description::parse(&text)).map(Description::into_string)
    });
    patch.group_name.apply(&mut after.group_name, |text| {
        checks.take("group_name", DisplayName::parse(&text)).map(DisplayName::into_string)
    });
    after.position = patch.position.unwrap_or(after.position);
    after.is_visible = patch.is_visible.unwrap_or(after.is_visible);
    patch.manual_status.apply(&mut after.manual_status, Some);
    after.incident_mode = patch.incident_mode.unwrap_or(after.incident_mode);
    after.updated_at = crate::patch::next_version(before.updated_at, now);
    checks.finish()?;
    Ok(after)
}

/// Takes a service off every page and stops its monitors; what incidents said about it stays (X18).
pub async fn delete(ctx: &Context, by: &Membership, id: ServiceId, version: Version) -> Result<()> {
    gate::require(by, Permission::ManageServices)?;
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    // Keeps its monitors from becoming what another one depends on meanwhile.
    store::organizations::lock_tier(&mut tx, by.scope()).await?;
    let before = store::services::find(&mut tx, by.scope(), id).await?.ok_or(Error::NotFound)?;
    version.check(before.updated_at)?;
    store::services::delete(&mut tx, by.scope(), id, now).await?;
    store::incident_suggestions::withdraw_of_service(&mut tx, by.scope(), id, now).await?;
    tx.commit().await?;
    ctx.signals.pages_withdrawn(by.organization.id);
    Ok(())
}

/// How a service stands on a page; text as it was typed. Empty fields are taken from the service.
#[derive(Debug, Clone, Default)]
pub struct NewPlacement {
    pub public_name: Option<String>,
    pub group_name: Option<String>,
    pub position: Option<i32>,
    pub is_visible: bool,
}

/// Puts a service on a page, if the page has room (S31, X67), or changes how it stands there. `true`: it was not
/// there before.
pub async fn place(
    ctx: &Context,
    by: &Membership,
    page: PageId,
    service: ServiceId,
    input: NewPlacement,
) -> Result<(Placement, bool)> {
    gate::require(by, Permission::ManageServices)?;
    let mut checks = Checks::default();
    let public_name = checks.optional("public_name", input.public_name.as_deref(), DisplayName::parse);
    let group_name = checks.optional("group_name", input.group_name.as_deref(), DisplayName::parse);
    checks.finish()?;
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let tier = store::organizations::lock_tier(&mut tx, by.scope()).await?;
    let page = store::status_pages::find(&mut tx, by.scope(), page).await?.ok_or(Error::NotFound)?;
    let service = store::services::find(&mut tx, by.scope(), service).await?.ok_or(Error::NotFound)?;
    let placement = Placement {
        organization_id: by.organization.id,
        status_page_id: page.id,
        service_id: service.id,
        public_name: public_name.map(DisplayName::into_string),
        group_name: group_name.map(DisplayName::into_string),
        position: input.position,
        is_visible: input.is_visible,
    };
    let is_new = !store::services::update_placement(&mut tx, by.scope(), &placement).await?;
    if is_new {
        let count = store::services::count_placements(&mut tx, by.scope(), page.id).await?;
        gate::quota(&ctx.policy.limits(tier), QuotaKind::ServicesPerPage, count)?;
        store::services::insert_placement(&mut tx, by.scope(), &placement, now).await?;
    }
    tx.commit().await?;
    ctx.signals.pages_withdrawn(by.organization.id);
    Ok((placement, is_new))
}

/// Takes a service off a page; it stays on others.
pub async fn displace(ctx: &Context, by: &Membership, page: PageId, service: ServiceId) -> Result<()> {
    gate::require(by, Permission::ManageServices)?;
    let mut tx = ctx.db.write().await?;
    let page = store::status_pages::find(&mut tx, by.scope(), page).await?.ok_or(Error::NotFound)?;
    if !store::services::delete_placement(&mut tx, by.scope(), page.id, service).await? {
        return Err(Error::NotFound);
    }
    tx.commit().await?;
    ctx.signals.pages_withdrawn(by.organization.id);
    Ok(())
}

fn slug_conflict(error: store::Error) -> Error {
    match error {
        store::Error::Conflict(key) if key.ends_with("slug") => Error::Conflict {
            code: "slug_taken",
            message: "Another service uses this slug. Choose another one.".into(),
        },
        other => other.into(),
    }
}

fn short_suffix(ctx: &Context) -> String {
    crate::ids::short_suffix(ctx.ids.as_ref())
}
