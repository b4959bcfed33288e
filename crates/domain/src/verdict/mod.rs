//! Verdict: turns a stream of check results into confirmed states, flips and state intervals (`peers.md` D1–D3, D10).
//! A pure state machine; the store applies its edits to the table of state intervals.

pub mod dependence;
pub mod flapping;

use crate::check::CheckStatus;
use crate::monitor::{Monitor, MonitorState};
use crate::time::Timestamp;

/// What a monitor's owner asked for, with the interval that is really run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Consecutive results that confirm that things got worse (D1); below 1 counts as 1.
    pub failures_to_open: i32,
    /// Consecutive results that confirm that things got better (D2); below 1 counts as 1.
    pub successes_to_close: i32,
    /// From the first failure of a run to the one that may confirm an outage (D10); 0: the number alone decides.
    pub min_outage_ms: i64,
    /// Between two checks; see [`watched_interval_ms`].
    pub interval_ms: i64,
    pub timeout_ms: i64,
}

impl Policy {
    /// `interval_seconds` is the clamped one, not the one asked for (X43).
    pub fn of(monitor: &Monitor, interval_seconds: i32) -> Self {
        Self {
            failures_to_open: monitor.failures_to_open,
            successes_to_close: monitor.successes_to_close,
            min_outage_ms: i64::from(monitor.min_outage_seconds) * 1000,
            interval_ms: watched_interval_ms(interval_seconds, monitor.planned_interval_seconds),
            timeout_ms: i64::from(monitor.timeout_seconds) * 1000,
        }
    }

    /// Two results further apart than this did not watch the time between them (F-14).
    pub const fn gap_ms(self) -> i64 {
        2 * self.interval_ms + self.timeout_ms + 60_000
    }
}

/// The interval that the time since the last result was watched at: the longer one of what is in force now and what
/// the next check was planned with. Otherwise an interval that was just shortened would declare the time before it
/// unwatched.
pub const fn watched_interval_ms(in_force_seconds: i32, planned_seconds: i32) -> i64 {
    let seconds = if in_force_seconds > planned_seconds { in_force_seconds } else { planned_seconds };
    // Widening; `i64::from` is not const.
    seconds as i64 * 1000
}

/// All that the rule remembers of a monitor's past; the fields of the same name in [`Monitor`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MonitorVerdict {
    pub state: MonitorState,
    /// First check of the run that led to `state`. `None` as long as that is `NoData`.
    pub state_since: Option<Timestamp>,
    /// Newest result of the run.
    pub run_status: Option<CheckStatus>,
    /// Results in a row that say the same; while the monitor is down, `up` and `degraded` both say "not down".
    pub run_length: i32,
    pub run_started_at: Option<Timestamp>,
    /// Newest check that told something; checks without data do not move it.
    pub last_checked_at: Option<Timestamp>,
    /// See [`flapping`]; set by whoever knows the state intervals, taken back here.
    pub flapping_since: Option<Timestamp>,
}

/// A confirmed change of a monitor's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flip {
    pub from: MonitorState,
    pub to: MonitorState,
    /// The first check of the run that confirmed it, so earlier than the moment it was confirmed (D3).
    pub at: Timestamp,
}

/// One change to the monitor's state intervals, in the order given. At most one interval is open at a time, an
/// interval may turn out empty, and time without an interval is time without data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// End the open interval.
    Close { at: Timestamp },
    /// Forget what was recorded after `at`, the open interval included: the clock was set back, and that time is
    /// lived once more (F-07).
    Rewind { at: Timestamp },
    /// Begin an open one.
    Open { state: MonitorState, at: Timestamp },
}

/// What one result changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub verdict: MonitorVerdict,
    pub flip: Option<Flip>,
    pub edits: Vec<Edit>,
}

impl MonitorVerdict {
    pub fn of(monitor: &Monitor) -> Self {
        Self {
            state: monitor.state,
            state_since: monitor.state_since,
            run_status: monitor.run_status,
            run_length: monitor.run_length,
            run_started_at: monitor.run_started_at,
            last_checked_at: monitor.last_checked_at,
            flapping_since: monitor.flapping_since,
        }
    }

    /// The state as far as is known at `now`: results that are overdue by more than the gap make it `NoData`
    /// (F-13, F-14).
    pub fn state_at(&self, policy: Policy, now: Timestamp) -> MonitorState {
        let is_known = self.last_checked_at.is_some_and(|last| now.since(last) <= policy.gap_ms());
        if is_known { self.state } else { MonitorState::NoData }
    }

    /// Where the open interval has to be cut for now: at `now`, or one interval after the last result when
    /// further results are overdue by more than the gap (F-14). The same instant a later result will store.
    pub fn known_until(&self, policy: Policy, now: Timestamp) -> Timestamp {
        match self.last_checked_at {
            Some(last) if now.since(last) > policy.gap_ms() => last.plus_ms(policy.interval_ms),
            Some(_) | None => now,
        }
    }

    fn forget_run(&mut self) {
        self.run_status = None;
        self.run_length = 0;
        self.run_started_at = None;
    }

    fn extend_run(&mut self, status: CheckStatus, at: Timestamp) {
        if self.run_status.is_some_and(|before| says_the_same(self.state, before, status)) {
            self.run_length = self.run_length.saturating_add(1);
        } else {
            self.run_length = 1;
            self.run_started_at = Some(at);
        }
        self.run_status = Some(status);
    }
}

/// What lies between the last result and a new one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Between {
    /// Nothing in particular: the time was watched.
    Watched,
    /// Nobody watched from this instant on (F-14).
    Gap(Timestamp),
    /// The new result is older than the last one by more than a gap: the clock was set back, or had been ahead for
    /// a while (F-07).
    SetBack,
}

impl MonitorVerdict {
    /// `None`: a result as old as the last one or a little older tells nothing new.
    fn between(&self, at: Timestamp, policy: Policy) -> Option<Between> {
        let Some(last) = self.last_checked_at else { return Some(Between::Watched) };
        if last.since(at) > policy.gap_ms() {
            return Some(Between::SetBack);
        }
        if at <= last {
            return None;
        }
        let known_until = self.known_until(policy, at);
        Some(if known_until == at { Between::Watched } else { Between::Gap(known_until) })
    }
}

/// Takes in one result.
///
/// 1. No data, or not newer than the last result: nothing changes.
/// 2. After a gap the run starts anew and the unwatched time gets no interval; the state is kept. After the clock was
///    set back the same holds, and what was recorded for the time that comes once more is forgotten.
/// 3. The run is long enough for another state, in number and for an outage in time (D10): flip, dated at the first
///    check of the run (D3).
/// 4. No flip for long enough: the monitor is no longer flapping.
pub fn advance(verdict: &MonitorVerdict, status: CheckStatus, at: Timestamp, policy: Policy) -> Step {
    let mut next = verdict.clone();
    let between = if status == CheckStatus::NoData { None } else { verdict.between(at, policy) };
    let Some(between) = between else { return Step { verdict: next, flip: None, edits: Vec::new() } };
    let is_broken = between != Between::Watched;
    if is_broken {
        next.forget_run();
    }
    if between == Between::SetBack {
        next.state_since = verdict.state_since.map(|since| since.min(at));
    }
    next.extend_run(status, at);
    next.last_checked_at = Some(at);

    let from = verdict.state;
    let since = next.run_started_at.unwrap_or(at);
    let to = confirmed(from, status, Run { length: next.run_length, lasted_ms: at.since(since) }, policy);
    let is_flip = to != from;
    let mut edits = Vec::new();
    match between {
        Between::SetBack => edits.push(Edit::Rewind { at }),
        Between::Gap(known_until) if from != MonitorState::NoData => {
            edits.push(Edit::Close { at: known_until });
        }
        Between::Watched if is_flip && from != MonitorState::NoData => edits.push(Edit::Close { at: since }),
        Between::Gap(_) | Between::Watched => {}
    }
    if to != MonitorState::NoData && (is_flip || is_broken) {
        edits.push(Edit::Open { state: to, at: since });
    }
    if is_flip {
        next.state = to;
        next.state_since = Some(since);
    } else {
        next.flapping_since = flapping::after_quiet(next.flapping_since, next.state_since, at);
    }
    Step { verdict: next, flip: is_flip.then_some(Flip { from, to, at: since }), edits }
}

/// The monitor is no longer watched (paused, frozen, deleted): back to `NoData`, as if never checked. Results
/// from before `at` that come in later are ignored.
pub fn stop_watching(verdict: &MonitorVerdict, at: Timestamp, policy: Policy) -> Step {
    let next = MonitorVerdict {
        last_checked_at: verdict.last_checked_at.map(|last| last.max(at)),
        ..MonitorVerdict::default()
    };
    if verdict.state == MonitorState::NoData {
        return Step { verdict: next, flip: None, edits: Vec::new() };
    }
    let end = verdict.known_until(policy, at);
    Step {
        verdict: next,
        flip: Some(Flip { from: verdict.state, to: MonitorState::NoData, at: end }),
        edits: vec![Edit::Close { at: end }],
    }
}

/// While down, a slow answer is as good as a fast one: both argue for the end of the outage.
fn says_the_same(state: MonitorState, before: CheckStatus, now: CheckStatus) -> bool {
    match state {
        MonitorState::Down => (before == CheckStatus::Down) == (now == CheckStatus::Down),
        MonitorState::NoData | MonitorState::Up | MonitorState::Degraded => before == now,
    }
}

/// Equal results in a row: how many, and from the first one to the newest.
#[derive(Clone, Copy)]
struct Run {
    length: i32,
    lasted_ms: i64,
}

/// The state after a run that ends with `status`.
fn confirmed(state: MonitorState, status: CheckStatus, run: Run, policy: Policy) -> MonitorState {
    let to = match status {
        CheckStatus::Up => MonitorState::Up,
        CheckStatus::Degraded => MonitorState::Degraded,
        CheckStatus::Down => MonitorState::Down,
        CheckStatus::NoData => return state,
    };
    let needed = match (state, to) {
        // The first word on a monitor is believed, unless it is bad news.
        (MonitorState::NoData, MonitorState::Up | MonitorState::Degraded) => 1,
        (MonitorState::Down, _) | (MonitorState::Degraded, MonitorState::Up) => policy.successes_to_close,
        _ => policy.failures_to_open,
    };
    let is_long = to != MonitorState::Down || run.lasted_ms >= policy.min_outage_ms;
    if is_long && run.length >= needed.max(1) { to } else { state }
}

#[cfg(test)]
mod tests;
