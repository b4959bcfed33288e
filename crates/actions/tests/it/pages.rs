//! Status pages, placements and settings (S8, S21, X18, X22, X24, X67).

use actions::patch::{Patch, Version};
use actions::services::{self, NewPlacement, NewService};
use actions::settings::{self, Settings, SettingsPatch};
use actions::status_pages::{self, NewPage, PagePatch};
use actions::{Error, FieldError};
use domain::organization::Role;
use domain::plan::Tier;
use testkit::{TestContext, db_test};

use crate::tenants::{adds_page, default_page, joins, owner};

#[expect(clippy::needless_pass_by_value, reason = "takes the answer of an action as it comes")]
fn assert_conflict<T: std::fmt::Debug>(answer: actions::Result<T>, expected: &str) {
    let Err(Error::Conflict { code, .. }) = answer else { panic!("{expected}: {answer:?}") };
    assert_eq!(code, expected);
}

fn fields<T: std::fmt::Debug>(answer: actions::Result<T>) -> Vec<&'static str> {
    let Err(Error::Invalid(fields)) = answer else { panic!("{answer:?}") };
    fields.iter().map(|FieldError { field, .. }| *field).collect()
}

#[db_test]
async fn the_default_page_moves_and_never_goes(test: TestContext) {
    // X24
    let alice = owner(&test, "alice", Tier::Team).await;
    let by = &alice.membership;
    let first = default_page(&test, by).await;
    assert_conflict(status_pages::delete(&test, by, first.id, Version::Any).await, "last_page");
    let second = adds_page(&test, by, "Second page").await.unwrap();
    assert_eq!((second.slug.as_str(), second.is_default), ("second-page", false));
    assert_conflict(status_pages::delete(&test, by, first.id, Version::Any).await, "default_page");
    let chosen = status_pages::set_default(&test, by, second.id).await.unwrap();
    assert!(chosen.is_default && !default_page(&test, by).await.updated_at.eq(&second.updated_at));
    assert_eq!(status_pages::set_default(&test, by, second.id).await.unwrap(), chosen, "nothing to do");
    status_pages::delete(&test, by, first.id, Version::Any).await.unwrap();
    assert_conflict(status_pages::delete(&test, by, second.id, Version::Any).await, "last_page");
}

#[db_test]
async fn slugs_of_pages_give_way_or_conflict(test: TestContext) {
    let alice = owner(&test, "alice", Tier::Team).await;
    let by = &alice.membership;
    let made = adds_page(&test, by, "Status").await.unwrap();
    assert!(made.slug.starts_with("status-"), "{}", made.slug);
    let chosen = |slug: &str| NewPage {
        title: "X".to_owned(),
        slug: Some(slug.to_owned()),
        is_public: true,
        ..NewPage::default()
    };
    assert_conflict(status_pages::create(&test, by, chosen("status")).await, "slug_taken");
    for bad in ["a", "Status", "in cident", "incidents", "-x-", "ａｃｍｅ"] {
        assert_eq!(fields(status_pages::create(&test, by, chosen(bad)).await), ["slug"], "{bad}");
    }
    let patch = PagePatch { slug: Some("status".to_owned()), ..PagePatch::default() };
    assert_conflict(status_pages::update(&test, by, made.id, Version::Any, patch).await, "slug_taken");
    // X18: the slug of a deleted page is held until it cannot be restored any more.
    status_pages::delete(&test, by, made.id, Version::Any).await.unwrap();
    assert_conflict(status_pages::create(&test, by, chosen(&made.slug)).await, "slug_taken");
    test.clock.advance_s(30 * 86_400 + 1);
    actions::organizations::purge(&test).await.unwrap();
    status_pages::create(&test, by, chosen(&made.slug)).await.unwrap();
}

#[db_test]
async fn a_page_is_changed_in_its_newest_version_only(test: TestContext) {
    let alice = owner(&test, "alice", Tier::Team).await;
    let by = &alice.membership;
    let page = default_page(&test, by).await;
    let hide = PagePatch { is_public: Some(false), ..PagePatch::default() };
    let version = Version::Exactly(page.updated_at);
    let hidden = status_pages::update(&test, by, page.id, version, hide.clone()).await.unwrap();
    assert!(!hidden.is_public && hidden.updated_at > page.updated_at, "X22");
    let late = status_pages::update(&test, by, page.id, version, hide).await;
    assert!(matches!(late, Err(Error::Stale)), "{late:?}");
    let late = status_pages::delete(&test, by, page.id, version).await;
    assert!(matches!(late, Err(Error::Stale)), "{late:?}");
    let blank = PagePatch { title: Some(" ".to_owned()), slug: Some("!".to_owned()), ..PagePatch::default() };
    let answer = status_pages::update(&test, by, page.id, Version::Any, blank).await;
    assert_eq!(fields(answer), ["title", "slug"], "all that is wrong at once");
}

#[db_test]
async fn a_deleted_page_comes_back_with_its_services_if_there_is_room(test: TestContext) {
    // X18, X67
    let alice = owner(&test, "alice", Tier::Pro).await;
    let by = &alice.membership;
    let second = adds_page(&test, by, "Second").await.unwrap();
    let input =
        NewService { name: "API".to_owned(), status_page_id: Some(second.id), ..NewService::default() };
    let service = services::create(&test, by, input).await.unwrap();
    status_pages::delete(&test, by, second.id, Version::Any).await.unwrap();
    let placed = services::place(&test, by, second.id, service.id, NewPlacement::default()).await;
    assert!(matches!(placed, Err(Error::NotFound)), "{placed:?}");
    let slug = &by.organization.slug;
    actions::organizations::set_tier_by_operator(&test, slug, Tier::Free).await.unwrap();
    let full = status_pages::restore(&test, by, second.id).await;
    assert!(matches!(full, Err(Error::LimitReached(_))), "{full:?}");
    actions::organizations::set_tier_by_operator(&test, slug, Tier::Pro).await.unwrap();
    let back = status_pages::restore(&test, by, second.id).await.unwrap();
    assert_eq!((back.slug.as_str(), back.is_default), ("second", false));
    let mut conn = test.db.read().await.unwrap();
    assert_eq!(store::services::count_placements(&mut conn, by.scope(), second.id).await.unwrap(), 1);
    drop(conn);
    assert!(matches!(status_pages::restore(&test, by, second.id).await, Err(Error::NotFound)));
    status_pages::delete(&test, by, second.id, Version::Any).await.unwrap();
    test.clock.advance_s(30 * 86_400 + 1);
    assert!(matches!(status_pages::restore(&test, by, second.id).await, Err(Error::NotFound)));
}

#[db_test]
async fn pages_and_settings_are_for_admins_and_services_for_members(test: TestContext) {
    // X11
    let alice = owner(&test, "alice", Tier::Team).await;
    let page = default_page(&test, &alice.membership).await;
    for (role, may_manage_pages, may_manage_services) in
        [(Role::Admin, true, true), (Role::Member, false, true), (Role::Viewer, false, false)]
    {
        let somebody = joins(&test, &alice, role.as_str(), role).await;
        let by = &somebody.membership;
        let pages = [
            adds_page(&test, by, role.label()).await.map(drop),
            status_pages::update(&test, by, page.id, Version::Any, PagePatch::default()).await.map(drop),
            status_pages::set_default(&test, by, page.id).await.map(drop),
            settings::update(&test, by, Version::Any, SettingsPatch::default()).await.map(drop),
            actions::organizations::update(&test, by, Version::Any, <_>::default()).await.map(drop),
        ];
        for answer in pages {
            assert_eq!(answer.is_ok(), may_manage_pages, "{role:?}: {answer:?}");
            assert!(answer.is_ok() || matches!(answer, Err(Error::Forbidden(_))));
        }
        let input = NewService { name: role.label().to_owned(), ..NewService::default() };
        let service = services::create(&test, by, input).await;
        assert_eq!(service.is_ok(), may_manage_services, "{role:?}: {service:?}");
    }
}

#[db_test]
async fn what_belongs_to_others_cannot_be_placed(test: TestContext) {
    // X15, T-02
    let alice = owner(&test, "alice", Tier::Team).await;
    let charlie = owner(&test, "charlie", Tier::Team).await;
    let input = NewService { name: "API".to_owned(), ..NewService::default() };
    let service = services::create(&test, &alice.membership, input.clone()).await.unwrap();
    let theirs = services::create(&test, &charlie.membership, input).await.unwrap();
    let (page, foreign) =
        (default_page(&test, &alice.membership).await, default_page(&test, &charlie.membership).await);
    let by = &charlie.membership;
    for (page, service) in [(page.id, service.id), (page.id, theirs.id), (foreign.id, service.id)] {
        let placed = services::place(&test, by, page, service, NewPlacement::default()).await;
        assert!(matches!(placed, Err(Error::NotFound)), "{placed:?}");
        let displaced = services::displace(&test, by, page, service).await;
        assert!(matches!(displaced, Err(Error::NotFound)), "{displaced:?}");
    }
    let input = NewService { name: "X".to_owned(), status_page_id: Some(page.id), ..NewService::default() };
    assert_eq!(fields(services::create(&test, by, input).await), ["status_page_id"]);
    for answer in [
        status_pages::update(&test, by, page.id, Version::Any, PagePatch::default()).await.map(drop),
        status_pages::set_default(&test, by, page.id).await.map(drop),
        status_pages::delete(&test, by, page.id, Version::Any).await,
        status_pages::restore(&test, by, page.id).await.map(drop),
    ] {
        assert!(matches!(answer, Err(Error::NotFound)), "{answer:?}");
    }
}

#[db_test]
async fn settings_are_merged_and_have_a_version(test: TestContext) {
    // S13
    let alice = owner(&test, "alice", Tier::Free).await;
    let by = &alice.membership;
    let set = |text: &str| Patch::Set(text.to_owned());
    let patch = SettingsPatch {
        support_url: set("https://example.org/help"),
        support_email: set("Help@Example.org"),
        footer_text: set("Made in Kiel"),
    };
    let version = Version::Exactly(by.organization.updated_at);
    let (all, newer) = settings::update(&test, by, version, patch.clone()).await.unwrap();
    assert_eq!(all.support_email.as_deref(), Some("Help@example.org"));
    assert!(newer > by.organization.updated_at);
    let late = settings::update(&test, by, version, patch).await;
    assert!(matches!(late, Err(Error::Stale)), "{late:?}");
    let patch = SettingsPatch { footer_text: Patch::Clear, ..SettingsPatch::default() };
    let (left, _) = settings::update(&test, by, Version::Exactly(newer), patch).await.unwrap();
    assert_eq!(left, Settings { footer_text: None, ..all });
    let mut conn = test.db.read().await.unwrap();
    let rows = store::site_settings::list(&mut conn, by.scope()).await.unwrap();
    assert_eq!(Settings::from_rows(rows), left);
}
