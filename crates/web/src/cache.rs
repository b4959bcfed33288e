//! Rendered public pages: bytes that are made once and sent many times.
//!
//! 1. Fresh: the bytes are sent; no query, no rendering.
//! 2. Older than five seconds, or something changed: one request renders anew, the others get the old bytes meanwhile.
//! 3. The database is away: the last good page is sent with its age on it, for a day (F-04).

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use askama::Template;
use domain::id::OrgId;
use domain::time::Timestamp;
use moka::future::Cache;
use tokio::sync::Mutex;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::assets::Precompressed;
use crate::view::public::StatusPage;

/// A change made by another process (a command of the operator, another replica) shows after this time at the latest.
const FRESH: Duration = Duration::from_secs(5);
/// How long a page may stand in for a database that is away.
const LAST_GOOD: Duration = Duration::from_hours(24);
/// Pages kept at most; those not asked for go first.
const CAPACITY: u64 = 10_000;

/// A page by the slugs it was asked for; `None`: the default page.
pub type Key = (String, Option<String>);

/// What a load gives for the cache to keep.
pub struct Loaded {
    pub organization: OrgId,
    pub view: StatusPage,
    pub at: Timestamp,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct PageCache(Arc<Inner>);

struct Inner {
    entries: Cache<Key, Arc<Entry>>,
    /// Counts all changes.
    clock: AtomicU64,
    /// The newest change of each organization, by `clock`; a page loaded before it is not fresh.
    changes: RwLock<HashMap<OrgId, u64>>,
    /// Up to here changes may have been missed, of whichever organization.
    missed: AtomicU64,
}

#[derive(Default)]
struct Entry {
    snapshot: RwLock<Option<Arc<Snapshot>>>,
    /// Held by the request that renders.
    turn: Mutex<()>,
}

struct Snapshot {
    bytes: Precompressed,
    loaded: Loaded,
    /// When it was loaded; `shown_at` moves on while it stands in for a database that is away.
    loaded_at: Instant,
    shown_at: Instant,
    /// The cache's clock before the load.
    as_of: u64,
}

impl Default for PageCache {
    fn default() -> Self {
        Self(Arc::new(Inner {
            entries: Cache::builder().max_capacity(CAPACITY).time_to_idle(LAST_GOOD).build(),
            clock: AtomicU64::new(0),
            changes: RwLock::default(),
            missed: AtomicU64::new(0),
        }))
    }
}

impl PageCache {
    /// The bytes of a page; `load` runs when there are none that are fresh, and gives `None` for a page that a
    /// stranger may not see (its bytes are then forgotten).
    pub async fn get<E>(
        &self,
        key: Key,
        load: impl AsyncFnOnce() -> Result<Option<Loaded>, E>,
        is_outage: impl Fn(&E) -> bool,
    ) -> Result<Option<Precompressed>, E> {
        if let Some(entry) = self.0.entries.get(&key).await {
            let known = entry.current();
            if let Some(snapshot) = known.as_ref().filter(|snapshot| self.is_fresh(snapshot)) {
                return Ok(Some(snapshot.bytes.clone()));
            }
            if let Some(snapshot) = known {
                // Somebody renders already: the old page is better than a queue.
                let Ok(_turn) = entry.turn.try_lock() else { return Ok(Some(snapshot.bytes.clone())) };
                return self.refresh(&key, &entry, load, is_outage).await;
            }
        }
        let entry = self.0.entries.get_with(key.clone(), async { Arc::default() }).await;
        let _turn = entry.turn.lock().await;
        // While waiting for the turn another request may have rendered it.
        if let Some(snapshot) = entry.current().filter(|snapshot| self.is_fresh(snapshot)) {
            return Ok(Some(snapshot.bytes.clone()));
        }
        self.refresh(&key, &entry, load, is_outage).await
    }

    async fn refresh<E>(
        &self,
        key: &Key,
        entry: &Entry,
        load: impl AsyncFnOnce() -> Result<Option<Loaded>, E>,
        is_outage: impl Fn(&E) -> bool,
    ) -> Result<Option<Precompressed>, E> {
        // Read before the load: a change during it makes the result old at once.
        let as_of = self.0.clock.load(Ordering::Acquire);
        match load().await {
            Ok(Some(loaded)) => {
                let now = Instant::now();
                let bytes = render(&loaded.view);
                entry.put(Snapshot { bytes: bytes.clone(), loaded, loaded_at: now, shown_at: now, as_of });
                Ok(Some(bytes))
            }
            Ok(None) => {
                self.0.entries.invalidate(key).await;
                Ok(None)
            }
            Err(error) => match entry.current() {
                // Only while nothing is known to have changed: it may have been made private (D12).
                Some(old)
                    if is_outage(&error) && self.is_newest(&old) && old.loaded_at.elapsed() < LAST_GOOD =>
                {
                    Ok(Some(entry.stand_in(&old)))
                }
                _ => {
                    self.0.entries.invalidate(key).await;
                    Err(error)
                }
            },
        }
    }

    fn is_fresh(&self, snapshot: &Snapshot) -> bool {
        snapshot.shown_at.elapsed() < FRESH && self.is_newest(snapshot)
    }

    /// No change is known that came after it.
    fn is_newest(&self, snapshot: &Snapshot) -> bool {
        snapshot.as_of >= self.0.missed.load(Ordering::Acquire)
            && snapshot.as_of >= self.change_of(snapshot.loaded.organization)
    }

    fn change_of(&self, organization: OrgId) -> u64 {
        let changes = self.0.changes.read().unwrap_or_else(PoisonError::into_inner);
        changes.get(&organization).copied().unwrap_or(0)
    }

    fn note_change(&self, organization: OrgId) {
        let mut changes = self.0.changes.write().unwrap_or_else(PoisonError::into_inner);
        changes.insert(organization, self.0.clock.fetch_add(1, Ordering::AcqRel) + 1);
    }

    /// Everything is loaded anew when it is asked for next.
    pub fn forget_all(&self) {
        self.0.missed.store(self.0.clock.fetch_add(1, Ordering::AcqRel) + 1, Ordering::Release);
    }

    /// Listens for changes until the sender is gone.
    pub async fn follow(self, mut changed: Receiver<OrgId>) {
        loop {
            match changed.recv().await {
                Ok(organization) => self.note_change(organization),
                Err(RecvError::Lagged(_)) => self.forget_all(),
                Err(RecvError::Closed) => return,
            }
        }
    }
}

impl Entry {
    fn current(&self) -> Option<Arc<Snapshot>> {
        self.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, snapshot: Snapshot) {
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(snapshot));
    }

    /// The old page with its age in the place where "Checked 12 s ago" stands.
    fn stand_in(&self, old: &Snapshot) -> Precompressed {
        let mut view = old.loaded.view.clone();
        view.headline.checked = format!(
            "Data as of {}. Newer data cannot be loaded right now.",
            crate::words::instant(old.loaded.at)
        );
        let bytes = render(&view);
        self.put(Snapshot {
            bytes: bytes.clone(),
            loaded: Loaded {
                organization: old.loaded.organization,
                view: old.loaded.view.clone(),
                at: old.loaded.at,
            },
            loaded_at: old.loaded_at,
            shown_at: Instant::now(),
            as_of: old.as_of,
        });
        bytes
    }
}

fn render(view: &StatusPage) -> Precompressed {
    // Writing into a String fails only when a Display implementation does; ours do not.
    Precompressed::new(view.render().unwrap_or_default())
}
