//! Visitors who asked for news of one page (S6, X54, X55, X57).

use crate::id::{OrgId, PageId, SubscriberId};
use crate::time::Timestamp;

/// How long the link in the confirmation mail works, seconds.
pub const CONFIRM_SECONDS: i64 = 48 * 3600;

/// Only a confirmed subscriber gets mail and counts against the tier's limit (X57).
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Subscriber {
    pub id: SubscriberId,
    pub organization_id: OrgId,
    pub status_page_id: PageId,
    /// Canonical, lower case; unique per page.
    pub email: String,
    pub is_confirmed: bool,
    pub created_at: Timestamp,
    pub confirmed_at: Option<Timestamp>,
}
