//! What the templates show: structs of ready-made text, one per page, and the small words they share.
//!
//! A handler fills a view and renders it; a view holds no domain record and knows no clock. Every path below stands
//! behind `base`, the path part of the public URL (`""` or `"/status"`, without a slash at its end).
//!
//! | Path | Methods | View |
//! |---|---|---|
//! | `/` · `/docs` · `/docs/api` | GET | [`landing`], [`docs`] |
//! | `/signup` · `/login` · `/login/code` · `/forgot` | GET, POST | [`auth`] |
//! | `/reset?token=` · `/verify?token=` · `/change-email?token=` | GET, and POST to `/…/{token}` | [`auth`] |
//! | `/invitations/{token}` | GET, POST | [`auth`] |
//! | `/verify/resend` · `/logout` | POST | a button of the shell |
//! | `/organizations/new` | GET, POST | [`dashboard`] |
//! | `/account`, below it `name` `password` `email` `sessions/{id}/end` `sessions/end-others` `two-factor` `two-factor/start` `two-factor/disable` `recovery-codes` `delete` | GET, POST | [`dashboard`] |
//! | `/orgs` | GET | leads to the overview of the organization used last |
//! | `/orgs/{org}` | GET | [`dashboard`], the overview |
//! | `/orgs/{org}/welcome` | GET, POST | [`dashboard`], the first check |
//! | `/orgs/{org}/{services,monitors,pages,incidents}` | GET, POST | lists; POST creates |
//! | … `/new` · `/{id}` · `/{id}/edit` · `/{id}/delete` | GET · GET · GET, POST · POST | forms and details |
//! | `/orgs/{org}/monitors/test` · `/orgs/{org}/monitors/{id}/test` | POST | the form again, with what a check saw |
//! | `/orgs/{org}/monitors/{id}/check` · `/orgs/{org}/incidents/{id}/updates` | POST | buttons |
//! | `/orgs/{org}/subscribers`, `/{id}/delete` | GET, POST | the list |
//! | `/orgs/{org}/members`, `/{user}/role` `/{user}/remove` `/transfer` | GET, POST | the list |
//! | `/orgs/{org}/invitations`, `/{id}/resend` `/{id}/revoke` | POST | parts of the member list |
//! | `/orgs/{org}/switch` | POST | in the list of organizations |
//! | `/orgs/{org}/settings`, `/name` `/slug` `/leave` `/delete` `/restore` | GET, POST | settings |
//! | `/orgs/{org}/plan` | GET | plan and usage |
//! | a page's root `/p/{org}/{page}` (or `""` on its own host) | GET | [`public`] |
//! | … `/incidents/{id}` · `/subscribe` · `/confirm/{token}` · `/unsubscribe/{token}` | GET, and POST for the last three | [`public`] |

pub mod auth;
pub mod dashboard;
pub mod docs;
pub mod error;
pub mod landing;
pub mod plan;
pub mod public;

use crate::markdown::Html;

/// What every view of the product itself needs.
#[derive(Debug, Clone, Default)]
pub struct Site {
    /// Path part of the public URL, without a slash at its end (X30).
    pub base: String,
    /// Value of the hidden field `csrf` of every form (X8).
    pub csrf: String,
}

/// The state of a service, a page, an incident's effect or a day, from best to worst; the last two stand apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    Operational,
    Degraded,
    Partial,
    Major,
    Maintenance,
    /// Not watched at that time.
    NoData,
}

impl State {
    /// CSS class, icon name and file name of the favicon.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Operational => "ok",
            Self::Degraded => "degraded",
            Self::Partial => "partial",
            Self::Major => "major",
            Self::Maintenance => "maint",
            Self::NoData => "nodata",
        }
    }

    /// The words people read.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Operational => "Operational",
            Self::Degraded => "Degraded performance",
            Self::Partial => "Partial outage",
            Self::Major => "Major outage",
            Self::Maintenance => "Under maintenance",
            Self::NoData => "No data",
        }
    }

    /// The same words inside a sentence.
    pub const fn words_lower(self) -> &'static str {
        match self {
            Self::Operational => "operational",
            Self::Degraded => "degraded performance",
            Self::Partial => "partial outage",
            Self::Major => "major outage",
            Self::Maintenance => "under maintenance",
            Self::NoData => "no data",
        }
    }

    /// True for the four states that ask for attention.
    pub const fn is_trouble(self) -> bool {
        matches!(self, Self::Degraded | Self::Partial | Self::Major)
    }
}

impl From<domain::service::ServiceStatus> for State {
    fn from(status: domain::service::ServiceStatus) -> Self {
        use domain::service::ServiceStatus as S;
        match status {
            S::Operational => Self::Operational,
            S::UnderMaintenance => Self::Maintenance,
            S::DegradedPerformance => Self::Degraded,
            S::PartialOutage => Self::Partial,
            S::MajorOutage => Self::Major,
        }
    }
}

impl From<domain::monitor::MonitorState> for State {
    fn from(state: domain::monitor::MonitorState) -> Self {
        use domain::monitor::MonitorState as S;
        match state {
            S::NoData => Self::NoData,
            S::Up => Self::Operational,
            S::Degraded => Self::Degraded,
            S::Down => Self::Major,
        }
    }
}

/// A link target from a person's settings: only `https:`, `http:` and `mailto:` get through (T-05).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Href(String);

impl Href {
    /// `None` for every other scheme, for relative targets and for what is no URL.
    pub fn parse(text: &str) -> Option<Self> {
        let url = url::Url::parse(text.trim()).ok()?;
        matches!(url.scheme(), "http" | "https" | "mailto").then(|| Self(url.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A point in time as shown: `datetime` for machines, `text` for people, `note` smaller below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moment {
    /// RFC 3339, UTC.
    pub datetime: String,
    pub text: String,
    pub note: Option<String>,
}

/// What went wrong with a form: messages by the `id` of their field; those with an empty `id` belong to the whole form.
#[derive(Debug, Clone, Default)]
pub struct Errors(Vec<(String, String)>);

impl Errors {
    /// An error of the whole form ("This link has expired.").
    pub fn general(message: impl Into<String>) -> Self {
        Self::default().with("", message)
    }

    #[must_use]
    pub fn with(mut self, field: impl Into<String>, message: impl Into<String>) -> Self {
        self.push(field, message);
        self
    }

    pub fn push(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push((field.into(), message.into()));
    }

    /// The first message of a field.
    pub fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(id, _)| id == field).map(|(_, message)| message.as_str())
    }

    /// All messages as `(field id, message)`.
    pub fn all(&self) -> &[(String, String)] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One entry of a `<select>` or of a group of radio buttons.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    pub value: String,
    pub label: String,
    pub is_chosen: bool,
}

/// One update of an incident.
#[derive(Debug, Clone)]
pub struct Update {
    /// "Investigating", "Identified", "Monitoring", "Resolved".
    pub status: String,
    pub at: Moment,
    pub body: Html,
    /// What changed with it: "API: operational".
    pub changes: Vec<String>,
}
