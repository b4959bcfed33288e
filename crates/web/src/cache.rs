//! Rendered public pages: bytes that are made once and sent many times.
//!
//! 1. Fresh: the bytes are sent; no query, no rendering.
//! 2. Older than five seconds, or something changed: one request renders anew, the others get the old bytes meanwhile,
//!    unless these are very old.
//! 3. Something was withdrawn, so that the old bytes may not be shown (D12): everybody waits for the new ones.
//! 4. The database is away: the last good page is sent with its age on it, for a day (F-04).

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use actions::signals::{Moment, Signals};
use askama::Template;
use domain::id::{IncidentId, OrgId};
use domain::time::Timestamp;
use moka::future::Cache;
use tokio::sync::Mutex;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::assets::Precompressed;
use crate::public::figures::Figures;
use crate::view::public::{IncidentPage, StatusPage};

/// A change made by another process (a command of the operator, another replica) shows after this time at the latest.
const FRESH: Duration = Duration::from_secs(5);
/// A page older than this is not shown while another request renders it.
const MEANWHILE: Duration = Duration::from_secs(30);
/// How long a page may stand in for a database that is away.
const LAST_GOOD: Duration = Duration::from_hours(24);
/// Pages and incidents kept at most; those not asked for go first.
const CAPACITY: u64 = 10_000;

/// What was asked for, by the slugs in the address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    pub organization: String,
    /// `None`: the default page.
    pub page: Option<String>,
    pub output: Output,
}

/// The surfaces of a page that are made once and sent many times (`ux.md` 1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Output {
    Page,
    Incident(IncidentId),
    /// Of the Statuspage-compatible API.
    Status,
    Components,
    /// The Atom feed.
    History,
    /// What badges are drawn from.
    Figures,
}

/// What is rendered.
#[derive(Debug, Clone)]
pub enum View {
    Page(Box<StatusPage>),
    Incident(Box<IncidentPage>),
    /// A document for machines; the time in it says how old it is.
    Document(String),
    /// Rendered anew for each badge: what is written on one comes from its address.
    Figures(Arc<Figures>),
}

/// What a load gives for the cache to keep.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub organization: OrgId,
    pub view: View,
    pub at: Timestamp,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct PageCache(Arc<Inner>);

struct Inner {
    entries: Cache<Key, Arc<Entry>>,
    signals: Signals,
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

#[derive(Clone)]
struct Snapshot {
    bytes: Precompressed,
    loaded: Loaded,
    /// When it was loaded; `shown_at` moves on while it stands in for a database that is away.
    loaded_at: Instant,
    shown_at: Instant,
    as_of: AsOf,
}

/// Read before a load: a change during it makes the result old at once.
#[derive(Clone, Copy)]
struct AsOf {
    /// The cache's clock.
    changes: u64,
    withdrawals: Moment,
}

impl PageCache {
    /// `signals` tell what was withdrawn; changes come by [`Self::follow`].
    pub fn new(signals: Signals) -> Self {
        Self(Arc::new(Inner {
            entries: Cache::builder().max_capacity(CAPACITY).time_to_idle(LAST_GOOD).build(),
            signals,
            clock: AtomicU64::new(0),
            changes: RwLock::default(),
            missed: AtomicU64::new(0),
        }))
    }

    /// The bytes of a page; `load` runs when there are none that are fresh, and gives `None` for a page that a
    /// stranger may not see (its bytes are then forgotten).
    pub async fn get<E, F: Future<Output = Result<Option<Loaded>, E>>>(
        &self,
        key: &Key,
        load: impl Fn() -> F,
        is_outage: impl Fn(&E) -> bool,
    ) -> Result<Option<Precompressed>, E> {
        Ok(self.snapshot(key, load, is_outage).await?.map(|snapshot| snapshot.bytes.clone()))
    }

    /// Like [`Self::get`], for what is drawn from figures. `None` also for a key of another output.
    pub async fn figures<E, F: Future<Output = Result<Option<Loaded>, E>>>(
        &self,
        key: &Key,
        load: impl Fn() -> F,
        is_outage: impl Fn(&E) -> bool,
    ) -> Result<Option<Arc<Figures>>, E> {
        let found = self.snapshot(key, load, is_outage).await?;
        Ok(found.and_then(|snapshot| match &snapshot.loaded.view {
            View::Figures(figures) => Some(Arc::clone(figures)),
            _ => None,
        }))
    }

    async fn snapshot<E, F: Future<Output = Result<Option<Loaded>, E>>>(
        &self,
        key: &Key,
        load: impl Fn() -> F,
        is_outage: impl Fn(&E) -> bool,
    ) -> Result<Option<Arc<Snapshot>>, E> {
        let entry = match self.0.entries.get(key).await {
            Some(entry) => entry,
            None => self.0.entries.get_with(key.clone(), async { Arc::default() }).await,
        };
        if let Some(snapshot) = entry.current().filter(|snapshot| self.is_fresh(snapshot)) {
            return Ok(Some(snapshot));
        }
        let _turn = match entry.turn.try_lock() {
            Ok(turn) => turn,
            // Somebody renders already: the old page is better than a queue, where it may be shown at all. Looked up only
            // now, so that it is not one that was forgotten meanwhile.
            Err(_) => match entry.current().filter(|snapshot| self.is_good_meanwhile(snapshot)) {
                Some(snapshot) => return Ok(Some(snapshot)),
                None => entry.turn.lock().await,
            },
        };
        // While waiting for the turn another request may have rendered it.
        if let Some(snapshot) = entry.current().filter(|snapshot| self.is_fresh(snapshot)) {
            return Ok(Some(snapshot));
        }
        self.refresh(key, &entry, load, is_outage).await
    }

    async fn refresh<E, F: Future<Output = Result<Option<Loaded>, E>>>(
        &self,
        key: &Key,
        entry: &Entry,
        load: impl Fn() -> F,
        is_outage: impl Fn(&E) -> bool,
    ) -> Result<Option<Arc<Snapshot>>, E> {
        let mut as_of = self.as_of();
        let mut result = load().await;
        if let Ok(Some(loaded)) = &result
            && self.0.signals.is_withdrawn_since(loaded.organization, as_of.withdrawals)
        {
            // It may have been read just before it was made private.
            as_of = self.as_of();
            result = load().await;
        }
        match result {
            Ok(Some(loaded)) => {
                let now = Instant::now();
                let bytes = loaded.view.render();
                Ok(Some(entry.put(Snapshot { bytes, loaded, loaded_at: now, shown_at: now, as_of })))
            }
            Ok(None) => {
                self.forget(key, entry).await;
                Ok(None)
            }
            Err(error) => match entry.current() {
                Some(old)
                    if is_outage(&error)
                        && self.may_be_shown(&old)
                        && old.loaded_at.elapsed() < LAST_GOOD =>
                {
                    Ok(Some(entry.stand_in(&old, as_of.changes)))
                }
                _ => {
                    self.forget(key, entry).await;
                    Err(error)
                }
            },
        }
    }

    /// Also for those who hold the entry already.
    async fn forget(&self, key: &Key, entry: &Entry) {
        entry.clear();
        self.0.entries.invalidate(key).await;
    }

    fn as_of(&self) -> AsOf {
        AsOf { changes: self.0.clock.load(Ordering::Acquire), withdrawals: self.0.signals.moment() }
    }

    fn is_fresh(&self, snapshot: &Snapshot) -> bool {
        snapshot.shown_at.elapsed() < FRESH && self.is_newest(snapshot) && self.may_be_shown(snapshot)
    }

    fn is_good_meanwhile(&self, snapshot: &Snapshot) -> bool {
        snapshot.shown_at.elapsed() < MEANWHILE && self.may_be_shown(snapshot)
    }

    /// Nothing of its organization was withdrawn since it was loaded (D12).
    fn may_be_shown(&self, snapshot: &Snapshot) -> bool {
        let moment = snapshot.as_of.withdrawals;
        !self.0.signals.is_withdrawn_since(snapshot.loaded.organization, moment)
    }

    /// No change is known that came after it.
    fn is_newest(&self, snapshot: &Snapshot) -> bool {
        snapshot.as_of.changes >= self.0.missed.load(Ordering::Acquire)
            && snapshot.as_of.changes >= self.change_of(snapshot.loaded.organization)
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

    fn put(&self, snapshot: Snapshot) -> Arc<Snapshot> {
        let snapshot = Arc::new(snapshot);
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&snapshot));
        snapshot
    }

    fn clear(&self) {
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The old page with its age on it. Stands for the changes up to `changes` too, so that not every request asks the
    /// database that is away.
    fn stand_in(&self, old: &Snapshot, changes: u64) -> Arc<Snapshot> {
        self.put(Snapshot {
            bytes: old.loaded.view.aged(old.loaded.at).render(),
            shown_at: Instant::now(),
            as_of: AsOf { changes, ..old.as_of },
            ..old.clone()
        })
    }
}

impl View {
    fn render(&self) -> Precompressed {
        let text = match self {
            Self::Page(view) => view.render(),
            Self::Incident(view) => view.render(),
            Self::Document(text) => return Precompressed::new(text.clone()),
            Self::Figures(_) => return Precompressed::plain(""),
        };
        // Writing into a String fails only when a Display implementation does; ours do not.
        Precompressed::new(text.unwrap_or_default())
    }

    /// With its age: where "Checked 12 s ago" stands, and at the foot of an incident.
    fn aged(&self, at: Timestamp) -> Self {
        let age = format!("Data as of {}. Newer data cannot be loaded right now.", crate::words::instant(at));
        let mut aged = self.clone();
        match &mut aged {
            Self::Page(view) => view.headline.checked = age,
            Self::Incident(view) => view.page.watched = age,
            Self::Document(_) | Self::Figures(_) => {}
        }
        aged
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
