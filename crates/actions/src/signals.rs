//! Hints sent after a commit: wake the notifier, wake the scheduler, drop a cached page. Losing one costs a few
//! seconds, never data: every receiver also looks on its own (F-10).

use std::sync::Arc;

use domain::id::OrgId;
use tokio::sync::{Notify, broadcast};

/// Shared by actions and the loops; cheap to clone.
#[derive(Clone)]
pub struct Signals {
    outbox: Arc<Notify>,
    schedule: Arc<Notify>,
    pages: broadcast::Sender<OrgId>,
}

impl Default for Signals {
    fn default() -> Self {
        Self { outbox: Arc::default(), schedule: Arc::default(), pages: broadcast::channel(1024).0 }
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

    pub fn changed_pages(&self) -> broadcast::Receiver<OrgId> {
        self.pages.subscribe()
    }
}
