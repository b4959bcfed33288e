//! Who may import whom, read from the manifests: the table of ARCHITECTURE.md, dependency versions, and the two `clippy.toml`.

use toml::Table;

use crate::house_sources::{Findings, Source};

/// Each crate with those of ours that it may use. Tests may use `testkit` as well.
const LAYERS: [(&str, &[&str]); 10] = [
    ("domain", &[]),
    ("store", &["domain"]),
    ("egress", &["domain"]),
    ("actions", &["domain", "store"]),
    ("checker", &["domain", "store", "actions", "egress"]),
    ("notifier", &["domain", "store", "actions", "egress"]),
    ("web", &["domain", "store", "actions", "egress"]),
    ("server", &["domain", "store", "actions", "egress", "checker", "notifier", "web"]),
    ("testkit", &["domain", "store", "actions", "egress", "checker", "notifier", "web", "testkit-macros"]),
    ("testkit-macros", &[]),
];

/// Libraries that make a layer what it is, with the crates that may use them outside tests. `deny.toml` names those that no
/// test may use either.
const HOMES: [(&str, &[&str]); 22] = [
    ("sqlx", &["store", "domain", "testkit"]),
    ("axum", &["web", "server", "testkit"]),
    ("axum-extra", &["web"]),
    ("tower-http", &["web"]),
    ("utoipa", &["web"]),
    ("jsonwebtoken", &["web"]),
    ("askama", &["web", "notifier"]),
    ("lettre", &["notifier"]),
    ("hyper", &["egress", "web", "testkit"]),
    ("hickory-resolver", &["egress"]),
    ("tokio-rustls", &["egress"]),
    ("reqwest", &["egress"]),
    ("async-nats", &["checker"]),
    ("argon2", &["actions"]),
    ("totp-rs", &["actions"]),
    ("rand", &["actions", "server"]),
    ("clap", &["server"]),
    ("anyhow", &["server", "testkit"]),
    ("tracing-subscriber", &["server", "testkit"]),
    ("thirtyfour", &["testkit"]),
    ("tokio", &["store", "egress", "actions", "checker", "notifier", "web", "server", "testkit"]),
    ("tracing", &["store", "egress", "actions", "checker", "notifier", "web", "server", "testkit"]),
];

const ROOT_CLIPPY: &str = include_str!("../../../../clippy.toml");
/// What `crates/web/clippy.toml` has on top of the one at the top.
const WEB_BAN: &str =
    r#"  { path = "store::Database::write", reason = "a handler changes things through an action" },"#;

/// One line of a table of dependencies.
struct Dependency<'a> {
    source: &'a Source,
    /// The crate that asks for it.
    package: &'a str,
    name: String,
    wanted: toml::Value,
    is_for_tests: bool,
}

impl Dependency<'_> {
    fn wrong(&self, what: &str) -> String {
        let starts = |line: &&str| {
            line.strip_prefix(self.name.as_str()).is_some_and(|rest| rest.starts_with([' ', '.', '=']))
        };
        // From the right table on: a name may stand in several.
        let table = if self.is_for_tests { "[dev-dependencies]" } else { "[dependencies]" };
        let lines: Vec<&str> = self.source.text.lines().collect();
        let from = lines.iter().position(|line| *line == table).unwrap_or(0);
        let line = lines[from..].iter().position(starts).map_or(1, |index| from + index + 1);
        self.source.at(line, what)
    }
}

/// Every dependency in the manifests of the members.
fn dependencies(sources: &[Source]) -> Vec<Dependency<'_>> {
    let mut found = Vec::new();
    for source in sources {
        let Some(package) = package(&source.path) else { continue };
        let manifest: Table = source.text.parse().unwrap_or_else(|error| panic!("{}: {error}", source.path));
        for (table, is_for_tests) in
            [("dependencies", false), ("build-dependencies", false), ("dev-dependencies", true)]
        {
            let rows = manifest.get(table).and_then(toml::Value::as_table).into_iter().flatten();
            found.extend(rows.map(|(name, wanted)| Dependency {
                source,
                package,
                name: name.clone(),
                wanted: wanted.clone(),
                is_for_tests,
            }));
        }
    }
    found
}

fn package(path: &str) -> Option<&str> {
    let folder = path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
    Some(if folder == "testkit/macros" { "testkit-macros" } else { folder })
}

pub(crate) fn imports(sources: &[Source]) -> Findings {
    let wrong = |dependency: &Dependency<'_>| {
        let package = dependency.package;
        let name = dependency.name.as_str();
        let is_ours = LAYERS.iter().any(|(ours, _)| *ours == name);
        let layer = LAYERS.iter().find(|(ours, _)| *ours == package);
        let Some((_, may)) = layer else {
            return Some(format!("{package} has no line in the table of layers"));
        };
        let is_allowed = if is_ours {
            may.contains(&name) || (dependency.is_for_tests && name == "testkit")
        } else {
            let home = HOMES.iter().find(|(library, _)| *library == name);
            home.is_none_or(|(_, homes)| homes.contains(&package) || dependency.is_for_tests)
        };
        (!is_allowed)
            .then(|| format!("{package} may not use {name}: see \"Who may import whom\" in ARCHITECTURE.md"))
    };
    dependencies(sources).iter().filter_map(|one| wrong(one).map(|what| one.wrong(&what))).collect()
}

/// `domain` derives how a row is read; a driver would let it run statements. A workspace build unites features, so the
/// compiler does not tell.
pub(crate) fn drivers(sources: &[Source]) -> Findings {
    let of_domain =
        dependencies(sources).into_iter().filter(|one| one.package == "domain" && one.name == "sqlx");
    let mut findings = Vec::new();
    for one in of_domain {
        let features = one.wanted.get("features").and_then(toml::Value::as_array).into_iter().flatten();
        let names = features.filter_map(toml::Value::as_str);
        let drivers = names.filter(|name| !["derive", "uuid"].contains(name));
        findings.extend(
            drivers
                .map(|name| one.wrong(&format!("domain may ask sqlx for derive and uuid, not for {name}"))),
        );
    }
    findings
}

pub(crate) fn versions(sources: &[Source]) -> Findings {
    let is_pinned = |one: &Dependency<'_>| {
        let inherits = one.wanted.get("workspace").and_then(toml::Value::as_bool) == Some(true);
        !inherits || ["version", "path", "git"].iter().any(|key| one.wanted.get(key).is_some())
    };
    let pinned = dependencies(sources).into_iter().filter(is_pinned);
    pinned
        .map(|one| one.wrong("write the version into the root Cargo.toml and `workspace = true` here"))
        .collect()
}

/// The nearest `clippy.toml` replaces the one at the top, so that of `web` is a copy with one line more.
pub(crate) fn clippy_files(sources: &[Source]) -> Findings {
    let Some(web) = sources.iter().find(|source| source.path == "crates/web/clippy.toml") else {
        return vec!["crates/web/clippy.toml:1: missing".to_owned()];
    };
    let rest: Vec<&str> = web.text.lines().filter(|line| *line != WEB_BAN).collect();
    let mut root = ROOT_CLIPPY.lines();
    let difference = rest.iter().position(|line| root.next() != Some(line));
    if let Some(line) = difference {
        return vec![web.at(line + 1, "differs from clippy.toml at the top")];
    }
    let is_banned = rest.len() + 1 == web.text.lines().count();
    if root.next().is_none() && is_banned {
        return Vec::new();
    }
    vec![web.at(web.text.lines().count(), "lacks a line of clippy.toml, or the ban of Database::write")]
}
