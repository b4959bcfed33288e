//! Plan: what each tier allows, as one table that enforcement, billing page and docs all render from
//! (S30–S45, X43, X64, X65).

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;

/// Organizations on the free tier that one verified user may own, unless configured otherwise (X73).
pub const FREE_ORGANIZATIONS_PER_USER: u32 = 2;

/// What an organization pays for. Unknown text in the database reads as free (S44).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    #[default]
    Free,
    Pro,
    Team,
}

impl Tier {
    /// From the smallest to the largest.
    pub const ALL: [Self; 3] = [Self::Free, Self::Pro, Self::Team];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Pro => "pro",
            Self::Team => "team",
        }
    }

    pub const fn label(self) -> &'static str {
        match self {
            Self::Free => "Free",
            Self::Pro => "Pro",
            Self::Team => "Team",
        }
    }

    /// `None`: no such tier. For input; stored text goes through [`Tier::stored`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.as_str() == word)
    }

    /// Falls back to free, so a bad row never gives more than nothing (S44).
    pub fn stored(word: &str) -> Self {
        Self::parse(word).unwrap_or_default()
    }

    /// List price per month in US cents.
    pub const fn monthly_price_cents(self) -> u32 {
        match self {
            Self::Free => 0,
            Self::Pro => 900,
            Self::Team => 2900,
        }
    }

    pub const fn limits(self) -> Limits {
        match self {
            Self::Free => FREE,
            Self::Pro => PRO,
            Self::Team => TEAM,
        }
    }
}

// By hand, not derived: a derived decoder fails on unknown text.
impl<DB: sqlx::Database> sqlx::Type<DB> for Tier
where
    str: sqlx::Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        <str as sqlx::Type<DB>>::type_info()
    }

    fn compatible(ty: &DB::TypeInfo) -> bool {
        <str as sqlx::Type<DB>>::compatible(ty)
    }
}

impl<'q, DB: sqlx::Database> sqlx::Encode<'q, DB> for Tier
where
    &'q str: sqlx::Encode<'q, DB>,
{
    fn encode_by_ref(
        &self,
        buffer: &mut <DB as sqlx::Database>::ArgumentBuffer,
    ) -> Result<IsNull, BoxDynError> {
        self.as_str().encode_by_ref(buffer)
    }
}

impl<'r, DB: sqlx::Database> sqlx::Decode<'r, DB> for Tier
where
    &'r str: sqlx::Decode<'r, DB>,
{
    fn decode(value: <DB as sqlx::Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
        <&'r str as sqlx::Decode<'r, DB>>::decode(value).map(Self::stored)
    }
}

/// How many of a thing. Its own type, so that "none", "one" and "allowed" cannot be mixed up (X65).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quota {
    Limited(u32),
    Unlimited,
}

impl Quota {
    /// Whether one more fits when there are `current` already.
    pub fn has_room(self, current: i64) -> bool {
        match self {
            Self::Limited(limit) => current < i64::from(limit),
            Self::Unlimited => true,
        }
    }
}

/// What is counted (S30–S33, S37). Pending invitations count as members (X14), placements as services (D4),
/// only confirmed subscribers as subscribers (X57).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum QuotaKind {
    StatusPages,
    ServicesPerPage,
    MonitorsPerService,
    Subscribers,
    Members,
}

impl QuotaKind {
    pub const ALL: [Self; 5] = [
        Self::StatusPages,
        Self::ServicesPerPage,
        Self::MonitorsPerService,
        Self::Subscribers,
        Self::Members,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StatusPages => "status_pages",
            Self::ServicesPerPage => "services_per_page",
            Self::MonitorsPerService => "monitors_per_service",
            Self::Subscribers => "subscribers",
            Self::Members => "members",
        }
    }

    pub const fn label(self) -> &'static str {
        match self {
            Self::StatusPages => "Status pages",
            Self::ServicesPerPage => "Services per page",
            Self::MonitorsPerService => "Monitors per service",
            Self::Subscribers => "Subscribers",
            Self::Members => "Team members",
        }
    }
}

/// What is allowed or not (S35, S36, S39–S43).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    CustomDomain,
    Branding,
    Webhooks,
    /// API keys only; sessions and public JSON always work (X71).
    ApiAccess,
    EmailNotifications,
    SlaBadge,
    PagePassword,
}

impl Feature {
    pub const ALL: [Self; 7] = [
        Self::CustomDomain,
        Self::Branding,
        Self::Webhooks,
        Self::ApiAccess,
        Self::EmailNotifications,
        Self::SlaBadge,
        Self::PagePassword,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CustomDomain => "custom_domain",
            Self::Branding => "branding",
            Self::Webhooks => "webhooks",
            Self::ApiAccess => "api_access",
            Self::EmailNotifications => "email_notifications",
            Self::SlaBadge => "sla_badge",
            Self::PagePassword => "page_password",
        }
    }

    pub const fn label(self) -> &'static str {
        match self {
            Self::CustomDomain => "Custom domain",
            Self::Branding => "Custom branding and CSS",
            Self::Webhooks => "Webhook notifications",
            Self::ApiAccess => "API access",
            Self::EmailNotifications => "E-mail notifications",
            Self::SlaBadge => "SLA badge",
            Self::PagePassword => "Status page password",
        }
    }
}

/// One column of the tier table.
#[expect(
    clippy::struct_excessive_bools,
    reason = "one field per row of the table, so that no row can be forgotten"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub status_pages: Quota,
    pub services_per_page: Quota,
    pub monitors_per_service: Quota,
    pub subscribers: Quota,
    pub members: Quota,
    /// A minimum: checked on every write and clamped when it runs (X43).
    pub min_check_interval_seconds: i32,
    /// What is shown, not what is kept (D10). `None`: everything.
    pub incident_history_days: Option<u32>,
    pub custom_domain: bool,
    pub branding: bool,
    pub webhooks: bool,
    pub api_access: bool,
    pub email_notifications: bool,
    pub sla_badge: bool,
    pub page_password: bool,
}

const FREE: Limits = Limits {
    status_pages: Quota::Limited(1),
    services_per_page: Quota::Limited(5),
    monitors_per_service: Quota::Limited(1),
    subscribers: Quota::Limited(25),
    members: Quota::Limited(1),
    min_check_interval_seconds: 300,
    incident_history_days: Some(30),
    custom_domain: false,
    branding: false,
    webhooks: false,
    api_access: false,
    email_notifications: true,
    sla_badge: false,
    page_password: false,
};

const PRO: Limits = Limits {
    status_pages: Quota::Limited(5),
    services_per_page: Quota::Limited(50),
    monitors_per_service: Quota::Limited(5),
    subscribers: Quota::Limited(500),
    members: Quota::Limited(3),
    min_check_interval_seconds: 60,
    incident_history_days: Some(365),
    custom_domain: true,
    branding: true,
    webhooks: true,
    api_access: true,
    email_notifications: true,
    sla_badge: true,
    page_password: false,
};

const TEAM: Limits = Limits {
    status_pages: Quota::Unlimited,
    services_per_page: Quota::Unlimited,
    monitors_per_service: Quota::Unlimited,
    subscribers: Quota::Unlimited,
    members: Quota::Unlimited,
    min_check_interval_seconds: 30,
    incident_history_days: None,
    custom_domain: true,
    branding: true,
    webhooks: true,
    api_access: true,
    email_notifications: true,
    sla_badge: true,
    page_password: true,
};

impl Limits {
    /// Everything, down to one check a second: `plans.enforce = false` (D7).
    pub const fn unlimited() -> Self {
        Self { min_check_interval_seconds: 1, ..TEAM }
    }

    pub const fn quota(&self, kind: QuotaKind) -> Quota {
        match kind {
            QuotaKind::StatusPages => self.status_pages,
            QuotaKind::ServicesPerPage => self.services_per_page,
            QuotaKind::MonitorsPerService => self.monitors_per_service,
            QuotaKind::Subscribers => self.subscribers,
            QuotaKind::Members => self.members,
        }
    }

    pub const fn has(&self, feature: Feature) -> bool {
        match feature {
            Feature::CustomDomain => self.custom_domain,
            Feature::Branding => self.branding,
            Feature::Webhooks => self.webhooks,
            Feature::ApiAccess => self.api_access,
            Feature::EmailNotifications => self.email_notifications,
            Feature::SlaBadge => self.sla_badge,
            Feature::PagePassword => self.page_password,
        }
    }

    /// Whether one more of `kind` may be made. `current` is counted in the writing transaction (X66).
    pub fn check(&self, kind: QuotaKind, current: i64) -> Result<(), LimitReached> {
        match self.quota(kind) {
            Quota::Limited(limit) if current >= i64::from(limit) => Err(LimitReached {
                kind,
                limit,
                current,
                required: Tier::ALL.into_iter().find(|tier| tier.limits().quota(kind).has_room(current)),
            }),
            Quota::Limited(_) | Quota::Unlimited => Ok(()),
        }
    }

    pub fn require(&self, feature: Feature) -> Result<(), FeatureMissing> {
        if self.has(feature) {
            return Ok(());
        }
        let required = Tier::ALL.into_iter().find(|tier| tier.limits().has(feature));
        Err(FeatureMissing { feature, required })
    }

    /// The interval that is run: what was asked for, but not below the tier's minimum (X43).
    pub fn clamp_interval(&self, requested_seconds: i32) -> i32 {
        requested_seconds.max(self.min_check_interval_seconds)
    }
}

/// A quota is used up (S44, X72).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Tier limit reached for '{}' ({limit}). Upgrade your plan.", kind.as_str())]
pub struct LimitReached {
    pub kind: QuotaKind,
    pub limit: u32,
    pub current: i64,
    /// The smallest tier where one more fits. `None`: no tier does.
    pub required: Option<Tier>,
}

/// The tier does not include a feature (S44, X72).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Feature '{}' requires a plan upgrade", feature.as_str())]
pub struct FeatureMissing {
    pub feature: Feature,
    /// The smallest tier that includes it. `None`: no tier does.
    pub required: Option<Tier>,
}

impl LimitReached {
    /// The plan's sentence, word for word (D15).
    pub fn detail(&self) -> String {
        self.to_string()
    }
}

impl FeatureMissing {
    /// The plan's sentence, word for word (D15).
    pub fn detail(&self) -> String {
        self.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Quota::{Limited, Unlimited};

    #[test]
    fn the_quotas_are_those_of_the_tier_table() {
        // S30–S33, S37: columns free, pro, team.
        let rows = [
            (QuotaKind::StatusPages, [Limited(1), Limited(5), Unlimited]),
            (QuotaKind::ServicesPerPage, [Limited(5), Limited(50), Unlimited]),
            (QuotaKind::MonitorsPerService, [Limited(1), Limited(5), Unlimited]),
            (QuotaKind::Subscribers, [Limited(25), Limited(500), Unlimited]),
            (QuotaKind::Members, [Limited(1), Limited(3), Unlimited]),
        ];
        assert_eq!(rows.map(|row| row.0), QuotaKind::ALL);
        for (kind, expected) in rows {
            assert_eq!(Tier::ALL.map(|tier| tier.limits().quota(kind)), expected, "{kind:?}");
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }

    #[test]
    fn the_features_are_those_of_the_tier_table() {
        // S35, S36, S39–S43: columns free, pro, team.
        let rows = [
            (Feature::CustomDomain, [false, true, true]),
            (Feature::Branding, [false, true, true]),
            (Feature::Webhooks, [false, true, true]),
            (Feature::ApiAccess, [false, true, true]),
            (Feature::EmailNotifications, [true, true, true]),
            (Feature::SlaBadge, [false, true, true]),
            (Feature::PagePassword, [false, false, true]),
        ];
        assert_eq!(rows.map(|row| row.0), Feature::ALL);
        for (feature, expected) in rows {
            assert_eq!(Tier::ALL.map(|tier| tier.limits().has(feature)), expected, "{feature:?}");
            assert_eq!(serde_json::to_value(feature).unwrap(), feature.as_str());
        }
    }

    #[test]
    fn intervals_history_and_prices_are_those_of_the_tier_table() {
        // S34, S38 and the list prices.
        assert_eq!(Tier::ALL.map(|tier| tier.limits().min_check_interval_seconds), [300, 60, 30]);
        assert_eq!(Tier::ALL.map(|tier| tier.limits().incident_history_days), [Some(30), Some(365), None]);
        assert_eq!(Tier::ALL.map(Tier::monthly_price_cents), [0, 900, 2900]);
    }

    #[test]
    fn a_quota_admits_exactly_its_number() {
        // S45, X65: at limit − 1 yes, at the limit and above no, for every tier and kind.
        for tier in Tier::ALL {
            for kind in QuotaKind::ALL {
                let limits = tier.limits();
                match limits.quota(kind) {
                    Limited(limit) => {
                        assert_eq!(limits.check(kind, i64::from(limit) - 1), Ok(()));
                        let refused = limits.check(kind, i64::from(limit)).unwrap_err();
                        assert_eq!((refused.kind, refused.limit), (kind, limit));
                        assert!(refused.required > Some(tier));
                        assert!(limits.check(kind, i64::from(limit) + 1).is_err());
                    }
                    Unlimited => assert_eq!(limits.check(kind, i64::MAX), Ok(())),
                }
            }
        }
    }

    #[test]
    fn a_refusal_names_the_smallest_tier_that_would_do() {
        let free = Tier::Free.limits();
        assert_eq!(free.check(QuotaKind::Members, 1).unwrap_err().required, Some(Tier::Pro));
        assert_eq!(free.check(QuotaKind::Members, 3).unwrap_err().required, Some(Tier::Team));
        assert_eq!(free.require(Feature::Webhooks).unwrap_err().required, Some(Tier::Pro));
        assert_eq!(free.require(Feature::PagePassword).unwrap_err().required, Some(Tier::Team));
        assert_eq!(free.require(Feature::EmailNotifications), Ok(()));
    }

    #[test]
    fn refusals_keep_the_wording_of_the_plan() {
        // S44, D15
        let free = Tier::Free.limits();
        assert_eq!(
            free.check(QuotaKind::MonitorsPerService, 1).unwrap_err().detail(),
            "Tier limit reached for 'monitors_per_service' (1). Upgrade your plan."
        );
        assert_eq!(
            free.require(Feature::Webhooks).unwrap_err().detail(),
            "Feature 'webhooks' requires a plan upgrade"
        );
    }

    #[test]
    fn an_unknown_tier_reads_as_free() {
        // S44
        assert_eq!(Tier::stored("enterprise"), Tier::Free);
        assert_eq!(Tier::stored(""), Tier::Free);
        assert_eq!(Tier::parse("enterprise"), None);
        for tier in Tier::ALL {
            assert_eq!(Tier::stored(tier.as_str()), tier);
            assert_eq!(serde_json::to_value(tier).unwrap(), tier.as_str());
        }
    }

    #[test]
    fn a_short_interval_is_clamped_and_a_long_one_kept() {
        // X43: also after a downgrade, when 30 s is still what the owner asked for.
        assert_eq!(Tier::ALL.map(|tier| tier.limits().clamp_interval(30)), [300, 60, 30]);
        assert_eq!(Tier::ALL.map(|tier| tier.limits().clamp_interval(3600)), [3600; 3]);
    }

    #[test]
    fn without_enforcement_nothing_is_refused() {
        // D7
        let limits = Limits::unlimited();
        assert!(QuotaKind::ALL.into_iter().all(|kind| limits.check(kind, i64::MAX).is_ok()));
        assert!(Feature::ALL.into_iter().all(|feature| limits.require(feature).is_ok()));
        assert_eq!(limits.incident_history_days, None);
    }
}
