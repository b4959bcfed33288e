//! The whole product over HTTP without a socket: router, frozen clock, seeded ids, one database per test, and people.
//! Alice owns Acme, Bob is on her team, Charlie has an organization of his own and must see nothing of hers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use actions::accounts::Client;
use actions::secrets::Keys;
use actions::signals::Signals;
use actions::{Context, Passwords, Policy};
use axum::Router;
use axum::body::Body;
use domain::notification::Message;
use domain::plan::Tier;
use egress::{Egress, EgressConfig};
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use web::{AppState, Rates, Route, WebConfig};

use crate::{FromTestDatabase, TestClock, TestDatabase, TestIds};

/// Where the app believes to be reached.
pub const PUBLIC_URL: &str = "https://status.example.test";
/// Everybody's password.
pub const PASSWORD: &str = "a quiet lamp by the window";

/// The product, wired as `serve` does it, with limits that tests do not run into by accident.
pub struct TestApp {
    pub db: TestDatabase,
    pub ctx: Context,
    pub clock: TestClock,
    pub state: AppState,
    /// HTML pages and health.
    pub pages: Vec<Route>,
    pub document: Value,
    router: Router,
    mails: Mutex<Vec<SentMail>>,
}

/// A message that left the outbox in a test.
#[derive(Debug, Clone)]
pub struct SentMail {
    pub to: String,
    pub message: Message,
}

impl FromTestDatabase for TestApp {
    async fn from_test_database(database: TestDatabase) -> Self {
        // No test asks the DNS of the world.
        let egress = EgressConfig { honours_opt_outs: false, ..EgressConfig::default() };
        Self::with(database, |_| {}, egress)
    }

    async fn check_afterwards(database: &TestDatabase) {
        let left = store::outbox::list_queued(&mut database.read().await.unwrap()).await.unwrap();
        let left: Vec<&str> = left.iter().map(|delivery| delivery.recipient.as_str()).collect();
        assert!(left.is_empty(), "mail to {left:?} was queued and nobody looked: call app.delivers_outbox()");
        database.errors().assert_none();
    }
}

impl TestApp {
    /// With another policy or other rules for outgoing connections.
    pub fn with(database: TestDatabase, adjust: impl FnOnce(&mut Policy), egress: EgressConfig) -> Self {
        let clock = TestClock::default();
        let mut policy = Policy {
            are_plans_enforced: true,
            is_registration_open: true,
            public_url: PUBLIC_URL.to_owned(),
            free_organizations_per_user: domain::plan::FREE_ORGANIZATIONS_PER_USER,
        };
        adjust(&mut policy);
        let ctx = Context {
            db: (*database).clone(),
            clock: Arc::new(clock.clone()),
            ids: Arc::new(TestIds::default()),
            keys: Arc::new(Keys::derive(b"a key for tests, 32 bytes or more")),
            passwords: Passwords::cheap(),
            policy: Arc::new(policy),
            signals: Signals::default(),
        };
        let rates = Rates {
            public_page_per_minute: 0,
            register_per_hour: 0,
            login_per_hour: 0,
            subscribe_per_hour: 0,
            api_per_minute: 0,
        };
        let config =
            WebConfig { public_url: PUBLIC_URL.parse().unwrap(), trusted_proxies: Vec::new(), rates };
        let state = AppState::new(ctx.clone(), config, Egress::new(egress).unwrap());
        let web::App { router, document, pages } = web::app(state.clone());
        let document = serde_json::to_value(document).unwrap();
        Self { db: database, ctx, clock, state, pages, document, router, mails: Mutex::default() }
    }

    /// The same installation reached at another address, such as one with a path.
    #[must_use]
    pub fn at(mut self, public_url: &str) -> Self {
        let (ctx, egress) = (self.ctx.clone(), self.state.egress.clone());
        let config = WebConfig { public_url: public_url.parse().unwrap(), ..self.state.config.clone() };
        self.state = AppState::new(ctx, config, egress);
        self.router = web::app(self.state.clone()).router;
        self
    }

    /// Sends one request through the whole stack.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        Answer::read(self.router.clone().oneshot(request).await.unwrap()).await
    }

    /// What the admin listener answers, which nobody but operators reaches.
    pub async fn asks_as_operator(&self, path: &str) -> Answer {
        let request = Request::get(path).body(Body::empty()).unwrap();
        Answer::read(web::admin(self.state.clone()).oneshot(request).await.unwrap()).await
    }

    /// A request of somebody without an account.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Registers a person over the API; the organization is named after them unless `org_name` says otherwise.
    pub async fn registers(&self, name: &str, org_name: &str) -> Person<'_> {
        let person = self.registers_unverified(name, org_name).await;
        self.verifies(&person.email).await;
        person
    }

    /// Like [`Self::registers`], without spending the link that proves the address.
    pub async fn registers_unverified(&self, name: &str, org_name: &str) -> Person<'_> {
        let email = format!("{}@{}.example", name.to_lowercase(), org_name.to_lowercase().replace(' ', "-"));
        let body = json!({"email": email, "password": PASSWORD, "display_name": name, "org_name": org_name});
        let answer = self.json(Method::POST, "/api/v1/auth/register", &[], Some(&body)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        self.delivers_outbox().await;
        self.person(&email, answer.json()["access_token"].as_str().unwrap()).await
    }

    async fn person(&self, email: &str, token: &str) -> Person<'_> {
        let mut person = Person {
            app: self,
            email: email.to_owned(),
            token: token.to_owned(),
            cookie: self.cookie_of(email).await,
            user_id: String::new(),
            organization: String::new(),
        };
        let me = person.get("/api/v1/auth/me").await;
        assert_eq!(me.status, StatusCode::OK, "{}", me.text);
        let me = me.json();
        me["id"].as_str().unwrap().clone_into(&mut person.user_id);
        me["organizations"][0]["id"].as_str().unwrap_or_default().clone_into(&mut person.organization);
        person
    }

    /// The same person with a session that begins now.
    pub async fn logs_in(&self, person: &Person<'_>) -> Person<'_> {
        let body = json!({"email": person.email, "password": PASSWORD});
        let answer = self.json(Method::POST, "/api/v1/auth/login", &[], Some(&body)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let mut again = self.person(&person.email, answer.json()["access_token"].as_str().unwrap()).await;
        again.organization.clone_from(&person.organization);
        again
    }

    /// The session cookie of a browser in which the person has logged in.
    async fn cookie_of(&self, email: &str) -> String {
        let client = Client {
            bucket: "192.0.2.1".to_owned(),
            ip: None,
            user_agent: None,
            registers_per_hour: 0,
            log_ins_per_hour: 0,
        };
        let session = actions::accounts::log_in(&self.ctx, &client, email, PASSWORD).await.unwrap();
        format!("__Host-session={}", session.secret)
    }

    /// Spends the link that proves the address.
    pub async fn verifies(&self, email: &str) {
        self.delivers_outbox().await;
        let link = self.mails_to(email).into_iter().rev().find_map(|mail| match mail.message {
            Message::VerifyEmail { link } => Some(link),
            _ => None,
        });
        let token = token_of(&link.unwrap());
        let answer =
            self.json(Method::POST, "/api/v1/auth/verify-email", &[], Some(&json!({ "token": token }))).await;
        assert!(answer.status.is_success(), "{}", answer.text);
        self.delivers_outbox().await;
    }

    /// Alice, owner of Acme, on a tier with room for a team.
    pub async fn alice(&self) -> Person<'_> {
        let alice = self.registers("Alice", "Acme").await;
        self.moves(&alice, Tier::Team).await;
        alice
    }

    /// Charlie, owner of Globex.
    pub async fn charlie(&self) -> Person<'_> {
        self.registers("Charlie", "Globex").await
    }

    /// Bob, on Alice's team with this role.
    pub async fn bob(&self, alice: &Person<'_>, role: &str) -> Person<'_> {
        self.joins("Bob", "Initech", alice, role).await
    }

    /// Registers somebody with an organization of their own, who then accepts an invitation into `host`'s.
    pub async fn joins(&self, name: &str, org_name: &str, host: &Person<'_>, role: &str) -> Person<'_> {
        let mut guest = self.registers(name, org_name).await;
        let path = format!("/api/v1/organizations/{}/invitations", host.organization);
        let answer = host.post(&path, &json!({"email": guest.email, "role": role})).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        self.delivers_outbox().await;
        let link = self.mails_to(&guest.email).into_iter().rev().find_map(|mail| match mail.message {
            Message::Invitation { link, .. } => Some(link),
            _ => None,
        });
        let token = token_of(&link.unwrap());
        let answer = guest.post("/api/v1/organizations/invitations/accept", &json!({ "token": token })).await;
        assert!(answer.status.is_success(), "{}", answer.text);
        guest.organization.clone_from(&host.organization);
        self.delivers_outbox().await;
        guest
    }

    /// To another tier, behind the product's back.
    pub async fn moves(&self, owner: &Person<'_>, tier: Tier) {
        self.db.set_tier(owner.organization.parse().unwrap(), tier).await;
    }

    /// Takes everything out of the outbox as if it had been sent; returns what left now.
    pub async fn delivers_outbox(&self) -> Vec<SentMail> {
        let queued = store::outbox::list_queued(&mut self.db.read().await.unwrap()).await.unwrap();
        let mut sent = Vec::new();
        for delivery in queued {
            let message = serde_json::from_str(&delivery.payload).unwrap();
            let mut tx = self.db.write().await.unwrap();
            store::outbox::settle_sent(&mut tx, delivery.id, self.clock.now()).await.unwrap();
            tx.commit().await.unwrap();
            sent.push(SentMail { to: delivery.recipient.to_lowercase(), message });
        }
        self.mails.lock().unwrap().extend(sent.iter().cloned());
        sent
    }

    /// Everything that was sent to an address, oldest first.
    pub fn mails_to(&self, email: &str) -> Vec<SentMail> {
        let email = email.to_lowercase();
        self.mails.lock().unwrap().iter().filter(|mail| mail.to == email).cloned().collect()
    }

    /// A form as a browser sends it from one of our own pages; `cookie` is empty for a stranger.
    pub async fn submits(&self, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(path)
            .header(header::COOKIE, cookie)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// A JSON request.
    pub async fn json(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = match body {
            Some(body) => request
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(body.to_string()))
                .unwrap(),
            None => request.body(Body::empty()).unwrap(),
        };
        self.send(request).await
    }
}

/// An answer with its body read.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: BTreeMap<String, String>,
    pub text: String,
}

impl Answer {
    async fn read(answer: axum::response::Response) -> Self {
        let (parts, body) = answer.into_parts();
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned()))
            .collect();
        let bytes = body.collect().await.unwrap().to_bytes();
        Self { status: parts.status, headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    /// The body as JSON; panics with the text when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// `code` of a problem; panics when it is none.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_else(|| panic!("no problem: {}", self.text)).to_owned()
    }

    /// The body without what differs between two requests for the same thing.
    pub fn without_request_id(&self) -> String {
        match serde_json::from_str::<Value>(&self.text) {
            Ok(Value::Object(mut object)) => {
                object.remove("request_id");
                object.remove("instance");
                Value::Object(object).to_string()
            }
            _ => self.text.clone(),
        }
    }
}

/// Somebody with an account and an access token.
#[derive(Clone)]
pub struct Person<'a> {
    pub app: &'a TestApp,
    pub email: String,
    pub token: String,
    /// For the `Cookie` header of page requests.
    pub cookie: String,
    pub user_id: String,
    /// Id of the organization that their requests name.
    pub organization: String,
}

impl Person<'_> {
    pub async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.request(Method::POST, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.request(Method::PATCH, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.request(Method::PUT, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.request(Method::DELETE, path, None).await
    }

    pub async fn request(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let mut headers = vec![("authorization", bearer.as_str())];
        if !self.organization.is_empty() {
            headers.push(("x-organization", self.organization.as_str()));
        }
        self.app.json(method, path, &headers, body).await
    }

    /// A page in the person's browser.
    pub async fn opens(&self, path: &str) -> Answer {
        self.app
            .send(Request::get(path).header(header::COOKIE, &self.cookie).body(Body::empty()).unwrap())
            .await
    }

    /// The hidden token of the forms in the person's browser.
    pub async fn csrf(&self) -> String {
        let open = self.opens("/account").await;
        let token = open.text.split_once("name=\"csrf\" value=\"").and_then(|(_, rest)| rest.split_once('"'));
        let (token, _) = token.unwrap_or_else(|| panic!("no form in {}", open.text));
        token.to_owned()
    }

    /// Sends a form of a page that the person has open, with its hidden token.
    pub async fn submits(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.csrf().await;
        let fields: Vec<_> = [("csrf", token.as_str())].iter().chain(fields).copied().collect();
        self.app.submits(path, &self.cookie, &fields).await
    }

    /// Creates a service on the default page; its id.
    pub async fn creates_service(&self, name: &str) -> String {
        let answer = self.post("/api/v1/services", &json!({ "name": name })).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        answer.json()["id"].as_str().unwrap().to_owned()
    }
}

/// The secret at the end of a mailed link.
fn token_of(link: &str) -> String {
    link.rsplit(['=', '/']).next().unwrap().to_owned()
}
