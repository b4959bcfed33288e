//! Incidents: what their updates add up to, what is refused, who may.

use actions::Error;
use actions::incidents::{self, Affected, IncidentPatch, NewIncident, NewUpdate};
use actions::patch::{Patch, Version};
use actions::services::NewService;
use domain::id::ServiceId;
use domain::incident::{Impact, Incident, IncidentStatus};
use domain::organization::Role;
use domain::plan::Tier;
use domain::service::ServiceStatus;
use domain::time::{DAY_MS, Timestamp};
use store::organizations::Membership;
use testkit::{START, TestContext, db_test};
use uuid::Uuid;

use crate::acme::{Acme, acme, update};

async fn stored(test: &TestContext, acme: &Acme, id: domain::id::IncidentId) -> Incident {
    let mut conn = test.db.read().await.unwrap();
    store::incidents::find(&mut conn, acme.by.scope(), id).await.unwrap().unwrap()
}

async fn second_service(test: &TestContext, acme: &Acme) -> ServiceId {
    let input = NewService { name: "Web".to_owned(), is_visible: true, ..NewService::default() };
    actions::services::create(test, &acme.by, input).await.unwrap().id
}

/// The codes of an invalid input by field.
fn refused<T: std::fmt::Debug>(result: actions::Result<T>) -> Vec<(&'static str, &'static str)> {
    match result {
        Err(Error::Invalid(fields)) => fields.iter().map(|field| (field.field, field.code)).collect(),
        other => panic!("expected invalid input, got {other:?}"),
    }
}

#[db_test]
async fn the_last_update_decides_and_a_later_open_one_reopens(test: TestContext) {
    // X41
    let acme = acme(&test, Tier::Team).await;
    let opened = incidents::open(&test, &acme.by, acme.incident()).await.unwrap();
    assert_eq!((opened.status, opened.resolved_at), (IncidentStatus::Investigating, None));
    assert_eq!(opened.impact, Impact::Critical, "that of the worst service (D5)");
    assert_eq!((opened.started_at, opened.created_at), (START, START));

    test.clock.advance_s(600);
    let (closed, posted) =
        incidents::post_update(&test, &acme.by, opened.id, update(IncidentStatus::Resolved)).await.unwrap();
    assert_eq!((closed.status, closed.resolved_at), (IncidentStatus::Resolved, Some(START.plus_s(600))));
    assert_eq!(posted.created_at, START.plus_s(600));
    assert!(closed.updated_at > opened.updated_at);

    test.clock.advance_s(60);
    let postmortem = update(IncidentStatus::Postmortem);
    let (after, _) = incidents::post_update(&test, &acme.by, opened.id, postmortem).await.unwrap();
    assert_eq!(after.resolved_at, Some(START.plus_s(600)), "it ended when it was resolved");

    test.clock.advance_s(60);
    let reopening = update(IncidentStatus::Monitoring);
    let (reopened, _) = incidents::post_update(&test, &acme.by, opened.id, reopening).await.unwrap();
    assert_eq!((reopened.status, reopened.resolved_at), (IncidentStatus::Monitoring, None));
    assert_eq!(stored(&test, &acme, opened.id).await, reopened);

    // An update for the time before does not close what came later.
    let backdated = NewUpdate { posted_at: Some(START.plus_s(30)), ..update(IncidentStatus::Resolved) };
    let (same, _) = incidents::post_update(&test, &acme.by, opened.id, backdated).await.unwrap();
    assert_eq!((same.status, same.resolved_at), (IncidentStatus::Monitoring, None));
    // Without a status it stands where it stood.
    let silent = NewUpdate { status: None, ..update(IncidentStatus::Resolved) };
    let (same, posted) = incidents::post_update(&test, &acme.by, opened.id, silent).await.unwrap();
    assert_eq!((same.status, posted.status), (IncidentStatus::Monitoring, IncidentStatus::Monitoring));
}

#[db_test]
async fn a_whole_story_can_be_told_afterwards(test: TestContext) {
    // X41: back-dating, order by effective time.
    let acme = acme(&test, Tier::Team).await;
    let at = |seconds| START.plus_s(seconds);
    let input = NewIncident { started_at: Some(at(-900)), posted_at: Some(at(-800)), ..acme.incident() };
    let opened = incidents::open(&test, &acme.by, input).await.unwrap();
    let end = NewUpdate { posted_at: Some(at(-100)), ..update(IncidentStatus::Resolved) };
    let (closed, _) = incidents::post_update(&test, &acme.by, opened.id, end).await.unwrap();
    assert_eq!((closed.started_at, closed.resolved_at), (at(-900), Some(at(-100))));
}

#[db_test]
async fn the_plans_form_with_one_service_and_a_severity_is_understood(test: TestContext) {
    // S2, D5
    let acme = acme(&test, Tier::Team).await;
    let plain = NewIncident { services: Vec::new(), service_id: Some(acme.service), ..acme.incident() };
    let cases = [
        (None, Impact::Minor, ServiceStatus::DegradedPerformance),
        (Some("low"), Impact::Minor, ServiceStatus::DegradedPerformance),
        (Some("medium"), Impact::Major, ServiceStatus::PartialOutage),
        (Some("critical"), Impact::Critical, ServiceStatus::MajorOutage),
        (Some("none"), Impact::None, ServiceStatus::Operational),
    ];
    for (word, impact, status) in cases {
        let input = NewIncident { impact: word.map(str::to_owned), ..plain.clone() };
        let opened = incidents::open(&test, &acme.by, input).await.unwrap();
        let mut conn = test.db.read().await.unwrap();
        let services = store::incidents::list_services(&mut conn, acme.by.scope(), opened.id).await.unwrap();
        assert_eq!((opened.impact, services[0].status, services.len()), (impact, status, 1), "{word:?}");
    }
}

#[db_test]
async fn the_impact_follows_the_worst_service_unless_a_person_sets_it(test: TestContext) {
    // D5
    let acme = acme(&test, Tier::Team).await;
    let web = second_service(&test, &acme).await;
    let with = |service_id, status| vec![Affected { service_id, status }];
    let input = NewIncident { services: with(web, ServiceStatus::DegradedPerformance), ..acme.incident() };
    let opened = incidents::open(&test, &acme.by, input).await.unwrap();
    assert_eq!(opened.impact, Impact::Minor);

    let worse = NewUpdate {
        services: with(acme.service, ServiceStatus::MajorOutage),
        ..update(IncidentStatus::Identified)
    };
    let (after, _) = incidents::post_update(&test, &acme.by, opened.id, worse.clone()).await.unwrap();
    assert_eq!(after.impact, Impact::Critical);
    let mut conn = test.db.read().await.unwrap();
    let services = store::incidents::list_services(&mut conn, acme.by.scope(), opened.id).await.unwrap();
    assert_eq!(services.len(), 2, "the other one stays affected");
    drop(conn);

    let set = IncidentPatch { impact: Patch::Set("minor".to_owned()), ..IncidentPatch::default() };
    let after = incidents::update(&test, &acme.by, opened.id, Version::Any, set).await.unwrap().incident;
    assert_eq!(after.impact, Impact::Minor);
    let (after, _) = incidents::post_update(&test, &acme.by, opened.id, worse).await.unwrap();
    assert_eq!(after.impact, Impact::Minor, "as the person said");
    let cleared = IncidentPatch { impact: Patch::Clear, ..IncidentPatch::default() };
    let after = incidents::update(&test, &acme.by, opened.id, Version::Any, cleared).await.unwrap().incident;
    assert_eq!(after.impact, Impact::Critical);
}

#[db_test]
async fn wrong_input_is_refused_with_its_field_and_writes_nothing(test: TestContext) {
    let acme = acme(&test, Tier::Team).await;
    let foreign =
        Affected { service_id: ServiceId::new(Uuid::from_u128(99)), status: ServiceStatus::MajorOutage };
    let future = Some(START.plus_ms(1));
    let same = acme.incident().services[0];
    let cases = [
        (NewIncident { title: " ".into(), ..acme.incident() }, vec![("title", "empty")]),
        (NewIncident { title: "a\nb".into(), ..acme.incident() }, vec![("title", "forbidden_character")]),
        (NewIncident { body: Some("x".repeat(10_001)), ..acme.incident() }, vec![("body", "too_long")]),
        (NewIncident { impact: Some("severe".into()), ..acme.incident() }, vec![("impact", "unknown")]),
        (NewIncident { services: Vec::new(), ..acme.incident() }, vec![("services", "empty")]),
        (NewIncident { services: vec![same, same], ..acme.incident() }, vec![("services", "twice")]),
        (NewIncident { services: vec![foreign], ..acme.incident() }, vec![("services", "not_found")]),
        (NewIncident { services: vec![same; 201], ..acme.incident() }, vec![("services", "too_many")]),
        (NewIncident { started_at: future, ..acme.incident() }, vec![("started_at", "in_future")]),
        (
            NewIncident { posted_at: future, started_at: Some(START), ..acme.incident() },
            vec![("posted_at", "in_future")],
        ),
        (
            NewIncident { posted_at: Some(START.plus_s(-9)), started_at: Some(START), ..acme.incident() },
            vec![("posted_at", "before_start")],
        ),
    ];
    for (input, expected) in cases {
        assert_eq!(refused(incidents::open(&test, &acme.by, input).await), expected);
    }
    assert_eq!(count(&test, &acme).await, 0);
}

async fn count(test: &TestContext, acme: &Acme) -> usize {
    let part = store::incidents::Part {
        is_open: None,
        since: Timestamp::from_ms(0),
        before: (Timestamp::from_ms(i64::MAX), Uuid::max()),
        limit: 100,
    };
    let mut conn = test.db.read().await.unwrap();
    store::incidents::list(&mut conn, acme.by.scope(), part).await.unwrap().len()
}

#[db_test]
async fn an_edit_is_refused_when_stale_or_against_the_order_of_time(test: TestContext) {
    let acme = acme(&test, Tier::Team).await;
    let opened = incidents::open(&test, &acme.by, acme.incident()).await.unwrap();
    test.clock.advance_s(60);
    let (closed, _) =
        incidents::post_update(&test, &acme.by, opened.id, update(IncidentStatus::Resolved)).await.unwrap();
    let patch = |patch: IncidentPatch| incidents::update(&test, &acme.by, opened.id, Version::Any, patch);

    let stale = Version::Exactly(opened.updated_at);
    let edit = IncidentPatch { title: Some("Solved".into()), ..IncidentPatch::default() };
    let answer = incidents::update(&test, &acme.by, opened.id, stale, edit.clone()).await;
    assert!(matches!(answer, Err(Error::Stale)), "{answer:?}");
    assert!(matches!(incidents::delete(&test, &acme.by, opened.id, stale).await, Err(Error::Stale)));

    test.clock.advance_s(60);
    let late = IncidentPatch { started_at: Some(START.plus_s(61)), ..IncidentPatch::default() };
    assert_eq!(refused(patch(late).await), [("started_at", "after_end")]);
    let none = IncidentPatch { services: Some(Vec::new()), ..IncidentPatch::default() };
    assert_eq!(refused(patch(none).await), [("services", "empty")]);
    let edited = incidents::update(&test, &acme.by, opened.id, Version::Exactly(closed.updated_at), edit)
        .await
        .unwrap()
        .incident;
    assert_eq!((edited.title.as_str(), edited.resolved_at), ("Solved", closed.resolved_at));
    incidents::delete(&test, &acme.by, opened.id, Version::Any).await.unwrap();
    let gone = incidents::post_update(&test, &acme.by, opened.id, update(IncidentStatus::Resolved)).await;
    assert!(matches!(gone, Err(Error::NotFound)), "{gone:?}");
}

#[db_test]
async fn viewers_change_nothing_and_strangers_find_nothing(test: TestContext) {
    // X11, T-02
    let acme = acme(&test, Tier::Team).await;
    let opened = incidents::open(&test, &acme.by, acme.incident()).await.unwrap();
    let viewer = Membership { role: Role::Viewer, ..acme.by.clone() };
    let answer = incidents::open(&test, &viewer, acme.incident()).await;
    assert!(matches!(answer, Err(Error::Forbidden(_))), "{answer:?}");
    let answer = incidents::delete(&test, &viewer, opened.id, Version::Any).await;
    assert!(matches!(answer, Err(Error::Forbidden(_))), "{answer:?}");

    let charlie = testkit::Fleet::new(&test.db, 7, Tier::Team).await.owner;
    let answer = incidents::post_update(&test, &charlie, opened.id, update(IncidentStatus::Resolved)).await;
    assert!(matches!(answer, Err(Error::NotFound)), "{answer:?}");
    assert_eq!(refused(incidents::open(&test, &charlie, acme.incident()).await), [("services", "not_found")]);
    assert_eq!(stored(&test, &acme, opened.id).await, opened);
}

#[db_test]
async fn hidden_history_comes_back_on_a_larger_tier(test: TestContext) {
    // S38, D10
    let acme = acme(&test, Tier::Free).await;
    let opened = incidents::open(&test, &acme.by, acme.incident()).await.unwrap();
    incidents::post_update(&test, &acme.by, opened.id, update(IncidentStatus::Resolved)).await.unwrap();
    test.clock.advance_ms(30 * DAY_MS);
    let postmortem = || NewUpdate { posted_at: Some(START.plus_s(1)), ..update(IncidentStatus::Postmortem) };
    let hidden = incidents::post_update(&test, &acme.by, opened.id, postmortem()).await;
    assert!(matches!(hidden, Err(Error::NotFound)), "{hidden:?}");
    let slug = &acme.by.organization.slug;
    actions::organizations::set_tier_by_operator(&test, slug, Tier::Pro).await.unwrap();
    let by = crate::acme::membership(&test, &acme.owner, slug).await;
    incidents::post_update(&test, &by, opened.id, postmortem()).await.unwrap();
}

#[db_test(flavor = "multi_thread")]
async fn updates_at_once_all_arrive(test: TestContext) {
    let acme = acme(&test, Tier::Team).await;
    let opened = incidents::open(&test, &acme.by, acme.incident()).await.unwrap();
    let posts: Vec<_> = (0..16)
        .map(|_| {
            let (ctx, by) = (test.ctx.clone(), acme.by.clone());
            tokio::spawn(async move {
                incidents::post_update(&ctx, &by, opened.id, update(IncidentStatus::Resolved)).await.unwrap();
            })
        })
        .collect();
    for post in posts {
        post.await.unwrap();
    }
    let mut conn = test.db.read().await.unwrap();
    assert_eq!(
        store::incidents::list_updates(&mut conn, acme.by.scope(), opened.id).await.unwrap().len(),
        17
    );
}
