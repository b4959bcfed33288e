//! The rules of CONTRIBUTING.md that a machine can hold: sizes, names, layers, SQL in one place, words. A finding says file
//! and line. Each rule is also shown a bad sample, so that it is known to bite.

use crate::house_layers;
use crate::house_sources::{Findings, Rule, Source, Token, lines, rust, tokens, workspace};

/// Lines of code in a file, before its tests.
const MAX_LINES: usize = 500;
/// Lines in a file of tests.
const MAX_TEST_LINES: usize = 800;
const MAX_FUNCTION_LINES: usize = 60;
/// Of a hundred functions, how many may be longer than that.
const MAX_LONG_FUNCTIONS_PERCENT: usize = 3;

/// Parts of a file name that say nothing about what is in it.
const VAGUE_NAMES: [&str; 10] =
    ["util", "utils", "helper", "helpers", "common", "misc", "manager", "managers", "types", "stuff"];

/// What stands for unfinished work or a silenced lint. Split, so that this file does not find itself.
const UNFINISHED: [&str; 7] = [
    concat!("#[al", "low("),
    concat!("#![al", "low("),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("not imple", "mented"),
];

/// Words that do not belong into a product, in lower case: filler, advertising, registries, folders of one person's machine.
const FOREIGN_WORDS: [&str; 20] = [
    concat!("lorem", " ipsum"),
    concat!("oo", "ps"),
    concat!("foo", "bar"),
    concat!("click", " here"),
    concat!("blazing", "ly"),
    concat!("blazing", " fast"),
    concat!("revolution", "ary"),
    concat!("seam", "less"),
    concat!("cutting", "-edge"),
    concat!("world", "-class"),
    concat!("best-in", "-class"),
    concat!("next-gen", "eration"),
    concat!("game-", "chang"),
    concat!("effort", "lessly"),
    concat!("crates", ".io"),
    concat!("npmjs", ".com"),
    concat!("pypi", ".org"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
];

/// Macros that put text together.
const FORMATTERS: [&str; 6] = ["format", "write", "writeln", "concat", "format_args", "push_str"];

fn long_files(sources: &[Source]) -> Findings {
    let counted =
        sources.iter().filter(|source| ["rs", "html", "css", "sql"].iter().any(|kind| source.is(kind)));
    counted
        .filter_map(|source| {
            let most = if source.is_test() { MAX_TEST_LINES } else { MAX_LINES };
            let now = if source.is_test() { source.text.lines().count() } else { source.code_lines() };
            (now > most).then(|| {
                source.at(now, &format!("{now} lines, at most {most}: split it by what it is about"))
            })
        })
        .collect()
}

fn long_functions(sources: &[Source]) -> Findings {
    let mut all = 0;
    let mut long = Vec::new();
    for source in rust(sources) {
        for token in tokens(source) {
            let Token::Function { line, length } = token else { continue };
            all += 1;
            if length > MAX_FUNCTION_LINES {
                long.push(
                    source.at(line, &format!("a function of {length} lines, aim at {MAX_FUNCTION_LINES}")),
                );
            }
        }
    }
    if long.len() * 100 > all * MAX_LONG_FUNCTIONS_PERCENT { long } else { Vec::new() }
}

fn vague_names(sources: &[Source]) -> Findings {
    let is_vague = |path: &str| {
        path.split('/').flat_map(|part| part.split(['_', '-', '.'])).any(|word| VAGUE_NAMES.contains(&word))
    };
    let vague = sources.iter().filter(|source| is_vague(&source.path));
    vague.map(|source| source.at(1, "name the file after what is in it")).collect()
}

fn unfinished(sources: &[Source]) -> Findings {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.path.starts_with("crates/")) {
        for what in UNFINISHED {
            findings.extend(lines(source, |line| line.contains(what)).map(|line| source.at(line, what)));
        }
    }
    findings
}

fn silent_modules(sources: &[Source]) -> Findings {
    let bare = rust(sources).filter(|source| {
        source
            .text
            .lines()
            .find(|line| !line.starts_with("#!["))
            .is_none_or(|first| !first.starts_with("//!"))
    });
    bare.map(|source| source.at(1, "say in one to three //! sentences what lives here")).collect()
}

fn test_binaries(sources: &[Source]) -> Findings {
    let mains = sources.iter().filter(|source| source.path.ends_with("/tests/it/main.rs"));
    let wrong = mains.filter(|source| !source.text.starts_with("#![cfg(test)]"));
    let mut findings: Findings = wrong.map(|source| source.at(1, "begin with #![cfg(test)]")).collect();
    // What takes minutes is a program of its own, which `scripts/faults` runs.
    let is_elsewhere =
        |path: &str| path.split_once("/tests/").is_some_and(|(_, rest)| !rest.starts_with("it/"));
    let others = rust(sources).filter(|source| {
        is_elsewhere(&source.path) && !source.path.starts_with("crates/server/tests/faults/")
    });
    findings.extend(others.map(|source| source.at(1, "tests of a crate live in tests/it, one binary")));
    findings
}

fn raw_html(sources: &[Source]) -> Findings {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.path.contains("/templates/")) {
        if source.path.ends_with("templates/partial/markdown.html") {
            continue;
        }
        let is_raw = |line: &str| {
            let dense = line.replace(' ', "");
            dense.contains("|safe") || dense.contains("autoescapefalse") || dense.contains("escape(\"none\")")
        };
        findings.extend(
            lines(source, is_raw).map(|line| source.at(line, "unescaped: only partial/markdown.html may")),
        );
    }
    findings
}

/// `templates/F/x.html` is rendered by a struct in `view/F.rs` or `view/F/`, or is part of a template that is. Layouts and
/// partials are everybody's.
fn lone_templates(sources: &[Source]) -> Findings {
    let mut findings = Vec::new();
    for source in sources {
        let Some((home, name)) = source.path.split_once("/templates/") else { continue };
        let folder = name.split('/').next().unwrap_or_default();
        let views = [format!("{home}/src/view/{folder}.rs"), format!("{home}/src/view/{folder}/")];
        let is_shared = source.package() != "web" || matches!(folder, "layout" | "partial");
        let may_name = |other: &Source| {
            let is_part = other.path.starts_with(home) && !other.is("rs") && other.path != source.path;
            let is_view = views.iter().any(|view| other.path.starts_with(view.as_str()));
            is_part || is_view || (is_shared && other.path.starts_with(home))
        };
        let quoted = format!("\"{name}\"");
        if !sources.iter().any(|other| may_name(other) && other.text.contains(&quoted)) {
            findings
                .push(source.at(1, &format!("no struct of its module renders this template ({})", views[0])));
        }
    }
    findings
}

fn is_sql(text: &str) -> bool {
    let starts = [
        concat!("SEL", "ECT "),
        concat!("INS", "ERT INTO "),
        concat!("DEL", "ETE FROM "),
        concat!("CREATE", " TABLE "),
    ];
    let update = [concat!("UP", "DATE "), concat!(" S", "ET ")];
    starts.iter().any(|word| text.contains(word)) || update.iter().all(|word| text.contains(word))
}

fn sql_outside_store(sources: &[Source]) -> Findings {
    let mut findings = Vec::new();
    for source in rust(sources).filter(|source| !["store", "testkit"].contains(&source.package())) {
        for token in tokens(source) {
            if let Token::Text { line, value, .. } = token
                && is_sql(&value)
            {
                findings.push(source.at(line, "SQL stands in crates/store only"));
            }
        }
    }
    findings
}

/// SQL is a literal: it is never put together, and the way around sqlx's own guard is for tests alone.
fn built_sql(sources: &[Source]) -> Findings {
    let mut findings = Vec::new();
    for source in rust(sources) {
        let may_build = source.is_test() || source.package() == "testkit";
        for token in tokens(source) {
            match token {
                Token::Text { line, value, inside: Some(name) }
                    if is_sql(&value) && FORMATTERS.contains(&name.as_str()) && !may_build =>
                {
                    findings.push(
                        source.at(line, &format!("SQL inside {name}: write one literal and bind values")),
                    );
                }
                Token::Name { line, name }
                    if ["AssertSqlSafe", "QueryBuilder", "raw_sql"].contains(&name.as_str())
                        && !may_build =>
                {
                    findings.push(source.at(line, &format!("{name}: use the macros of the store")));
                }
                _ => {}
            }
        }
    }
    findings
}

fn foreign_words(sources: &[Source]) -> Findings {
    let mut findings = Vec::new();
    for source in sources {
        for (index, line) in source.text.lines().enumerate() {
            let low = line.to_lowercase();
            let words = FOREIGN_WORDS.iter().filter(|word| has_word(&low, &word.to_lowercase()));
            findings
                .extend(words.map(|word| source.at(index + 1, &format!("{word:?} does not belong here"))));
        }
    }
    findings
}

/// `word` where no letter stands before it.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(|before: char| before.is_alphanumeric()))
}

/// A text that breaks one rule, and the line that the rule must name.
struct Sample {
    name: &'static str,
    rule: Rule,
    path: &'static str,
    text: String,
    line: usize,
}

fn sample(
    name: &'static str,
    rule: Rule,
    path: &'static str,
    text: impl Into<String>,
    line: usize,
) -> Sample {
    Sample { name, rule, path, text: text.into(), line }
}

fn bad_files() -> Vec<Sample> {
    let library = "crates/a/src/lib.rs";
    let function = format!("fn long() {{\n{}}}\n", "    step();\n".repeat(MAX_FUNCTION_LINES + 1));
    let long = |most: usize| "//!\n".repeat(most + 1);
    vec![
        sample("long files", long_files, library, long(MAX_LINES), MAX_LINES + 1),
        sample("long tests", long_files, "crates/a/tests/it/b.rs", long(MAX_TEST_LINES), MAX_TEST_LINES + 1),
        sample("long functions", long_functions, library, function, 1),
        sample("vague names", vague_names, "crates/a/src/page_utils.rs", "", 1),
        sample("unfinished", unfinished, library, concat!("\n#[al", "low(dead_code)]\nfn f() {}\n"), 2),
        sample("silent modules", silent_modules, library, "pub mod b;\n", 1),
        sample("test binaries", test_binaries, "crates/a/tests/it/main.rs", "mod b;\n", 1),
        sample("second test binary", test_binaries, "crates/a/tests/b.rs", "#![cfg(test)]\n", 1),
    ]
}

fn bad_texts() -> Vec<Sample> {
    let page = "crates/web/templates/public/a.html";
    let select = concat!("fn f() {\n    query(\"SEL", "ECT id FROM a\");\n}\n");
    let built = concat!("fn f() {\n\n    fetch(format!(\"SEL", "ECT id FROM {table}\"));\n}\n");
    let guard = "\nuse sqlx::AssertSqlSafe;\n";
    vec![
        sample("raw html", raw_html, page, "<p>\n{{ text | safe }}\n", 2),
        sample("lone templates", lone_templates, "crates/notifier/templates/a.txt", "Hello", 1),
        sample("SQL outside store", sql_outside_store, "crates/web/src/lib.rs", select, 2),
        sample("built SQL", built_sql, "crates/store/src/lib.rs", built, 3),
        sample("SQL past the guard", built_sql, "crates/store/src/lib.rs", guard, 2),
        sample("foreign words", foreign_words, page, concat!("<p>\n\n  Oo", "ps! No page.</p>\n"), 3),
    ]
}

fn bad_manifests() -> Vec<Sample> {
    let (web, domain) = ("crates/web/Cargo.toml", "crates/domain/Cargo.toml");
    let upward = "[dev-dependencies]\nstore.workspace = true\n";
    let driver = "[dependencies]\n\nsqlx = { workspace = true, features = [\"sqlite\"] }\n";
    let own_clippy = "too-many-lines-threshold = 70\n";
    vec![
        sample("layers", house_layers::imports, web, "[dependencies]\nsqlx.workspace = true\n", 2),
        sample("layers of tests", house_layers::imports, domain, upward, 2),
        sample("drivers", house_layers::drivers, domain, driver, 3),
        sample("versions", house_layers::versions, web, "[dependencies]\naxum = \"0.8\"\n", 2),
        sample("clippy.toml", house_layers::clippy_files, "crates/web/clippy.toml", own_clippy, 1),
    ]
}

fn hold(rule: Rule) {
    let findings = rule(&workspace());
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

/// A test for each rule, so that the report names the rule.
macro_rules! rules_hold {
    ($($name:ident: $rule:expr;)*) => { $(#[test] fn $name() { hold($rule); })* };
}

rules_hold! {
    files_stay_short: long_files;
    functions_stay_short: long_functions;
    file_names_say_what_is_inside: vague_names;
    nothing_is_left_unfinished_and_no_lint_is_silenced: unfinished;
    each_module_says_what_lives_there: silent_modules;
    each_crate_has_one_test_binary: test_binaries;
    only_markdown_is_not_escaped: raw_html;
    each_template_belongs_to_a_module_that_renders_it: lone_templates;
    sql_stands_in_the_store_only: sql_outside_store;
    sql_is_never_put_together: built_sql;
    texts_speak_about_the_product: foreign_words;
    each_crate_imports_what_its_layer_may: house_layers::imports;
    domain_asks_for_no_database_driver: house_layers::drivers;
    versions_stand_in_the_root_manifest: house_layers::versions;
    web_has_the_same_lints_and_one_ban_more: house_layers::clippy_files;
}

#[test]
fn each_rule_finds_its_bad_sample_and_says_where() {
    for Sample { name, rule, path, text, line } in
        [bad_files(), bad_texts(), bad_manifests()].into_iter().flatten()
    {
        let found = rule(&[Source { path: path.to_owned(), text }]);
        let place = format!("{path}:{line}: ");
        assert!(
            found.len() == 1 && found[0].starts_with(&place),
            "{name}: expected {place}, found {found:?}"
        );
    }
}

#[test]
fn what_only_looks_wrong_is_left_alone() {
    let documented = concat!("/// Runs a SEL", "ECT and more.\nfn f() {}\n");
    let tests = format!("//! a\n#[cfg(test)]\nmod tests {{\n{}}}\n", "// b\n".repeat(MAX_LINES));
    let markdown = "{{ html|safe }}".to_owned();
    for (rule, path, text) in [
        (sql_outside_store as Rule, "crates/web/src/lib.rs", documented.to_owned()),
        (long_files, "crates/a/src/lib.rs", tests),
        (raw_html, "crates/web/templates/partial/markdown.html", markdown),
        (foreign_words, "README.md", concat!("The tro", "ops.").to_owned()),
        (vague_names, "crates/a/src/commonality.rs", String::new()),
    ] {
        assert_eq!(rule(&[Source { path: path.to_owned(), text }]), Vec::<String>::new(), "{path}");
    }
}

#[test]
fn one_test_module_at_the_top_does_not_hide_the_file() {
    let text = format!("//! a\n#[cfg(test)]\nmod tests;\n{}", "// b\n".repeat(MAX_LINES));
    assert_eq!(long_files(&[Source { path: "crates/a/src/lib.rs".to_owned(), text }]).len(), 1);
}
