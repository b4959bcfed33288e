//! `GET /p/{org}/{page}/badge.svg` and `/badge/{component}.svg`, and `.json` for shields (X33, `ux.md` 1.5): state, uptime
//! and uptime against a target. The same figures as on the page, behind the same gate (H-11); a badge is an image
//! whatever happens, since it stands in somebody else's page.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use domain::id::ServiceId;
use domain::uptime::{FULL, format_percent};
use serde_json::json;

use super::documents::moved;
use super::feed::escape;
use super::figures::{Figures, Period, ServiceFigures};
use super::status_page::find_figures;
use crate::AppState;
use crate::assets::Precompressed;
use crate::cache::{Key, Output};
use crate::extract::Path;
use crate::view::State as Shown;

const CACHE_CONTROL: &str = "public, max-age=60";
/// Nothing is loaded or run by an image (T-06).
const CSP: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
/// Characters of a label.
const LONGEST_LABEL: usize = 40;

/// The state of the page: `badge.svg` or `badge.json`.
pub async fn show_svg(
    State(state): State<AppState>,
    Path((organization, page)): Path<(String, String)>,
    asked: Parts,
) -> Response {
    answer(&state, Key { organization, page: Some(page), output: Output::Figures }, &asked, None, Form::Svg)
        .await
}

pub async fn show_json(
    State(state): State<AppState>,
    Path((organization, page)): Path<(String, String)>,
    asked: Parts,
) -> Response {
    answer(&state, Key { organization, page: Some(page), output: Output::Figures }, &asked, None, Form::Json)
        .await
}

/// One service of the page: its id with `.svg` or `.json`.
pub async fn show_component(
    State(state): State<AppState>,
    Path((organization, page, file)): Path<(String, String, String)>,
    asked: Parts,
) -> Response {
    let (name, form) = match file.strip_suffix(".json") {
        Some(name) => (name, Form::Json),
        None => (file.strip_suffix(".svg").unwrap_or_default(), Form::Svg),
    };
    let key = Key { organization, page: Some(page), output: Output::Figures };
    answer(&state, key, &asked, Some(name), form).await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Svg,
    Json,
}

/// What is written on a badge.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Badge {
    label: String,
    message: String,
    colour: Colour,
    is_error: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Colour {
    Green,
    Yellow,
    Orange,
    Red,
    Blue,
    Grey,
}

impl Colour {
    /// The words of shields.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Green => "brightgreen",
            Self::Yellow => "yellow",
            Self::Orange => "orange",
            Self::Red => "red",
            Self::Blue => "blue",
            Self::Grey => "lightgrey",
        }
    }

    /// Dark enough for white text on it.
    const fn fill(self) -> &'static str {
        match self {
            Self::Green => "#1a7f37",
            Self::Yellow => "#8a6100",
            Self::Orange => "#b04a00",
            Self::Red => "#c0262d",
            Self::Blue => "#1f5fbf",
            Self::Grey => "#5f6670",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Status,
    Uptime,
    /// Uptime against a target.
    Sla,
}

/// The query of a badge. Parameters that mean nothing here are left alone: people add some against caches.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    kind: Kind,
    period: Period,
    is_square: bool,
    label: Option<String>,
    /// In 1/100 000.
    target: Option<u32>,
}

impl Wanted {
    /// `None`: a value that cannot be.
    fn read(query: &str) -> Option<Self> {
        let mut wanted =
            Self { kind: Kind::Status, period: Period::Quarter, is_square: false, label: None, target: None };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "kind" => {
                    wanted.kind = match value.as_ref() {
                        "status" => Kind::Status,
                        "uptime" => Kind::Uptime,
                        "sla" => Kind::Sla,
                        _ => return None,
                    }
                }
                "period" => wanted.period = Period::ALL.into_iter().find(|known| known.as_str() == value)?,
                "style" => {
                    wanted.is_square = match value.as_ref() {
                        "flat" => false,
                        "flat-square" => true,
                        _ => return None,
                    }
                }
                "label" => wanted.label = Some(value.into_owned()),
                "target" => wanted.target = Some(thousandths(&value)?),
                _ => {}
            }
        }
        if wanted.kind == Kind::Sla && wanted.target.is_none() { None } else { Some(wanted) }
    }
}

/// "99.9" as 99 900; three decimals at most, above 0 and up to 100.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(part) || whole.len() > 3 || part.len() > 3 {
        return None;
    }
    let value = whole.parse::<u32>().ok()? * 1000 + format!("{part:0<3}").parse::<u32>().ok()?;
    (1..=FULL).contains(&value).then_some(value)
}

async fn answer(state: &AppState, key: Key, asked: &Parts, component: Option<&str>, form: Form) -> Response {
    let wanted = Wanted::read(asked.uri.query().unwrap_or_default());
    let (status, badge) = match find_figures(state, &key).await {
        Ok(Some(figures)) => written(&figures, component, wanted.as_ref()),
        Ok(None) => match moved(state, &key, asked).await {
            Some(redirect) => return redirect,
            None => (StatusCode::NOT_FOUND, Badge::plain("status", "not found")),
        },
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, Badge::plain("status", "no answer")),
    };
    let is_square = wanted.is_some_and(|wanted| wanted.is_square);
    let (bytes, content_type) = match form {
        Form::Svg => (badge.svg(is_square), "image/svg+xml"),
        Form::Json => (badge.json(), "application/json"),
    };
    let mut response = Precompressed::plain(bytes).answer(&asked.headers, content_type, CACHE_CONTROL);
    if response.status() == StatusCode::OK {
        *response.status_mut() = status;
    }
    let headers = response.headers_mut();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(policy, HeaderValue::from_static("cross-origin"));
    response
}

/// What the badge says. A service that is not there, hidden or foreign gives one and the same answer (H-11).
fn written(figures: &Figures, component: Option<&str>, wanted: Option<&Wanted>) -> (StatusCode, Badge) {
    let absent = || (StatusCode::NOT_FOUND, Badge::plain("status", "not found"));
    let service = match component {
        None => None,
        Some(name) => {
            let id = name.parse::<ServiceId>().ok();
            match figures.services.iter().find(|service| Some(service.id) == id) {
                Some(service) => Some(service),
                None => return absent(),
            }
        }
    };
    let Some(wanted) = wanted else {
        return (StatusCode::UNPROCESSABLE_ENTITY, Badge::plain("status", "invalid address"));
    };
    let mut badge = match (wanted.kind, service) {
        (Kind::Status, service) => of_state(figures, service),
        // A page has no uptime of its own (D8).
        (_, None) => return absent(),
        (_, Some(_)) if !figures.has_sla_badge => Badge::plain("uptime", "unavailable"),
        (_, Some(service)) => of_uptime(service, wanted),
    };
    if let Some(label) = &wanted.label {
        badge.label = label.chars().filter(|character| !character.is_control()).take(LONGEST_LABEL).collect();
    }
    (StatusCode::OK, badge)
}

fn of_state(figures: &Figures, service: Option<&ServiceFigures>) -> Badge {
    let (label, state) = match service {
        Some(service) => (service.name.as_str(), service.state),
        None => ("status", figures.state),
    };
    let (message, colour) = match state {
        Shown::Operational => ("operational", Colour::Green),
        Shown::Degraded => ("degraded", Colour::Yellow),
        Shown::Partial => ("partial outage", Colour::Orange),
        Shown::Major => ("major outage", Colour::Red),
        Shown::Maintenance => ("maintenance", Colour::Blue),
        Shown::NoData => ("no data", Colour::Grey),
    };
    let is_error = matches!(state, Shown::Partial | Shown::Major);
    Badge { label: shortened(label), message: message.to_owned(), colour, is_error }
}

fn of_uptime(service: &ServiceFigures, wanted: &Wanted) -> Badge {
    let label = format!("{} {}", shortened(&service.name), wanted.period.as_str());
    let Some(uptime) = service.uptime(wanted.period) else {
        return Badge { label, message: "no data".to_owned(), colour: Colour::Grey, is_error: false };
    };
    let (message, colour) = match wanted.target {
        Some(target) if wanted.kind == Kind::Sla => {
            let colour = if uptime >= target { Colour::Green } else { Colour::Red };
            (format!("{} of {}", format_percent(uptime), format_percent(target)), colour)
        }
        _ => (format_percent(uptime), of_percent(uptime)),
    };
    Badge { label, message, colour, is_error: false }
}

const fn of_percent(uptime: u32) -> Colour {
    match uptime {
        99_900.. => Colour::Green,
        99_000.. => Colour::Yellow,
        95_000.. => Colour::Orange,
        _ => Colour::Red,
    }
}

fn shortened(name: &str) -> String {
    name.chars().take(LONGEST_LABEL).collect()
}

impl Badge {
    fn plain(label: &str, message: &str) -> Self {
        Self { label: label.to_owned(), message: message.to_owned(), colour: Colour::Grey, is_error: false }
    }

    /// For <https://shields.io/badges/endpoint-badge>.
    fn json(&self) -> String {
        let mut body = json!({
            "schemaVersion": 1,
            "label": self.label,
            "message": self.message,
            "color": self.colour.as_str(),
            "cacheSeconds": 60,
        });
        if let (true, Some(fields)) = (self.is_error, body.as_object_mut()) {
            fields.insert("isError".to_owned(), true.into());
        }
        body.to_string()
    }

    fn svg(&self, is_square: bool) -> String {
        let (left, right) = (width(&self.label) + 12, width(&self.message) + 12);
        let (all, radius) = (left + right, if is_square { 0 } else { 3 });
        let (label, message, fill) = (escape(&self.label), escape(&self.message), self.colour.fill());
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{all}\" height=\"20\" role=\"img\" aria-label=\"{label}: {message}\">\
             <title>{label}: {message}</title>\
             <clipPath id=\"c\"><rect width=\"{all}\" height=\"20\" rx=\"{radius}\"/></clipPath>\
             <g clip-path=\"url(#c)\"><rect width=\"{left}\" height=\"20\" fill=\"#444b54\"/>\
             <rect x=\"{left}\" width=\"{right}\" height=\"20\" fill=\"{fill}\"/></g>\
             <g fill=\"#fff\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">"
        );
        for (x, length, text) in [(6, left - 12, &label), (left + 6, right - 12, &message)] {
            let _ = write!(svg, "<text x=\"{x}\" y=\"14\" textLength=\"{length}\">{text}</text>");
        }
        svg.push_str("</g></svg>\n");
        svg
    }
}

/// About as wide as the text is in Verdana at 11 pixels; the text is stretched to it.
fn width(text: &str) -> u32 {
    let tenths: u32 = text
        .chars()
        .map(|character| match character {
            'i' | 'j' | 'l' | '.' | ',' | ':' | ' ' | '\'' | '|' => 36,
            'f' | 't' | 'r' | '(' | ')' | '-' => 47,
            'm' | 'w' | 'M' | 'W' | '%' => 108,
            'A'..='Z' => 77,
            character if character.is_ascii() => 68,
            _ => 110,
        })
        .sum();
    tenths.div_ceil(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_to_the_last_digit() {
        for (text, value) in [
            ("99.9", Some(99_900)),
            ("99.95", Some(99_950)),
            ("99.999", Some(99_999)),
            ("100", Some(100_000)),
            ("100.001", None),
            ("0", None),
            ("0.001", Some(1)),
            ("99.9999", None),
            ("-1", None),
            ("+99.9", None),
            ("1e2", None),
            ("", None),
            (".9", None),
        ] {
            assert_eq!(thousandths(text), value, "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_and_what_means_nothing_is_left_alone() {
        let wanted =
            Wanted::read("kind=sla&period=30d&target=99.9&style=flat-square&label=x%20y&v=3").unwrap();
        assert_eq!((wanted.kind, wanted.period, wanted.is_square), (Kind::Sla, Period::Month, true));
        assert_eq!((wanted.label.as_deref(), wanted.target), (Some("x y"), Some(99_900)));
        for query in ["kind=sla", "kind=other", "period=31d", "style=plastic", "kind=sla&target=x"] {
            assert_eq!(Wanted::read(query), None, "{query}");
        }
    }

    #[test]
    fn hostile_text_stays_text_in_an_image() {
        // H-22, T-06
        let hostile = "</text><script>alert(1)</script>\" onload='x'";
        let badge = Badge { label: hostile.into(), ..Badge::plain("", "operational") };
        let svg = badge.svg(false);
        assert!(
            !svg.contains("<script") && !svg.contains("onload='") && svg.contains("&lt;script&gt;"),
            "{svg}"
        );
        assert!(badge.json().contains("\\\""));
    }

    #[test]
    fn an_outage_is_an_error_for_shields() {
        let badge = Badge { is_error: true, ..Badge::plain("api", "major outage") };
        assert!(badge.json().contains("\"isError\":true"));
        assert!(!Badge::plain("api", "operational").json().contains("isError"));
    }
}
