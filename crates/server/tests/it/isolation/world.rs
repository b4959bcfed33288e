//! Two organizations with the same full set of things, and everybody who may ask.

use std::collections::BTreeMap;

use domain::id::{OrgId, ServiceId, SuggestionId};
use domain::incident::{IncidentSuggestion, SuggestionKind, SuggestionState};
use domain::service::ServiceStatus;
use http::Method;
use serde_json::{Value, json};
use testkit::{Person, TestApp};

/// Stands in every text of Charlie's organization.
pub(super) const CANARY: &str = "CANARY-GLOBEX";

/// The ids of one organization's things, by the words of the matrix.
pub(super) type Ids = BTreeMap<&'static str, String>;

/// Somebody who asks, with what they are in Alice's organization.
pub(super) struct Identity<'a> {
    pub name: &'static str,
    pub person: Option<Person<'a>>,
    /// The hidden field of the forms of the person's browser; empty for a dead session.
    pub csrf: String,
    /// Rank in Alice's organization: 0 none, 1 viewer … 4 owner.
    pub rank: u8,
    /// The session is dead: every gate but the public ones answers 401.
    pub is_dead: bool,
}

pub(super) struct World<'a> {
    pub identities: Vec<Identity<'a>>,
    pub alice: Ids,
    pub charlie: Ids,
    alice_organization: OrgId,
    charlie_organization: OrgId,
}

impl<'a> World<'a> {
    pub(super) async fn build(app: &'a TestApp) -> Self {
        let expired = app.registers("Erased", "Stale").await;
        app.clock.advance_s(73 * 3600);
        let owner = app.alice().await;
        let charlie = app.registers("Charlie", CANARY).await;
        app.moves(&charlie, domain::plan::Tier::Team).await;
        let admin = app.joins("Bob", "Initech", &owner, "admin").await;
        let member = app.joins("Bob", "Hooli", &owner, "member").await;
        let viewer = app.joins("Bob", "Umbrella", &owner, "viewer").await;
        let removed = app.joins("Bob", "Wayne", &owner, "member").await;
        let gone = format!("/api/v1/organizations/{}/members/{}", owner.organization, removed.user_id);
        assert!(owner.delete(&gone).await.status.is_success());
        let unverified = app.registers_unverified("Bob", "Stark").await;
        let logged_out = app.registers("Bob", "Cyberdyne").await;
        assert!(logged_out.post("/api/v1/auth/logout", &json!({})).await.status.is_success());

        // Nobody's own membership: what one may do to oneself is another question.
        let bystander = app.joins("Bob", "Oscorp", &owner, "member").await;
        let alice = things(app, &owner, "Acme", &bystander.user_id).await;
        let other = app.joins("Dana", "Tyrell", &charlie, "member").await;
        let theirs = things(app, &charlie, CANARY, &other.user_id).await;
        app.delivers_outbox().await;
        let (alice_organization, charlie_organization) =
            (owner.organization.parse().unwrap(), charlie.organization.parse().unwrap());
        let identity =
            |name, person, rank, is_dead| Identity { name, person, csrf: String::new(), rank, is_dead };
        // Asks with the name of Alice's organization in the header, in which he is not.
        let mut stranger = app.registers("Charlie", "Soylent").await;
        stranger.organization.clone_from(&owner.organization);
        let mut foreign = unverified;
        foreign.organization.clone_from(&owner.organization);
        let mut identities = vec![
            identity("anonymous", None, 0, true),
            identity("expired session", Some(expired), 0, true),
            identity("ended session", Some(logged_out), 0, true),
            identity("another organization's owner", Some(charlie), 0, false),
            identity("a stranger who names the organization", Some(stranger), 0, false),
            identity("an unverified stranger", Some(foreign), 0, false),
            identity("a removed member", Some(removed), 0, false),
            identity("viewer", Some(viewer), 1, false),
            identity("member", Some(member), 2, false),
            identity("admin", Some(admin), 3, false),
            identity("owner", Some(owner), 4, false),
        ];
        for identity in identities.iter_mut().filter(|identity| !identity.is_dead) {
            if let Some(person) = &identity.person {
                identity.csrf = person.csrf().await;
            }
        }
        Self { identities, alice, charlie: theirs, alice_organization, charlie_organization }
    }

    pub(super) async fn digests(&self, app: &TestApp) -> (String, String) {
        (app.db.digest(self.alice_organization).await, app.db.digest(self.charlie_organization).await)
    }

    pub(super) async fn charlie_digest(&self, app: &TestApp) -> String {
        app.db.digest(self.charlie_organization).await
    }
}

async fn made(owner: &Person<'_>, method: Method, path: &str, body: &Value) -> Value {
    let answer = owner.request(method.clone(), path, Some(body)).await;
    assert!(answer.status.is_success(), "{method} {path}: {} {}", answer.status, answer.text);
    if answer.text.is_empty() { Value::Null } else { answer.json() }
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap_or_else(|| panic!("no id: {value}")).to_owned()
}

/// What an outage would have suggested.
async fn suggested(app: &TestApp, owner: &Person<'_>, service: &str, monitor: &str) -> String {
    let (user, organization) = (owner.user_id.parse().unwrap(), owner.organization.parse().unwrap());
    let mut tx = app.db.write().await.unwrap();
    let found = store::organizations::find_membership(&mut tx, user, organization).await.unwrap();
    let service: ServiceId = service.parse().unwrap();
    let suggestion = IncidentSuggestion {
        // Ids are random here; one that is derived is as good and the same on every run.
        id: SuggestionId::new(service.uuid()),
        organization_id: organization,
        service_id: service,
        kind: SuggestionKind::Open,
        state: SuggestionState::Open,
        monitor_id: monitor.parse().unwrap(),
        incident_id: None,
        status: ServiceStatus::MajorOutage,
        since: app.clock.now(),
        created_at: app.clock.now(),
        updated_at: app.clock.now(),
    };
    store::incident_suggestions::insert(&mut tx, found.unwrap().scope(), &suggestion).await.unwrap();
    tx.commit().await.unwrap();
    suggestion.id.to_string()
}

/// One of everything, each text carrying `word`.
async fn things(app: &TestApp, owner: &Person<'_>, word: &str, member: &str) -> Ids {
    let post = Method::POST;
    let organization = owner.get(&format!("/api/v1/organizations/{}", owner.organization)).await.json();
    let slug = organization["slug"].as_str().unwrap().to_owned();
    let title = json!({"title": format!("{word} page"), "slug": "extra"});
    let page = made(owner, post.clone(), "/api/v1/pages", &title).await;
    let hidden = json!({"title": format!("{word} hidden"), "slug": "hidden", "is_public": false});
    let private = made(owner, post.clone(), "/api/v1/pages", &hidden).await;
    let service =
        json!({"name": format!("{word} service"), "description": format!("{word} text"), "group_name": word});
    let service = id(&made(owner, post.clone(), "/api/v1/services", &service).await);
    let placed = format!("/api/v1/pages/{}/services/{service}", id(&page));
    made(owner, Method::PUT, &placed, &json!({"public_name": format!("{word} public")})).await;
    let monitor =
        json!({"service_id": service, "url": format!("https://{}.example.com/", word.to_lowercase())});
    let monitor = id(&made(owner, post.clone(), "/api/v1/monitors", &monitor).await);
    let incident =
        json!({"title": format!("{word} incident"), "service_id": service, "body": format!("{word} news")});
    let incident = id(&made(owner, post.clone(), "/api/v1/incidents", &incident).await);
    let suggestion = suggested(app, owner, &service, &monitor).await;
    let subscriber =
        json!({"email": format!("reader@{}.example", word.to_lowercase()), "status_page_id": id(&page)});
    let subscriber = id(&made(owner, post.clone(), "/api/v1/subscribers", &subscriber).await);
    let footer = json!({"footer_text": format!("{word} footer")});
    made(owner, Method::PATCH, "/api/v1/settings", &footer).await;
    let invitation = json!({"email": format!("guest@{}.example", word.to_lowercase()), "role": "member"});
    let path = format!("/api/v1/organizations/{}/invitations", owner.organization);
    let invitation = id(&made(owner, post, &path, &invitation).await);
    app.delivers_outbox().await;
    let sessions = owner.get("/api/v1/auth/sessions").await.json();
    BTreeMap::from([
        ("session", id(&sessions["data"][0])),
        ("organization", owner.organization.clone()),
        ("slug", slug),
        ("page", id(&page)),
        ("page_slug", "extra".to_owned()),
        ("private_page", id(&private)),
        ("badge_file", format!("{service}.svg")),
        ("service", service),
        ("monitor", monitor),
        ("incident", incident),
        ("suggestion", suggestion),
        ("subscriber", subscriber),
        ("invitation", invitation),
        ("user", member.to_owned()),
    ])
}
