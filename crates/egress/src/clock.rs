//! The time that one check has. It stands still while the check waits for others, which is not the target's fault.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    limit: Duration,
    waited_us: AtomicU64,
    is_still: AtomicBool,
}

impl Clock {
    pub(crate) fn start(limit: Duration) -> Self {
        Self {
            started: Instant::now(),
            limit,
            waited_us: AtomicU64::new(0),
            is_still: AtomicBool::new(false),
        }
    }

    /// Moves on while the clock stands still.
    pub(crate) fn deadline(&self) -> Instant {
        self.started + self.limit + self.waited()
    }

    /// Until `at`, without the time that was waited.
    pub(crate) fn passed(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.started).saturating_sub(self.waited())
    }

    /// Waits for `others` without losing time. They have a limit of their own.
    pub(crate) async fn stand_still<F: Future>(&self, others: F) -> F::Output {
        let began = Instant::now();
        self.is_still.store(true, Ordering::Relaxed);
        let output = others.await;
        self.is_still.store(false, Ordering::Relaxed);
        let waited_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.waited_us.fetch_add(waited_us, Ordering::Relaxed);
        output
    }

    /// Runs `check` until the time is over; `None`: it was.
    pub(crate) async fn limit<F: Future>(&self, mut check: Pin<&mut F>) -> Option<F::Output> {
        let mut alarm = pin!(sleep_until(self.deadline()));
        std::future::poll_fn(|cx| {
            if let Poll::Ready(output) = check.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            if self.is_still.load(Ordering::Relaxed) {
                // What is waited for wakes this task.
                return Poll::Pending;
            }
            if alarm.deadline() != self.deadline() {
                alarm.as_mut().reset(self.deadline());
            }
            alarm.as_mut().poll(cx).map(|()| None)
        })
        .await
    }

    fn waited(&self) -> Duration {
        Duration::from_micros(self.waited_us.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[tokio::test]
    async fn waiting_takes_none_of_the_time() {
        let clock = Clock::start(ms(1000));
        let check = async {
            clock.stand_still(sleep(ms(1500))).await;
            sleep(ms(50)).await;
            clock.passed(Instant::now())
        };
        let passed = clock.limit(pin!(check)).await.unwrap();
        assert!((ms(50)..ms(1000)).contains(&passed), "{passed:?}");
    }

    #[tokio::test]
    async fn what_is_left_after_a_wait_ends_too() {
        let (clock, began) = (Clock::start(ms(200)), Instant::now());
        let check = async {
            clock.stand_still(sleep(ms(500))).await;
            std::future::pending::<()>().await;
        };
        assert_eq!(clock.limit(pin!(check)).await, None);
        let took = began.elapsed();
        assert!((ms(700)..ms(2500)).contains(&took), "{took:?}");
    }
}
