//! The cap of simultaneous checks per target host. Keeps an entry only for hosts that are being checked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;

/// One semaphore per host in use.
#[derive(Debug)]
pub(crate) struct HostSlots {
    per_host: usize,
    hosts: Mutex<HashMap<Arc<str>, Arc<Semaphore>>>,
}

/// A place at one host, or in the queue for it; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Slot<'a> {
    slots: &'a HostSlots,
    host: Arc<str>,
    places: Arc<Semaphore>,
    is_taken: bool,
}

impl HostSlots {
    /// `per_host` 0 means no cap.
    pub(crate) fn new(per_host: usize) -> Self {
        Self { per_host, hosts: Mutex::default() }
    }

    /// Waits for a place. `None`: there is no cap.
    pub(crate) async fn take(&self, host: &str) -> Option<Slot<'_>> {
        if self.per_host == 0 {
            return None;
        }
        let mut slot = self.queue(host);
        if let Ok(permit) = slot.places.acquire().await {
            permit.forget();
            slot.is_taken = true;
        }
        Some(slot)
    }

    fn queue(&self, host: &str) -> Slot<'_> {
        let mut hosts = self.lock();
        let (host, places) = if let Some((host, places)) = hosts.get_key_value(host) {
            (Arc::clone(host), Arc::clone(places))
        } else {
            let host = Arc::<str>::from(host);
            let places = Arc::new(Semaphore::new(self.per_host));
            hosts.insert(Arc::clone(&host), Arc::clone(&places));
            (host, places)
        };
        Slot { slots: self, host, places, is_taken: false }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Semaphore>>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot<'_> {
    pub(crate) fn is_for(&self, host: &str) -> bool {
        &*self.host == host
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut hosts = self.slots.lock();
        if self.is_taken {
            self.places.add_permits(1);
        }
        // The map and we: nobody else is there. Clones are made under the same lock.
        if Arc::strong_count(&self.places) == 2 {
            hosts.remove(&self.host);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_host_has_so_many_places_and_the_map_is_empty_afterwards() {
        let slots = HostSlots::new(2);
        let first = slots.take("a.example").await.unwrap();
        let second = slots.take("a.example").await.unwrap();
        assert!(first.is_for("a.example") && !first.is_for("b.example"));
        let other = slots.take("b.example").await;
        let third = tokio::time::timeout(Duration::from_millis(50), slots.take("a.example")).await;
        assert!(third.is_err(), "the third has to wait");
        drop(first);
        let third = tokio::time::timeout(Duration::from_millis(50), slots.take("a.example")).await.unwrap();
        assert_eq!(slots.lock().len(), 2);
        drop((second, third, other));
        assert_eq!(slots.lock().len(), 0, "no entry stays behind");
    }

    #[tokio::test]
    async fn nought_means_no_cap() {
        let slots = HostSlots::new(0);
        assert!(slots.take("a.example").await.is_none());
        assert_eq!(slots.lock().len(), 0);
    }
}
