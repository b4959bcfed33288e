//! The documentation names what exists: files and functions in ARCHITECTURE.md and its neighbours, routes in `docs/api.md`,
//! targets of links.

use std::collections::BTreeSet;

use crate::house_sources::{Findings, Source, workspace};

fn texts(sources: &[Source]) -> impl Iterator<Item = &Source> {
    sources.iter().filter(|source| !source.path.starts_with("crates/") && source.is("md"))
}

/// What stands between backticks, with its line.
fn quoted(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    source
        .text
        .lines()
        .enumerate()
        .flat_map(|(index, line)| line.split('`').skip(1).step_by(2).map(move |words| (index + 1, words)))
}

/// `path.rs` and `path.rs::function` lead to a file, by any end of its path, and to a function in it.
fn absent_files(sources: &[Source]) -> Findings {
    let mut findings = Vec::new();
    for source in texts(sources) {
        for (line, words) in quoted(source) {
            let (path, function) = words.split_once("::").unwrap_or((words, ""));
            let is_file = [".rs", ".html", ".sql", ".css"].iter().any(|end| path.ends_with(end));
            if !is_file || path.contains(['<', '*', '…', '{', ' ']) {
                continue;
            }
            let end = format!("/{path}");
            let mut named = sources.iter().filter(|other| other.path == path || other.path.ends_with(&end));
            let name: String =
                function.chars().take_while(|letter| letter.is_ascii_lowercase() || *letter == '_').collect();
            let is_there = if name.is_empty() {
                named.next().is_some()
            } else {
                let definition = format!("fn {name}");
                named.any(|other| other.text.contains(&definition))
            };
            if !is_there {
                findings.push(source.at(line, &format!("there is no {words}")));
            }
        }
    }
    findings
}

/// Relative links lead to files. Pictures are left out.
fn broken_links(sources: &[Source]) -> Findings {
    let mut findings = Vec::new();
    for source in texts(sources) {
        for (index, line) in source.text.lines().enumerate() {
            for link in line.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
                let folder = if source.path.starts_with("docs/") { "docs/" } else { "" };
                let path = match link.strip_prefix("../") {
                    Some(above) => above.to_owned(),
                    None => format!("{folder}{link}"),
                };
                let is_elsewhere = link.is_empty() || link.contains("://") || is_picture(link);
                let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
                if !is_elsewhere && !std::path::Path::new(root).join(&path).is_file() {
                    findings.push(source.at(index + 1, &format!("the link to {link} leads nowhere")));
                }
            }
        }
    }
    findings
}

fn is_picture(link: &str) -> bool {
    std::path::Path::new(link).extension().is_some_and(|kind| kind == "png")
}

/// Every operation that `docs/api.md` calls is in the OpenAPI document.
fn absent_routes(sources: &[Source], known: &BTreeSet<String>) -> Findings {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.path == "docs/api.md") {
        let calls =
            source.text.lines().enumerate().filter_map(|(index, line)| Some((index + 1, call(line)?)));
        let named = quoted(source)
            .filter(|(_, words)| words.contains(" /api/"))
            .map(|(l, words)| (l, words.to_owned()));
        for (line, operation) in calls.chain(named) {
            if !known.iter().any(|route| is_same(route, &operation)) {
                findings.push(source.at(line, &format!("there is no {operation}")));
            }
        }
    }
    findings
}

/// `POST /api/v1/services` from a line with `curl`; without `-X` the next line's `-d` decides, so both count as known.
fn call(line: &str) -> Option<String> {
    let (before, after) = line.split_once("$URL/api/")?;
    let path: String = after.chars().take_while(|letter| !" ?\"'".contains(*letter)).collect();
    let method = before.split("-X ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or("*");
    Some(format!("{method} /api/{path}"))
}

/// Whether an operation of the document is meant; `$NAME` and `{name}` stand for any parameter.
fn is_same(route: &str, operation: &str) -> bool {
    let (Some((method, path)), Some((asked, wanted))) = (route.split_once(' '), operation.split_once(' '))
    else {
        return false;
    };
    let (path, wanted): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), wanted.split('/').collect());
    (asked == "*" || asked == method)
        && path.len() == wanted.len()
        && path.iter().zip(&wanted).all(|(part, given)| {
            part == given || (part.starts_with('{') && (given.starts_with('$') || given.starts_with('{')))
        })
}

fn operations() -> BTreeSet<String> {
    let document = serde_json::to_value(web::document()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    all.collect()
}

fn hold(findings: &Findings) {
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

#[test]
fn files_and_functions_that_are_named_exist() {
    hold(&absent_files(&workspace()));
}

#[test]
fn links_lead_somewhere() {
    hold(&broken_links(&workspace()));
}

#[test]
fn routes_that_are_explained_exist() {
    hold(&absent_routes(&workspace(), &operations()));
}

#[test]
fn a_wrong_name_is_found_with_its_line() {
    let source = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
    let sources = [
        source(
            "docs/api.md",
            "\n`POST /api/v1/service`\n[see](nothing.md)\n\n    curl -X PUT $URL/api/v1/services/$ID -d ''\n",
        ),
        source("ARCHITECTURE.md", "`a/src/lib.rs::run`, `lib.rs`, `a/src/lib.rs::walk`\n`a/src/bin.rs`\n"),
        source("crates/a/src/lib.rs", "fn run() {}"),
    ];
    let known =
        BTreeSet::from(["POST /api/v1/services".to_owned(), "PATCH /api/v1/services/{id}".to_owned()]);
    assert_eq!(
        absent_routes(&sources, &known),
        [
            "docs/api.md:5: there is no PUT /api/v1/services/$ID",
            "docs/api.md:2: there is no POST /api/v1/service",
        ]
    );
    assert_eq!(broken_links(&sources), ["docs/api.md:3: the link to nothing.md leads nowhere"]);
    assert_eq!(
        absent_files(&sources),
        ["ARCHITECTURE.md:1: there is no a/src/lib.rs::walk", "ARCHITECTURE.md:2: there is no a/src/bin.rs"]
    );
    assert!(absent_routes(&[source("docs/api.md", "curl $URL/api/v1/services?limit=2")], &known).is_empty());
}
