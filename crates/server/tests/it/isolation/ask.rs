//! The questions of the robot.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use http::{HeaderName, Method, Request, header};
use serde_json::Value;
use testkit::{HttpAnswer as Answer, TestApp};

use super::matrix::{Gate, Line};
use super::world::{CANARY, Identity, Ids, World};

/// An id that nobody has, of the right kind for `word`.
fn random(word: &str) -> String {
    const NOBODY: &str = "01kcrztk3z7d3t8p9q2v6x5w4r";
    match word {
        "organization" => format!("org_{NOBODY}"),
        "page" | "private_page" => format!("pg_{NOBODY}"),
        "service" => format!("cm_{NOBODY}"),
        "badge_file" => format!("cm_{NOBODY}.svg"),
        "monitor" => format!("mn_{NOBODY}"),
        "incident" => format!("in_{NOBODY}"),
        "suggestion" => format!("sg_{NOBODY}"),
        "subscriber" => format!("sb_{NOBODY}"),
        "invitation" => format!("iv_{NOBODY}"),
        "user" => format!("us_{NOBODY}"),
        "session" => format!("se_{NOBODY}"),
        _ => "nobody-has-this".to_owned(),
    }
}

/// How the ids of a request are filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fill<'a> {
    From(&'a Ids),
    Random,
    /// Nothing that any id looks like.
    Malformed(&'a str),
    /// One slot is filled in otherwise than all others: a parameter of the path, or `$word` of the body.
    But(&'a Ids, &'a str, &'a Fill<'a>),
}

const MALFORMED: [&str; 2] = ["%22%27--", "%00"];

impl Fill<'_> {
    fn id(self, slot: &str, word: &str) -> String {
        match self {
            Self::From(ids) => ids.get(word).cloned().unwrap_or_else(|| random(word)),
            Self::Random => random(word),
            Self::Malformed(text) => text.to_owned(),
            Self::But(_, other, fill) if other == slot => fill.id(slot, word),
            Self::But(ids, ..) => Self::From(ids).id(slot, word),
        }
    }
}

fn path(route: &str, line: &Line, fill: Fill<'_>) -> String {
    let mut path = route.split_once(' ').unwrap().1.to_owned();
    for (parameter, word) in &line.params {
        path = path.replace(&format!("{{{parameter}}}"), &fill.id(parameter, word));
    }
    assert!(!path.contains('{'), "{route}: matrix.toml does not say what every parameter is: {path}");
    path
}

fn body(line: &Line, fill: Fill<'_>) -> Option<Value> {
    fn filled(value: &toml::Value, fill: Fill<'_>) -> Value {
        match value {
            toml::Value::String(text) => match text.strip_prefix('$') {
                Some(word) => Value::String(fill.id(text, word)),
                None => Value::String(text.clone()),
            },
            toml::Value::Table(table) => {
                let name = |key: &str| match key.split_once('$') {
                    Some((front, word)) => format!("{front}{}", fill.id(&format!("${word}"), word)),
                    None => key.to_owned(),
                };
                table.iter().map(|(key, value)| (name(key), filled(value, fill))).collect()
            }
            toml::Value::Array(values) => values.iter().map(|value| filled(value, fill)).collect(),
            other => serde_json::to_value(other).unwrap(),
        }
    }
    line.body.as_ref().map(|table| filled(&toml::Value::Table(table.clone()), fill))
}

/// Every id of a request: parameters of the path, and `$word` in names and values of the body.
fn slots(line: &Line) -> Vec<&str> {
    let body = line.body.iter().flatten();
    let texts = body.flat_map(|(name, value)| [Some(name.as_str()), value.as_str()]).flatten();
    let words = texts.filter_map(|text| text.find('$').and_then(|at| text.get(at..)));
    line.params.keys().map(String::as_str).chain(words).collect()
}

/// Whether the form of a page carries the token of the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Sent,
    Missing,
}

fn request_of_program(
    identity: &Identity<'_>,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(person) = &identity.person {
        request = request.header(header::AUTHORIZATION, format!("Bearer {}", person.token));
        if !person.organization.is_empty() {
            request = request.header("x-organization", &person.organization);
        }
    }
    match body {
        Some(body) => request
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap(),
        None => request.body(Body::empty()).unwrap(),
    }
}

/// A page or a form, as a browser asks for it from one of our own pages.
fn request_of_browser(
    identity: &Identity<'_>,
    method: Method,
    path: &str,
    body: Option<&Value>,
    token: Token,
) -> Request<Body> {
    let is_form = method == Method::POST;
    let mut request = Request::builder().method(method).uri(path).header("sec-fetch-site", "same-origin");
    if let Some(person) = identity.person.as_ref().filter(|_| !identity.is_dead) {
        request = request.header(header::COOKIE, &person.cookie);
    }
    if !is_form {
        return request.body(Body::empty()).unwrap();
    }
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    if token == Token::Sent {
        form.append_pair("csrf", &identity.csrf);
    }
    for (name, value) in body.and_then(Value::as_object).into_iter().flatten() {
        form.append_pair(name, value.as_str().unwrap());
    }
    request
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form.finish()))
        .unwrap()
}

/// No text of Charlie's organization in what anybody else reads.
fn assert_no_canary(identity: &Identity<'_>, what: &str, answer: &Answer) {
    if identity.name == "another organization's owner" {
        return;
    }
    let headers: String = answer.headers.values().cloned().collect();
    // The way back after the log-in repeats the path that was asked for.
    let headers = headers.replace("%2Forgs%2Fcanary-globex", "");
    for place in [&answer.text, &headers] {
        assert!(
            !place.to_uppercase().contains(CANARY),
            "{what} showed {} a text of another organization",
            identity.name
        );
    }
}

/// Everything that must be refused: dead sessions, strangers, low roles, foreign and random and malformed ids, forms
/// without their token.
pub(super) async fn refusals(
    app: &TestApp,
    world: &World<'_>,
    route: &str,
    line: &Line,
    checks: &AtomicUsize,
) {
    let question = Question { app, world, route, line, checks };
    for identity in &world.identities {
        if line.gate == Gate::Public || line.gate == Gate::Token {
            question.of_everybody(identity).await;
        } else if identity.is_dead {
            question.of_dead_session(identity).await;
        } else {
            question.without_token(identity).await;
            question.with_foreign_ids(identity).await;
            question.with_one_foreign_id(identity).await;
            question.of_low_role(identity).await;
        }
    }
}

/// One route, to be asked as several people.
struct Question<'q, 'w> {
    app: &'q TestApp,
    world: &'q World<'w>,
    route: &'q str,
    line: &'q Line,
    checks: &'q AtomicUsize,
}

impl Question<'_, '_> {
    fn what(&self, identity: &Identity<'_>) -> String {
        format!("{} as {}", self.route, identity.name)
    }

    fn is_page(&self) -> bool {
        !self.route.contains("/api/v1/")
    }

    async fn asked(&self, identity: &Identity<'_>, fill: Fill<'_>, extra: &[(&str, &str)]) -> Answer {
        self.sent(identity, fill, extra, Token::Sent).await
    }

    async fn sent(
        &self,
        identity: &Identity<'_>,
        fill: Fill<'_>,
        extra: &[(&str, &str)],
        token: Token,
    ) -> Answer {
        self.checks.fetch_add(1, Ordering::Relaxed);
        let (path, body) = (path(self.route, self.line, fill), body(self.line, fill));
        let method: Method = self.route.split_once(' ').unwrap().0.parse().unwrap();
        let mut request = if self.is_page() {
            request_of_browser(identity, method, &path, body.as_ref(), token)
        } else {
            request_of_program(identity, method, &path, body.as_ref())
        };
        for (name, value) in extra {
            request.headers_mut().append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        let answer = self.app.send(request).await;
        let (what, status) = (self.what(identity), answer.status);
        assert!(!status.is_server_error(), "{what} got {status} from {path}: {}", answer.text);
        answer
    }

    async fn of_everybody(&self, identity: &Identity<'_>) {
        for fill in [Fill::Random].into_iter().chain(MALFORMED.map(Fill::Malformed)) {
            let answer = self.asked(identity, fill, &[]).await;
            assert_no_canary(identity, &self.what(identity), &answer);
        }
    }

    async fn of_dead_session(&self, identity: &Identity<'_>) {
        let (own, theirs) = (Fill::From(&self.world.alice), Fill::From(&self.world.charlie));
        for fill in [own, theirs, Fill::Random].into_iter().chain(MALFORMED.map(Fill::Malformed)) {
            let answer = self.asked(identity, fill, &[]).await;
            let what = self.what(identity);
            if self.is_page() {
                assert!(is_sent_to_log_in(&answer), "{what}: {} {}", answer.status, answer.text);
            } else {
                assert_eq!(answer.status, 401, "{what}: {}", answer.text);
            }
        }
    }

    /// A form that another site made has no token (T-07).
    async fn without_token(&self, identity: &Identity<'_>) {
        if !self.is_page() || !self.route.starts_with("POST ") {
            return;
        }
        let own = Fill::From(own_ids(self.world, identity));
        let answer = self.sent(identity, own, &[], Token::Missing).await;
        assert!(matches!(answer.status.as_u16(), 403 | 404), "{}: {}", self.what(identity), answer.status);
    }

    async fn with_foreign_ids(&self, identity: &Identity<'_>) {
        let own = Fill::From(&self.world.alice);
        if self.line.params.is_empty() && body(self.line, Fill::Random) == body(self.line, own) {
            return;
        }
        self.is_like_absent(identity, Fill::From(foreign_ids(self.world, identity)), Fill::Random).await;
        for text in MALFORMED {
            let broken = self.asked(identity, Fill::Malformed(text), &[]).await;
            let what = self.what(identity);
            assert!(broken.status.is_client_error(), "{what}, {text}: {} {}", broken.status, broken.text);
        }
    }

    /// One's own organization with a thing of another one, and the other way round.
    async fn with_one_foreign_id(&self, identity: &Identity<'_>) {
        let slots = slots(self.line);
        if slots.len() < 2 && self.is_page() || slots.is_empty() {
            return;
        }
        let own = own_ids(self.world, identity);
        let foreign = Fill::From(foreign_ids(self.world, identity));
        for slot in slots {
            // Every organization has a page with this slug.
            if self.line.params.get(slot).is_some_and(|word| word == "page_slug") {
                continue;
            }
            self.is_like_absent(
                identity,
                Fill::But(own, slot, &foreign),
                Fill::But(own, slot, &Fill::Random),
            )
            .await;
            for text in MALFORMED {
                self.asked(identity, Fill::But(own, slot, &Fill::Malformed(text)), &[]).await;
            }
        }
    }

    /// Refused, in the words for what does not exist.
    async fn is_like_absent(&self, identity: &Identity<'_>, foreign: Fill<'_>, absent: Fill<'_>) {
        let what = self.what(identity);
        let refused = self.asked(identity, foreign, &[]).await;
        let nothing = self.asked(identity, absent, &[]).await;
        assert!(refused.status.is_client_error(), "{what}, {foreign:?}: {} {}", refused.status, refused.text);
        assert_eq!(
            (refused.status, echo_free(&refused, self.line, foreign)),
            (nothing.status, echo_free(&nothing, self.line, absent)),
            "{what}: a foreign id answers unlike a random one"
        );
        assert_no_canary(identity, &what, &refused);
    }

    async fn of_low_role(&self, identity: &Identity<'_>) {
        let is_low = identity.rank < rank(self.line.gate);
        if !self.line.is_of_organization() || is_charlie(identity) || !is_low {
            return;
        }
        let expected = if identity.rank == 0 { 404 } else { 403 };
        for extra in hostile_headers(self.world) {
            let answer = self.asked(identity, Fill::From(&self.world.alice), &extra).await;
            assert_eq!(answer.status, expected, "{}: {}", self.what(identity), answer.text);
            assert_no_canary(identity, &self.what(identity), &answer);
        }
    }
}

fn is_charlie(identity: &Identity<'_>) -> bool {
    identity.name == "another organization's owner"
}

/// To Charlie Alice's ids are the foreign ones; to everybody else his.
fn foreign_ids<'w>(world: &'w World<'_>, identity: &Identity<'_>) -> &'w Ids {
    if is_charlie(identity) { &world.alice } else { &world.charlie }
}

fn own_ids<'w>(world: &'w World<'_>, identity: &Identity<'_>) -> &'w Ids {
    if is_charlie(identity) { &world.charlie } else { &world.alice }
}

/// An answer may repeat what was sent; it must not differ otherwise.
fn echo_free(answer: &Answer, line: &Line, fill: Fill<'_>) -> String {
    let mut text = answer.without_request_id();
    for (slot, word) in &line.params {
        text = text.replace(&fill.id(slot, word), "…");
    }
    for slot in slots(line) {
        if let Some(word) = slot.strip_prefix('$') {
            text = text.replace(&fill.id(slot, word), "…");
        }
    }
    // Pages name the request as well.
    match text.split_once("req_") {
        Some((before, after)) => {
            format!("{before}{}", after.trim_start_matches(|c: char| c.is_ascii_hexdigit()))
        }
        None => text,
    }
}

const fn rank(gate: Gate) -> u8 {
    match gate {
        Gate::Public | Gate::Token | Gate::User => 0,
        Gate::Viewer => 1,
        Gate::Member => 2,
        Gate::Admin => 3,
        Gate::Owner => 4,
    }
}

/// Headers that some product somewhere took as the name of the tenant or of the method (H-1).
fn hostile_headers<'w>(world: &'w World<'_>) -> Vec<Vec<(&'static str, &'w str)>> {
    let theirs = world.charlie.get("organization").map(String::as_str).unwrap_or_default();
    vec![
        vec![],
        vec![
            ("x-org-id", theirs),
            ("tenantid", theirs),
            ("projectid", theirs),
            ("is-multi-tenant-query", "true"),
        ],
        vec![
            ("x-http-method-override", "GET"),
            ("x-forwarded-host", "evil.example"),
            ("x-original-url", "/"),
        ],
    ]
}

/// Who has the permission is not told that he lacks it, with his own ids and whatever headers he adds.
pub(super) async fn permissions(
    app: &TestApp,
    world: &World<'_>,
    route: &str,
    line: &Line,
    checks: &AtomicUsize,
) {
    if !line.is_of_organization() || line.only_refusals.is_some() {
        return;
    }
    let question = Question { app, world, route, line, checks };
    let is_read = route.starts_with("GET ");
    for identity in world.identities.iter().filter(|identity| identity.rank >= rank(line.gate)) {
        // A write would be done as often as it is asked; one of them proves the permission.
        if !is_read && identity.rank > rank(line.gate) {
            continue;
        }
        for extra in hostile_headers(world).into_iter().take(if is_read { 3 } else { 1 }) {
            let answer = question.asked(identity, Fill::From(&world.alice), &extra).await;
            let (what, status) = (question.what(identity), answer.status.as_u16());
            assert!(!matches!(status, 401 | 403), "{what}: {status} {}", answer.text);
            assert!(!is_sent_to_log_in(&answer), "{what} was sent to the log-in");
            if is_read {
                assert_eq!(status, 200, "{what}: {}", answer.text);
            }
            assert_no_canary(identity, &what, &answer);
        }
    }
}

fn is_sent_to_log_in(answer: &Answer) -> bool {
    answer.status.is_redirection() && answer.header("location").is_some_and(|to| to.contains("/login"))
}
