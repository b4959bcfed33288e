//! Whether the settings of an HTTP check can be used, for the form before it saves them.

use domain::monitor::{Assertion, Auth, Header, HttpSettings, Secrets};
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderName, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};

use super::plan::parse;
use crate::assertions::fault;
use crate::finding::Finding;

const MAX_BODY_BYTES: usize = 16 * 1024;
/// Of both kinds together.
const MAX_HEADERS: usize = 20;
const MAX_NAME_BYTES: usize = 128;
const MAX_VALUE_BYTES: usize = 4096;
const MAX_STATUSES: usize = 20;

/// Of one connection, or ours: to frame the request, to say who asks (T-19) and to get plain bytes (T-24).
const REFUSED: [HeaderName; 12] = [
    HOST,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    CONNECTION,
    UPGRADE,
    TE,
    TRAILER,
    EXPECT,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    USER_AGENT,
    ACCEPT_ENCODING,
];
const REFUSED_WITHOUT_CONSTANT: [&str; 3] = ["keep-alive", "proxy-connection", "http2-settings"];

/// Everything that is wrong with these settings; empty: they can be used.
pub fn check_http(settings: &HttpSettings, secrets: &Secrets) -> Vec<Finding> {
    let mut findings = Findings(Vec::new());
    findings.statuses(settings);
    if settings.headers.len() + secrets.headers.len() > MAX_HEADERS {
        findings.add("/headers", "too_many", "Use at most 20 headers.");
    }
    findings.headers("/headers", &settings.headers, &settings.auth);
    findings.headers("/secrets/headers", &secrets.headers, &settings.auth);
    if settings.body.as_ref().is_some_and(|body| body.len() > MAX_BODY_BYTES) {
        findings.add("/body", "too_long", "The body is too long. Use at most 16 KiB.");
    }
    findings.auth(&settings.auth, secrets);
    if settings.assertions.len() > Assertion::MOST {
        findings.add("/assertions", "too_many", "Use at most 20 assertions.");
    }
    for (index, assertion) in settings.assertions.iter().enumerate().take(Assertion::MOST) {
        if let Some((field, code, message)) = fault(assertion) {
            findings.add(format!("/assertions/{index}/{field}"), code, message);
        }
    }
    findings.0
}

struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, pointer: impl Into<String>, code: &'static str, message: &'static str) {
        self.0.push(Finding { pointer: pointer.into(), code, message: message.into() });
    }

    fn statuses(&mut self, settings: &HttpSettings) {
        if settings.statuses.len() > MAX_STATUSES {
            self.add("/statuses", "too_many", "Use at most 20 ranges.");
        }
        for (index, range) in settings.statuses.iter().enumerate().take(MAX_STATUSES) {
            if !(100 <= range.from && range.from <= range.to && range.to <= 599) {
                let message = "Write a status between 100 and 599, or a range such as 200-299.";
                self.add(format!("/statuses/{index}"), "out_of_range", message);
            }
        }
    }

    fn headers(&mut self, pointer: &str, headers: &[Header], auth: &Auth) {
        for (index, header) in headers.iter().enumerate().take(MAX_HEADERS) {
            if let Some((field, code, message)) = header_fault(header, auth) {
                self.add(format!("{pointer}/{index}/{field}"), code, message);
            }
        }
    }

    fn auth(&mut self, auth: &Auth, secrets: &Secrets) {
        match auth {
            Auth::None => {}
            Auth::Basic { username } => {
                let is_bad = |text: &str| text.chars().any(char::is_control);
                if username.contains(':') || is_bad(username) || username.len() > MAX_VALUE_BYTES / 4 {
                    let message =
                        "A user name has no colon and no control characters, and at most 1024 bytes.";
                    self.add("/auth/username", "username_not_allowed", message);
                }
                match secrets.password.as_deref() {
                    None => self.add("/secrets/password", "required", "Fill in the password."),
                    Some(password) if is_bad(password) || password.len() > MAX_VALUE_BYTES / 4 => {
                        let message = "A password has no control characters, and at most 1024 bytes.";
                        self.add("/secrets/password", "password_not_allowed", message);
                    }
                    Some(_) => {}
                }
            }
            Auth::Bearer => match secrets.token.as_deref() {
                None | Some("") => self.add("/secrets/token", "required", "Fill in the token."),
                Some(token)
                    if token.len() > MAX_VALUE_BYTES
                        || !token.bytes().all(|byte| byte.is_ascii_graphic()) =>
                {
                    let message = "A token has letters, digits and signs, no spaces, and at most 4096 bytes.";
                    self.add("/secrets/token", "token_not_allowed", message);
                }
                Some(_) => {}
            },
        }
    }
}

fn header_fault(header: &Header, auth: &Auth) -> Option<(&'static str, &'static str, &'static str)> {
    let Ok(name) = HeaderName::from_bytes(header.name.as_bytes()) else {
        return Some(("name", "header_name_not_allowed", "This is not the name of a header."));
    };
    if name.as_str().len() > MAX_NAME_BYTES {
        return Some(("name", "too_long", "Use at most 128 characters."));
    }
    if REFUSED.contains(&name) || REFUSED_WITHOUT_CONSTANT.contains(&name.as_str()) {
        return Some(("name", "header_not_allowed", "This header is set by us and cannot be changed."));
    }
    if name == AUTHORIZATION && *auth != Auth::None {
        return Some(("name", "header_twice", "The chosen way of logging in sets this header already."));
    }
    if header.value.len() > MAX_VALUE_BYTES {
        return Some(("value", "too_long", "Use at most 4096 characters."));
    }
    if parse(header).is_none() {
        return Some(("value", "header_value_not_allowed", "Use only letters, digits, signs and spaces."));
    }
    None
}

#[cfg(test)]
mod tests {
    use domain::monitor::{StatusRange, Test};

    use super::*;

    fn header(name: &str, value: &str) -> Header {
        Header { name: name.to_owned(), value: value.to_owned() }
    }

    fn found(settings: &HttpSettings, secrets: &Secrets) -> Vec<(String, &'static str)> {
        check_http(settings, secrets).into_iter().map(|finding| (finding.pointer, finding.code)).collect()
    }

    #[test]
    fn good_settings_have_no_findings() {
        let settings = HttpSettings {
            statuses: vec![StatusRange { from: 200, to: 299 }, StatusRange { from: 404, to: 404 }],
            headers: vec![header("Accept", "application/json"), header("X-Region", "eu west")],
            body: Some("a".repeat(MAX_BODY_BYTES)),
            auth: Auth::Basic { username: "monitor".to_owned() },
            assertions: vec![Assertion::Body { test: Test::Matches, value: "ok$".to_owned() }],
            ..HttpSettings::default()
        };
        let secrets = Secrets {
            password: Some("p:äss word".to_owned()),
            headers: vec![header("X-Api-Key", "k")],
            ..Secrets::default()
        };
        assert_eq!(found(&settings, &secrets), []);
        assert_eq!(found(&HttpSettings::default(), &Secrets::default()), []);
    }

    #[test]
    fn headers_that_are_ours_or_break_a_request_are_refused() {
        for name in [
            "Host",
            "content-length",
            "Transfer-Encoding",
            "CONNECTION",
            "Upgrade",
            "TE",
            "Trailer",
            "Expect",
            "Keep-Alive",
            "Proxy-Connection",
            "Proxy-Authorization",
            "Proxy-Authenticate",
            "User-Agent",
            "Accept-Encoding",
            "HTTP2-Settings",
        ] {
            let settings = HttpSettings { headers: vec![header(name, "a")], ..HttpSettings::default() };
            let refused = |at: &str| [(format!("{at}/0/name"), "header_not_allowed")];
            assert_eq!(found(&settings, &Secrets::default()), refused("/headers"), "{name}");
            let secrets = Secrets { headers: settings.headers, ..Secrets::default() };
            assert_eq!(found(&HttpSettings::default(), &secrets), refused("/secrets/headers"), "{name}");
        }
        for (name, value, field, code) in [
            ("", "a", "name", "header_name_not_allowed"),
            ("X Y", "a", "name", "header_name_not_allowed"),
            ("X\r\nY", "a", "name", "header_name_not_allowed"),
            (":path", "a", "name", "header_name_not_allowed"),
            ("X", "a\r\nb: c", "value", "header_value_not_allowed"),
            ("X", "a\nb", "value", "header_value_not_allowed"),
            ("X", "a\0", "value", "header_value_not_allowed"),
            ("X", "a\u{7f}", "value", "header_value_not_allowed"),
            ("X", &"a".repeat(4097), "value", "too_long"),
            (&"x".repeat(129), "a", "name", "too_long"),
        ] {
            let settings = HttpSettings { headers: vec![header(name, value)], ..HttpSettings::default() };
            assert_eq!(
                found(&settings, &Secrets::default()),
                [(format!("/headers/0/{field}"), code)],
                "{name:?}"
            );
        }
        let settings = HttpSettings { headers: vec![header("X", "a"); 21], ..HttpSettings::default() };
        assert_eq!(found(&settings, &Secrets::default()), [("/headers".to_owned(), "too_many")]);
    }

    #[test]
    fn auth_needs_its_secret_and_nothing_that_breaks_the_header() {
        let basic = |name: &str| HttpSettings {
            auth: Auth::Basic { username: name.to_owned() },
            ..HttpSettings::default()
        };
        let bearer = HttpSettings { auth: Auth::Bearer, ..HttpSettings::default() };
        let password = |text: &str| Secrets { password: Some(text.to_owned()), ..Secrets::default() };
        let token = |text: &str| Secrets { token: Some(text.to_owned()), ..Secrets::default() };
        for (settings, secrets, pointer, code) in [
            (basic("a"), Secrets::default(), "/secrets/password", "required"),
            (basic("a:b"), password("p"), "/auth/username", "username_not_allowed"),
            (basic("a\n"), password("p"), "/auth/username", "username_not_allowed"),
            (basic("a"), password("p\r\n"), "/secrets/password", "password_not_allowed"),
            (bearer.clone(), Secrets::default(), "/secrets/token", "required"),
            (bearer.clone(), token("a b"), "/secrets/token", "token_not_allowed"),
            (bearer.clone(), token("a\r\nb"), "/secrets/token", "token_not_allowed"),
        ] {
            assert_eq!(found(&settings, &secrets), [(pointer.to_owned(), code)]);
        }
        let twice = HttpSettings { headers: vec![header("authorization", "a")], ..bearer };
        assert_eq!(found(&twice, &token("t")), [("/headers/0/name".to_owned(), "header_twice")]);
    }

    #[test]
    fn ranges_bodies_and_assertions_are_limited() {
        for (from, to) in [(99, 200), (300, 299), (200, 600), (0, 0)] {
            let settings =
                HttpSettings { statuses: vec![StatusRange { from, to }], ..HttpSettings::default() };
            assert_eq!(found(&settings, &Secrets::default()), [("/statuses/0".to_owned(), "out_of_range")]);
        }
        let assertion = Assertion::Body { test: Test::Matches, value: "(".to_owned() };
        let settings = HttpSettings {
            statuses: vec![StatusRange { from: 200, to: 200 }; 21],
            body: Some("a".repeat(MAX_BODY_BYTES + 1)),
            assertions: vec![Assertion::Latency { most_ms: 5 }; 21],
            ..HttpSettings::default()
        };
        let pointers: Vec<_> = found(&settings, &Secrets::default()).into_iter().map(|(at, _)| at).collect();
        assert_eq!(pointers, ["/statuses", "/body", "/assertions"]);
        let settings = HttpSettings { assertions: vec![assertion], ..HttpSettings::default() };
        assert_eq!(
            found(&settings, &Secrets::default()),
            [("/assertions/0/value".to_owned(), "pattern_not_allowed")]
        );
    }
}
