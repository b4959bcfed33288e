//! Outages that open, suggest and resolve incidents (`ux.md` 1.1, X53, F-01).

use std::time::Duration;

use actions::checks;
use actions::incident_suggestions::{self, Answer};
use actions::incidents::{self, IncidentPatch};
use actions::monitors::{self, MonitorPatch, NewMonitor};
use actions::patch::Version;
use actions::services::{self, NewPlacement, ServicePatch};
use actions::{Error, status_pages};
use domain::check::{CheckReport, Outcome};
use domain::id::{IncidentId, MonitorId};
use domain::incident::{
    Impact, Incident, IncidentOrigin, IncidentStatus, IncidentSuggestion, SuggestionKind, SuggestionState,
};
use domain::monitor::MonitorState;
use domain::notification::Message;
use domain::organization::Role;
use domain::plan::Tier;
use domain::service::{IncidentMode, ServiceStatus};
use domain::time::Timestamp;
use testkit::{START, TestContext, db_test};
use uuid::Uuid;

use crate::acme::{Acme, acme, recipients, update};
use crate::checks::{down, runs, slot, up};

const DAY_S: i64 = 86_400;

/// Alice's service with this mode, and monitors of it that are up; one failure makes them down.
async fn watched(test: &TestContext, mode: IncidentMode, monitors: usize) -> (Acme, Vec<MonitorId>) {
    let acme = acme(test, Tier::Team).await;
    becomes(test, &acme, mode).await;
    let mut ids = Vec::new();
    for number in 0..monitors {
        let url = Ok(format!("https://secret-{number}.internal.example.com/"));
        let new = NewMonitor { failures_to_open: Some(1), ..NewMonitor::new(acme.service, url) };
        let id = monitors::create(test, &acme.by, new).await.unwrap().id;
        runs(test, id, up()).await;
        ids.push(id);
    }
    (acme, ids)
}

async fn becomes(test: &TestContext, acme: &Acme, mode: IncidentMode) {
    let patch = ServicePatch { incident_mode: Some(mode), ..ServicePatch::default() };
    services::update(test, &acme.by, acme.service, Version::Any, patch).await.unwrap();
}

/// A minute later this is the outcome; the instant.
async fn next(test: &TestContext, id: MonitorId, outcome: Outcome) -> Timestamp {
    test.clock.advance_s(60);
    runs(test, id, outcome).await;
    test.now()
}

/// Oldest first.
async fn all(test: &TestContext, acme: &Acme) -> Vec<Incident> {
    let part = store::incidents::Part {
        is_open: None,
        since: Timestamp::from_ms(0),
        before: (Timestamp::from_ms(i64::MAX), Uuid::max()),
        limit: 100,
    };
    let mut conn = test.db.read().await.unwrap();
    let mut found = store::incidents::list(&mut conn, acme.by.scope(), part).await.unwrap();
    found.reverse();
    found
}

async fn only(test: &TestContext, acme: &Acme) -> Incident {
    let mut all = all(test, acme).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// The statuses of its updates, oldest first.
async fn story(test: &TestContext, acme: &Acme, id: IncidentId) -> Vec<IncidentStatus> {
    let mut conn = test.db.read().await.unwrap();
    let updates = store::incidents::list_updates(&mut conn, acme.by.scope(), id).await.unwrap();
    updates.iter().rev().map(|update| update.status).collect()
}

async fn effect(test: &TestContext, acme: &Acme, id: IncidentId) -> ServiceStatus {
    let mut conn = test.db.read().await.unwrap();
    store::incidents::list_services(&mut conn, acme.by.scope(), id).await.unwrap()[0].status
}

/// Oldest first.
async fn suggestions(test: &TestContext, acme: &Acme) -> Vec<IncidentSuggestion> {
    let part = store::incident_suggestions::Part {
        state: None,
        service_id: None,
        before: (Timestamp::from_ms(i64::MAX), Uuid::max()),
        limit: 100,
    };
    let mut conn = test.db.read().await.unwrap();
    let mut found = store::incident_suggestions::list(&mut conn, acme.by.scope(), part).await.unwrap();
    found.reverse();
    found
}

async fn kinds(test: &TestContext, acme: &Acme) -> Vec<(SuggestionKind, SuggestionState)> {
    suggestions(test, acme).await.iter().map(|one| (one.kind, one.state)).collect()
}

#[db_test]
async fn an_outage_opens_an_incident_and_its_end_resolves_it(test: TestContext) {
    // peers.md D9, D3
    let (acme, _) = watched(&test, IncidentMode::Auto, 0).await;
    acme.subscribes(&test, "carol@example.org").await;
    test.takes_mail().await;
    let url = Ok("https://secret.internal.example.com/".to_owned());
    let id = monitors::create(&test, &acme.by, NewMonitor::new(acme.service, url)).await.unwrap().id;
    runs(&test, id, up()).await;
    let failed_at = next(&test, id, down()).await;
    assert_eq!(all(&test, &acme).await, [], "not confirmed yet");
    let told_at = next(&test, id, down()).await;
    let opened = only(&test, &acme).await;
    assert_eq!((opened.title.as_str(), opened.status), ("API is down", IncidentStatus::Investigating));
    assert_eq!(
        (opened.impact, opened.origin, opened.is_edited),
        (Impact::Critical, IncidentOrigin::Automatic, false)
    );
    assert_eq!(
        (opened.started_at, opened.created_at),
        (failed_at, told_at),
        "back-dated to the first failure"
    );
    let mails = test.takes_mail().await;
    assert_eq!(recipients(&mails).into_iter().collect::<Vec<_>>(), ["carol@example.org"]);
    let Message::IncidentUpdate { body, services, .. } = &mails[0].1 else { panic!("another mail") };
    assert_eq!(body, "Our monitoring finds this service down.");
    assert_eq!(services, &[("API".to_owned(), ServiceStatus::MajorOutage)]);
    // T-01: nothing of the target.
    assert!(!format!("{opened:?}{body}").contains("secret"));

    next(&test, id, down()).await;
    assert_eq!(test.takes_mail().await, [], "told once");
    let back_at = next(&test, id, up()).await;
    let resolved = only(&test, &acme).await;
    assert_eq!((resolved.status, resolved.resolved_at), (IncidentStatus::Resolved, Some(back_at)));
    assert_eq!(
        story(&test, &acme, opened.id).await,
        [IncidentStatus::Investigating, IncidentStatus::Resolved]
    );
    assert_eq!(test.takes_mail().await.len(), 1);
    assert_eq!(suggestions(&test, &acme).await, []);
}

#[db_test]
async fn with_several_monitors_the_incident_says_how_much_is_down_and_ends_with_the_last(test: TestContext) {
    let (acme, ids) = watched(&test, IncidentMode::Auto, 2).await;
    let first_at = next(&test, ids[0], down()).await;
    let opened = only(&test, &acme).await;
    assert_eq!((opened.title.as_str(), opened.impact), ("API is partly down", Impact::Major));
    assert_eq!(effect(&test, &acme, opened.id).await, ServiceStatus::PartialOutage);
    next(&test, ids[1], down()).await;
    let worse = only(&test, &acme).await;
    assert_eq!((worse.impact, worse.started_at), (Impact::Critical, first_at));
    assert_eq!(effect(&test, &acme, opened.id).await, ServiceStatus::MajorOutage);
    next(&test, ids[0], up()).await;
    let better = only(&test, &acme).await;
    assert_eq!((better.impact, better.resolved_at), (Impact::Critical, None), "the history keeps the worst");
    assert_eq!(effect(&test, &acme, opened.id).await, ServiceStatus::PartialOutage);
    let end = next(&test, ids[1], up()).await;
    assert_eq!(only(&test, &acme).await.resolved_at, Some(end));
}

#[db_test]
async fn monitors_that_fail_in_one_batch_make_one_incident(test: TestContext) {
    let (acme, ids) = watched(&test, IncidentMode::Auto, 3).await;
    test.clock.advance_s(60);
    let mut reports = Vec::new();
    for id in &ids {
        let (slot_at, checked_at) = (slot(&test, *id).await, test.now());
        reports.push(CheckReport { monitor_id: *id, slot_at, checked_at, outcome: down() });
    }
    assert_eq!(checks::record(&test, &reports).await.unwrap().flips, 3);
    assert_eq!(only(&test, &acme).await.title, "API is down");
}

#[db_test]
async fn what_a_person_opened_is_joined_and_its_end_is_suggested(test: TestContext) {
    // X53
    let (acme, ids) = watched(&test, IncidentMode::Auto, 1).await;
    let by_hand = incidents::open(&test, &acme.by, acme.incident()).await.unwrap();
    next(&test, ids[0], down()).await;
    assert_eq!(only(&test, &acme).await, by_hand, "no word is changed");
    let back_at = next(&test, ids[0], up()).await;
    assert_eq!(only(&test, &acme).await, by_hand);
    let end = suggestions(&test, &acme).await.remove(0);
    assert_eq!(
        (end.kind, end.state, end.incident_id),
        (SuggestionKind::Resolve, SuggestionState::Open, Some(by_hand.id))
    );
    assert_eq!((end.since, end.monitor_id), (back_at, ids[0]));
    let told = incident_suggestions::accept(&test, &acme.by, end.id, Answer::default()).await.unwrap();
    assert_eq!((told.incident.status, told.incident.is_edited), (IncidentStatus::Resolved, true));
    assert_eq!(told.updates[0].body, "Our monitoring finds this service working again.");
    assert_eq!(kinds(&test, &acme).await, [(SuggestionKind::Resolve, SuggestionState::Accepted)]);
    let again = incident_suggestions::accept(&test, &acme.by, end.id, Answer::default()).await.unwrap_err();
    assert!(matches!(again, Error::Conflict { code: "suggestion_settled", .. }), "{again:?}");
}

#[db_test]
async fn what_a_person_edited_is_never_resolved_by_itself(test: TestContext) {
    // X53
    let (acme, ids) = watched(&test, IncidentMode::Auto, 1).await;
    next(&test, ids[0], down()).await;
    let opened = only(&test, &acme).await;
    incidents::post_update(&test, &acme.by, opened.id, update(IncidentStatus::Identified)).await.unwrap();
    assert!(only(&test, &acme).await.is_edited);
    next(&test, ids[0], up()).await;
    assert_eq!(only(&test, &acme).await.status, IncidentStatus::Identified);
    let end = (SuggestionKind::Resolve, SuggestionState::Open);
    assert_eq!(kinds(&test, &acme).await, [end]);
    // It fails again: the suggestion no longer holds, the incident is joined.
    next(&test, ids[0], down()).await;
    assert_eq!(kinds(&test, &acme).await, [(SuggestionKind::Resolve, SuggestionState::Obsolete)]);
    next(&test, ids[0], up()).await;
    let last = suggestions(&test, &acme).await.pop().unwrap();
    let dismissed = incident_suggestions::dismiss(&test, &acme.by, last.id).await.unwrap();
    assert_eq!(dismissed.state, SuggestionState::Dismissed);
    // A person who resolves it without the suggestion makes it obsolete; here there is none left to.
    incidents::post_update(&test, &acme.by, opened.id, update(IncidentStatus::Resolved)).await.unwrap();
    next(&test, ids[0], down()).await;
    assert_eq!(all(&test, &acme).await.len(), 2, "not reopened: its story is a person's");

    // Six changes within a day would be flapping.
    test.clock.advance_s(DAY_S);
    let second = all(&test, &acme).await.pop().unwrap();
    let title = IncidentPatch { title: Some("Ours".into()), ..IncidentPatch::default() };
    incidents::update(&test, &acme.by, second.id, Version::Any, title).await.unwrap();
    next(&test, ids[0], up()).await;
    assert_eq!(all(&test, &acme).await[1].resolved_at, None, "another title is an edit, too");
    incidents::post_update(&test, &acme.by, second.id, update(IncidentStatus::Resolved)).await.unwrap();
    let states = kinds(&test, &acme).await;
    assert_eq!(states.last(), Some(&(SuggestionKind::Resolve, SuggestionState::Obsolete)));
}

#[db_test]
async fn nothing_is_written_in_anybodys_name_while_it_is_only_suggested(test: TestContext) {
    // ux.md 1.1: the default
    let (acme, ids) = watched(&test, IncidentMode::default(), 2).await;
    acme.subscribes(&test, "carol@example.org").await;
    test.takes_mail().await;
    let failed_at = next(&test, ids[0], down()).await;
    assert_eq!(all(&test, &acme).await, []);
    assert_eq!(test.takes_mail().await, []);
    let waiting = suggestions(&test, &acme).await.remove(0);
    assert_eq!((waiting.kind, waiting.status), (SuggestionKind::Open, ServiceStatus::PartialOutage));
    assert_eq!((waiting.since, waiting.monitor_id, waiting.incident_id), (failed_at, ids[0], None));
    next(&test, ids[1], down()).await;
    assert_eq!(suggestions(&test, &acme).await[0].status, ServiceStatus::MajorOutage, "the same one");

    let answer = Answer { title: Some("Requests fail".into()), ..Answer::default() };
    let told = incident_suggestions::accept(&test, &acme.by, waiting.id, answer).await.unwrap();
    assert_eq!(
        (told.incident.title.as_str(), told.incident.origin),
        ("Requests fail", IncidentOrigin::Person)
    );
    assert_eq!((told.incident.started_at, told.incident.impact), (failed_at, Impact::Critical));
    assert_eq!(told.updates[0].body, "Our monitoring finds this service down.");
    assert_eq!(test.takes_mail().await.len(), 1);
    let settled = suggestions(&test, &acme).await.remove(0);
    assert_eq!((settled.state, settled.incident_id), (SuggestionState::Accepted, Some(told.incident.id)));

    next(&test, ids[0], up()).await;
    next(&test, ids[1], up()).await;
    assert_eq!(only(&test, &acme).await.resolved_at, None, "a person's; its end is suggested");
    let last = (SuggestionKind::Resolve, SuggestionState::Open);
    assert_eq!(kinds(&test, &acme).await[1..], [last]);
}

#[db_test]
async fn a_suggestion_ends_with_its_outage_and_comes_back_when_that_does(test: TestContext) {
    let (acme, ids) = watched(&test, IncidentMode::Suggest, 2).await;
    let open = |state| vec![(SuggestionKind::Open, state)];
    next(&test, ids[0], down()).await;
    next(&test, ids[0], up()).await;
    assert_eq!(kinds(&test, &acme).await, open(SuggestionState::Obsolete));
    let gone = suggestions(&test, &acme).await.remove(0);
    let refused = incident_suggestions::dismiss(&test, &acme.by, gone.id).await.unwrap_err();
    assert!(matches!(refused, Error::Conflict { .. }), "{refused:?}");
    next(&test, ids[0], down()).await;
    assert_eq!(kinds(&test, &acme).await, open(SuggestionState::Open), "the same one within ten minutes");
    incident_suggestions::dismiss(&test, &acme.by, gone.id).await.unwrap();
    next(&test, ids[1], down()).await;
    assert_eq!(kinds(&test, &acme).await, open(SuggestionState::Dismissed), "this outage was answered");
    next(&test, ids[0], up()).await;
    next(&test, ids[1], up()).await;
    next(&test, ids[1], down()).await;
    assert_eq!(kinds(&test, &acme).await.len(), 2, "that is another outage");
    // Somebody writes an incident without looking at it.
    incidents::open(&test, &acme.by, acme.incident()).await.unwrap();
    assert_eq!(kinds(&test, &acme).await[1], (SuggestionKind::Open, SuggestionState::Obsolete));
}

#[db_test]
async fn manual_means_nothing_and_takes_back_what_waits(test: TestContext) {
    let (acme, ids) = watched(&test, IncidentMode::Manual, 1).await;
    next(&test, ids[0], down()).await;
    next(&test, ids[0], up()).await;
    assert_eq!((all(&test, &acme).await.len(), kinds(&test, &acme).await.len()), (0, 0));
    becomes(&test, &acme, IncidentMode::Suggest).await;
    next(&test, ids[0], down()).await;
    becomes(&test, &acme, IncidentMode::Manual).await;
    assert_eq!(kinds(&test, &acme).await, [(SuggestionKind::Open, SuggestionState::Obsolete)]);
    test.clock.advance_s(DAY_S);
    // What the engine opened before belongs to people now.
    next(&test, ids[0], up()).await;
    becomes(&test, &acme, IncidentMode::Auto).await;
    next(&test, ids[0], down()).await;
    becomes(&test, &acme, IncidentMode::Manual).await;
    next(&test, ids[0], up()).await;
    assert_eq!(only(&test, &acme).await.resolved_at, None);
    test.clock.advance_s(DAY_S);
    // Back to asking: the end of what the engine opened is suggested.
    becomes(&test, &acme, IncidentMode::Suggest).await;
    next(&test, ids[0], down()).await;
    next(&test, ids[0], up()).await;
    assert_eq!(only(&test, &acme).await.resolved_at, None);
    assert_eq!(kinds(&test, &acme).await.last(), Some(&(SuggestionKind::Resolve, SuggestionState::Open)));
}

#[db_test]
async fn an_outage_within_ten_minutes_goes_on_with_the_same_incident(test: TestContext) {
    let (acme, ids) = watched(&test, IncidentMode::Auto, 1).await;
    next(&test, ids[0], down()).await;
    let first = only(&test, &acme).await;
    next(&test, ids[0], up()).await;
    next(&test, ids[0], down()).await;
    let reopened = only(&test, &acme).await;
    assert_eq!(
        (reopened.id, reopened.status, reopened.resolved_at),
        (first.id, IncidentStatus::Investigating, None)
    );
    assert!(!reopened.is_edited, "the engine goes on with its own");
    next(&test, ids[0], up()).await;
    let once = [IncidentStatus::Investigating, IncidentStatus::Resolved];
    let steps = [once, once].concat();
    assert_eq!(story(&test, &acme, first.id).await, steps, "no step is skipped (F-01)");
    test.clock.advance_s(540);
    next(&test, ids[0], down()).await;
    assert_eq!(all(&test, &acme).await.len(), 2, "ten minutes later it is another one");
}

#[db_test]
async fn while_a_monitor_flaps_its_incident_stays_open_until_it_is_quiet(test: TestContext) {
    // peers.md D4
    let (acme, ids) = watched(&test, IncidentMode::Auto, 1).await;
    for _ in 0..3 {
        next(&test, ids[0], down()).await;
        next(&test, ids[0], up()).await;
    }
    // The sixth change: it flaps.
    let held = only(&test, &acme).await;
    assert_eq!(
        (held.resolved_at, effect(&test, &acme, held.id).await),
        (None, ServiceStatus::DegradedPerformance)
    );
    let steps = story(&test, &acme, held.id).await.len();
    next(&test, ids[0], down()).await;
    assert_eq!(effect(&test, &acme, held.id).await, ServiceStatus::MajorOutage);
    let back_at = next(&test, ids[0], up()).await;
    assert_eq!(story(&test, &acme, held.id).await.len(), steps, "and nobody is told each time");
    while test.now().since(back_at) <= 3_600_000 {
        assert_eq!(only(&test, &acme).await.resolved_at, None);
        next(&test, ids[0], up()).await;
    }
    assert_eq!(only(&test, &acme).await.resolved_at, Some(back_at), "when it was well again");
}

#[db_test]
async fn a_service_that_nobody_watches_any_more_was_not_seen_to_work(test: TestContext) {
    let (acme, ids) = watched(&test, IncidentMode::Auto, 2).await;
    next(&test, ids[0], down()).await;
    let pause = MonitorPatch { is_active: Some(false), ..MonitorPatch::default() };
    monitors::update(&test, &acme.by, ids[0], Version::Any, pause).await.unwrap();
    let left = only(&test, &acme).await;
    assert_eq!(left.resolved_at, None);
    assert_eq!(kinds(&test, &acme).await, [(SuggestionKind::Resolve, SuggestionState::Open)]);
    // Seen to work again, it is resolved, and the question is answered.
    let resume = MonitorPatch { is_active: Some(true), ..MonitorPatch::default() };
    monitors::update(&test, &acme.by, ids[0], Version::Any, resume).await.unwrap();
    next(&test, ids[0], up()).await;
    assert!(only(&test, &acme).await.resolved_at.is_some());
    assert_eq!(kinds(&test, &acme).await, [(SuggestionKind::Resolve, SuggestionState::Obsolete)]);

    becomes(&test, &acme, IncidentMode::Suggest).await;
    test.clock.advance_s(900);
    next(&test, ids[1], down()).await;
    monitors::delete(&test, &acme.by, ids[1], Version::Any).await.unwrap();
    assert_eq!(kinds(&test, &acme).await.last(), Some(&(SuggestionKind::Open, SuggestionState::Obsolete)));
}

#[db_test]
async fn a_deleted_service_leaves_its_incident_and_takes_its_suggestions_back(test: TestContext) {
    // X18
    let (acme, ids) = watched(&test, IncidentMode::Suggest, 1).await;
    next(&test, ids[0], down()).await;
    let waiting = suggestions(&test, &acme).await.remove(0);
    services::delete(&test, &acme.by, acme.service, Version::Any).await.unwrap();
    assert_eq!(suggestions(&test, &acme).await, [], "there is nothing left to say about it");
    let refused = incident_suggestions::accept(&test, &acme.by, waiting.id, Answer::default()).await;
    assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");
}

#[db_test]
async fn a_name_on_one_page_is_not_told_on_another(test: TestContext) {
    let (acme, ids) = watched(&test, IncidentMode::Auto, 1).await;
    let page = acme.page.page.id;
    let named = |name: &str| NewPlacement {
        public_name: Some(name.to_owned()),
        is_visible: true,
        ..NewPlacement::default()
    };
    services::place(&test, &acme.by, page, acme.service, named("Checkout")).await.unwrap();
    next(&test, ids[0], down()).await;
    assert_eq!(only(&test, &acme).await.title, "Checkout is down", "as visitors know it");
    next(&test, ids[0], up()).await;
    let other = status_pages::NewPage {
        title: "Other".into(),
        slug: Some("other".into()),
        is_public: true,
        ..Default::default()
    };
    let other = status_pages::create(&test, &acme.by, other).await.unwrap();
    services::place(&test, &acme.by, other.id, acme.service, named("Till")).await.unwrap();
    test.clock.advance_s(900);
    next(&test, ids[0], down()).await;
    assert_eq!(all(&test, &acme).await[1].title, "Outage");
}

#[db_test]
async fn suggestions_are_answered_by_those_who_may_write_incidents(test: TestContext) {
    // T-02
    let (acme, ids) = watched(&test, IncidentMode::Suggest, 1).await;
    next(&test, ids[0], down()).await;
    let waiting = suggestions(&test, &acme).await.remove(0);
    let viewer = store::organizations::Membership { role: Role::Viewer, ..acme.by.clone() };
    let refused = incident_suggestions::dismiss(&test, &viewer, waiting.id).await.unwrap_err();
    assert!(matches!(refused, Error::Forbidden(_)), "{refused:?}");
    let refused =
        incident_suggestions::accept(&test, &viewer, waiting.id, Answer::default()).await.unwrap_err();
    assert!(matches!(refused, Error::Forbidden(_)), "{refused:?}");
    let charlie = testkit::Fleet::new(&test.db, 9, Tier::Team).await.owner;
    let refused = incident_suggestions::dismiss(&test, &charlie, waiting.id).await.unwrap_err();
    assert!(matches!(refused, Error::NotFound), "{refused:?}");
    let refused =
        incident_suggestions::accept(&test, &charlie, waiting.id, Answer::default()).await.unwrap_err();
    assert!(matches!(refused, Error::NotFound), "{refused:?}");
}

#[db_test]
async fn what_was_settled_is_removed_after_a_month(test: TestContext) {
    let (acme, ids) = watched(&test, IncidentMode::Suggest, 1).await;
    next(&test, ids[0], down()).await;
    next(&test, ids[0], up()).await;
    test.clock.advance_s(29 * 86_400);
    actions::organizations::purge(&test).await.unwrap();
    assert_eq!(kinds(&test, &acme).await.len(), 1);
    test.clock.advance_s(2 * 86_400);
    actions::organizations::purge(&test).await.unwrap();
    assert_eq!(kinds(&test, &acme).await, []);
}

#[db_test(flavor = "multi_thread")]
async fn a_recording_that_is_cut_off_leaves_the_flip_and_its_incident_or_neither(test: TestContext) {
    // F-01
    let (acme, ids) = watched(&test, IncidentMode::Auto, 1).await;
    let (mut cut, mut whole) = (0, 0);
    for round in 0..60_u64 {
        // Far enough apart not to flap.
        test.clock.advance_s(50_000);
        let outcome = down();
        let report = CheckReport {
            monitor_id: ids[0],
            slot_at: slot(&test, ids[0]).await,
            checked_at: test.now(),
            outcome,
        };
        let reports = [report];
        let recorded =
            tokio::time::timeout(Duration::from_micros(150 * round), checks::record(&test, &reports));
        if recorded.await.is_ok() {
            whole += 1;
        } else {
            cut += 1;
        }
        // A commit that was on its way may still arrive: this waits for it.
        slot(&test, ids[0]).await;
        let mut conn = test.db.read().await.unwrap();
        let monitor = store::monitors::find(&mut conn, acme.by.scope(), ids[0]).await.unwrap().unwrap();
        drop(conn);
        let open = all(&test, &acme).await.iter().filter(|one| one.resolved_at.is_none()).count();
        assert_eq!(open, usize::from(monitor.state == MonitorState::Down), "round {round}");
        if open > 0 {
            test.clock.advance_s(60);
            runs(&test, ids[0], up()).await;
        }
    }
    assert!(cut > 0, "{cut} cut off, {whole} whole");
    for one in all(&test, &acme).await {
        let steps = story(&test, &acme, one.id).await;
        assert_eq!(steps, [IncidentStatus::Investigating, IncidentStatus::Resolved]);
    }
}

#[db_test(flavor = "multi_thread")]
async fn two_processes_and_a_person_at_once_open_one_incident(test: TestContext) {
    // X53: on PostgreSQL each recording has a connection of its own, as two processes have.
    let (acme, ids) = watched(&test, IncidentMode::Auto, 4).await;
    for round in 0..15 {
        // Far enough apart not to flap.
        test.clock.advance_s(50_000);
        let mut running = Vec::new();
        for id in &ids {
            let (slot_at, checked_at) = (slot(&test, *id).await, test.now());
            let report = CheckReport { monitor_id: *id, slot_at, checked_at, outcome: down() };
            let test = test.clone();
            running.push(tokio::spawn(async move { checks::record(&test, &[report]).await.map(drop) }));
        }
        let person = (round % 3 == 0).then(|| {
            let (test, by, input) = (test.clone(), acme.by.clone(), acme.incident());
            tokio::spawn(async move { incidents::open(&test, &by, input).await })
        });
        for one in running {
            one.await.unwrap().unwrap();
        }
        let by_person = match person {
            Some(person) => Some(person.await.unwrap().unwrap().id),
            None => None,
        };
        let open: Vec<Incident> =
            all(&test, &acme).await.into_iter().filter(|one| one.resolved_at.is_none()).collect();
        let automatic = open.iter().filter(|one| one.origin == IncidentOrigin::Automatic).count();
        // Whoever was first: the engine joins a person's, a person may write beside the engine's.
        assert!(automatic <= 1 && open.len() == automatic + usize::from(by_person.is_some()), "{open:?}");
        assert!(automatic == 1 || by_person.is_some());
        for id in &ids {
            next(&test, *id, up()).await;
        }
        if let Some(id) = by_person {
            incidents::post_update(&test, &acme.by, id, update(IncidentStatus::Resolved)).await.unwrap();
        }
        assert!(all(&test, &acme).await.iter().all(|one| one.resolved_at.is_some()), "round {round}");
    }
    assert!(test.now() > START);
}

#[db_test]
async fn a_snoozed_monitor_calls_nobody_until_its_snooze_ends_by_itself(test: TestContext) {
    sleeps(&test, false).await;
}

#[db_test]
async fn a_snoozed_monitor_calls_nobody_until_its_snooze_is_ended(test: TestContext) {
    sleeps(&test, true).await;
}

async fn sleeps(test: &TestContext, is_ended_early: bool) {
    let (acme, ids) = watched(test, IncidentMode::Auto, 2).await;
    let (snoozed, other) = (ids[0], ids[1]);
    let end = monitors::SnoozeEnd::AfterMinutes(30);
    monitors::snooze(test, &acme.by, snoozed, end).await.unwrap();
    next(test, snoozed, down()).await;
    next(test, snoozed, down()).await;
    assert_eq!(all(test, &acme).await, [], "nobody is called");

    // Another one of the service calls as ever, and what is snoozed does not keep its incident open.
    next(test, other, down()).await;
    assert_eq!(open(test, &acme).await, 1);
    next(test, other, up()).await;
    assert_eq!(open(test, &acme).await, 0);

    if is_ended_early {
        monitors::end_snooze(test, &acme.by, snoozed).await.unwrap();
    } else {
        test.clock.advance_s(1_800);
    }
    next(test, snoozed, down()).await;
    assert_eq!(open(test, &acme).await, 1, "it is still down, and calls now");
    let count = all(test, &acme).await.len();
    next(test, snoozed, down()).await;
    assert_eq!((open(test, &acme).await, all(test, &acme).await.len()), (1, count), "once");
    next(test, snoozed, up()).await;
    assert_eq!(open(test, &acme).await, 0);
}

/// How many incidents are open.
async fn open(test: &TestContext, acme: &Acme) -> usize {
    all(test, acme).await.iter().filter(|incident| incident.resolved_at.is_none()).count()
}
