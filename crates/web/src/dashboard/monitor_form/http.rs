//! The fields of an HTTP check: what is asked, who asks, and what counts as a good answer.

use actions::monitors::{SecretsHeld, SecretsPatch};
use actions::patch::Patch;
use actions::{Checks, Error};
use domain::monitor::{Auth, HttpSettings, HttpVersion, Method, Monitor, Secrets, StatusRange};

use super::rows;
use super::typed::{Typed, choices, wrong};
use crate::view::dashboard::fields::{Field, Group, Part};

const STATUSES: &str = "Write statuses such as 200, or 200-299, 301.";
const VERSIONS: [(HttpVersion, &str, &str); 3] = [
    (HttpVersion::Auto, "auto", "What the server chooses"),
    (HttpVersion::Http1, "http1", "HTTP/1.1"),
    (HttpVersion::Http2, "http2", "HTTP/2"),
];
const SCHEMES: [(&str, &str); 3] =
    [("none", "None"), ("basic", "Basic: user name and password"), ("bearer", "Bearer: token")];
const MAX_BODY: usize = 16 * 1024;

pub(super) fn read(typed: &Typed, checks: &mut Checks) -> HttpSettings {
    let scheme = typed.get("settings_auth_scheme");
    let auth = match scheme {
        "basic" => Auth::Basic { username: typed.get("settings_auth_username").trim().to_owned() },
        "bearer" => Auth::Bearer,
        "" | "none" => Auth::None,
        _ => {
            wrong(checks, "/auth/scheme", "unknown", "Choose one of the list.");
            Auth::None
        }
    };
    HttpSettings {
        statuses: statuses(typed).map(|(_, ranges)| ranges).unwrap_or_default(),
        headers: rows::read_headers(typed, rows::HEADERS),
        body: typed.as_it_is("settings_body").map(|body| body.replace("\r\n", "\n")),
        auth,
        follow_redirects: !typed.is_ticked("settings_no_redirects"),
        verify_certificate: !typed.is_ticked("settings_no_verification"),
        version: typed.chosen(
            checks,
            "/version",
            &VERSIONS.map(|(value, word, _)| (value, word)),
            HttpVersion::Auto,
        ),
        assertions: rows::read_assertions(typed, checks),
    }
}

pub(super) fn write(typed: &mut Typed, monitor: &Monitor, settings: &HttpSettings) {
    typed.set("url", &monitor.url);
    typed.set("method", monitor.method.as_str());
    typed.set("expected_status", statuses_words(monitor.expected_status, &settings.statuses));
    rows::write_headers(typed, rows::HEADERS, &settings.headers);
    typed.set("settings_body", settings.body.as_deref().unwrap_or_default());
    let scheme = match &settings.auth {
        Auth::None => "none",
        Auth::Basic { username } => {
            typed.set("settings_auth_username", username);
            "basic"
        }
        Auth::Bearer => "bearer",
    };
    typed.set("settings_auth_scheme", scheme);
    typed.tick("settings_no_redirects", !settings.follow_redirects);
    typed.tick("settings_no_verification", !settings.verify_certificate);
    let version = VERSIONS.iter().find(|(value, ..)| *value == settings.version);
    typed.set("settings_version", version.map_or("", |(_, word, _)| word));
    rows::write_assertions(typed, &settings.assertions);
}

/// The expected status and what is as good: "200-299, 301". The first one stands for the others in messages.
pub(super) fn statuses(typed: &Typed) -> Result<(i32, Vec<StatusRange>), Error> {
    let text = typed.sent("expected_status").unwrap_or("200");
    let refused = || Error::field("expected_status", "wrong_type", STATUSES);
    let mut ranges = Vec::new();
    for part in text.split([',', ' ']).map(str::trim).filter(|part| !part.is_empty()) {
        let (from, to) = part.split_once(['-', '–']).unwrap_or((part, part));
        let number = |text: &str| text.trim().parse::<u16>().map_err(|_| refused());
        ranges.push(StatusRange { from: number(from)?, to: number(to)? });
    }
    let first = *ranges.first().ok_or_else(refused)?;
    if first.from == first.to {
        ranges.remove(0);
    }
    Ok((i32::from(first.from), ranges))
}

/// The reverse of [`statuses`].
pub(crate) fn statuses_words(expected: i32, ranges: &[StatusRange]) -> String {
    let is_in_one = u16::try_from(expected).is_ok_and(|code| ranges.iter().any(|range| range.contains(code)));
    let alone = (!is_in_one).then(|| expected.to_string());
    let words = ranges.iter().map(|range| match range {
        StatusRange { from, to } if from == to => from.to_string(),
        StatusRange { from, to } => format!("{from}-{to}"),
    });
    alone.into_iter().chain(words).collect::<Vec<_>>().join(", ")
}

/// What is written into the place of secrets: typed now, or carried from the form before. A way of logging in that was
/// left takes its secret along.
pub(super) fn secrets(typed: &Typed, carried: Secrets) -> SecretsPatch {
    let scheme = typed.get("settings_auth_scheme");
    let one = |name: &str, of: &str, carried: Option<String>| match typed.as_it_is(name).or(carried) {
        _ if scheme != of => Patch::Clear,
        Some(text) => Patch::Set(text),
        None => Patch::Keep,
    };
    let written = rows::read_headers(typed, rows::SECRET_HEADERS);
    let headers = if written.is_empty() { carried.headers } else { written };
    SecretsPatch {
        password: one("secrets_password", "basic", carried.password),
        token: one("secrets_token", "bearer", carried.token),
        headers: match headers {
            headers if !headers.is_empty() => Patch::Set(headers),
            _ if typed.is_ticked("secrets_headers_remove") => Patch::Clear,
            _ => Patch::Keep,
        },
    }
}

pub(super) fn target(typed: &Typed) -> Vec<Part> {
    let hint = "http:// or https://, with a port where it needs one.";
    vec![Part::Field(Field::text("url", "Address", typed.get("url")).url().required().hint(hint))]
}

/// `is_get_only`: the tier has no other methods than those that change nothing.
pub(super) fn groups(typed: &Typed, held: &SecretsHeld, carried: &Secrets, is_get_only: bool) -> Vec<Group> {
    vec![request(typed, is_get_only), log_in(typed, held, carried), answer(typed)]
}

fn request(typed: &Typed, is_get_only: bool) -> Group {
    let chosen = typed.get("method");
    let methods = [Method::Get, Method::Head, Method::Post]
        .into_iter()
        .filter(|method| method.is_free() || !is_get_only || method.as_str() == chosen)
        .map(|method| (method.as_str(), method.as_str()));
    let versions = VERSIONS.map(|(_, word, label)| (word, label));
    let body = Field::area("settings_body", "Body", typed.get("settings_body"), 3, MAX_BODY)
        .hint("Sent with POST, as it is. Write its Content-Type as a header.");
    Group {
        title: "Request: method, headers, body, redirects, HTTP version".to_owned(),
        is_open: typed.more() == Some(rows::HEADERS),
        parts: vec![
            Part::Pair(
                Field::choose("method", "Method", choices(methods, chosen)),
                Field::choose(
                    "settings_version",
                    "HTTP version",
                    choices(versions, typed.get("settings_version")),
                )
                .hint("HTTP/2 needs https://."),
            ),
            rows::headers(typed, ""),
            Part::Field(body),
            Part::Field(
                Field::check(
                    "settings_no_redirects",
                    "Do not follow redirects",
                    typed.is_ticked("settings_no_redirects"),
                )
                .hint("Otherwise up to three are followed; secrets stay with the first server."),
            ),
            Part::Field(
                Field::check(
                    "settings_no_verification",
                    "Accept a certificate that is not valid",
                    typed.is_ticked("settings_no_verification"),
                )
                .hint("For servers inside that have their own. Nothing then says who answered."),
            ),
        ],
    }
}

fn log_in(typed: &Typed, held: &SecretsHeld, carried: &Secrets) -> Group {
    let kept = |is_stored: bool, is_carried: bool| match (is_carried, is_stored) {
        (true, _) => "Typed, and kept for this form without being shown. Write it again to change it.",
        (false, true) => "One is stored. Left empty, it stays; with another way of logging in it is removed.",
        (false, false) => "Stored encrypted and never shown again.",
    };
    let scheme = typed.get("settings_auth_scheme");
    let mut parts = vec![
        Part::Field(Field::choose("settings_auth_scheme", "Log in with", choices(SCHEMES, scheme))),
        Part::Pair(
            Field::text("settings_auth_username", "User name", typed.get("settings_auth_username"))
                .longest(1024)
                .hint("For basic."),
            Field::secret("secrets_password", "Password", 1024)
                .hint(format!("For basic. {}", kept(held.password, carried.password.is_some()))),
        ),
        Part::Field(
            Field::secret("secrets_token", "Token", 4096)
                .hint(format!("For bearer. {}", kept(held.token, carried.token.is_some()))),
        ),
        rows::secret_headers(typed, &secret_headers_hint(held, carried)),
    ];
    if !held.headers.is_empty() {
        parts.push(Part::Field(Field::check(
            "secrets_headers_remove",
            "Remove the stored secret headers",
            typed.is_ticked("secrets_headers_remove"),
        )));
    }
    Group {
        title: "Log-in and secret headers".to_owned(),
        is_open: typed.more() == Some(rows::SECRET_HEADERS),
        parts,
    }
}

fn secret_headers_hint(held: &SecretsHeld, carried: &Secrets) -> String {
    let names: Vec<&str> = carried.headers.iter().map(|header| header.name.as_str()).collect();
    match (names.is_empty(), held.headers.is_empty()) {
        (false, _) => format!("Typed, and kept for this form without being shown: {}.", names.join(", ")),
        (true, false) => format!(
            "Stored: {}. Left empty, they stay; what is written here replaces them all.",
            held.headers.join(", ")
        ),
        (true, true) => "Such as an API key. Stored encrypted and never shown again.".to_owned(),
    }
}

fn answer(typed: &Typed) -> Group {
    Group {
        title: "Good answer: statuses, speed, contents".to_owned(),
        is_open: typed.more() == Some(rows::ASSERTIONS),
        parts: vec![
            Part::Pair(
                Field::text("expected_status", "Expected statuses", typed.get("expected_status"))
                    .hint("One or several: 200-299, 301."),
                super::numbers::slow(typed),
            ),
            rows::assertions(typed),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_statuses(text: &str) -> Option<(i32, String)> {
        let mut typed = Typed::default();
        typed.set("expected_status", text);
        statuses(&typed).ok().map(|(expected, ranges)| (expected, statuses_words(expected, &ranges)))
    }

    #[test]
    fn statuses_are_written_as_numbers_and_ranges_and_read_back_alike() {
        for text in ["200", "200-299, 301", "200, 301", "204, 200-203", "401"] {
            assert_eq!(read_statuses(text).map(|(_, words)| words).as_deref(), Some(text));
        }
        assert_eq!(read_statuses(" 200 , 301-302 "), Some((200, "200, 301-302".into())));
        assert_eq!(read_statuses("200-299").map(|(expected, _)| expected), Some(200));
        for text in ["", "abc", "200-", "99999", ","] {
            assert_eq!(read_statuses(text), None, "{text}");
        }
    }

    #[test]
    fn secrets_stay_unless_another_is_typed_or_the_way_of_logging_in_changes() {
        let patch = |fields: &[(&str, &str)], carried: Secrets| {
            let mut typed = Typed::default();
            for (name, value) in fields {
                typed.set(*name, *value);
            }
            secrets(&typed, carried)
        };
        let none = Secrets::default;
        let basic = ("settings_auth_scheme", "basic");
        assert_eq!(patch(&[basic], none()).password, Patch::Keep);
        assert_eq!(
            patch(&[basic, ("secrets_password", " p ")], none()).password,
            Patch::Set(" p ".to_owned())
        );
        let carried = || Secrets { password: Some("before".into()), ..Secrets::default() };
        assert_eq!(patch(&[basic], carried()).password, Patch::Set("before".to_owned()));
        assert_eq!(patch(&[("settings_auth_scheme", "none")], carried()).password, Patch::Clear);
        assert_eq!(patch(&[basic], none()).headers, Patch::Keep);
        assert_eq!(patch(&[("secrets_headers_remove", "true")], none()).headers, Patch::Clear);
    }
}
