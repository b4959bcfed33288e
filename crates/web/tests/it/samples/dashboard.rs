//! Samples of what members see: services, monitors, incidents, the overview.

use super::{Sample, Words};
use domain::organization::Role;
use web::markdown;
use web::view::dashboard::overview::{Broken, IncidentRow, OverviewPage, ServiceRow, Step};
use web::view::dashboard::{Room, Shell, incidents, monitors, services, staircase, welcome};
use web::view::{Choice, Errors, Moment, Site, State, Update};

pub(crate) fn shell(words: &Words) -> Shell {
    Shell {
        site: super::auth::site(),
        root: "./orgs/acme".into(),
        organization: words.text("Acme"),
        tier: "Free".into(),
        role: Role::Owner,
        organizations: vec![("other".into(), words.text("Other Ltd"))],
        email: words.text("alice@example.com"),
        is_verified: false,
        open_incidents: 1,
        failing_monitors: 1,
        flash: Some(words.text("The service is saved.")),
    }
}

/// As most pages look: verified, and nothing was just done.
pub(crate) fn calm(words: &Words) -> Shell {
    let shell = shell(words);
    words.take();
    let organization = words.text("Acme");
    let email = words.text("alice@example.com");
    Shell { organization, email, organizations: Vec::new(), is_verified: true, flash: None, ..shell }
}

pub(crate) fn choices(words: &Words, labels: &[&str]) -> Vec<Choice> {
    let choice = |(index, label): (usize, &&str)| Choice {
        value: format!("value-{index}"),
        label: words.text(label),
        is_chosen: index == 0,
    };
    labels.iter().enumerate().map(choice).collect()
}

pub(super) fn add(samples: &mut Vec<Sample>, words: &Words) {
    super::add(samples, words, "overview", &overview(words));
    super::add(samples, words, "overview-empty", &empty(words));
    add_services(samples, words);
    add_monitors(samples, words);
    add_incidents(samples, words);
    add_welcome(samples, words);
}

fn overview(words: &Words) -> OverviewPage {
    let step = |is_done, text: &str, path: Option<&str>, note: &str| Step {
        is_done,
        text: words.text(text),
        path: path.map(str::to_owned),
        note: if note.is_empty() { String::new() } else { words.text(note) },
    };
    OverviewPage {
        shell: shell(words),
        title: words.text("1 of 3 monitors is failing"),
        sentence: words.text("It failed first at 09:51, 39 min ago. Last check 3 s ago."),
        is_empty: false,
        broken: vec![Broken {
            monitor_id: "mn_1".into(),
            name: words.text("api.example.com/health"),
            state: State::Major,
            seen: words.text("Status 503 instead of 200."),
            note: words.text("39 checks in a row."),
            since: "09:51".into(),
            lasting: "39 min".into(),
        }],
        suggestions: vec![suggestion_row(words, None), suggestion_row(words, Some("in_1"))],
        incidents: vec![incident_row(words)],
        services: vec![
            service_row(words, "API", State::Major, "99.966 %"),
            service_row(words, "Website", State::Operational, "100 %"),
            service_row(words, "Beta", State::NoData, "–"),
        ],
        pages: vec![(words.text("Acme status"), "./p/acme/main".into())],
        steps: vec![
            step(true, "Watch the first address", None, ""),
            step(true, "Publish a page", None, ""),
            step(false, "Verify alice@example.com", None, "Look into your mailbox"),
            step(false, "Invite someone", Some("members"), "Needs Pro"),
        ],
    }
}

fn service_row(words: &Words, name: &str, state: State, uptime: &str) -> ServiceRow {
    ServiceRow { id: "sv_1".into(), name: words.text(name), state, uptime: uptime.into() }
}

fn incident_row(words: &Words) -> IncidentRow {
    IncidentRow {
        id: "in_1".into(),
        title: words.text("Most API requests fail"),
        services: words.text("API, Webhooks"),
        state: State::Major,
        status: "Identified".into(),
        updated: "10:15".into(),
        note: "15 min ago".into(),
    }
}

fn suggestion_row(words: &Words, incident: Option<&str>) -> incidents::SuggestionRow {
    incidents::SuggestionRow {
        id: "sg_1".into(),
        text: words.text("API is down since 09:51, 3 min ago."),
        incident_id: incident.map(str::to_owned),
        state: State::Major,
    }
}

fn empty(words: &Words) -> OverviewPage {
    OverviewPage {
        shell: calm(words),
        title: "Nothing is watched yet".into(),
        sentence: "Your page is online and waits for its first service.".into(),
        is_empty: true,
        broken: Vec::new(),
        suggestions: Vec::new(),
        incidents: Vec::new(),
        services: Vec::new(),
        pages: Vec::new(),
        steps: Vec::new(),
    }
}

fn add_services(samples: &mut Vec<Sample>, words: &Words) {
    let row = |name: &str, state, note: &str| services::Row {
        id: "sv_1".into(),
        name: words.text(name),
        group: words.text("Core"),
        state,
        note: note.into(),
        pages: words.text("Main, Partners"),
        monitors: "1 monitor".into(),
    };
    let room = Room {
        used: "5 of 5 services on this page".into(),
        blocked: Some(words.text("A sixth service needs Pro, $9 a month.")),
    };
    let rows = vec![row("API", State::Major, ""), row("Website", State::Operational, "Set by hand")];
    super::add(samples, words, "services", &services::ListPage { shell: calm(words), rows, room });
    let room = Room { used: "0 of 5 services on this page".into(), blocked: None };
    super::add(
        samples,
        words,
        "services-empty",
        &services::ListPage { shell: calm(words), rows: vec![], room },
    );
    add_service_forms(samples, words);
}

fn add_service_forms(samples: &mut Vec<Sample>, words: &Words) {
    let new = services::FormPage {
        shell: calm(words),
        id: None,
        version: "1".into(),
        name: words.text("API"),
        slug: words.text("api"),
        description: words.text("What programs talk to"),
        group_name: words.text("Core"),
        position: words.text("10"),
        is_visible: true,
        manual_status: choices(words, &["Follow the monitors and incidents", "Operational"]),
        incident_mode: choices(words, &["Suggest incidents", "Do nothing"]),
        suggestions: Vec::new(),
        pages: choices(words, &["Main"]),
        placements: Vec::new(),
        monitors: Vec::new(),
        errors: Errors::default().with("name", words.text("Another service has this name.")),
    };
    super::add(samples, words, "service-new", &new);
    let placement = services::Placement {
        page_id: "pg_1".into(),
        page_title: words.text("Main"),
        page_path: "./p/acme/main".into(),
        text: words.text("in Core, position 10"),
    };
    let edit = services::FormPage {
        shell: calm(words),
        id: Some("sv_1".into()),
        name: words.text("API"),
        slug: words.text("api"),
        description: words.text("What programs talk to"),
        group_name: words.text("Core"),
        position: words.text("10"),
        manual_status: choices(words, &["Follow the monitors and incidents", "Operational"]),
        incident_mode: choices(words, &["Suggest incidents", "Do nothing"]),
        suggestions: vec![suggestion_row(words, None)],
        pages: choices(words, &["Partners"]),
        placements: vec![placement],
        monitors: vec![("mn_1".into(), words.text("api.example.com/health"), State::Major)],
        errors: Errors::default(),
        ..new
    };
    super::add(samples, words, "service-edit", &edit);
}

fn add_monitors(samples: &mut Vec<Sample>, words: &Words) {
    let row = |name: &str, state, text: &str| monitors::Row {
        id: "mn_1".into(),
        name: words.text(name),
        service: words.text("API"),
        state,
        words: words.text(text),
        interval: "5 min".into(),
        response_time: "186 ms".into(),
        checked: "12 s ago".into(),
        tags: vec![words.text("team:billing")],
        snoozed: words.text("Snoozed until 23 Nov 2026, 11:00 UTC"),
        day: monitors::DayBar {
            runs: vec![(0, 22, State::Operational), (22, 2, State::Major)],
            label: words.text("Down in 2 of the last 24 hours"),
        },
    };
    let rows = vec![
        row("api.example.com/health", State::Major, "Status 503 instead of 200"),
        row("www.example.com", State::Operational, "Answers"),
    ];
    let room = || Room { used: "2 monitors".into(), blocked: None };
    // Without monitors there is nothing to narrow down.
    let page = |rows: Vec<monitors::Row>, words: &Words, unseen: &Words| monitors::ListPage {
        shell: calm(words),
        errors: Errors::default(),
        is_empty: rows.is_empty(),
        filter: monitors::FilterForm {
            text: unseen.text("api"),
            states: choices(unseen, &["Any state", "Down"]),
            kinds: choices(unseen, &["Any kind", "HTTP"]),
            tag: unseen.text("eu"),
        },
        chips: vec![monitors::Chip {
            tag: unseen.text("eu"),
            count: 2,
            path: "q=api".into(),
            is_chosen: true,
        }],
        rows,
        part: unseen.text("1 to 2 of 3"),
        query: "q=api&tag=eu".into(),
        next: Some("q=api&cursor=3.1.mn_1".into()),
        first: None,
        room: room(),
    };
    super::add(samples, words, "monitors", &page(rows, words, words));
    super::add(samples, words, "monitors-empty", &page(Vec::new(), words, &Words::plain()));
    super::monitors::add(samples, words);
}

fn add_incidents(samples: &mut Vec<Sample>, words: &Words) {
    let list = incidents::ListPage {
        shell: calm(words),
        suggestions: vec![suggestion_row(words, None)],
        open: vec![incident_row(words)],
        resolved: vec![incident_row(words)],
        older: Some("./orgs/acme/incidents?cursor=x".into()),
        hidden: words.text("Incidents older than 30 days are kept and shown again with Pro."),
    };
    super::add(samples, words, "incidents", &list);
    let none = incidents::ListPage {
        shell: calm(words),
        suggestions: Vec::new(),
        open: Vec::new(),
        resolved: Vec::new(),
        older: None,
        hidden: String::new(),
    };
    super::add(samples, words, "incidents-empty", &none);
    add_incident_forms(samples, words);
}

#[expect(clippy::too_many_lines, reason = "one sample after the other")]
fn add_incident_forms(samples: &mut Vec<Sample>, words: &Words) {
    let statuses = || choices(words, &["Investigating", "Identified", "Monitoring", "Resolved"]);
    let effect = |id: &str, name: &str, state| incidents::Effect {
        service_id: id.into(),
        name: words.text(name),
        state,
        choices: choices(words, &["Not affected", "Degraded performance", "Partial outage", "Major outage"]),
    };
    let effects = || vec![effect("sv_1", "API", State::Major), effect("sv_2", "Website", State::Operational)];
    let form = incidents::FormPage {
        shell: calm(words),
        suggestion: None,
        note: String::new(),
        title: words.text("Most API requests fail"),
        statuses: statuses(),
        body: words.text("We are looking for the cause."),
        effects: effects(),
        told: words.text("12 subscribers will be told."),
        errors: Errors::default().with("title", words.text("Write a title.")),
    };
    super::add(samples, words, "incident-new", &form);
    let suggested = incidents::FormPage {
        shell: calm(words),
        suggestion: Some("sg_1".into()),
        note: words.text("Suggested because a monitor fails since 09:51."),
        title: words.text("API is down"),
        statuses: statuses(),
        body: words.text("Our monitoring finds this service down."),
        effects: effects(),
        told: words.text("12 subscribers will be told."),
        errors: Errors::default(),
    };
    super::add(samples, words, "incident-suggested", &suggested);
    let update = |status: &str, at: &str, text: &str| Update {
        status: status.into(),
        at: Moment { datetime: format!("2026-11-23T{at}:00Z"), text: at.into(), note: None },
        body: markdown::render(text),
        changes: vec![words.text("API: major outage")],
    };
    let show = incidents::ShowPage {
        shell: calm(words),
        id: "in_1".into(),
        version: "1".into(),
        title: words.text("Most API requests fail"),
        state: State::Major,
        status: "Identified".into(),
        is_resolved: false,
        began: Moment { datetime: "2026-11-23T09:51:00Z".into(), text: "09:51".into(), note: None },
        lasting: "39 min".into(),
        origin: "Opened automatically".into(),
        suggestions: vec![suggestion_row(words, Some("in_1"))],
        pages: vec![(words.text("Acme status"), "./p/acme/main/incidents/in_1".into())],
        updates: vec![
            update("Identified", "10:15", "We are rolling *back*."),
            update("Investigating", "09:55", "Most requests fail."),
        ],
        statuses: statuses(),
        body: words.text("The rollback is complete."),
        effects: effects(),
        told: words.text("12 subscribers will be told."),
        errors: Errors::default(),
        next_update: None,
    };
    super::add(samples, words, "incident", &show);
}

fn add_welcome(samples: &mut Vec<Sample>, words: &Words) {
    let site: fn() -> Site = super::auth::site;
    let root = || "./orgs/acme".to_owned();
    let errors = Errors::default();
    let url = words.text("https://example.com");
    let first = welcome::WelcomePage { site: site(), root: root(), url, is_guess: true, errors };
    super::add(samples, words, "welcome", &first);
    let errors = Errors::default().with("url", words.text("This address is private."));
    let url = words.text("https://10.0.0.1");
    let again = welcome::WelcomePage { site: site(), root: root(), url, is_guess: false, errors };
    super::add(samples, words, "welcome-error", &again);
    let phase = |name, outcome| staircase::Phase { name, outcome };
    let took = staircase::Reached::Took;
    let good = welcome::ResultPage {
        site: site(),
        root: root(),
        url: words.text("https://example.com"),
        phases: vec![
            phase("DNS", took(12)),
            phase("TCP connect", took(18)),
            phase("TLS handshake", took(41)),
            phase("First byte", took(120)),
        ],
        is_up: true,
        words: words.text("Status 200"),
        total: "191 ms".into(),
        advice: String::new(),
        rhythm: words.text("We look again every 5 min. You can change that later."),
        monitor_path: "./orgs/acme/monitors/mn_1".into(),
        page_path: "./p/acme/main".into(),
        page_url: words.text("https://status.example.com/p/acme/main"),
    };
    super::add(samples, words, "result-up", &good);
    let bad = welcome::ResultPage {
        url: words.text("https://example.com"),
        phases: vec![
            phase("DNS", took(14)),
            phase("TCP connect", took(19)),
            phase("TLS handshake", staircase::Reached::Failed(words.text("certificate not valid"))),
            phase("First byte", staircase::Reached::Skipped),
        ],
        is_up: false,
        words: words.text("No answer"),
        total: "–".into(),
        advice: words.text("The certificate is not valid for this name, or it has expired."),
        rhythm: words.text("We look again every 5 min."),
        page_url: words.text("https://status.example.com/p/acme/main"),
        ..good
    };
    super::add(samples, words, "result-down", &bad);
}
