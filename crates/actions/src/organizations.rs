//! Organizations: create, rename, move to another slug, delete and restore, switch; tiers by the operator
//! (S19, X1, X18, X24, X73, D3, D7).

use domain::id::{OrgId, PageId, SessionId, UserId};
use domain::organization::{Organization, Permission, Role};
use domain::plan::Tier;
use domain::status_page::StatusPage;
use domain::text::{DisplayName, Slug, SlugOf};
use domain::time::{DAY_MS, Timestamp};
use store::organizations::Membership;
use store::{OrgScope, Tx};

use crate::ids::short_suffix;
use crate::patch::{Version, next_version};
use crate::{Checks, Context, Error, Result, gate, throttle};

/// How long a deleted organization or page can be restored, and its slug is held (X18).
pub const RESTORABLE_MS: i64 = 30 * DAY_MS;
/// How long a slug that was left leads to its organization (X1).
const SLUG_HELD_MS: i64 = 90 * DAY_MS;
/// Where the default page of a new organization stands.
const FIRST_PAGE_SLUG: &str = "status";
/// Suffixes of 24 bits are tried this often before we give up.
const SLUG_TRIES: usize = 8;

/// What a person gives to create an organization; text as it was typed.
#[derive(Debug, Clone, Default)]
pub struct NewOrganization {
    pub name: String,
    /// `None`: made from the name.
    pub slug: Option<String>,
}

/// What a person changes; absent fields stay.
#[derive(Debug, Clone, Default)]
pub struct OrganizationPatch {
    pub name: Option<String>,
    pub slug: Option<String>,
}

/// Creates an organization with its default page, owned by `user`, who may own only so many free ones (X73).
pub async fn create(ctx: &Context, user: UserId, input: NewOrganization) -> Result<Membership> {
    let mut checks = Checks::default();
    let name = checks.take("name", DisplayName::parse(&input.name));
    let slug = checks.optional("slug", input.slug.as_deref(), |text| Slug::parse(text, SlugOf::Organization));
    checks.finish()?;
    let Some(name) = name else { return Err(Error::NotFound) };
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    // A deleted one holds its slug as long as it can come back.
    require_free_place(ctx, &mut tx, user, Some(now.plus_ms(-RESTORABLE_MS))).await?;
    // Only what was made took a slug: a refusal below takes the count back.
    throttle::count_step(&mut tx, &throttle::new_organization(&user.to_string()), now).await?;
    let organization = found(ctx, &mut tx, user, name.as_str(), slug, now).await?;
    let membership = store::organizations::find_membership(&mut tx, user, organization.id).await?;
    tx.commit().await?;
    membership.ok_or(Error::NotFound)
}

/// Takes the person's row, so that two organizations made at the same time are both counted. Those deleted after
/// `deleted_since` count too.
async fn require_free_place(
    ctx: &Context,
    tx: &mut Tx,
    user: UserId,
    deleted_since: Option<Timestamp>,
) -> Result<()> {
    let person = store::users::lock(tx, user).await?.ok_or(Error::Unauthorized)?;
    if !ctx.policy.are_plans_enforced {
        return Ok(());
    }
    let owned = store::organizations::count_owned(tx, user, Tier::Free, deleted_since).await?;
    let limit = ctx.policy.free_organizations_per_user;
    if owned >= i64::from(limit) {
        let message = "You own as many free organizations as one person may. One that was deleted counts while it \
                       can be restored, for 30 days. Restore it, or upgrade one.";
        return Err(Error::PersonalLimit { message, limit, current: owned });
    }
    if owned > 0 && !person.is_email_verified {
        return Err(Error::Forbidden("Verify your e-mail address before you create another organization."));
    }
    Ok(())
}

/// The steps of [`create`] inside a transaction: organization, owner, default page (X1, X24).
pub(crate) async fn found(
    ctx: &Context,
    tx: &mut Tx,
    owner: UserId,
    name: &str,
    slug: Option<Slug>,
    now: Timestamp,
) -> Result<Organization> {
    let (organization, scope) = insert(ctx, tx, name, slug, now).await?;
    store::organizations::insert_member(tx, scope, owner, Role::Owner, now).await?;
    let page = StatusPage {
        id: PageId::new(ctx.uuid(now)),
        organization_id: organization.id,
        slug: FIRST_PAGE_SLUG.to_owned(),
        title: organization.name.clone(),
        is_public: true,
        is_default: true,
        time_zone: domain::zone::Zone::UTC,
        rule: domain::uptime::Rule::default(),
        created_at: now,
        updated_at: now,
    };
    store::status_pages::insert(tx, scope, &page).await?;
    Ok(organization)
}

/// A slug that a person chose is taken or not; one made from the name gives way (X1).
async fn insert(
    ctx: &Context,
    tx: &mut Tx,
    name: &str,
    slug: Option<Slug>,
    now: Timestamp,
) -> Result<(Organization, OrgScope)> {
    let is_chosen = slug.is_some();
    let wanted = slug.unwrap_or_else(|| Slug::from_name(name, SlugOf::Organization));
    let mut organization = Organization {
        id: OrgId::new(ctx.uuid(now)),
        slug: wanted.as_str().to_owned(),
        name: name.to_owned(),
        tier: Tier::Free,
        created_at: now,
        updated_at: now,
        deleted_at: None,
    };
    for _ in 0..SLUG_TRIES {
        if let Some(scope) = store::organizations::insert_unless_taken(tx, &organization).await? {
            // Somebody may have left this slug while the insert waited for them.
            if store::organizations::is_slug_held(tx, &organization.slug, None, now).await? {
                return Err(slug_taken());
            }
            store::organizations::release_slug(tx, &organization.slug).await?;
            return Ok((organization, scope));
        }
        if is_chosen {
            return Err(slug_taken());
        }
        organization.slug = wanted.with_suffix(&short_suffix(ctx.ids.as_ref())).into_string();
    }
    Err(Error::Internal("no free slug was found for an organization"))
}

/// Renames an organization, or moves it to another slug; the old one leads here for 90 days and can be taken back.
pub async fn update(
    ctx: &Context,
    by: &Membership,
    version: Version,
    patch: OrganizationPatch,
) -> Result<Organization> {
    gate::require(by, Permission::ManageSettings)?;
    let mut checks = Checks::default();
    let name = patch.name.and_then(|name| checks.take("name", DisplayName::parse(&name)));
    let slug = patch.slug.and_then(|slug| checks.take("slug", Slug::parse(&slug, SlugOf::Organization)));
    checks.finish()?;
    let slug = slug.filter(|slug| slug.as_str() != by.organization.slug);
    if slug.is_some() {
        throttle::count(ctx, &throttle::slug_change(&by.organization.id.to_string())).await?;
    }

    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let before = store::organizations::lock(&mut tx, by.scope()).await?.ok_or(Error::NotFound)?;
    version.check(before.updated_at)?;
    let mut after = before.clone();
    after.name = name.map_or(after.name, DisplayName::into_string);
    after.slug = slug.map_or(after.slug, Slug::into_string);
    after.updated_at = next_version(before.updated_at, now);
    store::organizations::update(&mut tx, by.scope(), &after, before.updated_at)
        .await
        .map_err(slug_conflict)?;
    if after.slug != before.slug {
        if store::organizations::is_slug_held(&mut tx, &after.slug, Some(after.id), now).await? {
            return Err(slug_taken());
        }
        store::organizations::release_slug(&mut tx, &after.slug).await?;
        let until = now.plus_ms(SLUG_HELD_MS);
        store::organizations::hold_slug(&mut tx, by.scope(), &before.slug, until).await?;
    }
    tx.commit().await?;
    ctx.signals.pages_withdrawn(after.id);
    Ok(after)
}

/// Takes an organization and all its pages offline; for 30 days an owner can restore it (X18). `confirm` must be
/// its slug.
pub async fn delete(ctx: &Context, by: &Membership, version: Version, confirm: &str) -> Result<()> {
    gate::require(by, Permission::DeleteOrganization)?;
    if confirm != by.organization.slug {
        return Err(Error::field(
            "confirm",
            "not_confirmed",
            format!("To delete this organization, send its slug: {}.", by.organization.slug),
        ));
    }
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let before = store::organizations::lock(&mut tx, by.scope()).await?.ok_or(Error::NotFound)?;
    version.check(before.updated_at)?;
    store::organizations::delete(&mut tx, by.scope(), next_version(before.updated_at, now)).await?;
    tx.commit().await?;
    ctx.signals.pages_withdrawn(before.id);
    Ok(())
}

/// Brings back an organization that was deleted less than 30 days ago.
pub async fn restore(ctx: &Context, user: UserId, organization: OrgId) -> Result<Membership> {
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let since = now.plus_ms(-RESTORABLE_MS);
    let found = store::organizations::find_restorable(&mut tx, user, organization, since).await?;
    let deleted = found.ok_or(Error::NotFound)?;
    if deleted.organization.tier == Tier::Free {
        require_free_place(ctx, &mut tx, user, None).await?;
    }
    let version = next_version(deleted.organization.updated_at, now);
    if !store::organizations::restore(&mut tx, deleted.scope(), version).await? {
        return Err(Error::NotFound);
    }
    crate::monitors::replan_step(ctx, &mut tx, deleted.scope(), deleted.organization.tier, now).await?;
    let membership = store::organizations::find_membership(&mut tx, user, organization).await?;
    tx.commit().await?;
    ctx.signals.pages_changed(organization);
    ctx.signals.schedule_changed();
    membership.ok_or(Error::NotFound)
}

/// Makes this the organization of the session's requests that name none, and of the next log-in (D3).
pub async fn switch(ctx: &Context, by: &Membership, session: SessionId) -> Result<()> {
    let mut tx = ctx.db.write().await?;
    switch_step(&mut tx, by.scope(), by.user_id, session, ctx.now()).await?;
    tx.commit().await?;
    Ok(())
}

pub(crate) async fn switch_step(
    tx: &mut Tx,
    scope: OrgScope,
    user: UserId,
    session: SessionId,
    now: Timestamp,
) -> Result<()> {
    store::sessions::update_organization(tx, session, scope.organization_id()).await?;
    store::organizations::touch_member(tx, scope, user, now).await?;
    Ok(())
}

/// Moves an organization to a tier, on the server's command line (D7). `NotFound`: there is none with this slug.
pub async fn set_tier_by_operator(ctx: &Context, slug: &str, tier: Tier) -> Result<()> {
    let mut tx = ctx.db.write().await?;
    let now = ctx.now();
    let scope = store::organizations::update_tier(&mut tx, slug, tier, now).await?.ok_or(Error::NotFound)?;
    crate::monitors::replan_step(ctx, &mut tx, scope, tier, now).await?;
    tx.commit().await?;
    ctx.signals.schedule_changed();
    ctx.signals.pages_changed(scope.organization_id());
    Ok(())
}

/// Removes what has had its time: organizations, pages and services deleted more than 30 days ago, slugs that are
/// not held any more, old invitations and kept answers.
pub async fn purge(ctx: &Context) -> Result<()> {
    let now = ctx.now();
    let restorable_since = now.plus_ms(-RESTORABLE_MS);
    let mut tx = ctx.db.write().await?;
    store::organizations::purge(&mut tx, restorable_since).await?;
    store::status_pages::purge(&mut tx, restorable_since).await?;
    store::services::purge(&mut tx, restorable_since).await?;
    store::incident_suggestions::purge(&mut tx, restorable_since).await?;
    store::organizations::purge_redirects(&mut tx, now).await?;
    store::invitations::purge(&mut tx, restorable_since).await?;
    store::idempotency::purge(&mut tx, now.plus_ms(-crate::idempotency::KEPT_MS)).await?;
    tx.commit().await?;
    Ok(())
}

fn slug_taken() -> Error {
    Error::Conflict {
        code: "slug_taken",
        message: "Another organization uses this slug or did so recently. Choose another one.".into(),
    }
}

fn slug_conflict(error: store::Error) -> Error {
    match error {
        store::Error::Conflict(key) if key == "organizations.slug" => slug_taken(),
        other => other.into(),
    }
}
