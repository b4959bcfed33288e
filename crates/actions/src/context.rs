//! What every action is given besides its input: the database, the clock, the source of ids and secrets, and the
//! switches of the installation.

use std::sync::Arc;

use domain::plan::Limits;
use domain::time::Timestamp;
use store::Database;
use uuid::Uuid;

use crate::Passwords;
use crate::secrets::Keys;
use crate::signals::Signals;

/// Tells the time. The only other clock is the monotonic one inside the loops.
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}

/// Makes ids and secrets; seeded in tests, so that snapshots need no redaction.
pub trait Ids: Send + Sync {
    /// A UUIDv7 whose time part is `now`.
    fn uuid(&self, now: Timestamp) -> Uuid;
    /// 256 unpredictable bits.
    fn secret(&self) -> [u8; 32];
}

/// Switches of the installation that rules depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Tiers limit what an organization may do; `false` lifts every limit (D7).
    pub are_plans_enforced: bool,
    /// Anybody may create an account.
    pub is_registration_open: bool,
    /// Where links in mails point: the public URL without a slash at the end.
    pub public_url: String,
    /// Free organizations one person may own (X73).
    pub free_organizations_per_user: u32,
}

impl Policy {
    /// What `tier` allows on this installation.
    pub fn limits(&self, tier: domain::plan::Tier) -> Limits {
        if self.are_plans_enforced { tier.limits() } else { Limits::unlimited() }
    }
}

/// Handed to every action; cheap to clone.
#[derive(Clone)]
pub struct Context {
    pub db: Database,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub keys: Arc<Keys>,
    pub passwords: Passwords,
    pub policy: Arc<Policy>,
    pub signals: Signals,
}

impl Context {
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn uuid(&self, now: Timestamp) -> Uuid {
        self.ids.uuid(now)
    }
}
