//! Organizations with people in them, for tests of what they may do.

use actions::accounts::Client;
use actions::invitations::{self, NewInvitation};
use actions::{organizations, status_pages};
use domain::id::{OrgId, SessionId, UserId};
use domain::notification::Message;
use domain::organization::Role;
use domain::plan::Tier;
use domain::status_page::StatusPage;
use store::organizations::Membership;
use testkit::TestContext;

use crate::people::{home, registration};

/// Somebody in an organization.
#[derive(Clone)]
pub(crate) struct Somebody {
    pub(crate) membership: Membership,
    pub(crate) session: SessionId,
    pub(crate) email: String,
}

impl Somebody {
    pub(crate) fn id(&self) -> UserId {
        self.membership.user_id
    }

    pub(crate) fn organization(&self) -> OrgId {
        self.membership.organization.id
    }

    /// As the next request of this person finds it; `None`: no member any more.
    pub(crate) async fn now(&self, test: &TestContext) -> Option<Membership> {
        let mut conn = test.db.read().await.unwrap();
        store::organizations::find_membership(&mut conn, self.id(), self.organization()).await.unwrap()
    }
}

/// Signs up with an address of `name.example`, which is proved, on this tier.
pub(crate) async fn owner(test: &TestContext, name: &str, tier: Tier) -> Somebody {
    let mut owner = unverified(test, name).await;
    let mut tx = test.db.write().await.unwrap();
    store::users::update_verified(&mut tx, owner.id(), &owner.email, test.now()).await.unwrap();
    tx.commit().await.unwrap();
    let slug = owner.membership.organization.slug.clone();
    organizations::set_tier_by_operator(test, &slug, tier).await.unwrap();
    owner.membership = owner.now(test).await.unwrap();
    owner
}

pub(crate) async fn unverified(test: &TestContext, name: &str) -> Somebody {
    let email = format!("{name}@{name}.example");
    let quiet = Client { registers_per_hour: 0, ..home() };
    let signed_up = actions::accounts::register(test, &quiet, &registration(&email)).await.unwrap();
    test.takes_mail().await;
    let session = signed_up.new_session.session;
    let mut conn = test.db.read().await.unwrap();
    let found =
        store::organizations::find_membership(&mut conn, session.user_id, signed_up.organization.id).await;
    Somebody { membership: found.unwrap().unwrap(), session: session.id, email }
}

/// Invites an address; the token in the mail.
pub(crate) async fn invites(test: &TestContext, by: &Membership, email: &str, role: Role) -> String {
    let input = NewInvitation { email: email.to_owned(), role };
    invitations::invite(test, by, input).await.unwrap();
    mailed_invitation(test).await
}

/// The token of the only mail that waits.
pub(crate) async fn mailed_invitation(test: &TestContext) -> String {
    let mails = test.takes_mail().await;
    let [(_, Message::Invitation { link, .. })] = mails.as_slice() else {
        panic!("one invitation: {mails:?}")
    };
    link.strip_prefix("https://status.example.com/invite?token=").unwrap().to_owned()
}

/// Somebody new, in the host's organization with this role.
pub(crate) async fn joins(test: &TestContext, host: &Somebody, name: &str, role: Role) -> Somebody {
    let mut guest = unverified(test, name).await;
    let token = invites(test, &host.membership, &guest.email, role).await;
    guest.membership = invitations::accept(test, guest.id(), guest.session, &token).await.unwrap();
    guest
}

pub(crate) async fn default_page(test: &TestContext, by: &Membership) -> StatusPage {
    let mut conn = test.db.read().await.unwrap();
    store::status_pages::find_default(&mut conn, by.scope()).await.unwrap().unwrap()
}

pub(crate) async fn adds_page(
    test: &TestContext,
    by: &Membership,
    title: &str,
) -> actions::Result<StatusPage> {
    let input =
        status_pages::NewPage { title: title.to_owned(), slug: None, is_public: true, ..Default::default() };
    status_pages::create(test, by, input).await
}
