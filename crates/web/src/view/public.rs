//! What visitors see: the status page, an incident, the subscription forms.

use super::{Errors, Href, Moment, State, Update};
use crate::bars::{Ruler, Strip};
use askama::Template;

/// What every view of one public page has in common.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Path part of the public URL, without a slash at its end: where assets are.
    pub base: String,
    /// Path of this page: `{base}/p/acme/main`, or `""` on a host of its own.
    pub root: String,
    pub title: String,
    /// Asks search engines to stay away (D13).
    pub noindex: bool,
    /// Whether the page offers a subscription.
    pub takes_subscribers: bool,
    /// "Watched every 60 s from 1 location"; empty when nothing is watched.
    pub watched: String,
    /// The zone of the days and times: "UTC", "Europe/Berlin".
    pub time_zone: String,
    pub footer_text: Option<String>,
    pub support: Option<Href>,
    /// Where the product's own name in the footer leads.
    pub product_url: String,
}

impl Page {
    /// A link to the page itself.
    pub fn home(&self) -> &str {
        if self.root.is_empty() { "/" } else { &self.root }
    }
}

/// The answer in one line.
#[derive(Debug, Clone)]
pub struct Headline {
    pub state: State,
    /// "All systems operational".
    pub title: String,
    /// What works and what does not, in one sentence.
    pub sentence: String,
    /// "Checked 12 s ago."; empty when nothing is watched.
    pub checked: String,
}

impl Headline {
    fn is_alarm(&self) -> bool {
        self.state.is_trouble() || self.state == State::Maintenance
    }

    fn mark(&self) -> &'static str {
        if self.is_alarm() { "● " } else { "" }
    }

    fn icon_url(&self) -> &'static str {
        state_icon(self.state)
    }
}

/// The favicon of a state.
pub fn state_icon(state: State) -> &'static str {
    crate::assets::asset_url(match state {
        State::Operational => "state-ok.svg",
        State::Degraded => "state-degraded.svg",
        State::Partial => "state-partial.svg",
        State::Major => "state-major.svg",
        State::Maintenance => "state-maint.svg",
        State::NoData => "state-nodata.svg",
    })
}

/// An incident with its line of updates.
#[derive(Debug, Clone)]
pub struct Incident {
    /// As it stands in the URL.
    pub id: String,
    pub title: String,
    /// Worst effect on a service now; of a resolved one it no longer matters.
    pub state: State,
    /// Status of the newest update: "Identified".
    pub status: String,
    pub is_resolved: bool,
    /// Open: "09:51". Resolved: "23 November 2026, 09:51 to 11:08".
    pub began: Moment,
    /// "39 min".
    pub lasting: String,
    /// Affected services with what the incident does to them.
    pub services: Vec<(String, State)>,
    /// The time of the promised next update, if one was promised.
    pub next_update: Option<String>,
    /// Newest first.
    pub updates: Vec<Update>,
}

impl Incident {
    fn pill(&self) -> State {
        if self.is_resolved { State::Operational } else { self.state }
    }

    fn class(&self) -> &'static str {
        if self.is_resolved { "done" } else { self.state.class() }
    }
}

/// One service of a page.
#[derive(Debug, Clone)]
pub struct Service {
    pub name: String,
    pub description: Option<String>,
    pub state: State,
    /// "99.966 %" or "–" when there are no data.
    pub uptime: String,
    /// "43 min down", "none down", "67 days".
    pub note: String,
    pub strip: Strip,
}

/// Services under one heading; `None`: without a heading, first on the page.
#[derive(Debug, Clone)]
pub struct Group {
    pub name: Option<String>,
    pub services: Vec<Service>,
}

/// A day or a quiet range of days in the history.
#[derive(Debug, Clone)]
pub struct HistoryDay {
    /// "Today", "21 Nov", "17–22 Nov".
    pub label: String,
    /// Empty: nothing happened.
    pub entries: Vec<HistoryEntry>,
}

/// An incident, or an outage that only monitors saw.
#[derive(Debug, Clone)]
pub struct HistoryEntry {
    /// Links to the incident.
    pub incident_id: Option<String>,
    pub title: String,
    /// "API was down from 10:15 to 10:22 UTC (7 min)."
    pub text: String,
}

/// `GET {root}`: the status page.
#[derive(Debug, Clone, Template)]
#[template(path = "public/status_page.html")]
pub struct StatusPage {
    pub page: Page,
    pub headline: Headline,
    /// Open ones, newest first.
    pub incidents: Vec<Incident>,
    pub groups: Vec<Group>,
    pub ruler: Ruler,
    /// "90 days".
    pub ruler_label: String,
    /// How the percentages come about (D8, `ux.md` 1.7.10).
    pub rule: String,
    /// Newest first; quiet days joined.
    pub history: Vec<HistoryDay>,
}

/// `GET {root}/incidents/{id}`.
#[derive(Debug, Clone, Template)]
#[template(path = "public/incident.html")]
pub struct IncidentPage {
    pub page: Page,
    pub incident: Incident,
}

/// `GET {root}/subscribe`, and `POST` when the address needs a correction.
#[derive(Debug, Clone, Template)]
#[template(path = "public/subscribe.html")]
pub struct SubscribePage {
    pub page: Page,
    pub email: String,
    pub errors: Errors,
}

/// A link from a mail: shows what it is about and a button, since scanners open links but press no buttons (X55).
///
/// These forms carry no `csrf` field: the token in the path is the proof, and a page sets no cookie.
#[derive(Debug, Clone, Template)]
#[template(path = "public/confirm.html")]
pub struct ConfirmPage {
    page: Page,
    title: &'static str,
    text: String,
    button: &'static str,
    /// Below the page's root.
    path: String,
}

impl ConfirmPage {
    /// `GET {root}/confirm/{token}`.
    pub fn subscription(page: Page, token: &str) -> Self {
        let text = format!(
            "Press the button, and {} writes to you when something breaks and when it is fixed.",
            page.title
        );
        Self {
            title: "Confirm your subscription",
            text,
            button: "Confirm",
            path: format!("confirm/{token}"),
            page,
        }
    }

    /// `GET {root}/unsubscribe/{token}`.
    pub fn end_of_subscription(page: Page, token: &str) -> Self {
        let text = format!("You will get no more mail about {}. Your address is deleted here.", page.title);
        Self { title: "Unsubscribe", text, button: "Unsubscribe", path: format!("unsubscribe/{token}"), page }
    }
}

/// An answer in one sentence.
#[derive(Debug, Clone, Template)]
#[template(path = "public/notice.html")]
pub struct NoticePage {
    page: Page,
    title: &'static str,
    text: String,
}

impl NoticePage {
    /// After `POST {root}/subscribe`, for known and unknown addresses alike (D1).
    pub fn subscription_requested(page: Page) -> Self {
        let text = "If this address can get updates, a mail with a link to confirm is on its way. \
            The link works for 48 hours.";
        Self { page, title: "Look into your mailbox", text: text.into() }
    }

    /// After `POST {root}/confirm/{token}`.
    pub fn subscribed(page: Page) -> Self {
        let text = format!("{} writes to you from now on. Every mail has a link to unsubscribe.", page.title);
        Self { page, title: "You are subscribed", text }
    }

    /// After `POST {root}/unsubscribe/{token}`, also the second time.
    pub fn unsubscribed(page: Page) -> Self {
        let text = format!("You get no more mail about {}.", page.title);
        Self { page, title: "You are unsubscribed", text }
    }

    /// A token that was used, is too old, or never existed.
    pub fn link_expired(page: Page) -> Self {
        let text = "It was used already, or it is older than 48 hours. Subscribe again to get a new one.";
        Self { page, title: "This link no longer works", text: text.into() }
    }

    /// The owner's limit is reached (X58).
    pub fn subscriptions_full(page: Page) -> Self {
        let text = "This page takes no more subscriptions at the moment. Its owner has been told.";
        Self { page, title: "Subscriptions are full", text: text.into() }
    }
}
