//! Turns at a host: so many checks at once, and a pause between two starts, over all organizations (T-19). Whoever has
//! to wait is served in the order of who was served longest ago, organizations first, so that a crowd takes nobody's
//! turn.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::id::{MonitorId, OrgId};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// Checks that wait at one host. Each holds a place among all checks in flight, so a host that everybody watches must
/// not collect them.
const MAX_WAITING: usize = 64;
/// Organizations and monitors per host whose last turn is remembered; a forgotten one comes first.
const MAX_REMEMBERED: usize = 1024;
/// From so many hosts on, those that nobody needs are removed.
const TIDY_FROM: usize = 1024;

/// What one host has to bear.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Checks at once. 0: no limit.
    pub(crate) at_once: usize,
    /// Between the starts of two checks. Zero: none.
    pub(crate) gap: Duration,
}

/// What counts as one host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Host {
    Name(String),
    Address(IpAddr),
}

/// Whose check it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Who {
    pub(crate) organization: OrgId,
    pub(crate) monitor: MonitorId,
}

/// No turn came in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoTurn;

#[derive(Debug)]
pub(crate) struct Turns {
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    hosts: HashMap<Host, Queue>,
    tidy_from: usize,
    arrivals: u64,
}

#[derive(Debug)]
struct Queue {
    running: usize,
    /// The next check starts no earlier.
    opens_at: Instant,
    /// In the order of arrival.
    waiting: Vec<(u64, Who)>,
    changed: Arc<Notify>,
    turns: u64,
    organizations: HashMap<OrgId, u64>,
    monitors: HashMap<MonitorId, u64>,
}

/// A check at a host, or one that waits for it; dropping it lets the next one in.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    turns: &'a Turns,
    host: Host,
    arrival: u64,
    changed: Arc<Notify>,
    is_running: bool,
}

/// What a look at the queue says.
enum Look {
    Started,
    /// Not before this instant.
    Not(Instant),
    /// Others come first, or all places are taken.
    Later,
    /// Others that were served longer ago have taken the place in the queue.
    PushedOut,
}

impl Turns {
    pub(crate) fn new(limits: Limits) -> Self {
        let state = State { hosts: HashMap::new(), tidy_from: TIDY_FROM, arrivals: 0 };
        Self { limits, state: Mutex::new(state) }
    }

    /// Waits for a turn, `until` then at the latest. `None`: there are no limits.
    pub(crate) async fn take(
        &self,
        host: Host,
        who: Who,
        until: Instant,
    ) -> Result<Option<Turn<'_>>, NoTurn> {
        if self.limits.at_once == 0 && self.limits.gap.is_zero() {
            return Ok(None);
        }
        let mut turn = self.arrive(host, who);
        let changed = Arc::clone(&turn.changed);
        while !turn.is_running {
            let mut change = pin!(changed.notified());
            // From here on no change is missed.
            change.as_mut().enable();
            let wake_at = match turn.look() {
                Look::Started => break,
                Look::Not(opens_at) => opens_at.min(until),
                Look::Later => until,
                Look::PushedOut => return Err(NoTurn),
            };
            let is_over = timeout_at(wake_at, change).await.is_err() && Instant::now() >= until;
            if is_over && !matches!(turn.look(), Look::Started) {
                return Err(NoTurn);
            }
        }
        Ok(Some(turn))
    }

    /// Starts at once where nobody waits, else joins the queue.
    fn arrive(&self, host: Host, who: Who) -> Turn<'_> {
        let now = Instant::now();
        let mut state = self.lock();
        state.tidy(now);
        state.arrivals += 1;
        let arrival = state.arrivals;
        let queue = state.hosts.entry(host.clone()).or_insert_with(|| Queue::new(now));
        let is_running = queue.waiting.is_empty() && self.is_open(queue, now);
        if is_running {
            queue.start(now + self.limits.gap);
        } else {
            queue.waiting.push((arrival, who));
            queue.push_out();
        }
        Turn { turns: self, host, arrival, changed: Arc::clone(&queue.changed), is_running }
    }

    const fn has_place(&self, queue: &Queue) -> bool {
        self.limits.at_once == 0 || queue.running < self.limits.at_once
    }

    fn is_open(&self, queue: &Queue, now: Instant) -> bool {
        self.has_place(queue) && queue.opens_at <= now
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn tidy(&mut self, now: Instant) {
        if self.hosts.len() >= self.tidy_from {
            self.hosts.retain(|_, queue| !queue.is_idle(now));
            self.tidy_from = TIDY_FROM.max(2 * self.hosts.len());
        }
    }
}

impl Queue {
    fn new(now: Instant) -> Self {
        Self {
            running: 0,
            opens_at: now,
            waiting: Vec::new(),
            changed: Arc::default(),
            turns: 0,
            organizations: HashMap::new(),
            monitors: HashMap::new(),
        }
    }

    fn is_idle(&self, now: Instant) -> bool {
        self.running == 0 && self.waiting.is_empty() && self.opens_at <= now
    }

    fn start(&mut self, opens_at: Instant) {
        self.running += 1;
        self.opens_at = opens_at;
    }

    /// Smaller comes first.
    fn rank(&self, (arrival, who): (u64, Who)) -> (u64, u64, u64) {
        let organization = self.organizations.get(&who.organization).copied().unwrap_or(0);
        let monitor = self.monitors.get(&who.monitor).copied().unwrap_or(0);
        (organization, monitor, arrival)
    }

    fn first(&self) -> Option<(u64, Who)> {
        self.waiting.iter().copied().min_by_key(|waiting| self.rank(*waiting))
    }

    /// Ends the wait of whoever would come last, when too many wait.
    fn push_out(&mut self) {
        if self.waiting.len() > MAX_WAITING
            && let Some((last, _)) = self.waiting.iter().copied().max_by_key(|waiting| self.rank(*waiting))
        {
            self.waiting.retain(|(arrival, _)| *arrival != last);
            self.changed.notify_waiters();
        }
    }

    /// Only turns that were waited for are noted: without a queue there is nothing to be fair about.
    fn note(&mut self, who: Who) {
        self.turns += 1;
        note(&mut self.organizations, who.organization, self.turns);
        note(&mut self.monitors, who.monitor, self.turns);
    }
}

/// Forgets the oldest when there are too many.
fn note<K: Copy + Eq + Hash>(noted: &mut HashMap<K, u64>, key: K, turn: u64) {
    noted.insert(key, turn);
    if noted.len() > MAX_REMEMBERED
        && let Some(oldest) = noted.iter().min_by_key(|(_, turn)| **turn).map(|(key, _)| *key)
    {
        noted.remove(&oldest);
    }
}

impl Turn<'_> {
    pub(crate) const fn host(&self) -> &Host {
        &self.host
    }

    /// Starts when it is this one's turn.
    fn look(&mut self) -> Look {
        let now = Instant::now();
        let mut state = self.turns.lock();
        let Some(queue) = state.hosts.get_mut(&self.host) else { return Look::PushedOut };
        let own = queue.waiting.iter().copied().find(|(arrival, _)| *arrival == self.arrival);
        let Some((_, who)) = own else { return Look::PushedOut };
        if !self.turns.has_place(queue) {
            return Look::Later;
        }
        if queue.opens_at > now {
            return Look::Not(queue.opens_at);
        }
        if queue.first().is_none_or(|(arrival, _)| arrival != self.arrival) {
            return Look::Later;
        }
        queue.waiting.retain(|(arrival, _)| *arrival != self.arrival);
        queue.note(who);
        queue.start(now + self.turns.limits.gap);
        queue.changed.notify_waiters();
        self.is_running = true;
        Look::Started
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut state = self.turns.lock();
        let Some(queue) = state.hosts.get_mut(&self.host) else { return };
        if self.is_running {
            queue.running -= 1;
        } else {
            queue.waiting.retain(|(arrival, _)| *arrival != self.arrival);
        }
        queue.changed.notify_waiters();
        if queue.is_idle(now) {
            state.hosts.remove(&self.host);
        }
    }
}

#[cfg(test)]
mod tests;
