//! Who gets a mail when something is posted.

use std::collections::BTreeSet;

use actions::incidents::{self, NewIncident, NewUpdate};
use actions::patch::Version;
use actions::status_pages::PagePatch;
use actions::{services, status_pages, subscribers};
use domain::incident::IncidentStatus;
use domain::notification::Message;
use domain::plan::Tier;
use testkit::{START, TestContext, db_test};

use crate::acme::{acme, anybody, recipients, unverified, update};
use crate::people;

#[db_test]
async fn every_confirmed_subscriber_gets_one_mail_per_update(test: TestContext) {
    // X54, X57, X59
    let acme = acme(&test, Tier::Team).await;
    acme.subscribes(&test, "carol@example.org").await;
    acme.subscribes(&test, "dave@example.org").await;
    subscribers::request(&test, &acme.page, "pending@example.org", &anybody()).await.unwrap();
    test.takes_mail().await;

    let opened = incidents::open(&test, &acme.by, acme.incident()).await.unwrap();
    let mails = test.takes_mail().await;
    assert_eq!(mails.len(), 2);
    assert_eq!(recipients(&mails), BTreeSet::from(["carol@example.org", "dave@example.org"]));
    let Message::IncidentUpdate {
        page,
        incident,
        status,
        body,
        services,
        posted_at,
        incident_id,
        link,
        unsubscribe_link,
    } = &mails[0].1
    else {
        panic!("another mail")
    };
    assert_eq!((page.as_str(), incident.as_str()), (acme.page.page.title.as_str(), "Most API requests fail"));
    assert_eq!((*status, *posted_at, *incident_id), (IncidentStatus::Investigating, START, opened.id));
    assert_eq!(body, "We are looking for the *cause*.");
    assert_eq!(services, &[("API".to_owned(), domain::service::ServiceStatus::MajorOutage)]);
    let root =
        format!("https://status.example.com/p/{}/{}", acme.page.organization_slug, acme.page.page.slug);
    assert_eq!(link, &format!("{root}/incidents/{}", opened.id));
    assert!(unsubscribe_link.starts_with(&format!("{root}/unsubscribe/sb_")), "{unsubscribe_link}");

    test.clock.advance_s(60);
    incidents::post_update(&test, &acme.by, opened.id, update(IncidentStatus::Resolved)).await.unwrap();
    assert_eq!(test.takes_mail().await.len(), 2);
}

#[db_test]
async fn nobody_is_told_when_it_was_not_wanted_or_is_long_past(test: TestContext) {
    let acme = acme(&test, Tier::Team).await;
    acme.subscribes(&test, "carol@example.org").await;
    let quiet = NewIncident { notify: Some(false), ..acme.incident() };
    let opened = incidents::open(&test, &acme.by, quiet).await.unwrap();
    let past = NewUpdate { posted_at: Some(START), ..update(IncidentStatus::Identified) };
    incidents::post_update(&test, &acme.by, opened.id, past.clone()).await.unwrap();
    assert_eq!(test.takes_mail().await, []);
    let wanted = NewUpdate { notify: Some(true), ..past };
    incidents::post_update(&test, &acme.by, opened.id, wanted).await.unwrap();
    assert_eq!(test.takes_mail().await.len(), 1);
}

#[db_test]
async fn pages_that_do_not_show_the_service_tell_nobody(test: TestContext) {
    // X21, X22, D12
    let acme = acme(&test, Tier::Team).await;
    acme.subscribes(&test, "carol@example.org").await;
    let other = status_pages::NewPage {
        title: "Other".into(),
        slug: Some("other".into()),
        is_public: true,
        ..Default::default()
    };
    status_pages::create(&test, &acme.by, other).await.unwrap();
    let other = crate::acme::page(&test, &acme.page.organization_slug, Some("other")).await;
    let elsewhere = crate::acme::Acme { page: other, ..crate::acme::Acme::clone(&acme) };
    elsewhere.subscribes(&test, "dave@example.org").await;
    incidents::open(&test, &acme.by, acme.incident()).await.unwrap();
    assert_eq!(recipients(&test.takes_mail().await), BTreeSet::from(["carol@example.org"]));

    let hide = services::ServicePatch { is_visible: Some(false), ..services::ServicePatch::default() };
    services::update(&test, &acme.by, acme.service, Version::Any, hide).await.unwrap();
    incidents::open(&test, &acme.by, acme.incident()).await.unwrap();
    assert_eq!(test.takes_mail().await, [], "a hidden service");
    let show = services::ServicePatch { is_visible: Some(true), ..services::ServicePatch::default() };
    services::update(&test, &acme.by, acme.service, Version::Any, show).await.unwrap();

    let hide = PagePatch { is_public: Some(false), ..PagePatch::default() };
    status_pages::update(&test, &acme.by, acme.page.page.id, Version::Any, hide).await.unwrap();
    incidents::open(&test, &acme.by, acme.incident()).await.unwrap();
    assert_eq!(test.takes_mail().await, [], "a private page");
}

#[db_test]
async fn an_organization_of_unproved_owners_sends_no_mail_to_others(test: TestContext) {
    // D13
    let signed_up = people::alice(&test).await;
    let owner = people::user(&test, signed_up.new_session.session.user_id).await;
    let acme = unverified(&test, Tier::Team, owner, &signed_up.organization.slug).await;
    let asked = subscribers::request(&test, &acme.page, "carol@example.org", &anybody()).await;
    assert!(matches!(asked, Err(actions::Error::NotFound)), "{asked:?}");
    let added = subscribers::add(&test, &acme.by, None, "carol@example.org").await;
    assert!(matches!(added, Err(actions::Error::Forbidden(_))), "{added:?}");
    incidents::open(&test, &acme.by, acme.incident()).await.unwrap();
    assert_eq!(test.takes_mail().await, []);
}

#[db_test]
async fn who_leaves_gets_nothing_of_what_still_waits(test: TestContext) {
    // X56
    let acme = acme(&test, Tier::Team).await;
    acme.subscribes(&test, "carol@example.org").await;
    acme.subscribes(&test, "dave@example.org").await;
    incidents::open(&test, &acme.by, acme.incident()).await.unwrap();
    let mut conn = test.db.read().await.unwrap();
    let known =
        store::subscribers::find_by_email(&mut conn, acme.by.scope(), acme.page.page.id, "carol@example.org");
    let carol = known.await.unwrap().unwrap().subscriber.id;
    drop(conn);
    let proof = test.keys.unsubscribe_token(carol);
    subscribers::unsubscribe(&test, carol, &proof).await.unwrap();
    subscribers::unsubscribe(&test, carol, &proof).await.unwrap();
    assert_eq!(recipients(&test.takes_mail().await), BTreeSet::from(["dave@example.org"]));
    incidents::open(&test, &acme.by, acme.incident()).await.unwrap();
    assert_eq!(recipients(&test.takes_mail().await), BTreeSet::from(["dave@example.org"]));
}
