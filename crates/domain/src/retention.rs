//! Retention: how long what is kept (X18, X49). Roll-ups and state intervals outlive single results; uptime and bars
//! are made of those.

use crate::plan::Tier;

/// Deleted organizations can be brought back for so long (X18).
pub const PURGE_AFTER_DAYS: i64 = 30;

/// Days that single check results are kept (X49).
pub const fn raw_days(tier: Tier) -> u32 {
    match tier {
        Tier::Free => 7,
        Tier::Pro => 30,
        Tier::Team => 90,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_tier_keeps_single_results_longer() {
        assert_eq!(Tier::ALL.map(raw_days), [7, 30, 90]);
    }
}
