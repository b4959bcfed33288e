//! What counts as down, and how much (D8). Each page has its own rule.

use crate::service::ServiceStatus;

/// How a page counts what is neither up nor a full outage. Percentages above 100 count as 100, below 0 as 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Rule {
    /// So much of a partial outage is down.
    pub partial_outage_percent: i32,
    /// So much of a degraded performance is down.
    pub degraded_percent: i32,
    pub maintenance_rule: MaintenanceRule,
}

impl Default for Rule {
    fn default() -> Self {
        Self { partial_outage_percent: 30, degraded_percent: 0, maintenance_rule: MaintenanceRule::Excluded }
    }
}

/// What maintenance is in the percentage.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum MaintenanceRule {
    /// Left out, as if that time had not been.
    #[default]
    Excluded,
    Up,
    Down,
}

impl MaintenanceRule {
    pub const ALL: [Self; 3] = [Self::Excluded, Self::Up, Self::Down];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Excluded => "excluded",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// What a span of one status is in the percentage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// In neither part of the fraction.
    Not,
    Up,
    /// So many percent of it, 1 to 99.
    Partly(i32),
    Down,
}

impl Counted {
    const fn of_percent(percent: i32) -> Self {
        match percent {
            ..=0 => Self::Up,
            1..=99 => Self::Partly(percent),
            100.. => Self::Down,
        }
    }

    /// How much of the time is down.
    pub const fn down_percent(self) -> i32 {
        match self {
            Self::Not | Self::Up => 0,
            Self::Partly(percent) => percent,
            Self::Down => 100,
        }
    }

    /// The word of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Not => "not_counted",
            Self::Up => "up",
            Self::Partly(_) => "partly_down",
            Self::Down => "down",
        }
    }
}

impl Rule {
    /// What a status counts as; `None`: no data, which is never counted.
    pub const fn counts(self, status: Option<ServiceStatus>) -> Counted {
        match (status, self.maintenance_rule) {
            (None, _) | (Some(ServiceStatus::UnderMaintenance), MaintenanceRule::Excluded) => Counted::Not,
            (Some(ServiceStatus::UnderMaintenance), MaintenanceRule::Up)
            | (Some(ServiceStatus::Operational), _) => Counted::Up,
            (Some(ServiceStatus::UnderMaintenance), MaintenanceRule::Down)
            | (Some(ServiceStatus::MajorOutage), _) => Counted::Down,
            (Some(ServiceStatus::PartialOutage), _) => Counted::of_percent(self.partial_outage_percent),
            (Some(ServiceStatus::DegradedPerformance), _) => Counted::of_percent(self.degraded_percent),
        }
    }

    /// The rule in words, as it stands under the bars of a page (`ux.md` 1.7.10).
    pub fn sentence(self) -> String {
        let part = |name: &str, percent: i32| match Counted::of_percent(percent) {
            Counted::Partly(percent) => format!("{name} count {percent} %"),
            Counted::Down => format!("{name} count in full"),
            Counted::Up | Counted::Not => format!("{name} do not count"),
        };
        let mut parts = vec![part("partial outages", self.partial_outage_percent)];
        if self.degraded_percent > 0 {
            parts.push(part("times of degraded performance", self.degraded_percent));
        }
        let left_out = match self.maintenance_rule {
            MaintenanceRule::Excluded => "Maintenance and time without data are left out.",
            MaintenanceRule::Up => "Maintenance counts as up; time without data is left out.",
            MaintenanceRule::Down => "Maintenance counts as down; time without data is left out.",
        };
        format!("Uptime is time without a full outage; {}. {left_out} Rounded down.", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ServiceStatus::{DegradedPerformance, MajorOutage, Operational, PartialOutage, UnderMaintenance};

    #[test]
    fn every_status_counts_as_the_rule_says() {
        // D8
        let page = Rule { partial_outage_percent: 100, degraded_percent: 5, ..Rule::default() };
        let up = Rule { maintenance_rule: MaintenanceRule::Up, ..Rule::default() };
        let down = Rule { maintenance_rule: MaintenanceRule::Down, ..Rule::default() };
        for (rule, status, counted) in [
            (Rule::default(), None, Counted::Not),
            (Rule::default(), Some(Operational), Counted::Up),
            (Rule::default(), Some(DegradedPerformance), Counted::Up),
            (Rule::default(), Some(PartialOutage), Counted::Partly(30)),
            (Rule::default(), Some(MajorOutage), Counted::Down),
            (Rule::default(), Some(UnderMaintenance), Counted::Not),
            (page, Some(PartialOutage), Counted::Down),
            (page, Some(DegradedPerformance), Counted::Partly(5)),
            (up, Some(UnderMaintenance), Counted::Up),
            (down, Some(UnderMaintenance), Counted::Down),
            (down, None, Counted::Not),
        ] {
            assert_eq!(rule.counts(status), counted, "{status:?} by {rule:?}");
        }
    }

    #[test]
    fn the_rule_reads_as_a_sentence() {
        assert_eq!(
            Rule::default().sentence(),
            "Uptime is time without a full outage; partial outages count 30 %. \
             Maintenance and time without data are left out. Rounded down."
        );
        let own = Rule {
            partial_outage_percent: 100,
            degraded_percent: 10,
            maintenance_rule: MaintenanceRule::Down,
        };
        assert_eq!(
            own.sentence(),
            "Uptime is time without a full outage; partial outages count in full, times of degraded performance count \
             10 %. Maintenance counts as down; time without data is left out. Rounded down."
        );
    }
}
