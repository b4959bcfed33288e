//! Roll-up: what stays of the results of an hour or a day when single results are trimmed (X49).

use crate::check::{CheckResult, CheckStatus, Phases};
use crate::latency::Latency;

/// Results of one monitor in one hour or day (UTC). Response times are those of good answers: a failure that ran into
/// its time-out would drown them. Checks by hand do not count (X47).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rollup {
    /// Whole hours or days since 1970.
    pub bucket: i64,
    pub up: i32,
    pub degraded: i32,
    pub down: i32,
    pub no_data: i32,
    /// Sum over `response_time_count` good answers, like the phases.
    pub response_time_sum_ms: i64,
    pub response_time_count: i32,
    pub response_time_max_ms: i32,
    pub phases: PhaseSums,
    pub latency: Latency,
}

/// How long the phases of the good answers took together, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PhaseSums {
    pub dns_ms: i64,
    pub connect_ms: i64,
    pub tls_ms: i64,
    pub first_byte_ms: i64,
}

impl Rollup {
    /// Counts a result in.
    pub fn add(&mut self, result: &CheckResult) {
        if result.is_manual {
            return;
        }
        *match result.status {
            CheckStatus::Up => &mut self.up,
            CheckStatus::Degraded => &mut self.degraded,
            CheckStatus::Down => &mut self.down,
            CheckStatus::NoData => &mut self.no_data,
        } += 1;
        let is_good = matches!(result.status, CheckStatus::Up | CheckStatus::Degraded);
        let Some(took_ms) = result.response_time_ms.filter(|_| is_good) else { return };
        self.response_time_sum_ms += i64::from(took_ms);
        self.response_time_count += 1;
        self.response_time_max_ms = self.response_time_max_ms.max(took_ms);
        self.phases.add(result.phases);
        self.latency.add(took_ms.unsigned_abs());
    }

    /// Mean of the good answers, in milliseconds. `None`: there are none.
    pub fn mean_ms(&self) -> Option<i64> {
        self.response_time_sum_ms.checked_div(i64::from(self.response_time_count))
    }
}

impl PhaseSums {
    fn add(&mut self, phases: Phases) {
        let ms = |phase: Option<u32>| i64::from(phase.unwrap_or(0));
        self.dns_ms += ms(phases.dns_ms);
        self.connect_ms += ms(phases.connect_ms);
        self.tls_ms += ms(phases.tls_ms);
        self.first_byte_ms += ms(phases.first_byte_ms);
    }
}
