//! What one HTTP check asks for, and what it takes for a good answer, from the job and its settings.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::check::CheckJob;
use domain::monitor::{Assertion, Auth, Header, HttpSettings, HttpVersion, Method, Secrets, StatusRange};
use http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue};

use crate::target::Target;
use crate::tls::{Offer, Protocol};

/// Made once per check; without settings nothing in it is allocated.
pub(super) struct Plan<'a> {
    expected_status: u16,
    settings: Option<&'a HttpSettings>,
    /// Sent to everybody a redirect leads to.
    plain: HeaderMap,
    /// Sent only to whom the owner named.
    secret: HeaderMap,
    body: Bytes,
}

impl<'a> Plan<'a> {
    /// `None`: the settings cannot be sent, though [`super::check_http`] would have said so before they were stored.
    pub(super) fn new(job: &'a CheckJob, settings: Option<&'a HttpSettings>) -> Option<Self> {
        let mut plan = Self {
            expected_status: job.expected_status,
            settings,
            plain: HeaderMap::new(),
            secret: HeaderMap::new(),
            body: Bytes::new(),
        };
        let Some(settings) = settings else { return Some(plan) };
        let none = Secrets::default();
        let secrets = job.secrets.as_ref().unwrap_or(&none);
        for header in &settings.headers {
            let (name, value) = parse(header)?;
            let is_secret = name == AUTHORIZATION || name == COOKIE;
            if is_secret { &mut plan.secret } else { &mut plan.plain }.append(name, value);
        }
        for header in &secrets.headers {
            let (name, value) = parse(header)?;
            plan.secret.append(name, value);
        }
        if let Some(value) = authorization(&settings.auth, secrets).ok()? {
            plan.secret.insert(AUTHORIZATION, value);
        }
        for value in plan.secret.values_mut() {
            // Kept out of HTTP/2's compression and of every debug output.
            value.set_sensitive(true);
        }
        plan.body =
            settings.body.as_ref().map(|body| Bytes::copy_from_slice(body.as_bytes())).unwrap_or_default();
        Some(plan)
    }

    pub(super) fn offer(&self) -> Offer {
        self.settings.map_or(Offer::of(Protocol::Http1), |settings| Offer {
            protocol: match settings.version {
                HttpVersion::Auto => Protocol::Http,
                HttpVersion::Http1 => Protocol::Http1,
                HttpVersion::Http2 => Protocol::Http2,
            },
            is_verified: settings.verify_certificate,
        })
    }

    pub(super) fn needs_http2(&self) -> bool {
        self.settings.is_some_and(|settings| settings.version == HttpVersion::Http2)
    }

    pub(super) fn accepts(&self, status: u16) -> bool {
        status == self.expected_status || self.statuses().iter().any(|range| range.contains(status))
    }

    /// A monitor that expects a redirect wants to see it, not what lies behind.
    pub(super) fn follows_redirects(&self) -> bool {
        let expects_one = (300..400).contains(&self.expected_status)
            || self.statuses().iter().any(|range| (300..400).contains(&range.from));
        !expects_one && self.settings.is_none_or(|settings| settings.follow_redirects)
    }

    pub(super) fn assertions(&self) -> &'a [Assertion] {
        self.settings.map_or(&[], |settings| &settings.assertions)
    }

    pub(super) fn needs_body(&self) -> bool {
        self.assertions().iter().any(Assertion::needs_body)
    }

    pub(super) fn body(&self, method: Method) -> Bytes {
        if has_body(method) { self.body.clone() } else { Bytes::new() }
    }

    /// Puts the owner's headers into a request, in place of ours of the same name.
    pub(super) fn apply(&self, headers: &mut HeaderMap, with_secrets: bool) {
        let sets = [Some(&self.plain), with_secrets.then_some(&self.secret)];
        for set in sets.iter().flatten() {
            for name in set.keys() {
                headers.remove(name);
            }
        }
        for set in sets.iter().flatten() {
            for (name, value) in *set {
                headers.append(name.clone(), value.clone());
            }
        }
    }

    fn statuses(&self) -> &'a [StatusRange] {
        self.settings.map_or(&[], |settings| &settings.statuses)
    }
}

/// Whether what was meant for `from` may be sent to `to` as well: the same server, or its encrypted twin on the usual
/// ports. Never from https to http (T-01).
pub(super) fn is_same_server(from: &Target, to: &Target) -> bool {
    let same = from.port() == to.port() && from.is_https() == to.is_https();
    let upgraded = !from.is_https() && to.is_https() && from.port() == 80 && to.port() == 443;
    from.place() == to.place() && (same || upgraded)
}

pub(super) const fn has_body(method: Method) -> bool {
    match method {
        Method::Get | Method::Head => false,
        Method::Post => true,
    }
}

pub(super) fn parse(header: &Header) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
    // No CR, LF, NUL or other control character.
    Some((name, HeaderValue::from_str(&header.value).ok()?))
}

fn authorization(auth: &Auth, secrets: &Secrets) -> Result<Option<HeaderValue>, InvalidHeaderValue> {
    let text = match auth {
        Auth::None => return Ok(None),
        Auth::Basic { username } => {
            let password = secrets.password.as_deref().unwrap_or_default();
            format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
        }
        Auth::Bearer => format!("Bearer {}", secrets.token.as_deref().unwrap_or_default()),
    };
    HeaderValue::from_str(&text).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EgressConfig;
    use crate::target::Rules;

    #[test]
    fn secrets_stay_with_their_server() {
        let rules = Rules::new(EgressConfig::default());
        for (from, to, expected) in [
            ("https://a.example/x", "https://a.example/y", true),
            ("https://a.example/", "https://a.example.:443/", true),
            ("http://a.example/", "http://a.example/", true),
            ("http://a.example/", "https://a.example/", true),
            ("https://a.example/", "http://a.example/", false),
            ("https://a.example:8443/", "http://a.example:8443/", false),
            ("http://a.example:8080/", "https://a.example/", false),
            ("https://a.example/", "https://a.example:8443/", false),
            ("https://a.example/", "https://b.example/", false),
            ("https://a.example/", "https://www.a.example/", false),
            ("http://a.example/", "https://b.example/", false),
        ] {
            let (from, to) = (rules.parse(from).unwrap(), rules.parse(to).unwrap());
            assert_eq!(is_same_server(&from, &to), expected, "{} to {}", from.as_str(), to.as_str());
        }
    }
}
