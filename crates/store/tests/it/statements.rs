//! Reads the SQL out of `src/*.rs`: every call of the store's macros, with its place and what it binds.

use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The macros with one text for both databases.
const PORTABLE: [&str; 5] = ["execute", "fetch_one", "fetch_optional", "fetch_all", "fetch_scalar"];
/// The macros with the SQLite text, then the PostgreSQL text.
const PER_DRIVER: [&str; 2] = ["fetch_all_per_driver", "execute_per_driver"];

/// One call of a macro.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    /// `services.rs:12`.
    pub(crate) place: String,
    /// `services::find`: the file and the function around the call.
    pub(crate) function: String,
    pub(crate) sqlite: String,
    pub(crate) postgres: String,
    /// How many values are bound.
    pub(crate) values: usize,
}

/// All calls in the crate. Panics when one cannot be read or when the number differs from a plain search in the
/// text, so that no statement escapes the tests.
pub(crate) fn all() -> Vec<Statement> {
    let mut found = Vec::new();
    for path in sources() {
        let text = std::fs::read_to_string(&path).unwrap();
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        let before = found.len();
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut reader = Reader { file: file.clone(), function: String::new(), found: &mut found };
        reader.read(tokens);
        assert_eq!(found.len() - before, mentions(&text), "{file}: macro calls that were not read");
    }
    assert!(found.len() > 20, "the statements are not where they were: {} found", found.len());
    found
}

fn sources() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(paths.iter().all(|path| path.is_file()), "this reader expects one flat folder");
    paths.sort();
    paths
}

fn mentions(text: &str) -> usize {
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let names = PORTABLE.into_iter().chain(PER_DRIVER);
    names.map(|name| code.matches(&format!("{name}!(")).count()).sum()
}

struct Reader<'a> {
    file: String,
    function: String,
    found: &'a mut Vec<Statement>,
}

impl Reader<'_> {
    fn read(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (place, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Ident(word) if word == "fn" => {
                    if let Some(TokenTree::Ident(name)) = tokens.get(place + 1) {
                        self.function = name.to_string();
                    }
                }
                TokenTree::Ident(word) => {
                    let name = word.to_string();
                    let is_call = matches!(tokens.get(place + 1), Some(TokenTree::Punct(mark)) if mark.as_char() == '!');
                    if let (true, Some(TokenTree::Group(group))) = (is_call, tokens.get(place + 2))
                        && (PORTABLE.contains(&name.as_str()) || PER_DRIVER.contains(&name.as_str()))
                    {
                        self.note(&name, word.span().start().line, group);
                    }
                }
                TokenTree::Group(group) => self.read(group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    fn note(&mut self, name: &str, line: usize, group: &Group) {
        let place = format!("{}:{line}", self.file);
        assert_eq!(group.delimiter(), Delimiter::Parenthesis, "{place}: call macros with parentheses");
        let parts = split(group.stream());
        let literal = |index: usize| -> String {
            let part = parts.get(index).cloned().unwrap_or_default();
            let literal = syn::parse2::<syn::LitStr>(part);
            literal.unwrap_or_else(|_| panic!("{place}: part {index} of {name}! is not a literal")).value()
        };
        let texts = if PER_DRIVER.contains(&name) { 2 } else { 1 };
        self.found.push(Statement {
            function: format!("{}::{}", self.file.trim_end_matches(".rs"), self.function),
            sqlite: literal(1),
            postgres: literal(texts),
            values: parts.len() - 1 - texts,
            place,
        });
    }
}

/// The arguments of a call; a comma behind the last one makes no further argument.
fn split(tokens: TokenStream) -> Vec<TokenStream> {
    let mut parts = vec![TokenStream::new()];
    for token in tokens {
        if matches!(&token, TokenTree::Punct(mark) if mark.as_char() == ',') {
            parts.push(TokenStream::new());
        } else if let Some(last) = parts.last_mut() {
            last.extend([token]);
        }
    }
    parts.pop_if(|last| last.is_empty());
    parts
}

/// The highest `$n` of a statement; 0 when it binds nothing.
pub(crate) fn highest_placeholder(sql: &str) -> usize {
    sql.split('$')
        .skip(1)
        .filter_map(|rest| {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        })
        .max()
        .unwrap_or(0)
}

#[test]
fn the_reader_sees_calls_inside_other_macros_and_all_forms_of_text() {
    let source = r##"
        pub async fn outer() {
            assert!(execute!(tx, r#"DELETE FROM a WHERE b = $1 AND c = $2"#, (x, y), z,)? > 0);
        }
        async fn other() { fetch_all_per_driver!(conn, "one", "two")
        }
    "##;
    let mut found = Vec::new();
    Reader { file: "x.rs".into(), function: String::new(), found: &mut found }.read(source.parse().unwrap());
    assert_eq!(found.len(), mentions(source));
    assert_eq!((found[0].place.as_str(), found[0].function.as_str()), ("x.rs:3", "x::outer"));
    assert_eq!(found[0].values, highest_placeholder(&found[0].sqlite));
    assert_eq!((found[1].sqlite.as_str(), found[1].postgres.as_str(), found[1].values), ("one", "two", 0));
    assert_eq!(highest_placeholder("$2 AND $11 AND $1"), 11);
}
