//! The two questions before a write: may this role, and does the tier have room?

use domain::organization::Permission;
use domain::plan::{Feature, Limits, QuotaKind};
use store::organizations::Membership;

use crate::{Error, Result};

/// `Forbidden` when the role of the caller does not have `permission` (X11).
pub fn require(by: &Membership, permission: Permission) -> Result<()> {
    if by.role.may(permission) {
        return Ok(());
    }
    Err(Error::Forbidden(match permission.needs() {
        domain::organization::Role::Owner => "Only an owner of the organization may do this.",
        domain::organization::Role::Admin => "Only owners and admins of the organization may do this.",
        _ => "Viewers cannot change anything.",
    }))
}

/// `LimitReached` when `current` fills the quota. Call it inside the inserting transaction, after
/// `store::organizations::lock_tier` (X66).
pub fn quota(limits: &Limits, kind: QuotaKind, current: i64) -> Result<()> {
    limits.check(kind, current).map_err(Error::LimitReached)
}

/// `FeatureMissing` when the tier does not have `feature`.
pub fn feature(limits: &Limits, feature: Feature) -> Result<()> {
    limits.require(feature).map_err(Error::FeatureMissing)
}
