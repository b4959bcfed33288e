//! The questions of the robot.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use http::{Method, Request, header};
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
        "monitor" => format!("mn_{NOBODY}"),
        "incident" => format!("in_{NOBODY}"),
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
    Malformed,
}

impl Fill<'_> {
    fn id(self, word: &str) -> String {
        match self {
            Self::From(ids) => ids.get(word).cloned().unwrap_or_else(|| random(word)),
            Self::Random => random(word),
            Self::Malformed => "%22%27--".to_owned(),
        }
    }
}

fn path(route: &str, line: &Line, fill: Fill<'_>) -> String {
    let mut path = route.split_once(' ').unwrap().1.to_owned();
    for (parameter, word) in &line.params {
        path = path.replace(&format!("{{{parameter}}}"), &fill.id(word));
    }
    assert!(!path.contains('{'), "{route}: matrix.toml does not say what every parameter is: {path}");
    path
}

fn body(line: &Line, fill: Fill<'_>) -> Option<Value> {
    fn filled(value: &toml::Value, fill: Fill<'_>) -> Value {
        match value {
            toml::Value::String(text) => match text.strip_prefix('$') {
                Some(word) => Value::String(fill.id(word)),
                None => Value::String(text.clone()),
            },
            toml::Value::Table(table) => {
                table.iter().map(|(key, value)| (key.clone(), filled(value, fill))).collect()
            }
            toml::Value::Array(values) => values.iter().map(|value| filled(value, fill)).collect(),
            other => serde_json::to_value(other).unwrap(),
        }
    }
    line.body.as_ref().map(|table| filled(&toml::Value::Table(table.clone()), fill))
}

async fn ask(
    app: &TestApp,
    identity: &Identity<'_>,
    route: &str,
    path: &str,
    body: Option<&Value>,
    extra: &[(&str, &str)],
) -> Answer {
    let method: Method = route.split_once(' ').unwrap().0.parse().unwrap();
    let mut request = Request::builder().method(method.clone()).uri(path);
    if let Some(person) = &identity.person {
        request = request.header(header::AUTHORIZATION, format!("Bearer {}", person.token));
        if !person.organization.is_empty() {
            request = request.header("x-organization", &person.organization);
        }
    }
    for (name, value) in extra {
        request = request.header(*name, *value);
    }
    let request = match body {
        Some(body) => request
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap(),
        None => request.body(Body::empty()).unwrap(),
    };
    let answer = app.send(request).await;
    assert!(
        !answer.status.is_server_error(),
        "{} got {} from {method} {path}: {}",
        identity.name,
        answer.status,
        answer.text
    );
    answer
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

/// Everything that must be refused: dead sessions, strangers, low roles, foreign and random and malformed ids.
pub(super) async fn refusals(
    app: &TestApp,
    world: &World<'_>,
    route: &str,
    line: &Line,
    checks: &AtomicUsize,
) {
    if !route.contains("/api/v1/") {
        return pages(app, world, route, line, checks).await;
    }
    let question = Question { app, world, route, line, checks };
    for identity in &world.identities {
        if line.gate == Gate::Public || line.gate == Gate::Token {
            let answer = question.asked(identity, Fill::Random, &[]).await;
            assert_no_canary(identity, &question.what(identity), &answer);
        } else if identity.is_dead {
            question.of_dead_session(identity).await;
        } else {
            question.with_foreign_ids(identity).await;
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

    async fn asked(&self, identity: &Identity<'_>, fill: Fill<'_>, extra: &[(&str, &str)]) -> Answer {
        self.checks.fetch_add(1, Ordering::Relaxed);
        let (path, body) = (path(self.route, self.line, fill), body(self.line, fill));
        ask(self.app, identity, self.route, &path, body.as_ref(), extra).await
    }

    async fn of_dead_session(&self, identity: &Identity<'_>) {
        let (own, theirs) = (Fill::From(&self.world.alice), Fill::From(&self.world.charlie));
        for fill in [own, theirs, Fill::Random, Fill::Malformed] {
            let answer = self.asked(identity, fill, &[]).await;
            assert_eq!(answer.status, 401, "{}: {}", self.what(identity), answer.text);
        }
    }

    async fn with_foreign_ids(&self, identity: &Identity<'_>) {
        let what = self.what(identity);
        let own = Fill::From(&self.world.alice);
        if self.line.params.is_empty() && body(self.line, Fill::Random) == body(self.line, own) {
            return;
        }
        // To Charlie Alice's ids are the foreign ones; to everybody else his.
        let foreign = if is_charlie(identity) { own } else { Fill::From(&self.world.charlie) };
        let refused = self.asked(identity, foreign, &[]).await;
        let absent = self.asked(identity, Fill::Random, &[]).await;
        assert!(refused.status.is_client_error(), "{what}, foreign id: {} {}", refused.status, refused.text);
        assert_eq!(
            (refused.status, echo_free(&refused, self.line, foreign)),
            (absent.status, echo_free(&absent, self.line, Fill::Random)),
            "{what}: a foreign id answers unlike a random one"
        );
        assert_no_canary(identity, &what, &refused);
        let broken = self.asked(identity, Fill::Malformed, &[]).await;
        assert!(broken.status.is_client_error(), "{what}, malformed id: {} {}", broken.status, broken.text);
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

/// An answer may repeat what was sent; it must not differ otherwise.
fn echo_free(answer: &Answer, line: &Line, fill: Fill<'_>) -> String {
    let mut text = answer.without_request_id();
    for word in line.params.values() {
        text = text.replace(&fill.id(word), "…");
    }
    text
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
    if !route.contains("/api/v1/") || !line.is_of_organization() || line.only_refusals.is_some() {
        return;
    }
    let is_read = route.starts_with("GET ");
    for identity in world.identities.iter().filter(|identity| identity.rank >= rank(line.gate)) {
        // A write would be done as often as it is asked; one of them proves the permission.
        if !is_read && identity.rank > rank(line.gate) {
            continue;
        }
        let own = Fill::From(&world.alice);
        for extra in hostile_headers(world).into_iter().take(if is_read { 3 } else { 1 }) {
            let answer =
                ask(app, identity, route, &path(route, line, own), body(line, own).as_ref(), &extra).await;
            let status = answer.status.as_u16();
            assert!(!matches!(status, 401 | 403), "{route} as {}: {status} {}", identity.name, answer.text);
            if is_read {
                assert_eq!(status, 200, "{route} as {}: {}", identity.name, answer.text);
            }
            assert_no_canary(identity, route, &answer);
            checks.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// HTML pages take the cookie. A foreign organization or thing is the same page as an absent one, and a form without
/// the session's token changes nothing.
async fn pages(app: &TestApp, world: &World<'_>, route: &str, line: &Line, checks: &AtomicUsize) {
    for identity in &world.identities {
        let what = format!("{route} as {}", identity.name);
        let cookie =
            identity.person.as_ref().filter(|_| !identity.is_dead).map(|person| person.cookie.clone());
        let headers: Vec<(&str, &str)> = match &cookie {
            Some(cookie) => vec![("cookie", cookie), ("sec-fetch-site", "same-origin")],
            None => vec![("sec-fetch-site", "same-origin")],
        };
        let bare =
            Identity { name: identity.name, person: None, rank: identity.rank, is_dead: identity.is_dead };
        let is_charlie = cookie.is_some() && identity.name == "another organization's owner";
        let foreign = Fill::From(if is_charlie { &world.alice } else { &world.charlie });
        let refused = ask(app, &bare, route, &path(route, line, foreign), None, &headers).await;
        let absent = ask(app, &bare, route, &path(route, line, Fill::Random), None, &headers).await;
        let broken = ask(app, &bare, route, &path(route, line, Fill::Malformed), None, &headers).await;
        checks.fetch_add(3, Ordering::Relaxed);
        if line.gate == Gate::Public || line.gate == Gate::Token {
            assert_no_canary(identity, &what, &absent);
            assert_no_canary(identity, &what, &broken);
            continue;
        }
        assert_no_canary(identity, &what, &refused);
        assert_eq!(refused.status, absent.status, "{what}: a foreign thing answers unlike an absent one");
        if cookie.is_none() {
            for answer in [&refused, &absent, &broken] {
                assert!(
                    is_sent_to_log_in(answer),
                    "{what} without a session: {} {}",
                    answer.status,
                    answer.text
                );
            }
        } else if line.is_of_organization() {
            assert!(refused.status.is_client_error(), "{what}, foreign: {}", refused.status);
        }
    }
}

fn is_sent_to_log_in(answer: &Answer) -> bool {
    answer.status.is_redirection() && answer.header("location").is_some_and(|to| to.contains("/login"))
}
