//! The tier table as people read it: landing page and plan page show the same one, made from the one that is
//! enforced (X64, X68).

use domain::plan::{Feature, Limits, Quota, QuotaKind, Tier};

/// Only what this version can do is promised; a feature gets its row here when it works.
const SHOWN: [Feature; 1] = [Feature::EmailNotifications];

/// The table: one column per tier, one row per limit.
#[derive(Debug, Clone)]
pub struct TierTable {
    pub columns: Vec<Column>,
    pub rows: Vec<(&'static str, Vec<String>)>,
}

/// The head of a column.
#[derive(Debug, Clone)]
pub struct Column {
    pub name: &'static str,
    /// "$9".
    pub price: String,
    pub is_current: bool,
}

impl TierTable {
    /// `current` is marked; `None` where nobody is logged in.
    pub fn new(current: Option<Tier>) -> Self {
        let columns = Tier::ALL
            .map(|tier| Column {
                name: tier.label(),
                price: format!("${}", tier.monthly_price_cents() / 100),
                is_current: Some(tier) == current,
            })
            .into();
        let row = |text: &dyn Fn(Limits) -> String| Tier::ALL.map(|tier| text(tier.limits())).to_vec();
        let mut rows: Vec<_> =
            QuotaKind::ALL.map(|kind| (kind.label(), row(&|limits| quota(limits.quota(kind))))).into();
        rows.push(("Shortest check interval", row(&|limits| interval(limits.min_check_interval_seconds))));
        rows.push(("Incident history shown", row(&|limits| history(limits.incident_history_days))));
        for feature in SHOWN {
            let words = |limits: Limits| if limits.has(feature) { "yes" } else { "no" }.to_owned();
            rows.push((feature.label(), row(&words)));
        }
        Self { columns, rows }
    }
}

fn quota(quota: Quota) -> String {
    match quota {
        Quota::Limited(limit) => limit.to_string(),
        Quota::Unlimited => "no limit".to_owned(),
    }
}

/// "30 s", "5 min".
pub fn interval(seconds: i32) -> String {
    match seconds {
        86_400 => "1 day".to_owned(),
        3600.. if seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        60.. if seconds % 60 == 0 => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

fn history(days: Option<u32>) -> String {
    match days {
        None => "no limit".to_owned(),
        Some(365) => "1 year".to_owned(),
        Some(days) => format!("{days} days"),
    }
}

/// One limit and how much of it is used.
#[derive(Debug, Clone)]
pub struct Usage {
    pub name: &'static str,
    /// "4 of 5", "4".
    pub used: String,
    /// "1 left", "all taken", "no limit".
    pub left: String,
    /// Of the meter, 0 to 100. `None`: without a limit there is no meter.
    pub percent: Option<i64>,
}

impl Usage {
    pub fn new(kind: QuotaKind, used: i64, quota: Quota) -> Self {
        let name = kind.label();
        let Quota::Limited(limit) = quota else {
            return Self { name, used: used.to_string(), left: "no limit".to_owned(), percent: None };
        };
        let limit = i64::from(limit);
        let left = match limit - used {
            0 => "all taken".to_owned(),
            over if over < 0 => format!("{} over the limit", -over),
            left => format!("{left} left"),
        };
        let percent = (used * 100 / limit.max(1)).clamp(0, 100);
        Self { name, used: format!("{used} of {limit}"), left, percent: Some(percent) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X68: what is shown is what is enforced.
    #[test]
    fn the_table_says_what_the_plan_says() {
        let table = TierTable::new(Some(Tier::Pro));
        let prices: Vec<&str> = table.columns.iter().map(|column| column.price.as_str()).collect();
        assert_eq!(prices, ["$0", "$9", "$29"]);
        assert_eq!(
            table.columns.iter().map(|column| column.is_current).collect::<Vec<_>>(),
            [false, true, false]
        );
        let row = |name: &str| table.rows.iter().find(|row| row.0 == name).unwrap().1.clone();
        assert_eq!(row("Services per page"), ["5", "50", "no limit"]);
        assert_eq!(row("Shortest check interval"), ["5 min", "1 min", "30 s"]);
        assert_eq!(row("Incident history shown"), ["30 days", "1 year", "no limit"]);
    }

    #[test]
    fn usage_is_told_in_words_and_never_overflows_its_meter() {
        let usage = |used, quota| {
            let usage = Usage::new(QuotaKind::Members, used, quota);
            (usage.used, usage.left, usage.percent)
        };
        assert_eq!(usage(2, Quota::Limited(3)), ("2 of 3".into(), "1 left".into(), Some(66)));
        assert_eq!(usage(3, Quota::Limited(3)), ("3 of 3".into(), "all taken".into(), Some(100)));
        assert_eq!(usage(5, Quota::Limited(3)), ("5 of 3".into(), "2 over the limit".into(), Some(100)));
        assert_eq!(usage(5, Quota::Unlimited), ("5".into(), "no limit".into(), None));
    }
}
