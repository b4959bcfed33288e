//! `JSONPath` (RFC 9535) without its functions. Our own reader, because a short path can ask for more than any machine
//! has: `$..*..*..*` multiplies with each part. Here each step is counted, and nesting is limited (T-23).

mod eval;
mod parse;

use serde_json::Value;

/// A path as read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path(Vec<Segment>);

/// One part: what it selects from each value, or from each value and everything below.
#[derive(Debug, Clone, PartialEq)]
struct Segment {
    is_deep: bool,
    selectors: Vec<Selector>,
}

#[derive(Debug, Clone, PartialEq)]
enum Selector {
    Name(String),
    /// From the end when negative.
    Index(i64),
    Any,
    Slice {
        start: Option<i64>,
        end: Option<i64>,
        step: i64,
    },
    Filter(Expression),
}

#[derive(Debug, Clone, PartialEq)]
enum Expression {
    Any(Vec<Expression>),
    All(Vec<Expression>),
    Not(Box<Expression>),
    Exists(Query),
    Compare(Operand, Comparison, Operand),
}

/// A path inside a filter, from the document or from the value that is being filtered.
#[derive(Debug, Clone, PartialEq)]
struct Query {
    is_absolute: bool,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    /// Never an array or object.
    Literal(Value),
    /// Finds one value at most.
    Query(Query),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Path {
    /// `None`: not a path, or one with functions, or nested too deep.
    pub(super) fn new(text: &str) -> Option<Self> {
        parse::path(text).map(Self)
    }

    /// What the path finds in `document`. `None`: to find out would cost too much.
    pub(super) fn find<'v>(&self, document: &'v Value) -> Option<Vec<&'v Value>> {
        eval::find(&self.0, document)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        // T-23
        #[test]
        fn no_text_brings_the_reader_down(parts in proptest::collection::vec(
            proptest::sample::select(vec![
                "$", "@", ".", "..", "*", "[", "]", "?", "(", ")", "!", "&&", "||", "==", "<=", ">", "'a'", "\"b\"", "a",
                "b", "0", "-1", "1.5", ":", ",", " ", "true", "null", "\\u00e4", "ä", "99999999999999999999",
            ]),
            0..24,
        )) {
            let document = json!({"a": [1, 2.5, {"b": "a", "ä": null}], "b": true});
            let path = format!("${}", parts.concat());
            if let Some(path) = Path::new(&path) {
                let _ = path.find(&document);
            }
        }
    }

    fn find(path: &str, document: &Value) -> Vec<Value> {
        let path = Path::new(path).unwrap_or_else(|| panic!("{path}"));
        path.find(document).unwrap().into_iter().cloned().collect()
    }

    #[test]
    fn paths_find_what_the_standard_says() {
        let document = json!({
            "status": "ok", "a b": 1, "größe": 2, "it's": 3, "list": [10, 11, 12, 13],
            "checks": [
                {"name": "db", "up": true, "ms": 5}, {"name": "queue", "up": false, "ms": 50.5}, {"name": "cache"}
            ],
            "limit": 40
        });
        for (path, expected) in [
            ("$.status", json!(["ok"])),
            ("$['status']", json!(["ok"])),
            ("$[\"a b\"]", json!([1])),
            ("$.größe", json!([2])),
            (r"$['it\'s']", json!([3])),
            (r"$['st\u0061tus']", json!(["ok"])),
            ("$.nowhere.status", json!([])),
            ("$.list[1]", json!([11])),
            ("$.list[-1]", json!([13])),
            ("$.list[9]", json!([])),
            ("$.list[0, 2]", json!([10, 12])),
            ("$.list[1:3]", json!([11, 12])),
            ("$.list[:2]", json!([10, 11])),
            ("$.list[-2:]", json!([12, 13])),
            ("$.list[::2]", json!([10, 12])),
            ("$.list[::-1]", json!([13, 12, 11, 10])),
            ("$.list[2:0:-1]", json!([12, 11])),
            ("$.list[::0]", json!([])),
            ("$.list[*]", json!([10, 11, 12, 13])),
            ("$..name", json!(["db", "queue", "cache"])),
            ("$..[1].name", json!(["queue"])),
            ("$.checks[?@.up].name", json!(["db", "queue"])),
            ("$.checks[?!@.up].name", json!(["cache"])),
            ("$.checks[?@.up == true].name", json!(["db"])),
            ("$.checks[?(@.name == 'queue')].up", json!([false])),
            ("$.checks[?@.ms > $.limit].name", json!(["queue"])),
            ("$.checks[?@.ms <= 5.0 || @.name >= 'queue'].name", json!(["db", "queue"])),
            ("$.checks[? @.name != \"db\" && !(@.up == false)].name", json!(["cache"])),
            ("$.checks[?@.up == @.nowhere].name", json!(["cache"])),
            ("$.list[?@ > 11 && @ < 1.3e1]", json!([12])),
            ("$[?@[?@.name == 'db']][0].ms", json!([5])),
        ] {
            assert_eq!(json!(find(path, &document)), expected, "{path}");
        }
        assert_eq!(find("$", &document), std::slice::from_ref(&document));
        assert_eq!(find("$..*", &document).len(), 21);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for path in [
            "",
            "status",
            "$.",
            "$..",
            "$[",
            "$[]",
            "$['a]",
            "$[1",
            "$.a b",
            "$[1.5]",
            "$[?]",
            "$[?@.a ==]",
            "$[?1]",
            "$[?@.* == 1]",
            "$[?@..a == 1]",
            "$[?length(@) > 1]",
            "$[?@.a = 1]",
            "$ ",
            "$.a ",
            "$[99999999999999999999]",
            "$[?(@.a]",
            "$[?@.a == 'x]",
            r"$['\x']",
            r"$['\ud800']",
            "$[01]",
            "$[-0]",
        ] {
            assert_eq!(Path::new(path), None, "{path:?}");
        }
        assert_eq!(Path::new(&format!("$[?{}@{}]", "(".repeat(200), ")".repeat(200))), None);
        assert_eq!(Path::new(&format!("$[?{}@.a]", "!".repeat(400))), None);
        assert_eq!(Path::new(&format!("${}", "[?@".repeat(100))), None);
        assert_eq!(Path::new(&format!("$[?{}@]", "length(".repeat(60))), None);
        assert_eq!(Path::new(&format!("$.{}", "a".repeat(511))), None);
    }

    // T-23
    #[test]
    fn a_path_that_multiplies_is_given_up() {
        let deep = (0..60).fold(json!([1, 2, 3]), |inner, _| json!([inner, 1]));
        assert!(Path::new(&format!("${}", "..*".repeat(100))).unwrap().find(&deep).is_none());
        assert!(Path::new(&format!("${}", "[0,0]".repeat(60))).unwrap().find(&deep).is_none());
        let wide = Value::from(vec![1; 300_000]);
        for path in ["$..[?$..* == 1]", "$[?$[?$[?@ == 1]]]", "$[*,*,*,*,*,*,*,*]"] {
            let parsed = Path::new(path);
            assert!(parsed.is_none_or(|path| path.find(&wide).is_none()), "{path}");
        }
        let long = "x".repeat(300_000);
        let mut same = vec![json!(1); 100_000];
        same.extend([json!(format!("{long}a")), json!(format!("{long}b"))]);
        assert!(Path::new("$[?$[100000] < $[100001]]").unwrap().find(&Value::from(same)).is_none());
    }
}
