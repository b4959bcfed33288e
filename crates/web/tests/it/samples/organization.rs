//! Samples of pages about the organization, its people and the account.

use super::dashboard::{calm, choices};
use super::{Sample, Words};
use domain::organization::Role;
use domain::plan::{Quota, QuotaKind, Tier};
use web::view::dashboard::{Room, Shell, account, members, organization, status_pages, subscribers};
use web::view::plan::{TierTable, Usage};
use web::view::{Errors, Site};

pub(super) fn add(samples: &mut Vec<Sample>, words: &Words) {
    add_pages(samples, words);
    add_people(samples, words);
    add_organization(samples, words);
    add_account(samples, words);
}

fn add_pages(samples: &mut Vec<Sample>, words: &Words) {
    let row = |title: &str, is_default, is_public| status_pages::Row {
        id: "pg_1".into(),
        title: words.text(title),
        path: "./p/acme/main".into(),
        is_default,
        is_public,
        services: "7 services".into(),
        subscribers: "12 subscribers".into(),
    };
    let list = status_pages::ListPage {
        shell: calm(words),
        rows: Vec::new(),
        room: Room { used: "1 of 1 status pages".into(), blocked: None },
    };
    super::add(samples, words, "pages-empty", &list);
    let rows = vec![row("Acme status", true, true), row("Partners", false, false)];
    let room =
        Room { used: "1 of 1".into(), blocked: Some(words.text("A second page needs Pro, $9 a month.")) };
    super::add(samples, words, "pages", &status_pages::ListPage { shell: calm(words), rows, room });
    let edit = status_pages::FormPage {
        shell: calm(words),
        id: Some("pg_1".into()),
        version: "1".into(),
        title: words.text("Acme status"),
        slug: words.text("main"),
        is_public: true,
        is_default: true,
        time_zone: words.text("Europe/Berlin"),
        time_zones: vec!["Europe/Berlin".into(), "UTC".into()],
        partial_outage_percent: words.text("30"),
        degraded_percent: words.text("0"),
        maintenance_rules: choices(words, &["Is left out", "Counts as up"]),
        path: "./p/acme/main".into(),
        public_url: words.text("https://status.example.com/p/acme/main"),
        services: vec![("sv_1".into(), words.text("API"), words.text("Core"))],
        successors: choices(words, &["Partners"]),
        errors: Errors::default().with("slug", words.text("Another page has this name.")),
    };
    super::add(samples, words, "page-edit", &edit);
    let new = status_pages::FormPage {
        shell: calm(words),
        id: None,
        title: words.text("Partners"),
        slug: words.text("partners"),
        path: String::new(),
        public_url: String::new(),
        services: Vec::new(),
        successors: Vec::new(),
        errors: Errors::default(),
        ..edit
    };
    super::add(samples, words, "page-new", &new);
}

fn add_people(samples: &mut Vec<Sample>, words: &Words) {
    let row = |email: &str, is_confirmed| subscribers::Row {
        id: "sb_1".into(),
        email: words.text(email),
        page: words.text("Acme status"),
        is_confirmed,
        since: "since 21 Nov 2026".into(),
    };
    let list = subscribers::ListPage {
        shell: calm(words),
        rows: vec![row("bob@example.com", true), row("charlie@example.com", false)],
        room: Room { used: "25 of 25".into(), blocked: Some(words.text("More need Pro, $9 a month.")) },
        pages: choices(words, &["Acme status"]),
        email: words.text("alice@"),
        more: Some("./orgs/acme/subscribers?cursor=x".into()),
        errors: Errors::default().with("email", words.text("Enter an address like you@example.com.")),
    };
    super::add(samples, words, "subscribers", &list);
    let member = |name: &str, email: &str, is_you: bool| members::Row {
        user_id: if is_you { "us_1".into() } else { "us_2".into() },
        name: words.text(name),
        email: words.text(email),
        role: "Owner".into(),
        since: "since 21 Nov 2026".into(),
        is_you,
        roles: if is_you { Vec::new() } else { choices(words, &["Admin", "Member"]) },
        may_remove: !is_you,
        may_become_owner: !is_you,
    };
    let list = members::ListPage {
        shell: calm(words),
        rows: vec![member("Alice", "alice@example.com", true), member("Bob", "bob@example.com", false)],
        invited: vec![members::Invited {
            id: "iv_1".into(),
            email: words.text("charlie@example.com"),
            role: "Viewer".into(),
            until: "until 28 Nov 2026".into(),
        }],
        room: Room { used: "2 of 3 members".into(), blocked: None },
        roles: choices(words, &["Member", "Viewer"]),
        email: words.text("charlie@example.com"),
        errors: Errors::default(),
    };
    super::add(samples, words, "members", &list);
    let list = members::ListPage {
        shell: Shell { role: Role::Viewer, ..calm(words) },
        rows: vec![member("Alice", "alice@example.com", true)],
        invited: Vec::new(),
        room: Room {
            used: "3 of 3 members".into(),
            blocked: Some(words.text("A fourth member needs Team.")),
        },
        ..list
    };
    super::add(samples, words, "members-full", &members::ListPage { email: String::new(), ..list });
}

fn add_organization(samples: &mut Vec<Sample>, words: &Words) {
    let settings = organization::SettingsPage {
        shell: calm(words),
        version: "1".into(),
        name: words.text("Acme"),
        slug: words.text("acme-2"),
        stored_slug: words.text("acme"),
        prefix: words.text("https://status.example.com/p/"),
        support_url: words.text("mailto:help@example.com"),
        support_email: words.text("help@example.com"),
        footer_text: words.text("Acme Ltd"),
        errors: Errors::default().with("name", words.text("Write a name.")),
    };
    super::add(samples, words, "settings", &settings);
    let usage = vec![
        Usage::new(QuotaKind::StatusPages, 1, Quota::Limited(1)),
        Usage::new(QuotaKind::ServicesPerPage, 3, Quota::Limited(5)),
        Usage::new(QuotaKind::MonitorsPerService, 1, Quota::Limited(1)),
        Usage::new(QuotaKind::Subscribers, 12, Quota::Limited(25)),
        Usage::new(QuotaKind::Members, 2, Quota::Unlimited),
    ];
    let plan = organization::PlanPage {
        shell: calm(words),
        sentence: words.text("Free, $0 a month."),
        usage,
        tiers: TierTable::new(Some(Tier::Free)),
        way: organization::PlanPage::WAY_BY_OPERATOR.into(),
        command: organization::PlanPage::command_of_operator(&words.text("acme")),
    };
    super::add(samples, words, "plan", &plan);
    let site: fn() -> Site = super::auth::site;
    let row = || organization::DeletedRow {
        root: "./orgs/acme".into(),
        name: words.text("Acme"),
        until: "23 December 2026".into(),
    };
    let deleted = organization::DeletedPage { site: site(), organization: row() };
    super::add(samples, words, "organization-deleted", &deleted);
    let errors = Errors::default().with("name", words.text("Write a name."));
    let new = organization::NewPage {
        site: site(),
        name: words.text("Other Ltd"),
        blocked: None,
        deleted: Vec::new(),
        errors,
    };
    super::add(samples, words, "organization-new", &new);
    let blocked = Some(words.text("You own two free organisations already."));
    let full = organization::NewPage {
        site: site(),
        name: String::new(),
        blocked,
        deleted: vec![row()],
        errors: Errors::default(),
    };
    super::add(samples, words, "organization-full", &full);
}

fn add_account(samples: &mut Vec<Sample>, words: &Words) {
    let session = |device: &str, is_this| account::SessionRow {
        id: "se_1".into(),
        device: words.text(device),
        address: words.text("203.0.113.7"),
        seen: "last seen 3 min ago, since 21 Nov".into(),
        is_this,
    };
    let page = account::AccountPage {
        shell: calm(words),
        display_name: words.text("Alice"),
        pending_email: Some(words.text("new@example.com")),
        email: words.text("new@"),
        sessions: vec![session("Firefox on Linux", true), session("Safari on iPhone", false)],
        has_two_factor: false,
        recovery_codes: 0,
        delete_blocked: Some(words.text("You are the only owner of Acme, which has other members.")),
        errors: Errors::default().with("email", words.text("Enter an address like you@example.com.")),
    };
    super::add(samples, words, "account", &page);
    let safer = account::AccountPage {
        shell: calm(words),
        display_name: words.text("Alice"),
        pending_email: None,
        email: String::new(),
        sessions: vec![session("Firefox on Linux", true)],
        has_two_factor: true,
        recovery_codes: 7,
        delete_blocked: None,
        errors: Errors::default().with("code", words.text("This code is not the current one.")),
    };
    super::add(samples, words, "account-two-factor", &safer);
    let alone = account::AccountPage {
        shell: Shell::without_organization(super::auth::site(), words.text("alice@example.com"), false, None),
        has_two_factor: false,
        errors: Errors::default(),
        display_name: words.text("Alice"),
        ..safer
    };
    super::add(samples, words, "account-alone", &alone);
    let two_factor = account::TwoFactorPage {
        shell: calm(words),
        secret: words.text("JBSW Y3DP EHPK 3PXP"),
        link: "otpauth://totp/alice?secret=JBSWY3DPEHPK3PXP".into(),
        errors: Errors::default().with("code", words.text("This code is not the current one.")),
    };
    super::add(samples, words, "two-factor", &two_factor);
    let codes = (0..10).map(|_| words.text("abcd-efgh-ijkl")).collect();
    super::add(samples, words, "recovery-codes", &account::RecoveryCodesPage { shell: calm(words), codes });
}
