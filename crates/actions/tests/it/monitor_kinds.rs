//! Monitors of every kind: what is stored, what is sealed, what a check gets of it (T-22).

use actions::monitors::{self, Guard, MonitorPatch, NewMonitor, SecretsHeld, SecretsPatch, Wanted};
use actions::patch::{Patch, Version};
use actions::{Error, FieldError};
use domain::monitor::{
    Auth, DnsSettings, DomainExpirySettings, Header, HttpSettings, IcmpSettings, MonitorKind, Secrets,
    Settings, TcpSettings,
};
use domain::plan::Tier;
use store::watch;
use testkit::{Fleet, START, TestContext, db_test};

fn agrees() -> Guard {
    Guard::new(|_, _| Vec::new())
}

fn wanted(settings: Settings) -> Wanted {
    Wanted { settings: Some(settings), secrets: SecretsPatch::default(), guard: agrees() }
}

fn of(fleet: &Fleet, settings: Settings) -> NewMonitor {
    NewMonitor { wanted: Some(wanted(settings)), ..NewMonitor::of(fleet.service) }
}

fn tcp() -> Settings {
    Settings::Tcp(TcpSettings { host: "db.example.com".into(), port: 5432, ..TcpSettings::default() })
}

fn bearer() -> Settings {
    Settings::Http(Box::new(HttpSettings { auth: Auth::Bearer, ..HttpSettings::default() }))
}

fn code<T: std::fmt::Debug>(answer: actions::Result<T>) -> (&'static str, &'static str) {
    let Err(Error::Invalid(faults)) = answer else { panic!("{answer:?}") };
    (faults[0].field, faults[0].code)
}

#[db_test]
async fn each_kind_keeps_its_settings_and_hands_them_to_its_checks(test: TestContext) {
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let all = [
        tcp(),
        Settings::Dns(DnsSettings { name: "example.com".into(), ..DnsSettings::default() }),
        Settings::Icmp(IcmpSettings { host: "192.0.2.1".into() }),
    ];
    for settings in all {
        let input = NewMonitor { name: Some(" Database ".into()), ..of(&fleet, settings.clone()) };
        let made = monitors::create(&test, &fleet.owner, input).await.unwrap();
        let stored = fleet.finds(made.id).await;
        assert_eq!(stored, made);
        assert_eq!((stored.kind, &stored.settings), (settings.kind(), &settings));
        assert_eq!((stored.name.as_deref(), stored.url.as_str()), (Some("Database"), ""));
        let mut tx = test.db.write().await.unwrap();
        let due = watch::claim_due(&mut tx, START, START, START.plus_s(30), 10).await.unwrap();
        tx.commit().await.unwrap();
        let due = due.into_iter().find(|due| due.id == made.id).unwrap();
        assert_eq!(monitors::due_job(&test, due).unwrap().settings, Some(settings));
    }
}

#[db_test]
async fn a_plain_check_carries_no_settings(test: TestContext) {
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let made = fleet.adds_many(1, "https://example.com/", START).await[0];
    let mut tx = test.db.write().await.unwrap();
    let due = watch::claim_due(&mut tx, START, START, START.plus_s(30), 10).await.unwrap();
    let job = monitors::due_job(&test, due[0].clone()).unwrap();
    assert_eq!((job.monitor_id, job.settings, job.secrets), (made, None, None));
}

#[db_test]
async fn secrets_are_sealed_replaced_and_taken_away(test: TestContext) {
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let secret = Header { name: "x-key".into(), value: "hush-hush".into() };
    let secrets = SecretsPatch {
        token: Patch::Set("tok-123".into()),
        headers: Patch::Set(vec![secret.clone()]),
        ..SecretsPatch::default()
    };
    let wanted = Wanted { secrets, ..wanted(bearer()) };
    let input = NewMonitor {
        wanted: Some(wanted),
        ..NewMonitor::new(fleet.service, Ok("https://example.com/".into()))
    };
    let made = monitors::create(&test, &fleet.owner, input).await.unwrap();
    let sealed = made.sealed_secrets.clone().unwrap();
    for plain in [b"tok-123".as_slice(), b"hush-hush"] {
        assert!(!sealed.windows(plain.len()).any(|bytes| bytes == plain), "stored in the clear");
    }
    let held = SecretsHeld { token: true, headers: vec!["x-key".into()], password: false };
    assert_eq!(monitors::secrets_held(&test, &made).unwrap(), held);

    let job = monitors::try_change(&test, &fleet.owner, made.id, MonitorPatch::default()).await.unwrap();
    let expected = Secrets { token: Some("tok-123".into()), headers: vec![secret], password: None };
    assert_eq!(job.secrets, Some(expected));

    let patch = |secrets| MonitorPatch {
        wanted: Some(Wanted { settings: None, secrets, guard: agrees() }),
        ..MonitorPatch::default()
    };
    let without_headers = SecretsPatch { headers: Patch::Clear, ..SecretsPatch::default() };
    let changed =
        monitors::update(&test, &fleet.owner, made.id, Version::Any, patch(without_headers)).await.unwrap();
    assert_eq!(changed.settings, bearer(), "settings stay");
    let held = monitors::secrets_held(&test, &fleet.finds(made.id).await).unwrap();
    assert_eq!(held, SecretsHeld { token: true, ..SecretsHeld::default() });
    let none = SecretsPatch { token: Patch::Clear, ..SecretsPatch::default() };
    let changed = monitors::update(&test, &fleet.owner, made.id, Version::Any, patch(none)).await.unwrap();
    assert_eq!(changed.sealed_secrets, None);
}

#[db_test]
async fn the_guard_sees_secrets_that_are_stored_and_its_word_counts(test: TestContext) {
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let needs_token = Guard::new(|_, secrets| match secrets.token {
        Some(_) => Vec::new(),
        None => vec![FieldError {
            field: "secrets",
            path: "/token".into(),
            code: "required",
            message: "Write a token.".into(),
        }],
    });
    let input = |token: Patch<String>| NewMonitor {
        wanted: Some(Wanted {
            settings: Some(bearer()),
            secrets: SecretsPatch { token, ..SecretsPatch::default() },
            guard: needs_token.clone(),
        }),
        ..NewMonitor::new(fleet.service, Ok("https://example.com/".into()))
    };
    let refused = monitors::create(&test, &fleet.owner, input(Patch::Keep)).await;
    assert_eq!(code(refused), ("secrets", "required"));
    let made = monitors::create(&test, &fleet.owner, input(Patch::Set("abc".into()))).await.unwrap();
    let again =
        Wanted { settings: Some(bearer()), secrets: SecretsPatch::default(), guard: needs_token.clone() };
    let patch = MonitorPatch { wanted: Some(again), ..MonitorPatch::default() };
    monitors::update(&test, &fleet.owner, made.id, Version::Any, patch).await.unwrap();
}

#[db_test]
async fn a_kind_stays_and_only_http_has_a_url(test: TestContext) {
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let owner = &fleet.owner;
    assert_eq!(
        code(monitors::create(&test, owner, NewMonitor::of(fleet.service)).await),
        ("url", "required")
    );
    let both = NewMonitor { url: Some(Ok("https://example.com/".into())), ..of(&fleet, tcp()) };
    assert_eq!(code(monitors::create(&test, owner, both).await), ("url", "not_of_this_kind"));
    let made = monitors::create(&test, owner, of(&fleet, tcp())).await.unwrap();
    let update = async |patch| monitors::update(&test, owner, made.id, Version::Any, patch).await;
    let other = MonitorPatch { wanted: Some(wanted(Settings::default())), ..MonitorPatch::default() };
    assert_eq!(code(update(other).await), ("kind", "kind_fixed"));
    let url = MonitorPatch { url: Some(Ok("https://example.com/".into())), ..MonitorPatch::default() };
    assert_eq!(code(update(url).await), ("url", "not_of_this_kind"));
    let named = MonitorPatch { name: Patch::Set("Orders".into()), ..MonitorPatch::default() };
    assert_eq!(update(named).await.unwrap().name.as_deref(), Some("Orders"));
    let blank = MonitorPatch { name: Patch::Set("  ".into()), ..MonitorPatch::default() };
    assert_eq!(update(blank).await.unwrap().name, None);
}

#[db_test]
async fn registries_are_asked_every_hour_at_most(test: TestContext) {
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let domain = Settings::DomainExpiry(DomainExpirySettings {
        domain: "example.com".into(),
        ..DomainExpirySettings::default()
    });
    let often = NewMonitor { interval_seconds: Some(600), ..of(&fleet, domain.clone()) };
    let refused = monitors::create(&test, &fleet.owner, often).await;
    assert_eq!(code(refused), ("interval_seconds", "interval_too_short"));
    let made = monitors::create(&test, &fleet.owner, of(&fleet, domain)).await.unwrap();
    assert_eq!((made.kind, made.interval_seconds), (MonitorKind::DomainExpiry, 21_600));
}

#[db_test]
async fn other_settings_are_checked_at_once(test: TestContext) {
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let made = monitors::create(&test, &fleet.owner, of(&fleet, tcp())).await.unwrap();
    let mut tx = test.db.write().await.unwrap();
    store::monitors::update_next_check(&mut tx, fleet.scope(), made.id, START.plus_s(60), 0).await.unwrap();
    tx.commit().await.unwrap();
    let due_at = async || {
        let mut conn = test.db.read().await.unwrap();
        watch::next_due_at(&mut conn, START.plus_ms(-1), START.plus_ms(-1)).await.unwrap().unwrap()
    };
    let named = MonitorPatch { name: Patch::Set("Orders".into()), ..MonitorPatch::default() };
    monitors::update(&test, &fleet.owner, made.id, Version::Any, named).await.unwrap();
    assert_eq!(due_at().await, START.plus_s(60), "a name changes no check");
    let other =
        Settings::Tcp(TcpSettings { host: "db.example.com".into(), port: 5433, ..TcpSettings::default() });
    let patch = MonitorPatch { wanted: Some(wanted(other)), ..MonitorPatch::default() };
    monitors::update(&test, &fleet.owner, made.id, Version::Any, patch).await.unwrap();
    assert_eq!(due_at().await, START);
}

#[db_test]
async fn a_new_organization_watches_ten_new_hosts_a_day(test: TestContext) {
    // T-19
    let fleet = Fleet::new(&test.db, 1, Tier::Team).await;
    let at = async |host: &str, path: &str| {
        let input = NewMonitor::new(fleet.service, Ok(format!("https://{host}/{path}")));
        monitors::create(&test, &fleet.owner, input).await
    };
    for number in 0..10 {
        at(&format!("host-{number}.example.com"), "").await.unwrap();
    }
    assert!(matches!(at("one-more.example.com", "").await, Err(Error::Throttled { .. })));
    let known = at("host-3.example.com", "other").await.unwrap();
    let elsewhere =
        MonitorPatch { url: Some(Ok("https://one-more.example.com/".into())), ..MonitorPatch::default() };
    let moved = monitors::update(&test, &fleet.owner, known.id, Version::Any, elsewhere.clone()).await;
    assert!(matches!(moved, Err(Error::Throttled { .. })), "editing is no way around it");
    let tried = monitors::try_change(&test, &fleet.owner, known.id, elsewhere).await;
    assert!(matches!(tried, Err(Error::Throttled { .. })), "nor is trying");
    test.clock.advance_s(86_401);
    at("one-more.example.com", "").await.unwrap();
    test.clock.advance_s(7 * 86_400);
    for number in 20..40 {
        at(&format!("host-{number}.example.com"), "").await.unwrap();
    }
}

#[db_test]
async fn whoever_hosts_alone_watches_as_many_hosts_as_they_like(test: TestContext) {
    // D7
    let test = test.with_policy(|policy| policy.are_plans_enforced = false);
    let fleet = Fleet::new(&test.db, 1, Tier::Free).await;
    for number in 0..12 {
        let input = NewMonitor::new(fleet.service, Ok(format!("https://host-{number}.example.com/")));
        monitors::create(&test, &fleet.owner, input).await.unwrap();
    }
}
