//! The tenant of a statement, as a type. Whoever holds an [`OrgScope`] has proved, by a look-up of this crate,
//! that he may act for that organization: as a member, through a public page, or through a claimed row (T-02).

use domain::id::OrgId;

/// First argument of every query over a tenant table. It has no public constructor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OrgScope(OrgId);

impl OrgScope {
    pub(crate) const fn proven(organization: OrgId) -> Self {
        Self(organization)
    }

    pub const fn organization_id(self) -> OrgId {
        self.0
    }
}
