//! Members and invitations (S20, X11, X12, X14, D13, H-24).

use actions::accounts::NewSession;
use actions::invitations::{self, NewInvitation, Newcomer};
use actions::{Error, members};
use domain::id::InvitationId;
use domain::invitation::Invitation;
use domain::notification::Message;
use domain::organization::Role;
use domain::plan::Tier;
use store::organizations::Membership;
use testkit::{TestContext, db_test};

use crate::people::{PASSWORD, client, home, user};
use crate::tenants::{Somebody, invites, joins, mailed_invitation, owner, unverified};

async fn invite(test: &TestContext, by: &Membership, email: &str, role: Role) -> actions::Result<Invitation> {
    invitations::invite(test, by, NewInvitation { email: email.to_owned(), role }).await
}

#[expect(clippy::needless_pass_by_value, reason = "takes the answer of an action as it comes")]
fn assert_conflict<T: std::fmt::Debug>(answer: actions::Result<T>, expected: &str) {
    let Err(Error::Conflict { code, .. }) = answer else { panic!("{expected}: {answer:?}") };
    assert_eq!(code, expected);
}

#[db_test]
async fn an_invitation_is_mailed_and_makes_a_member_who_works_there_now(test: TestContext) {
    let alice = owner(&test, "alice", Tier::Team).await;
    let invitation = invite(&test, &alice.membership, "Bob@Bob.Example", Role::Admin).await.unwrap();
    assert_eq!((invitation.email.as_str(), invitation.role), ("bob@bob.example", Role::Admin));
    assert_eq!(invitation.expires_at.since(test.now()), 7 * 86_400_000, "X14");
    let mails = test.takes_mail().await;
    let [(recipient, Message::Invitation { organization, inviter, role, link })] = mails.as_slice() else {
        panic!("one invitation")
    };
    assert_eq!(
        (recipient.as_str(), organization.as_str(), role.as_str()),
        ("Bob@bob.example", "Alice", "Admin")
    );
    assert_eq!(inviter, "alice@alice.example");
    let token = link.strip_prefix("https://status.example.com/invite?token=").unwrap();
    let preview = invitations::preview(&test, token).await.unwrap();
    assert_eq!((preview.organization_name.as_str(), preview.role), ("Alice", Role::Admin));

    // H-24: a person without an account signs up as usual; holding the secret proves the address.
    let bob = unverified(&test, "bob").await;
    assert!(!user(&test, bob.id()).await.is_email_verified);
    let membership = invitations::accept(&test, bob.id(), bob.session, token).await.unwrap();
    assert_eq!((membership.organization.id, membership.role), (alice.organization(), Role::Admin));
    assert!(membership.is_email_verified && user(&test, bob.id()).await.is_email_verified);
    let mut conn = test.db.read().await.unwrap();
    let session = store::sessions::find_alive(&mut conn, bob.session, test.now()).await.unwrap().unwrap();
    assert_eq!(session.session.organization_id, Some(alice.organization()), "D3");
    let spent = invitations::accept(&test, bob.id(), bob.session, token).await;
    assert!(matches!(spent, Err(Error::InvalidToken)), "{spent:?}");
    assert!(matches!(invitations::preview(&test, token).await, Err(Error::InvalidToken)));
}

#[db_test]
async fn only_the_invited_address_may_accept(test: TestContext) {
    // H-24
    let alice = owner(&test, "alice", Tier::Team).await;
    let charlie = owner(&test, "charlie", Tier::Free).await;
    let token = invites(&test, &alice.membership, "bob@bob.example", Role::Member).await;
    let stolen = invitations::accept(&test, charlie.id(), charlie.session, &token).await;
    assert!(matches!(stolen, Err(Error::Forbidden(_))), "{stolen:?}");
    for wrong in ["", " ", "x", &"a".repeat(43), &"a".repeat(10_000)] {
        let answer = invitations::accept(&test, charlie.id(), charlie.session, wrong).await;
        assert!(matches!(answer, Err(Error::InvalidToken)), "{wrong:?}: {answer:?}");
    }
    let bob = unverified(&test, "bob").await;
    invitations::accept(&test, bob.id(), bob.session, &token).await.unwrap();
}

async fn joins_as_new(test: &TestContext, token: &str) -> actions::Result<(NewSession, Membership)> {
    let newcomer = Newcomer { password: PASSWORD.to_owned(), display_name: Some("Bob".to_owned()) };
    invitations::accept_as_newcomer(test, &client("192.0.2.9"), token, newcomer).await
}

#[db_test]
async fn a_newcomer_joins_in_one_step_or_not_at_all(test: TestContext) {
    // H-24
    let test = test.with_policy(|policy| policy.is_registration_open = false);
    let open = test.clone().with_policy(|policy| policy.is_registration_open = true);
    let alice = owner(&open, "alice", Tier::Pro).await;
    let token = invites(&test, &alice.membership, "bob@bob.example", Role::Admin).await;
    let is_taken = async || {
        let mut conn = test.db.read().await.unwrap();
        store::users::is_email_taken(&mut conn, "bob@bob.example").await.unwrap()
    };
    let weak = Newcomer { password: "short".to_owned(), display_name: None };
    let refused = invitations::accept_as_newcomer(&test, &home(), &token, weak).await;
    assert!(matches!(refused, Err(Error::Invalid(fields)) if fields[0].field == "password"));
    for wrong in ["", "x", &"a".repeat(43)] {
        assert!(matches!(joins_as_new(&test, wrong).await, Err(Error::InvalidToken)), "{wrong:?}");
    }
    let slug = &alice.membership.organization.slug;
    actions::organizations::set_tier_by_operator(&test, slug, Tier::Free).await.unwrap();
    assert!(matches!(joins_as_new(&test, &token).await, Err(Error::LimitReached(_))));
    assert!(!is_taken().await, "no account is left behind");
    actions::organizations::set_tier_by_operator(&test, slug, Tier::Pro).await.unwrap();

    let (begun, membership) = joins_as_new(&test, &token).await.unwrap();
    assert_eq!((membership.organization.id, membership.role), (alice.organization(), Role::Admin));
    assert_eq!(begun.session.organization_id, Some(alice.organization()), "D3");
    assert!(crate::people::is_alive(&test, &begun).await);
    let bob = user(&test, membership.user_id).await;
    assert!(bob.is_email_verified && bob.display_name.as_deref() == Some("Bob"));
    let mut conn = test.db.read().await.unwrap();
    assert_eq!(store::organizations::list_memberships(&mut conn, bob.id).await.unwrap().len(), 1);
    drop(conn);
    assert!(test.takes_mail().await.is_empty());
    assert!(matches!(joins_as_new(&test, &token).await, Err(Error::InvalidToken)), "spent");
}

#[db_test]
async fn a_newcomer_with_an_account_is_no_newcomer(test: TestContext) {
    // H-24: nobody sets the password of an account with an invitation.
    let alice = owner(&test, "alice", Tier::Team).await;
    let bob = unverified(&test, "bob").await;
    let token = invites(&test, &alice.membership, &bob.email, Role::Member).await;
    assert_conflict(joins_as_new(&test, &token).await, "email_taken");
    invitations::accept(&test, bob.id(), bob.session, &token).await.unwrap();
}

#[db_test(flavor = "multi_thread")]
async fn of_sixty_four_newcomers_with_one_link_one_joins(test: TestContext) {
    // T-12
    let alice = owner(&test, "alice", Tier::Team).await;
    let token = invites(&test, &alice.membership, "bob@bob.example", Role::Member).await;
    let mut tasks = Vec::new();
    for _ in 0..64 {
        let (test, token) = (test.clone(), token.clone());
        tasks.push(tokio::spawn(async move { joins_as_new(&test, &token).await }));
    }
    let mut joined = 0;
    for task in tasks {
        joined += usize::from(task.await.unwrap().is_ok());
    }
    assert_eq!(joined, 1);
    let mut conn = test.db.read().await.unwrap();
    assert_eq!(store::members::list(&mut conn, alice.membership.scope()).await.unwrap().len(), 2);
}

#[db_test]
async fn nobody_invites_above_their_role_or_before_their_address_is_proved(test: TestContext) {
    // X14, D13
    let alice = owner(&test, "alice", Tier::Team).await;
    let admin = joins(&test, &alice, "adam", Role::Admin).await;
    let member = joins(&test, &alice, "mary", Role::Member).await;
    let viewer = joins(&test, &alice, "vera", Role::Viewer).await;
    let may = async |by: &Somebody, role: Role| {
        let email = format!("{}-{}@example.org", by.membership.role.as_str(), role.as_str());
        match invite(&test, &by.membership, &email, role).await {
            Ok(_) => true,
            Err(Error::Forbidden(_)) => false,
            Err(other) => panic!("{other}"),
        }
    };
    for (by, expected) in [
        (&alice, [true, true, true, true]),
        (&admin, [false, true, true, true]),
        (&member, [false; 4]),
        (&viewer, [false; 4]),
    ] {
        for (role, expected) in Role::ALL.into_iter().zip(expected) {
            assert_eq!(may(by, role).await, expected, "{:?} invites {role:?}", by.membership.role);
        }
    }
    test.takes_mail().await;
    let bob = unverified(&test, "bob").await;
    assert!(!may(&bob, Role::Member).await, "D13");
    assert!(test.takes_mail().await.is_empty());
}

#[db_test]
async fn one_address_is_invited_once_and_again_by_sending_it_again(test: TestContext) {
    let alice = owner(&test, "alice", Tier::Team).await;
    let token = invites(&test, &alice.membership, "bob@bob.example", Role::Member).await;
    assert_conflict(
        invite(&test, &alice.membership, "BOB@bob.example", Role::Admin).await,
        "already_invited",
    );
    assert_conflict(invite(&test, &alice.membership, &alice.email, Role::Member).await, "already_member");
    let pending = pending(&test, &alice).await;
    invitations::resend(&test, &alice.membership, pending).await.unwrap();
    let newer = mailed_invitation(&test).await;
    let bob = unverified(&test, "bob").await;
    let old = invitations::accept(&test, bob.id(), bob.session, &token).await;
    assert!(matches!(old, Err(Error::InvalidToken)), "the first link stopped working");
    invitations::accept(&test, bob.id(), bob.session, &newer).await.unwrap();
    let gone = invitations::resend(&test, &alice.membership, pending).await;
    assert!(matches!(gone, Err(Error::NotFound)), "{gone:?}");
}

async fn pending(test: &TestContext, by: &Somebody) -> InvitationId {
    let mut conn = test.db.read().await.unwrap();
    let all = store::invitations::list_pending(&mut conn, by.membership.scope()).await.unwrap();
    let [one] = all.as_slice() else { panic!("one invitation is pending: {all:?}") };
    one.id
}

#[db_test]
async fn an_expired_or_revoked_invitation_opens_nothing_and_gives_its_seat_back(test: TestContext) {
    let alice = owner(&test, "alice", Tier::Pro).await;
    let first = invites(&test, &alice.membership, "one@example.org", Role::Member).await;
    invites(&test, &alice.membership, "two@example.org", Role::Member).await;
    let full = invite(&test, &alice.membership, "three@example.org", Role::Member).await;
    assert!(matches!(full, Err(Error::LimitReached(_))));
    test.clock.advance_s(7 * 86_400);
    assert!(matches!(invitations::preview(&test, &first).await, Err(Error::InvalidToken)));
    let third = invites(&test, &alice.membership, "three@example.org", Role::Member).await;
    let again = invites(&test, &alice.membership, "one@example.org", Role::Member).await;
    assert_ne!(first, again);
    let mut conn = test.db.read().await.unwrap();
    let all = store::invitations::list_pending(&mut conn, alice.membership.scope()).await.unwrap();
    drop(conn);
    let expired = all.iter().find(|invitation| invitation.email == "two@example.org").unwrap();
    let full = invitations::resend(&test, &alice.membership, expired.id).await;
    assert!(matches!(full, Err(Error::LimitReached(_))), "it would need a seat again");

    let revoked = all.iter().find(|invitation| invitation.email == "three@example.org").unwrap();
    invitations::revoke(&test, &alice.membership, revoked.id).await.unwrap();
    assert!(matches!(invitations::preview(&test, &third).await, Err(Error::InvalidToken)));
    invitations::resend(&test, &alice.membership, expired.id).await.unwrap();
    test.takes_mail().await;
}

#[db_test]
async fn twenty_invitations_a_day_and_no_more(test: TestContext) {
    // T-15
    let alice = owner(&test, "alice", Tier::Team).await;
    for n in 0..20 {
        invite(&test, &alice.membership, &format!("guest-{n}@example.org"), Role::Member).await.unwrap();
    }
    let refused = invite(&test, &alice.membership, "late@example.org", Role::Member).await;
    assert!(matches!(refused, Err(Error::Throttled { retry_after_s }) if retry_after_s > 80_000));
    test.clock.advance_s(86_400);
    invite(&test, &alice.membership, "late@example.org", Role::Member).await.unwrap();
    assert_eq!(test.takes_mail().await.len(), 21);
}

#[db_test]
async fn after_a_downgrade_a_waiting_invitation_finds_no_seat(test: TestContext) {
    let alice = owner(&test, "alice", Tier::Pro).await;
    let token = invites(&test, &alice.membership, "bob@bob.example", Role::Member).await;
    let slug = &alice.membership.organization.slug;
    actions::organizations::set_tier_by_operator(&test, slug, Tier::Free).await.unwrap();
    let bob = unverified(&test, "bob").await;
    let answer = invitations::accept(&test, bob.id(), bob.session, &token).await;
    assert!(matches!(answer, Err(Error::LimitReached(_))), "{answer:?}");
    actions::organizations::set_tier_by_operator(&test, slug, Tier::Pro).await.unwrap();
    invitations::accept(&test, bob.id(), bob.session, &token).await.unwrap();
}

#[db_test]
async fn roles_are_changed_by_those_above_them(test: TestContext) {
    // X11: rows by who acts, columns by whose role is changed (owner, admin, member, viewer)
    let alice = owner(&test, "alice", Tier::Team).await;
    let second = joins(&test, &alice, "olga", Role::Owner).await;
    let admin = joins(&test, &alice, "adam", Role::Admin).await;
    let member = joins(&test, &alice, "mary", Role::Member).await;
    let viewer = joins(&test, &alice, "vera", Role::Viewer).await;
    let targets = [&second, &admin, &member, &viewer];
    let other_admin = joins(&test, &alice, "anna", Role::Admin).await;
    for (by, expected) in [
        (&alice, [true; 4]),
        (&other_admin, [false, true, true, true]),
        (&member, [false; 4]),
        (&viewer, [false; 4]),
    ] {
        for (target, expected) in targets.into_iter().zip(expected) {
            let role = target.membership.role;
            let answer = members::change_role(&test, &by.membership, target.id(), role).await;
            assert_eq!(answer.is_ok(), expected, "{:?} on {role:?}: {answer:?}", by.membership.role);
        }
    }
    let up = members::change_role(&test, &admin.membership, admin.id(), Role::Owner).await;
    assert!(matches!(up, Err(Error::Forbidden(_))), "nobody raises themselves");
    let charlie = owner(&test, "charlie", Tier::Free).await;
    for answer in [
        members::change_role(&test, &alice.membership, charlie.id(), Role::Viewer).await.map(drop),
        members::remove(&test, &alice.membership, charlie.id()).await,
        members::transfer(&test, &alice.membership, charlie.id()).await,
    ] {
        assert!(matches!(answer, Err(Error::NotFound)), "{answer:?}");
    }
}

#[db_test]
async fn a_role_that_was_just_lost_counts_at_once(test: TestContext) {
    // The request of an admin that began before the demotion.
    let alice = owner(&test, "alice", Tier::Team).await;
    let admin = joins(&test, &alice, "adam", Role::Admin).await;
    let member = joins(&test, &alice, "mary", Role::Member).await;
    invites(&test, &alice.membership, "guest@example.org", Role::Member).await;
    let guest = pending(&test, &alice).await;
    members::change_role(&test, &alice.membership, admin.id(), Role::Viewer).await.unwrap();
    for late in [
        members::remove(&test, &admin.membership, member.id()).await,
        invite(&test, &admin.membership, "late@example.org", Role::Member).await.map(drop),
        invitations::resend(&test, &admin.membership, guest).await.map(drop),
        invitations::revoke(&test, &admin.membership, guest).await,
    ] {
        assert!(matches!(late, Err(Error::Forbidden(_))), "{late:?}");
    }
    members::remove(&test, &alice.membership, admin.id()).await.unwrap();
    for later in [
        members::change_role(&test, &admin.membership, member.id(), Role::Viewer).await.map(drop),
        invite(&test, &admin.membership, "late@example.org", Role::Member).await.map(drop),
        invitations::resend(&test, &admin.membership, guest).await.map(drop),
        invitations::revoke(&test, &admin.membership, guest).await,
    ] {
        assert!(matches!(later, Err(Error::NotFound)), "{later:?}");
    }
    assert_eq!(pending(&test, &alice).await, guest, "nothing was sent and nothing taken back");
    assert!(test.takes_mail().await.is_empty());
    assert!(admin.now(&test).await.is_none());
}

#[db_test]
async fn an_organization_is_never_without_a_verified_owner(test: TestContext) {
    // X12
    let alice = owner(&test, "alice", Tier::Team).await;
    let bob = joins(&test, &alice, "bob", Role::Admin).await;
    assert_conflict(members::leave(&test, &alice.membership).await, "last_owner");
    assert_conflict(members::remove(&test, &alice.membership, alice.id()).await, "last_owner");
    let down = members::change_role(&test, &alice.membership, alice.id(), Role::Admin).await;
    assert_conflict(down, "last_owner");
    members::transfer(&test, &alice.membership, bob.id()).await.unwrap();
    assert_eq!(alice.now(&test).await.unwrap().role, Role::Admin);
    let bob = Somebody { membership: bob.now(&test).await.unwrap(), ..bob };
    assert_eq!(bob.membership.role, Role::Owner);
    let again = members::transfer(&test, &alice.membership, alice.id()).await;
    assert!(matches!(again, Err(Error::Forbidden(_))), "alice is no owner any more: {again:?}");
    let nobody = members::transfer(&test, &bob.membership, bob.id()).await;
    assert!(matches!(nobody, Err(Error::Invalid(_))), "{nobody:?}");
    members::leave(&test, &alice.membership).await.unwrap();
    assert!(alice.now(&test).await.is_none());
}

#[db_test]
async fn whoever_is_taken_out_takes_their_invitations_along(test: TestContext) {
    let alice = owner(&test, "alice", Tier::Team).await;
    let admin = joins(&test, &alice, "adam", Role::Admin).await;
    let token = invites(&test, &admin.membership, "second@adam.example", Role::Admin).await;
    members::remove(&test, &alice.membership, admin.id()).await.unwrap();
    assert!(matches!(invitations::preview(&test, &token).await, Err(Error::InvalidToken)));
}

#[db_test]
async fn whoever_leaves_or_deletes_the_account_takes_their_invitations_along(test: TestContext) {
    let alice = owner(&test, "alice", Tier::Team).await;
    let admin = joins(&test, &alice, "adam", Role::Admin).await;
    let anna = joins(&test, &alice, "anna", Role::Admin).await;
    let of_adam = invites(&test, &admin.membership, "one@example.org", Role::Member).await;
    let of_anna = invites(&test, &anna.membership, "two@example.org", Role::Member).await;
    let of_alice = invites(&test, &alice.membership, "three@example.org", Role::Member).await;
    members::leave(&test, &admin.membership).await.unwrap();
    assert!(matches!(invitations::preview(&test, &of_adam).await, Err(Error::InvalidToken)));
    actions::accounts::delete(&test, anna.id(), PASSWORD).await.unwrap();
    assert!(matches!(invitations::preview(&test, &of_anna).await, Err(Error::InvalidToken)));
    invitations::preview(&test, &of_alice).await.unwrap();
}

#[db_test]
async fn a_lower_role_keeps_only_the_invitations_it_could_send(test: TestContext) {
    // X14
    let alice = owner(&test, "alice", Tier::Team).await;
    let olga = joins(&test, &alice, "olga", Role::Owner).await;
    let owner = invites(&test, &olga.membership, "owner@example.org", Role::Owner).await;
    let admin = invites(&test, &olga.membership, "admin@example.org", Role::Admin).await;
    let member = invites(&test, &olga.membership, "member@example.org", Role::Member).await;
    let works = async |token: &str| invitations::preview(&test, token).await.is_ok();
    members::change_role(&test, &alice.membership, olga.id(), Role::Admin).await.unwrap();
    assert_eq!((works(&owner).await, works(&admin).await, works(&member).await), (false, true, true));
    members::change_role(&test, &alice.membership, olga.id(), Role::Member).await.unwrap();
    assert_eq!((works(&admin).await, works(&member).await), (false, false));

    let own = invites(&test, &alice.membership, "heir@example.org", Role::Owner).await;
    members::transfer(&test, &alice.membership, olga.id()).await.unwrap();
    assert!(!works(&own).await, "who hands over is an admin from then on");
}
