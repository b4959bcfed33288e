//! Status pages: create, edit, make the default one, delete and restore (S21, S30, X18, X24).

use domain::id::PageId;
use domain::organization::Permission;
use domain::plan::QuotaKind;
use domain::status_page::StatusPage;
use domain::text::{DisplayName, Slug, SlugOf};
use domain::time::Timestamp;
use domain::uptime::{MaintenanceRule, Rule};
use domain::zone::Zone;
use store::organizations::Membership;

use crate::ids::short_suffix;
use crate::organizations::RESTORABLE_MS;
use crate::patch::{Version, next_version};
use crate::{Checks, Context, Error, Result, gate};

/// What a person gives to create a page; text as it was typed.
#[derive(Debug, Clone, Default)]
pub struct NewPage {
    pub title: String,
    /// `None`: made from the title.
    pub slug: Option<String>,
    pub is_public: bool,
    pub figures: FiguresPatch,
}

/// What the figures of a page are made by; absent fields stay, or have their defaults on a new page.
#[derive(Debug, Clone, Default)]
pub struct FiguresPatch {
    /// A name of the IANA database.
    pub time_zone: Option<String>,
    /// 0 to 100.
    pub partial_outage_percent: Option<i32>,
    /// 0 to 100.
    pub degraded_percent: Option<i32>,
    pub maintenance_rule: Option<MaintenanceRule>,
}

impl FiguresPatch {
    fn apply(self, checks: &mut Checks, zone: &mut Zone, rule: &mut Rule) {
        if let Some(found) = self.time_zone.and_then(|name| checks.take("time_zone", Zone::parse(&name))) {
            *zone = found;
        }
        let mut percent = |field: &'static str, given: Option<i32>, kept: &mut i32| match given {
            Some(percent @ 0..=100) => *kept = percent,
            Some(_) => checks.add(field, "out_of_range", "Choose a number from 0 to 100."),
            None => {}
        };
        percent("partial_outage_percent", self.partial_outage_percent, &mut rule.partial_outage_percent);
        percent("degraded_percent", self.degraded_percent, &mut rule.degraded_percent);
        rule.maintenance_rule = self.maintenance_rule.unwrap_or(rule.maintenance_rule);
    }
}

/// What a person changes; absent fields stay.
#[derive(Debug, Clone, Default)]
pub struct PagePatch {
    pub title: Option<String>,
    pub slug: Option<String>,
    pub is_public: Option<bool>,
    pub figures: FiguresPatch,
}

/// Adds a page, if the tier has room (S30, X66). The first one is the default.
pub async fn create(ctx: &Context, by: &Membership, input: NewPage) -> Result<StatusPage> {
    gate::require(by, Permission::ManagePages)?;
    let mut checks = Checks::default();
    let title = checks.take("title", DisplayName::parse(&input.title));
    let slug = checks.optional("slug", input.slug.as_deref(), |text| Slug::parse(text, SlugOf::StatusPage));
    let (mut time_zone, mut rule) = (Zone::UTC, Rule::default());
    input.figures.apply(&mut checks, &mut time_zone, &mut rule);
    checks.finish()?;
    let Some(title) = title else { return Err(Error::NotFound) };

    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let tier = store::organizations::lock_tier(&mut tx, by.scope()).await?;
    let count = store::status_pages::count(&mut tx, by.scope()).await?;
    gate::quota(&ctx.policy.limits(tier), QuotaKind::StatusPages, count)?;
    let is_chosen = slug.is_some();
    let mut slug = slug.unwrap_or_else(|| Slug::from_name(title.as_str(), SlugOf::StatusPage));
    // A slug made from the title gives way; one that a person chose is answered with a conflict.
    if !is_chosen && store::status_pages::is_slug_taken(&mut tx, by.scope(), slug.as_str()).await? {
        slug = slug.with_suffix(&short_suffix(ctx.ids.as_ref()));
    }
    let page = StatusPage {
        id: PageId::new(ctx.uuid(now)),
        organization_id: by.organization.id,
        slug: slug.into_string(),
        title: title.into_string(),
        is_public: input.is_public,
        is_default: count == 0,
        time_zone,
        rule,
        created_at: now,
        updated_at: now,
    };
    store::status_pages::insert(&mut tx, by.scope(), &page).await.map_err(slug_conflict)?;
    tx.commit().await?;
    ctx.signals.pages_changed(by.organization.id);
    Ok(page)
}

/// Changes title, slug, visibility, time zone or what its percentages count.
pub async fn update(
    ctx: &Context,
    by: &Membership,
    id: PageId,
    version: Version,
    patch: PagePatch,
) -> Result<StatusPage> {
    gate::require(by, Permission::ManagePages)?;
    let mut tx = ctx.db.write().await?;
    let before = store::status_pages::find(&mut tx, by.scope(), id).await?.ok_or(Error::NotFound)?;
    version.check(before.updated_at)?;
    let after = apply(&before, patch, ctx.now())?;
    if !store::status_pages::update(&mut tx, by.scope(), &after, before.updated_at)
        .await
        .map_err(slug_conflict)?
    {
        return Err(Error::Stale);
    }
    tx.commit().await?;
    ctx.signals.pages_withdrawn(by.organization.id);
    Ok(after)
}

fn apply(before: &StatusPage, patch: PagePatch, now: Timestamp) -> Result<StatusPage> {
    let mut checks = Checks::default();
    let mut after = before.clone();
    if let Some(title) = patch.title.and_then(|title| checks.take("title", DisplayName::parse(&title))) {
        after.title = title.into_string();
    }
    if let Some(slug) =
        patch.slug.and_then(|slug| checks.take("slug", Slug::parse(&slug, SlugOf::StatusPage)))
    {
        after.slug = slug.into_string();
    }
    patch.figures.apply(&mut checks, &mut after.time_zone, &mut after.rule);
    after.is_public = patch.is_public.unwrap_or(after.is_public);
    after.updated_at = next_version(before.updated_at, now);
    checks.finish()?;
    Ok(after)
}

/// Makes this the page of `/p/{org}`; the one before steps back (X24).
pub async fn set_default(ctx: &Context, by: &Membership, id: PageId) -> Result<StatusPage> {
    gate::require(by, Permission::ManagePages)?;
    let mut tx = ctx.db.write().await?;
    store::organizations::lock_tier(&mut tx, by.scope()).await?;
    let page = store::status_pages::find(&mut tx, by.scope(), id).await?.ok_or(Error::NotFound)?;
    if page.is_default {
        return Ok(page);
    }
    store::status_pages::update_default(&mut tx, by.scope(), id, ctx.now()).await?;
    let page = store::status_pages::find(&mut tx, by.scope(), id).await?.ok_or(Error::NotFound)?;
    tx.commit().await?;
    ctx.signals.pages_withdrawn(by.organization.id);
    Ok(page)
}

/// Takes a page offline; for 30 days it can be restored and its slug is held (X18). The default page stays: an
/// organization has one as long as it exists (X24).
pub async fn delete(ctx: &Context, by: &Membership, id: PageId, version: Version) -> Result<()> {
    gate::require(by, Permission::ManagePages)?;
    let mut tx = ctx.db.write().await?;
    store::organizations::lock_tier(&mut tx, by.scope()).await?;
    let before = store::status_pages::find(&mut tx, by.scope(), id).await?.ok_or(Error::NotFound)?;
    version.check(before.updated_at)?;
    if store::status_pages::count(&mut tx, by.scope()).await? == 1 {
        return Err(Error::Conflict {
            code: "last_page",
            message: "An organization keeps at least one status page. Make this one private to hide it."
                .into(),
        });
    }
    if before.is_default {
        return Err(Error::Conflict {
            code: "default_page",
            message: "This is the default page. Make another page the default first, then delete this one."
                .into(),
        });
    }
    store::status_pages::delete(&mut tx, by.scope(), id, next_version(before.updated_at, ctx.now())).await?;
    tx.commit().await?;
    ctx.signals.pages_withdrawn(by.organization.id);
    Ok(())
}

/// Brings back a page that was deleted less than 30 days ago, with its services and subscribers, if the tier has
/// room (X67).
pub async fn restore(ctx: &Context, by: &Membership, id: PageId) -> Result<StatusPage> {
    gate::require(by, Permission::ManagePages)?;
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let tier = store::organizations::lock_tier(&mut tx, by.scope()).await?;
    let since = now.plus_ms(-RESTORABLE_MS);
    let deleted = store::status_pages::find_restorable(&mut tx, by.scope(), id, since).await?;
    let deleted = deleted.ok_or(Error::NotFound)?;
    let count = store::status_pages::count(&mut tx, by.scope()).await?;
    gate::quota(&ctx.policy.limits(tier), QuotaKind::StatusPages, count)?;
    store::status_pages::restore(&mut tx, by.scope(), id, next_version(deleted.updated_at, now)).await?;
    let page = store::status_pages::find(&mut tx, by.scope(), id).await?.ok_or(Error::NotFound)?;
    tx.commit().await?;
    ctx.signals.pages_changed(by.organization.id);
    Ok(page)
}

fn slug_conflict(error: store::Error) -> Error {
    match error {
        store::Error::Conflict(key) if key.ends_with("slug") => Error::Conflict {
            code: "slug_taken",
            message: "Another page uses this slug, or one that was deleted less than 30 days ago. Choose another one."
                .into(),
        },
        other => other.into(),
    }
}
