//! Alice's organization with a public page and a service on it.

use std::collections::BTreeSet;

use actions::incidents::{Affected, NewIncident, NewUpdate};
use actions::services::NewService;
use actions::subscribers::{Outcome, Visitor};
use domain::id::ServiceId;
use domain::incident::IncidentStatus;
use domain::notification::Message;
use domain::plan::Tier;
use domain::service::ServiceStatus;
use domain::user::User;
use store::organizations::Membership;
use store::page_view::PublicPage;
use testkit::TestContext;

use crate::people;

#[derive(Clone)]
pub(crate) struct Acme {
    pub(crate) by: Membership,
    pub(crate) page: PublicPage,
    pub(crate) service: ServiceId,
    pub(crate) owner: User,
}

/// With an owner who has proved her address.
pub(crate) async fn acme(test: &TestContext, tier: Tier) -> Acme {
    let signed_up = people::alice(test).await;
    let owner = people::user(test, signed_up.new_session.session.user_id).await;
    let mut tx = test.db.write().await.unwrap();
    assert!(store::users::update_verified(&mut tx, owner.id, &owner.email, test.now()).await.unwrap());
    tx.commit().await.unwrap();
    unverified(test, tier, owner, &signed_up.organization.slug).await
}

/// Like [`acme`], by an owner whose address may be anybody's.
pub(crate) async fn unverified(test: &TestContext, tier: Tier, owner: User, slug: &str) -> Acme {
    actions::organizations::set_tier_by_operator(test, slug, tier).await.unwrap();
    let by = membership(test, &owner, slug).await;
    let input = NewService { name: "API".to_owned(), is_visible: true, ..NewService::default() };
    let service = actions::services::create(test, &by, input).await.unwrap();
    Acme { page: page(test, slug, None).await, by, service: service.id, owner }
}

pub(crate) async fn membership(test: &TestContext, user: &User, slug: &str) -> Membership {
    let mut conn = test.db.read().await.unwrap();
    store::organizations::find_membership_by_slug(&mut conn, user.id, slug).await.unwrap().unwrap()
}

pub(crate) async fn page(test: &TestContext, organization: &str, page: Option<&str>) -> PublicPage {
    let mut conn = test.db.read().await.unwrap();
    store::page_view::find_public_page(&mut conn, organization, page).await.unwrap().unwrap()
}

impl Acme {
    pub(crate) fn incident(&self) -> NewIncident {
        NewIncident {
            title: "Most API requests fail".to_owned(),
            status: IncidentStatus::Investigating,
            body: Some("We are looking for the *cause*.".to_owned()),
            impact: None,
            services: vec![Affected { service_id: self.service, status: ServiceStatus::MajorOutage }],
            service_id: None,
            started_at: None,
            posted_at: None,
            notify: None,
        }
    }

    /// Asks, takes the mail and presses the button.
    pub(crate) async fn subscribes(&self, test: &TestContext, email: &str) {
        let asked = actions::subscribers::request(test, &self.page, email, &anybody()).await.unwrap();
        assert_eq!(asked, Outcome::Done);
        let token = confirmation_token(&test.takes_mail().await, email);
        let confirmed = actions::subscribers::confirm(test, &self.page, &token).await.unwrap();
        assert_eq!(confirmed, Outcome::Done);
    }
}

pub(crate) fn update(status: IncidentStatus) -> NewUpdate {
    NewUpdate {
        status: Some(status),
        body: "News.".to_owned(),
        services: Vec::new(),
        posted_at: None,
        notify: None,
    }
}

/// A visitor whom no limit knows.
pub(crate) fn anybody() -> Visitor {
    Visitor { bucket: "192.0.2.1".to_owned(), per_hour: 0 }
}

/// The secret in the newest confirmation mail to this address.
pub(crate) fn confirmation_token(mails: &[(String, Message)], email: &str) -> String {
    let link = mails.iter().rev().find_map(|(to, message)| match message {
        Message::ConfirmSubscription { link, .. } if to == email => Some(link.clone()),
        _ => None,
    });
    link.unwrap_or_else(|| panic!("no confirmation mail to {email}")).rsplit('/').next().unwrap().to_owned()
}

pub(crate) fn recipients(mails: &[(String, Message)]) -> BTreeSet<&str> {
    mails.iter().map(|(to, _)| to.as_str()).collect()
}
