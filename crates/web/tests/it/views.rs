//! What holds for every view.

use crate::samples::{self, Sample, Words};
use askama::Template;
use std::path::PathBuf;
use web::assets::{Precompressed, asset_url};

/// As askama writes it.
fn escaped(text: &str) -> String {
    text.replace('&', "&#38;")
        .replace('<', "&#60;")
        .replace('>', "&#62;")
        .replace('"', "&#34;")
        .replace('\'', "&#39;")
}

fn tags(html: &str) -> impl Iterator<Item = &str> {
    html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default())
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

/// T-05: every text a person typed is shown, and none of it becomes markup.
#[test]
fn every_text_is_shown_and_escaped() {
    for Sample { name, html, texts } in samples::all(&Words::hostile()) {
        assert!(!html.contains("<script"), "{name}");
        for text in texts {
            assert!(html.contains(&escaped(&text)), "{name} does not show {text}");
        }
    }
}

/// T-05, T-17: nothing that a strict content security policy would have to allow.
#[test]
fn no_view_has_inline_script_or_style_or_a_foreign_address() {
    for Sample { name, html, .. } in samples::all(&Words::plain()) {
        for tag in tags(&html) {
            let element = tag.split([' ', '/']).next().unwrap_or_default();
            assert!(!["script", "style", "iframe", "object", "base"].contains(&element), "{name}: <{tag}>");
            assert!(attribute(tag, "style").is_none(), "{name}: <{tag}>");
            let mut outside_of_quotes = tag.split('"').step_by(2).flat_map(str::split_whitespace);
            assert!(!outside_of_quotes.any(|part| part.starts_with("on")), "{name}: <{tag}>");
            if matches!(element, "link" | "img" | "form") {
                let target = attribute(tag, "href").or(attribute(tag, "src")).or(attribute(tag, "action"));
                assert!(target.is_some_and(|target| target.starts_with("./")), "{name}: <{tag}>");
            }
        }
    }
}

/// `ux.md` 1.8: one `h1`, no skipped level, landmarks, a language, a title, a label for every field, no id twice.
#[test]
fn every_view_has_the_skeleton_that_assistive_technology_needs() {
    for Sample { name, html, .. } in samples::all(&Words::plain()) {
        assert!(html.contains("<html lang=\"en\">"), "{name}");
        assert!(!html.contains("<title></title>"), "{name}");
        for landmark in ["main", "h1"] {
            let count = tags(&html).filter(|tag| tag.split(' ').next() == Some(landmark)).count();
            assert_eq!(count, 1, "{name}: <{landmark}>");
        }
        let mut level = 0;
        for tag in tags(&html) {
            if let Some(next) =
                tag.strip_prefix('h').and_then(|rest| rest.get(..1)).and_then(|digit| digit.parse().ok())
            {
                assert!(next <= level + 1, "{name}: h{next} after h{level}");
                level = next;
            }
        }
        let ids: Vec<&str> = tags(&html).filter_map(|tag| attribute(tag, "id")).collect();
        let unique: std::collections::HashSet<&&str> = ids.iter().collect();
        assert_eq!(ids.len(), unique.len(), "{name}: an id stands twice: {ids:?}");
        for tag in tags(&html) {
            let element = tag.split(' ').next().unwrap_or_default();
            let kind = attribute(tag, "type").unwrap_or("text");
            if matches!(element, "input" | "select" | "textarea") && !matches!(kind, "hidden") {
                let id = attribute(tag, "id").unwrap_or_default();
                let labelled = html.contains(&format!("<label for=\"{id}\""))
                    || html.contains(&format!(" for=\"{id}\""));
                assert!(labelled || attribute(tag, "aria-label").is_some(), "{name}: no label for <{tag}>");
            }
            for reference in ["aria-describedby", "aria-labelledby"] {
                for id in attribute(tag, reference).unwrap_or_default().split_whitespace() {
                    assert!(ids.contains(&id), "{name}: {reference} points at {id}, which is not there");
                }
            }
            if let Some(target) = attribute(tag, "href").and_then(|href| href.strip_prefix('#')) {
                let icon = element == "use";
                assert!(ids.contains(&target), "{name}: #{target} is not there (icon: {icon})");
            }
        }
    }
}

/// U-2, P-1: 20 services × 90 days with an open incident, markup and style, at most 30 kB with gzip.
#[test]
fn a_large_page_with_its_style_weighs_at_most_30_kb() {
    let html = samples::public::large().render().unwrap();
    let css: String = ["tokens", "base", "page"]
        .iter()
        .map(|part| std::fs::read_to_string(format!("static/css/{part}.css")).unwrap())
        .collect();
    let (html, css) = (Precompressed::new(html).gzip_len(), Precompressed::new(css).gzip_len());
    println!("markup {html} + style {css} bytes with gzip");
    assert!(html + css <= 30_000, "{html} + {css}");
}

/// `ux.md` 4.3: 90 bars in at most 4 kB, in every state they can be in.
#[test]
fn a_strip_takes_at_most_4_kb() {
    use web::bars::DAYS;
    use web::view::State;
    #[derive(Template)]
    #[template(path = "partial/strip.html")]
    struct Alone {
        strip: web::bars::Strip,
    }
    for state in
        [State::Operational, State::Degraded, State::Partial, State::Major, State::Maintenance, State::NoData]
    {
        let events: Vec<(usize, State, &str)> =
            (0..DAYS).map(|day| (day, state, "3 h 12 min down")).collect();
        let html = Alone { strip: samples::public::strip(19, "A long name of a service", &events, 0) }
            .render()
            .unwrap();
        assert_eq!(html.matches("<rect").count(), DAYS);
        assert!(html.len() <= 4096, "{state:?}: {}", html.len());
    }
}

/// Writes all samples with their assets to `target/tmp/views`, for eyes and for tools that check pages.
#[tokio::test]
async fn the_samples_can_be_looked_at() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("views");
    std::fs::create_dir_all(folder.join("static")).unwrap();
    for name in ["public.css", "app.css", "favicon.svg"] {
        let file = asset_url(name).strip_prefix("/static/").unwrap();
        let answer =
            web::assets::show(axum::extract::Path(file.to_owned()), axum::http::HeaderMap::new()).await;
        let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        std::fs::write(folder.join("static").join(file), bytes).unwrap();
    }
    for Sample { name, html, .. } in samples::all(&Words::plain()) {
        std::fs::write(folder.join(format!("{name}.html")), html).unwrap();
    }
    assert!(folder.join("public-ok.html").exists());
}
