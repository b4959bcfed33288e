//! The way of a check: jobs from the scheduler to the probes, reports from the probes to the ingest. This is the
//! shape inside one process; the three ends are all that the loops know of it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::check::{CheckJob, CheckReport};
use domain::id::OrgId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, timeout, timeout_at};

/// Reports that go into one transaction at most.
pub(crate) const BATCH: usize = 1000;
/// How long the first report of a batch waits for others.
const BATCH_WAIT: Duration = Duration::from_millis(250);
/// Reports that wait for the ingest; beyond that probes wait too, so that an outage of the database does not fill
/// the memory.
const WAITING_REPORTS: usize = 4 * BATCH;

/// A job with its places among the checks in flight, of all and of its organization; dropping it frees them.
#[derive(Debug)]
pub(crate) struct Leased {
    pub(crate) job: CheckJob,
    /// Until the slot; the probe waits.
    pub(crate) starts_in: Duration,
    /// Between two slots, when a failure is tried once more before it counts; `None`: it counts at once (F-13).
    pub(crate) second_try_within: Option<Duration>,
    place: Option<OwnedSemaphorePermit>,
    places: Arc<Semaphore>,
    _own_place: OwnPlace,
}

impl Leased {
    /// Frees the place for other checks; that of the organization is kept.
    pub(crate) fn leave(&mut self) {
        self.place = None;
    }

    /// Takes a place again; `false`: none became free within `limit`.
    pub(crate) async fn enter(&mut self, limit: Duration) -> bool {
        let place = timeout(limit, Arc::clone(&self.places).acquire_owned()).await;
        self.place = place.ok().and_then(Result::ok);
        self.place.is_some()
    }
}

/// How many checks each organization has in flight. Only organizations that have any stand here.
type InFlight = Arc<Mutex<HashMap<OrgId, usize>>>;

/// One of them.
#[derive(Debug)]
struct OwnPlace {
    in_flight: InFlight,
    organization: OrgId,
}

impl OwnPlace {
    /// `None`: the organization has `most` already.
    fn take(in_flight: &InFlight, organization: OrgId, most: usize) -> Option<Self> {
        let mut counts = in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(organization).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Self { in_flight: Arc::clone(in_flight), organization })
    }
}

impl Drop for OwnPlace {
    fn drop(&mut self) {
        let mut counts = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = counts.entry(self.organization) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// Free places for jobs.
#[derive(Debug)]
pub(crate) struct Places(OwnedSemaphorePermit);

impl Places {
    pub(crate) fn count(&self) -> usize {
        self.0.num_permits()
    }
}

/// The scheduler's end.
#[derive(Debug)]
pub(crate) struct Jobs {
    places: Arc<Semaphore>,
    in_flight: InFlight,
    most_of_one: usize,
    queue: mpsc::UnboundedSender<Leased>,
}

/// The probes' end.
#[derive(Debug)]
pub(crate) struct Work {
    queue: mpsc::UnboundedReceiver<Leased>,
    reports: mpsc::Sender<CheckReport>,
}

/// The ingest's end.
#[derive(Debug)]
pub(crate) struct Reports(mpsc::Receiver<CheckReport>);

/// A bus for at most `concurrency` checks in flight, at most half of them of one organization.
pub(crate) fn local(concurrency: usize) -> (Jobs, Work, Reports) {
    let places = Arc::new(Semaphore::new(concurrency.clamp(1, Semaphore::MAX_PERMITS)));
    // Bounded by the places.
    let (queue, jobs) = mpsc::unbounded_channel();
    let (reports, incoming) = mpsc::channel(WAITING_REPORTS);
    let most_of_one = concurrency.div_ceil(2).max(1);
    let jobs_end = Jobs { places, in_flight: InFlight::default(), most_of_one, queue };
    (jobs_end, Work { queue: jobs, reports }, Reports(incoming))
}

impl Jobs {
    /// Waits for a free place and takes all there are, up to `most`.
    pub(crate) async fn places(&self, most: usize) -> Option<Places> {
        let mut places = Arc::clone(&self.places).acquire_owned().await.ok()?;
        let more = self.places.available_permits().min(most.saturating_sub(1));
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        // A second try may have taken some meanwhile; one is enough to go on.
        if let Ok(more) = Arc::clone(&self.places).try_acquire_many_owned(more) {
            places.merge(more);
        }
        Some(Places(places))
    }

    /// Hands a job to the probes, with one of these places. `false`: its organization has no room for one more.
    pub(crate) fn dispatch(
        &self,
        job: CheckJob,
        starts_in: Duration,
        second_try_within: Option<Duration>,
        places: &mut Places,
    ) -> bool {
        let own_place = OwnPlace::take(&self.in_flight, job.organization_id, self.most_of_one);
        let Some(own_place) = own_place else { return false };
        if let Some(place) = places.0.split(1) {
            let places = Arc::clone(&self.places);
            let leased = Leased {
                job,
                starts_in,
                second_try_within,
                place: Some(place),
                places,
                _own_place: own_place,
            };
            // Without a probe the lease ends by itself.
            let _ = self.queue.send(leased);
        }
        true
    }
}

impl Work {
    /// The next job. `None`: the scheduler has ended and all jobs were pulled.
    pub(crate) async fn pull(&mut self) -> Option<Leased> {
        self.queue.recv().await
    }

    /// Where reports go.
    pub(crate) fn reports(&self) -> mpsc::Sender<CheckReport> {
        self.reports.clone()
    }
}

impl Reports {
    /// How many wait behind the batch that was taken last.
    pub(crate) fn waiting(&self) -> usize {
        self.0.len()
    }

    /// Some reports that may go into one transaction. `None`: the probes have ended and all reports were taken.
    pub(crate) async fn batch(&mut self) -> Option<Vec<CheckReport>> {
        let mut batch = Vec::new();
        if self.0.recv_many(&mut batch, BATCH).await == 0 {
            return None;
        }
        let full_at = Instant::now() + BATCH_WAIT;
        while batch.len() < BATCH {
            let room = BATCH - batch.len();
            match timeout_at(full_at, self.0.recv_many(&mut batch, room)).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => break,
            }
        }
        Some(batch)
    }
}

#[cfg(test)]
mod tests {
    use domain::check::Outcome;
    use domain::id::{MonitorId, OrgId, ServiceId};
    use domain::time::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn job(number: u128, organization: u128) -> CheckJob {
        CheckJob {
            organization_id: OrgId::new(Uuid::from_u128(organization)),
            service_id: ServiceId::new(Uuid::nil()),
            monitor_id: MonitorId::new(Uuid::from_u128(number)),
            slot_at: Timestamp::from_ms(0),
            url: String::new(),
            method: domain::monitor::Method::Get,
            expected_status: 200,
            timeout_ms: 1000,
            patience_ms: 1000,
            settings: None,
            secrets: None,
        }
    }

    #[tokio::test]
    async fn there_are_never_more_jobs_in_flight_than_places() {
        let (jobs, mut work, _reports) = local(3);
        let job = |number: u128| job(number, number);
        let mut places = jobs.places(2).await.unwrap();
        assert_eq!(places.count(), 2);
        assert!(jobs.dispatch(job(1), Duration::ZERO, None, &mut places));
        drop(places);
        let mut places = jobs.places(10).await.unwrap();
        assert_eq!(places.count(), 2, "one of three is in flight, the unused one came back");
        assert!(jobs.dispatch(job(2), Duration::ZERO, None, &mut places));
        assert!(jobs.dispatch(job(3), Duration::ZERO, None, &mut places));
        tokio::time::timeout(Duration::from_millis(50), jobs.places(1)).await.expect_err("all are in flight");
        drop(work.pull().await.unwrap());
        assert_eq!(jobs.places(10).await.unwrap().count(), 1);
    }

    #[tokio::test]
    async fn one_organization_gets_half_of_the_places() {
        // F-19
        let (jobs, mut work, _reports) = local(4);
        let mut places = jobs.places(4).await.unwrap();
        let mut takes = |number, organization| {
            jobs.dispatch(job(number, organization), Duration::ZERO, None, &mut places)
        };
        assert_eq!([takes(1, 1), takes(2, 1), takes(3, 1), takes(4, 2)], [true, true, false, true]);
        drop(work.pull().await.unwrap());
        assert!(takes(5, 1), "one of its checks has ended");
        drop(work);
        drop(places);
        assert_eq!(jobs.in_flight.lock().unwrap().len(), 0, "nobody is remembered");
    }

    #[tokio::test]
    async fn a_check_that_pauses_leaves_its_place_to_others() {
        let (jobs, mut work, _reports) = local(1);
        let mut places = jobs.places(1).await.unwrap();
        assert!(jobs.dispatch(job(1, 1), Duration::ZERO, Some(Duration::from_mins(1)), &mut places));
        drop(places);
        let mut pausing = work.pull().await.unwrap();
        pausing.leave();
        let places = jobs.places(1).await.unwrap();
        assert!(!pausing.enter(Duration::from_millis(20)).await, "the other one has it");
        drop(places);
        assert!(pausing.enter(Duration::from_secs(1)).await);
        tokio::time::timeout(Duration::from_millis(20), jobs.places(1)).await.expect_err("it is in flight");
    }

    #[tokio::test]
    async fn a_batch_waits_a_quarter_of_a_second_or_until_it_is_full() {
        let (_jobs, work, mut reports) = local(1);
        let sender = work.reports();
        let report = CheckReport {
            monitor_id: MonitorId::new(Uuid::nil()),
            slot_at: Timestamp::from_ms(0),
            checked_at: Timestamp::from_ms(0),
            outcome: Outcome::no_data(),
        };
        let started = Instant::now();
        sender.send(report.clone()).await.unwrap();
        assert_eq!(reports.batch().await.unwrap().len(), 1);
        assert!(started.elapsed() >= BATCH_WAIT);
        for _ in 0..=BATCH {
            sender.send(report.clone()).await.unwrap();
        }
        let started = Instant::now();
        assert_eq!(reports.batch().await.unwrap().len(), BATCH);
        assert!(started.elapsed() < BATCH_WAIT, "a full batch does not wait");
        drop((sender, work));
        assert_eq!(reports.batch().await.unwrap().len(), 1);
        assert!(reports.batch().await.is_none());
    }
}
