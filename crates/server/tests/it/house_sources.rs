//! What the house rules read: the tracked files, and the tokens of those that are Rust.

use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// One tracked text file; `path` is relative to the workspace.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// `path:line: what is wrong`.
pub(crate) type Findings = Vec<String>;
pub(crate) type Rule = fn(&[Source]) -> Findings;

impl Source {
    pub(crate) fn is(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == extension)
    }

    /// The folder below `crates`, such as `store`.
    pub(crate) fn package(&self) -> &str {
        self.path.split('/').nth(1).unwrap_or_default()
    }

    pub(crate) fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("tests.rs")
    }

    pub(crate) fn at(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }

    /// Lines before the tests of the file. A `#[cfg(test)]` in front of `mod tests;` hides nothing.
    pub(crate) fn code_lines(&self) -> usize {
        let lines: Vec<&str> = self.text.lines().collect();
        let tests = lines.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1].ends_with('{'));
        tests.unwrap_or(lines.len())
    }
}

/// Everything under `crates` that people write, and the texts at the top.
pub(crate) fn workspace() -> Vec<Source> {
    let root = root();
    let below_crates = walkdir::WalkDir::new(root.join("crates")).into_iter().filter_entry(|entry| {
        !["target", "vendor", "snapshots"].iter().any(|name| entry.file_name() == *name)
    });
    let tops = ["", "docs", "scripts"]
        .iter()
        .flat_map(|folder| walkdir::WalkDir::new(root.join(folder)).max_depth(1));
    let mut sources: Vec<Source> = below_crates
        .chain(tops)
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.is_file() && is_text(path))
        .map(|path| Source {
            path: path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned(),
            text: std::fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display())),
        })
        .collect();
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(sources.len() > 100, "the sources are not where they were: {} found", sources.len());
    sources
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn is_text(path: &Path) -> bool {
    let extensions = ["rs", "html", "css", "sql", "toml", "txt", "md", "js"];
    let parent = path.parent().and_then(Path::file_name);
    path.extension().map_or_else(
        || parent.is_some_and(|folder| folder == "scripts"),
        |found| extensions.iter().any(|known| found == *known),
    )
}

/// One string literal or name in Rust code; attributes that hold documentation are left out.
pub(crate) enum Token {
    Text { line: usize, value: String, inside: Option<String> },
    Name { line: usize, name: String },
    Function { line: usize, length: usize },
}

pub(crate) fn tokens(source: &Source) -> Vec<Token> {
    let stream: TokenStream = source.text.parse().unwrap_or_else(|error| panic!("{}: {error}", source.path));
    let mut found = Vec::new();
    read(stream, None, &mut found);
    found
}

fn read(stream: TokenStream, inside: Option<&str>, found: &mut Vec<Token>) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    for (place, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Literal(literal) => {
                if let syn::Lit::Str(text) = syn::Lit::new(literal.clone()) {
                    let line = literal.span().start().line;
                    found.push(Token::Text { line, value: text.value(), inside: inside.map(str::to_owned) });
                }
            }
            TokenTree::Ident(word) => {
                let line = word.span().start().line;
                found.push(Token::Name { line, name: word.to_string() });
                if word == "fn" && matches!(trees.get(place + 1), Some(TokenTree::Ident(_))) {
                    found.extend(body_length(&trees[place..]).map(|length| Token::Function { line, length }));
                }
            }
            TokenTree::Group(group) => {
                let name = caller(&trees[..place]);
                if name.as_deref() != Some("#") || !is_documentation(&group.stream()) {
                    read(group.stream(), name.as_deref().or(inside), found);
                }
            }
            TokenTree::Punct(_) => {}
        }
    }
}

/// What a group belongs to: the macro or function in front of it, or `#` for an attribute.
fn caller(before: &[TokenTree]) -> Option<String> {
    let mut last = before.iter().rev();
    match (last.next()?, last.next()) {
        (TokenTree::Punct(mark), Some(TokenTree::Ident(name))) if mark.as_char() == '!' => {
            Some(name.to_string())
        }
        (TokenTree::Punct(mark), _) if matches!(mark.as_char(), '#' | '!') => Some("#".to_owned()),
        (TokenTree::Ident(name), _) => Some(name.to_string()),
        _ => None,
    }
}

fn is_documentation(attribute: &TokenStream) -> bool {
    matches!(attribute.clone().into_iter().next(), Some(TokenTree::Ident(name)) if name == "doc")
}

/// Lines between the braces of the function that starts here; `None` when it has no body.
fn body_length(trees: &[TokenTree]) -> Option<usize> {
    for tree in trees {
        match tree {
            TokenTree::Punct(mark) if mark.as_char() == ';' => return None,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                let (open, close) = (group.span_open().start().line, group.span_close().end().line);
                return Some((close - open).saturating_sub(1));
            }
            _ => {}
        }
    }
    None
}

pub(crate) fn rust(sources: &[Source]) -> impl Iterator<Item = &Source> {
    sources.iter().filter(|source| source.is("rs"))
}

/// Lines of `source` for which `is_wrong` holds, with their numbers.
pub(crate) fn lines(source: &Source, is_wrong: impl Fn(&str) -> bool) -> impl Iterator<Item = usize> {
    source.text.lines().enumerate().filter(move |(_, line)| is_wrong(line)).map(|(index, _)| index + 1)
}
