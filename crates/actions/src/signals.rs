//! Hints sent after a commit: wake the notifier, wake the scheduler, drop a cached page. Losing one costs a few
//! seconds, never data: every receiver also looks on its own (F-10).
//!
//! What is taken away from visitors is no hint: it is noted before the action returns, and nobody in this process shows
//! an older page after that (D12).

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use domain::id::OrgId;
use tokio::sync::{Notify, broadcast};

use crate::health::Health;
use crate::meters::Meters;

/// Shared by actions and the loops; cheap to clone.
#[derive(Clone)]
pub struct Signals {
    outbox: Arc<Notify>,
    schedule: Arc<Notify>,
    pages: broadcast::Sender<OrgId>,
    withdrawals: Arc<RwLock<Withdrawals>>,
    health: Health,
    meters: Meters,
}

#[derive(Default)]
struct Withdrawals {
    /// How many there were.
    count: u64,
    /// The newest one of each organization, by `count`.
    newest: HashMap<OrgId, u64>,
}

/// A moment between two withdrawals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

impl Default for Signals {
    fn default() -> Self {
        Self {
            outbox: Arc::default(),
            schedule: Arc::default(),
            pages: broadcast::channel(1024).0,
            withdrawals: Arc::default(),
            health: Health::default(),
            meters: Meters::default(),
        }
    }
}

impl Signals {
    /// Something was put into the outbox.
    pub fn outbox_filled(&self) {
        self.outbox.notify_one();
    }

    pub async fn outbox_is_filled(&self) {
        self.outbox.notified().await;
    }

    /// A monitor became due earlier than the scheduler knows.
    pub fn schedule_changed(&self) {
        self.schedule.notify_one();
    }

    pub async fn schedule_has_changed(&self) {
        self.schedule.notified().await;
    }

    /// Something visitors see of this organization changed.
    pub fn pages_changed(&self, organization: OrgId) {
        // No receiver is no error: the pages are then not served by this process.
        let _ = self.pages.send(organization);
    }

    /// Something visitors saw of this organization may not be shown any more: a page made private or deleted, a service
    /// hidden, an address that was left (D12).
    pub fn pages_withdrawn(&self, organization: OrgId) {
        let mut withdrawals = self.withdrawals.write().unwrap_or_else(PoisonError::into_inner);
        withdrawals.count += 1;
        let count = withdrawals.count;
        withdrawals.newest.insert(organization, count);
        drop(withdrawals);
        self.pages_changed(organization);
    }

    /// Now. What is read after this moment knows of everything that was withdrawn before it.
    pub fn moment(&self) -> Moment {
        Moment(self.withdrawals.read().unwrap_or_else(PoisonError::into_inner).count)
    }

    /// Whether something of this organization was withdrawn after `moment`.
    pub fn is_withdrawn_since(&self, organization: OrgId, moment: Moment) -> bool {
        let withdrawals = self.withdrawals.read().unwrap_or_else(PoisonError::into_inner);
        withdrawals.newest.get(&organization).is_some_and(|newest| *newest > moment.0)
    }

    /// Where the loops say that they turn.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Where the loops count what they do.
    pub fn meters(&self) -> &Meters {
        &self.meters
    }

    pub fn changed_pages(&self) -> broadcast::Receiver<OrgId> {
        self.pages.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_withdrawn_is_known_at_once_and_of_its_organization_only() {
        // D12
        let (signals, acme, globex) = (Signals::default(), OrgId::new(uuid(1)), OrgId::new(uuid(2)));
        let before = signals.moment();
        signals.pages_changed(acme);
        assert!(!signals.is_withdrawn_since(acme, before), "changed, not withdrawn");
        signals.clone().pages_withdrawn(acme);
        assert!(signals.is_withdrawn_since(acme, before));
        assert!(!signals.is_withdrawn_since(globex, before));
        assert!(!signals.is_withdrawn_since(acme, signals.moment()), "read afterwards");
    }

    fn uuid(number: u128) -> uuid::Uuid {
        uuid::Uuid::from_u128(number)
    }
}
