//! Invitations into an organization (X14): bound to one address, spent once, seven days long.

use crate::id::{InvitationId, OrgId, UserId};
use crate::organization::Role;
use crate::time::Timestamp;

/// How long an invitation can be accepted, seconds.
pub const INVITATION_SECONDS: i64 = 7 * 24 * 3600;

/// A pending invitation counts against the member limit until it is revoked or has expired.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Invitation {
    pub id: InvitationId,
    pub organization_id: OrgId,
    /// Canonical; only an account with this address may accept.
    pub email: String,
    pub role: Role,
    pub invited_by: UserId,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub accepted_at: Option<Timestamp>,
}
