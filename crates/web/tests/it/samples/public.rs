//! Samples of what visitors see.

use super::{Sample, Words};
use web::bars::{Bar, DAYS, Ruler, Strip};
use web::markdown;
use web::view::error::ErrorPage;
use web::view::public::{
    ConfirmPage, Group, Headline, HistoryDay, HistoryEntry, Incident, IncidentPage, NoticePage, Page,
    Service, StatusPage, SubscribePage,
};
use web::view::{Errors, Href, Moment, State, Update};

pub(super) fn add(samples: &mut Vec<Sample>, words: &Words) {
    super::add(samples, words, "public-ok", &status_page(words, false));
    super::add(samples, words, "public-incident", &status_page(words, true));
    super::add(samples, words, "public-empty", &empty(words));
    let page = page(words);
    super::add(samples, words, "public-permalink", &IncidentPage { page, incident: resolved(words) });
    let page = || self::page(words);
    let errors = Errors::default().with("email", words.text("Enter an address like you@example.com."));
    let subscribe = SubscribePage { page: page(), email: words.text("alice@"), errors };
    super::add(samples, words, "public-subscribe", &subscribe);
    super::add(samples, words, "public-confirm", &ConfirmPage::subscription(page(), "token"));
    super::add(samples, words, "public-unsubscribe", &ConfirmPage::end_of_subscription(page(), "token"));
    super::add(samples, words, "public-requested", &NoticePage::subscription_requested(page()));
    super::add(samples, words, "public-subscribed", &NoticePage::subscribed(page()));
    super::add(samples, words, "public-unsubscribed", &NoticePage::unsubscribed(page()));
    super::add(samples, words, "public-expired", &NoticePage::link_expired(page()));
    super::add(samples, words, "public-full", &NoticePage::subscriptions_full(page()));
    super::add(samples, words, "error-404", &ErrorPage::not_found("."));
    super::add(
        samples,
        words,
        "error-400",
        &ErrorPage::of_status(".", 400, &words.text("This link was used before.")),
    );
    super::add(samples, words, "error-403", &ErrorPage::forbidden(".", &words.text("Only owners delete.")));
    super::add(samples, words, "error-csrf", &ErrorPage::stale_form("."));
    super::add(
        samples,
        words,
        "error-412",
        &ErrorPage::changed_meanwhile(".", &words.text("the service API")),
    );
    super::add(samples, words, "error-429", &ErrorPage::too_many(".", "20 s"));
    super::add(samples, words, "error-500", &ErrorPage::internal(".", &words.text("req_1")));
    super::add(samples, words, "error-503", &ErrorPage::unavailable("."));
}

fn page(words: &Words) -> Page {
    Page {
        base: ".".into(),
        root: "./p/acme/main".into(),
        title: words.text("Acme"),
        noindex: true,
        takes_subscribers: true,
        watched: "Watched every 60 s from 1 location".into(),
        time_zone: "UTC".into(),
        footer_text: Some(words.text("Acme Ltd, 1 Main Street")),
        support: Href::parse("mailto:help@example.com"),
        product_url: "https://status.example.com/".into(),
    }
}

pub(crate) fn strip(id: usize, name: &str, events: &[(usize, State, &str)], without_data: usize) -> Strip {
    let bars = (0..DAYS)
        .map(|index| {
            let event = events.iter().find(|event| event.0 == index);
            let state = match event {
                Some(event) => event.1,
                None if index < without_data => State::NoData,
                None => State::Operational,
            };
            let day = 1 + (index + 25) % 30;
            Bar {
                state,
                day: format!("{day} Nov"),
                note: event.map_or(String::new(), |event| event.2.into()),
            }
        })
        .collect();
    Strip { id: format!("s{id}"), label: format!("{name}, last 90 days"), bars }
}

pub(crate) fn ruler() -> Ruler {
    let today = "2026-11-23T10:30:00Z".parse::<domain::time::Timestamp>().unwrap().day();
    Ruler::ending(today, DAYS)
}

fn service(words: &Words, id: usize, name: &str, state: State) -> Service {
    let events: &[(usize, State, &str)] = match id % 4 {
        0 => &[
            (18, State::Partial, "14 min"),
            (70, State::Degraded, "23 min"),
            (89, State::Major, "39 min down"),
        ],
        1 => &[(47, State::Major, "21 min down"), (60, State::Maintenance, "1 h")],
        _ => &[],
    };
    let events = if state == State::Operational && id.is_multiple_of(4) { &events[..2] } else { events };
    let name = words.text(name);
    let without_data = if id == 5 { 23 } else { 0 };
    Service {
        strip: strip(id, &name, events, without_data),
        name,
        description: (id == 2).then(|| words.text("Sign-in with e-mail and with single sign-on")),
        state,
        uptime: if id < 2 { "99.966 %".into() } else { "100 %".into() },
        note: if id < 2 {
            "43 min down".into()
        } else if id == 5 {
            "67 days".into()
        } else {
            "none down".into()
        },
    }
}

fn groups(words: &Words, broken: bool) -> Vec<Group> {
    let state = |state| if broken { state } else { State::Operational };
    vec![
        Group { name: None, services: vec![service(words, 2, "Sign-in", State::Operational)] },
        Group {
            name: Some(words.text("Core")),
            services: vec![
                service(words, 0, "API", state(State::Major)),
                service(words, 1, "Webhooks", state(State::Partial)),
            ],
        },
        Group {
            name: Some(words.text("Apps")),
            services: vec![
                service(words, 4, "Dashboard", state(State::Degraded)),
                service(words, 5, "Image service", State::Operational),
                service(words, 7, "Invoices", state(State::Maintenance)),
                service(words, 6, "Beta", state(State::NoData)),
            ],
        },
    ]
}

fn status_page(words: &Words, broken: bool) -> StatusPage {
    let headline = if broken {
        Headline {
            state: State::Major,
            title: words.text("Partial system outage"),
            sentence: words.text("The API is down; Webhooks and Dashboard suffer. Four other services work."),
            checked: "Checked 8 s ago.".into(),
        }
    } else {
        Headline {
            state: State::Operational,
            title: words.text("All systems operational"),
            sentence: words.text("All 7 services work."),
            checked: "Checked 12 s ago.".into(),
        }
    };
    StatusPage {
        page: page(words),
        headline,
        incidents: if broken { vec![open(words)] } else { Vec::new() },
        groups: groups(words, broken),
        ruler: ruler(),
        ruler_label: "90 days".into(),
        rule: domain::uptime::Rule::default().sentence(),
        history: history(words, broken),
    }
}

fn history(words: &Words, broken: bool) -> Vec<HistoryDay> {
    let outage = HistoryEntry {
        incident_id: None,
        title: words.text("API was down"),
        text: words.text("API was down from 10:15 to 10:22 UTC (7 min)."),
    };
    let quiet = |label: &str| HistoryDay { label: label.into(), entries: Vec::new() };
    let incident = HistoryEntry {
        incident_id: Some("in_1".into()),
        title: words.text("Most API requests fail"),
        text: words.text("Open since 09:51."),
    };
    let today = if broken {
        HistoryDay { label: "Today".into(), entries: vec![incident] }
    } else {
        HistoryDay {
            label: "Today".into(),
            entries: vec![HistoryEntry { incident_id: None, title: incident.title, text: incident.text }],
        }
    };
    vec![
        today,
        quiet("20–22 Nov"),
        HistoryDay { label: "19 Nov".into(), entries: vec![outage] },
        quiet("17–18 Nov"),
    ]
}

fn at(text: &str, note: Option<&str>) -> Moment {
    Moment { datetime: format!("2026-11-23T{text}:00Z"), text: text.into(), note: note.map(str::to_owned) }
}

fn update(words: &Words, status: &str, time: &str, body: &str, changes: &[&str]) -> Update {
    Update {
        status: status.into(),
        at: at(time, (status == "Identified").then_some("15 min ago")),
        body: markdown::render(body),
        changes: changes.iter().map(|change| words.text(change)).collect(),
    }
}

fn open(words: &Words) -> Incident {
    Incident {
        id: "in_1".into(),
        title: words.text("Most API requests fail"),
        state: State::Major,
        status: "Identified".into(),
        is_resolved: false,
        began: at("09:51", None),
        lasting: "39 min".into(),
        services: vec![
            (words.text("API"), State::Major),
            (words.text("Webhooks"), State::Partial),
            (words.text("Dashboard"), State::Degraded),
        ],
        next_update: Some("10:45".into()),
        updates: vec![
            update(
                words,
                "Identified",
                "10:15",
                "This morning’s *deploy* exhausted the **database** pool. See [the log](https://example.com).\n\n- rolling back\n- about a third of requests succeed again\n\n> A quotation\n\n`retry_after`\n\n```\nlong line of code that goes on and on and on and on and on and on and on and on and on and on\n```",
                &["API stays at major outage", "Webhooks: major to partial outage"],
            ),
            update(
                words,
                "Investigating",
                "10:02",
                "Webhooks are delayed as well. Nothing is lost: they are queued and will be delivered in order.",
                &[],
            ),
            update(
                words,
                "Investigating",
                "09:55",
                "Most API requests fail with status 503 since 09:51.",
                &[],
            ),
        ],
    }
}

fn resolved(words: &Words) -> Incident {
    let mut incident = open(words);
    incident.status = "Resolved".into();
    incident.is_resolved = true;
    incident.next_update = None;
    incident.began.text = "23 November 2026, 09:51 to 11:08".into();
    incident.lasting = "77 min".into();
    incident.services.clear();
    // The names given to the cleared list are not shown.
    words.take();
    incident.title = words.text("Most API requests fail");
    incident.updates = vec![
        update(
            words,
            "Resolved",
            "11:08",
            "The error rate has been normal for 20 min.",
            &["API: operational"],
        ),
        update(words, "Monitoring", "10:48", "The rollback is complete.", &[]),
        update(words, "Investigating", "09:55", "Most API requests fail.", &[]),
    ];
    incident
}

fn empty(words: &Words) -> StatusPage {
    let page = page(words);
    // The texts of a page with everything in it are not all shown here.
    words.take();
    let title = words.text("Acme");
    StatusPage {
        page: Page {
            title,
            takes_subscribers: false,
            watched: String::new(),
            footer_text: None,
            support: None,
            ..page
        },
        headline: Headline {
            state: State::NoData,
            title: "Nothing is watched yet".into(),
            sentence: "The first service appears here as soon as it is added.".into(),
            checked: String::new(),
        },
        incidents: Vec::new(),
        groups: Vec::new(),
        ruler: ruler(),
        ruler_label: "90 days".into(),
        rule: domain::uptime::Rule::default().sentence(),
        history: vec![HistoryDay { label: "17–23 Nov".into(), entries: Vec::new() }],
    }
}

/// The page of the size budget: 20 services × 90 days (P-1).
pub(crate) fn large() -> StatusPage {
    let words = Words::plain();
    let services = (0..20).map(|id| service(&words, id, "A service with a name", State::Major)).collect();
    StatusPage { groups: vec![Group { name: None, services }], ..status_page(&words, true) }
}
