//! Samples of one monitor and of its form.

use super::dashboard::{calm, choices};
use super::{Sample, Words};
use web::view::dashboard::chart::{Chart, Row, Series, Tick};
use web::view::dashboard::fields::{Field, Group, Part, Rows};
use web::view::dashboard::monitors::{CheckRow, FormPage, KindLink, RangeLink, ShowPage, Spell, Trial};
use web::view::dashboard::staircase::{Phase, Reached};
use web::view::{Errors, State};

pub(super) fn add(samples: &mut Vec<Sample>, words: &Words) {
    super::add(samples, words, "monitor", &monitor(words));
    let empty = ShowPage {
        chart: None,
        spells: Vec::new(),
        checks: Vec::new(),
        figures: Vec::new(),
        ..monitor(words)
    };
    words.take();
    super::add(samples, words, "monitor-empty", &empty);
    super::add(samples, words, "monitor-form", &form(words));
    let plain = Words::plain();
    let tried = FormPage { id: None, trial: Some(trial(words)), errors: Errors::default(), ..form(&plain) };
    super::add(samples, words, "monitor-tried", &tried);
}

fn monitor(words: &Words) -> ShowPage {
    let check = |at: &str, state, text: &str| CheckRow {
        at: at.into(),
        state,
        words: words.text(text),
        phases: ["11", "17", "–", "62"].map(str::to_owned),
        total: "126 ms".into(),
        bar: vec![("g1", 0, 12), ("g2", 12, 20), ("g4", 32, 80)],
    };
    let figure = |label: &str, value: &str, unit: &str| (label.to_owned(), value.to_owned(), unit.to_owned());
    let row = |label: &str, value: &str| (label.to_owned(), words.text(value));
    let range = |key, label, is_chosen| RangeLink { key, label, is_chosen };
    ShowPage {
        shell: calm(words),
        id: "mn_1".into(),
        name: words.text("api.example.com/health"),
        state: State::Major,
        words: words.text("Down for 39 min"),
        flapping: words.text("Flapping since 09:12 UTC"),
        snoozed: words.text("Snoozed until 23 Nov 2026, 11:00 UTC"),
        is_active: true,
        is_asked: true,
        service: ("sv_1".into(), words.text("API")),
        interval: "60 s".into(),
        figures: vec![
            figure("Uptime, 90 days", "99.966", "%"),
            figure("Median, 24 h", "186", "ms"),
            figure("Certificate", "23", "days left"),
        ],
        ranges: vec![range("24h", "24 h", true), range("7d", "7 d", false), range("90d", "90 d", false)],
        range: "last 24 hours",
        chart: Some(chart()),
        spells: vec![
            spell(State::Major, "Down", "39 min so far"),
            spell(State::Degraded, "Degraded", "4 min"),
        ],
        checks: vec![
            check("23 Nov, 10:30:02", State::Major, "503, expected 200"),
            check("23 Nov, 10:29:02", State::Degraded, "200, slow"),
            check("23 Nov, 10:28:02", State::Operational, "200"),
        ],
        settings: vec![
            row("Kind", "HTTP"),
            row("Address", "https://api.example.com/health"),
            row("Log-in", "basic, as probe, password: stored"),
        ],
        tags: vec![words.text("eu")],
        rules: vec![row("Down when", "2 checks in a row fail"), row("Up again when", "1 check succeeds")],
    }
}

fn spell(state: State, words: &'static str, lasting: &str) -> Spell {
    Spell { state, words, began: "23 Nov 2026, 09:51 UTC".into(), lasting: lasting.into() }
}

/// A day with a gap and an outage.
fn chart() -> Chart {
    let columns = |class, name, ground: i64, height: i64| {
        let hours = (0..24_i64).filter(|hour| !(9..12).contains(hour));
        let bars: Vec<String> = hours
            .map(|hour| {
                let height = height + hour * 7 % 5 * 12;
                format!("M{} {}h8v-{height}h-8z", hour * 10 + 1, 1000 - ground - hour * 7 % 5 * 12)
            })
            .collect();
        let path = bars.concat();
        Series { class, name, value: "18 ms".into(), path }
    };
    let tick = |at: &str, text: &str, is_minor| Tick { at: at.into(), text: text.into(), is_minor };
    let line = |class, name, path: &str| Series { class, name, value: "312 ms".into(), path: path.into() };
    let heads = vec!["Median", "95 %", "DNS", "Connect", "TLS", "First byte", "Checks", "Failed"];
    let cells = heads.iter().map(|_| "18 ms".to_owned()).collect();
    Chart {
        title: "Response time, last 24 hours".into(),
        description: "Half of the answers came within 186 ms, 95 percent within 312 ms; 4 checks failed."
            .into(),
        grain: "Each column is an hour",
        width: 240,
        heights: ["600", "450", "300", "150", "0"]
            .iter()
            .enumerate()
            .map(|(index, text)| tick(&format!("{}%", index * 25), text, false))
            .collect(),
        times: vec![
            tick("4.1%", "12:00", false),
            tick("16.6%", "15:00", true),
            tick("29.1%", "18:00", false),
        ],
        columns: vec![
            columns("g1", "DNS", 0, 40),
            columns("g2", "Connect", 60, 60),
            columns("g4", "First byte", 140, 180),
        ],
        lines: vec![
            line("p50", "Median", "M0 700h10V680h10V720h10M120 700h10V690h10"),
            line("p95", "95 % within", "M0 500h10V420h10V520h10M120 500h10V300h10"),
        ],
        outages: "M95 0h30v1000h-30z".into(),
        heads,
        rows: vec![Row { at: "23 Nov, 10:00".into(), cells }],
    }
}

fn form(words: &Words) -> FormPage {
    let row = |index: usize| {
        vec![
            Field::text(format!("settings_headers_{index}_name"), "Header", words.text("Accept")),
            Field::text(format!("settings_headers_{index}_value"), "Value", words.text("text/plain")),
        ]
    };
    let kind = |label: &str, is_chosen| KindLink {
        query: "kind=http".into(),
        label: words.text(label),
        sentence: words.text("An address answers."),
        is_chosen,
    };
    FormPage {
        shell: calm(words),
        id: None,
        version: String::new(),
        kind: "http".into(),
        kind_label: String::new(),
        kinds: vec![kind("HTTP", true), kind("TCP port", false)],
        main: vec![
            Part::Field(Field::text("url", "Address", words.text("https://10.0.0.1/")).url().required()),
            Part::Field(
                Field::choose("interval_seconds", "Check every", choices(words, &["5 min", "10 min"]))
                    .hint(words.text("Pro checks every minute.")),
            ),
        ],
        groups: vec![Group {
            title: words.text("Request"),
            is_open: true,
            parts: vec![
                Part::Pair(
                    Field::area("settings_body", "Body", words.text("{}"), 3, 100),
                    Field::secret("secrets_password", "Password", 100).hint(words.text("One is stored.")),
                ),
                Part::Rows(Rows {
                    id: "settings_headers".into(),
                    legend: words.text("Headers"),
                    hint: words.text("Sent along."),
                    rows: vec![row(0), row(1)],
                }),
                Part::Field(Field::check("settings_no_redirects", "Do not follow redirects", true)),
            ],
        }],
        is_active: true,
        is_tried: true,
        trial: None,
        carried: words.text("c0ffee"),
        errors: Errors::default()
            .with("url", words.text("This address is private."))
            .with("settings_headers_1_name", words.text("This is not the name of a header.")),
    }
}

fn trial(words: &Words) -> Trial {
    let phase = |name, outcome| Phase { name, outcome };
    Trial {
        state: State::Major,
        title: words.text("It does not answer as it should"),
        words: words.text("The TLS certificate has expired."),
        total: "37 ms".into(),
        certificate: words.text("Its certificate ended 2 days ago, 21 Nov 2026."),
        phases: vec![
            phase("DNS", Reached::Took(12)),
            phase("TCP connect", Reached::Took(25)),
            phase("TLS handshake", Reached::Failed(words.text("the certificate has expired"))),
            phase("First byte", Reached::Skipped),
        ],
    }
}
