//! Whether an answer says what it has to say. The verdict is all that leaves here, never what was read (T-01).

#[cfg(test)]
mod bombs_tests;
mod json;
mod path;
mod pattern;
mod unpack;

use std::borrow::Cow;
use std::cmp::Ordering;

use domain::monitor::{Assertion, Test};
use http::{HeaderMap, HeaderName};
use serde_json::Value;

use self::path::Path;
use self::pattern::Pattern;
pub(crate) use self::unpack::MAX_TEXT_BYTES;

/// A body up to this size is compared where it is, unless a pattern, a path or unpacking may take long.
const MAX_QUICK_BYTES: usize = 64 * 1024;

/// Text compared for one path; it may find the same large value many times. What lies beyond is not found.
const MAX_FOUND_BYTES: usize = 4 * MAX_TEXT_BYTES;
/// What a value costs beside its text.
const EACH_FOUND_BYTES: usize = 16;

/// What was read of an answer.
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// The body goes on, but no more was read.
    pub(crate) is_cut: bool,
}

/// Why an assertion about content does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    Fails,
    /// JSON that was cut off cannot be read.
    TooLarge,
}

/// Whether comparing may keep the thread for longer than a moment.
pub(crate) fn is_slow(assertions: &[Assertion], answer: &Answer) -> bool {
    answer.body.len() > MAX_QUICK_BYTES
        || unpack::is_packed(&answer.headers)
        || assertions.iter().any(|assertion| match assertion {
            Assertion::Header { test, .. } | Assertion::Body { test, .. } => is_pattern(*test),
            Assertion::Json { .. } => true,
            Assertion::Latency { .. } => false,
        })
}

/// Compares everything but latency.
pub(crate) fn hold(assertions: &[Assertion], answer: &Answer) -> Result<(), Broken> {
    let needs_body = assertions.iter().any(Assertion::needs_body);
    let body = if needs_body { unpack::text(answer).ok_or(Broken::Fails)? } else { unpack::Text::default() };
    let mut document = None;
    for assertion in assertions {
        let holds = match assertion {
            Assertion::Header { name, test, value } => header(&answer.headers, name, *test, value),
            Assertion::Body { test, value } => {
                let shown = (!body.text.is_empty()).then_some(Cow::Borrowed(&*body.text));
                compare_body(shown, *test, value)
            }
            Assertion::Json { .. } if body.is_cut => return Err(Broken::TooLarge),
            Assertion::Json { path, test, value } => {
                let document = document.get_or_insert_with(|| json::read(&body.text));
                document.as_ref().is_some_and(|document| find(document, path, *test, value))
            }
            Assertion::Latency { .. } => true,
        };
        if !holds {
            return Err(Broken::Fails);
        }
    }
    Ok(())
}

/// What is wrong with an assertion as written: the field, a word for machines, a sentence.
pub(crate) fn fault(assertion: &Assertion) -> Option<(&'static str, &'static str, &'static str)> {
    let is_long = |text: &str| text.chars().count() > Assertion::LONGEST;
    let value_fault = |test: Test, value: &str| {
        if is_long(value) {
            Some(("value", "too_long", "Use at most 512 characters."))
        } else if is_pattern(test) && Pattern::new(value).is_none() {
            Some((
                "value",
                "pattern_not_allowed",
                "This is not a regular expression that can be used, or it is too large.",
            ))
        } else if matches!(test, Test::LessThan | Test::GreaterThan) && number(value).is_none() {
            Some(("value", "not_a_number", "Write a number, such as 12.5."))
        } else {
            None
        }
    };
    match assertion {
        Assertion::Header { name, .. } if HeaderName::from_bytes(name.as_bytes()).is_err() => {
            Some(("name", "header_name_not_allowed", "This is not the name of a header."))
        }
        Assertion::Json { path, .. } if Path::new(path).is_none() => Some((
            "path",
            "path_not_allowed",
            "This is not a JSONPath that can be used. Write it as $.status or $.items[0].name.",
        )),
        Assertion::Header { test, value, .. }
        | Assertion::Body { test, value }
        | Assertion::Json { test, value, .. } => value_fault(*test, value),
        Assertion::Latency { most_ms: 0 } => {
            Some(("most_ms", "out_of_range", "Allow at least one millisecond."))
        }
        Assertion::Latency { .. } => None,
    }
}

const fn is_pattern(test: Test) -> bool {
    matches!(test, Test::Matches | Test::NotMatches)
}

fn header(headers: &HeaderMap, name: &str, test: Test, value: &str) -> bool {
    let shown = headers.get_all(name).iter().map(|shown| String::from_utf8_lossy(shown.as_bytes()));
    compare(shown, test, value)
}

/// A line end at the end of a body is hardly ever meant, so equality leaves it out.
fn compare_body(shown: Option<Cow<'_, str>>, test: Test, value: &str) -> bool {
    match (test, &shown) {
        (Test::Equals | Test::NotEquals, _) => {
            let is_equal = shown.as_deref().unwrap_or_default().trim_end_matches(['\r', '\n']) == value;
            is_equal == (test == Test::Equals)
        }
        // An empty body is one all the same, unless the question is whether there is any.
        (Test::Exists | Test::NotExists, _) | (_, Some(_)) => compare(shown.into_iter(), test, value),
        (_, None) => compare(std::iter::once(Cow::Borrowed("")), test, value),
    }
}

fn find(document: &Value, path: &str, test: Test, value: &str) -> bool {
    let Some(found) = Path::new(path).and_then(|path| path.find(document)) else { return false };
    if let (Test::Equals | Test::NotEquals, Some(wanted)) = (test, number(value)) {
        // 1.0 and 1 are the same number.
        let is_same = |shown: &Value| match shown.as_f64() {
            Some(shown) => shown.partial_cmp(&wanted) == Some(Ordering::Equal),
            None => shown.as_str() == Some(value),
        };
        return found.into_iter().any(|shown| is_same(shown) == (test == Test::Equals));
    }
    let mut left_bytes = MAX_FOUND_BYTES;
    let texts = found.into_iter().map_while(|shown| {
        let text = json::text(shown);
        left_bytes = left_bytes.checked_sub(text.len() + EACH_FOUND_BYTES)?;
        Some(Cow::Owned(text))
    });
    compare(texts, test, value)
}

/// Whether the test holds for one of `shown`. Where nothing was found only [`Test::NotExists`] does.
fn compare<'a>(mut shown: impl Iterator<Item = Cow<'a, str>>, test: Test, value: &str) -> bool {
    match test {
        Test::Exists => shown.next().is_some(),
        Test::NotExists => shown.next().is_none(),
        Test::Equals => shown.any(|shown| shown == value),
        Test::NotEquals => shown.any(|shown| shown != value),
        Test::Contains => shown.any(|shown| shown.contains(value)),
        Test::NotContains => shown.any(|shown| !shown.contains(value)),
        Test::Matches | Test::NotMatches => {
            let wanted = Some(test == Test::Matches);
            Pattern::new(value)
                .is_some_and(|mut pattern| shown.any(|shown| pattern.is_match(&shown) == wanted))
        }
        Test::LessThan | Test::GreaterThan => number(value).is_some_and(|value| {
            shown
                .filter_map(|shown| number(&shown))
                .any(|shown| if test == Test::LessThan { shown < value } else { shown > value })
        }),
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn answer(body: &str) -> Answer {
        let mut headers = HeaderMap::new();
        headers.append("x-age", HeaderValue::from_static("12"));
        headers.append("x-many", HeaderValue::from_static("one"));
        headers.append("x-many", HeaderValue::from_static("two"));
        Answer { headers, body: body.as_bytes().to_vec(), is_cut: false }
    }

    fn body(test: Test, value: &str) -> Assertion {
        Assertion::Body { test, value: value.to_owned() }
    }

    fn at(path: &str, test: Test, value: &str) -> Assertion {
        Assertion::Json { path: path.to_owned(), test, value: value.to_owned() }
    }

    fn named(name: &str, test: Test, value: &str) -> Assertion {
        Assertion::Header { name: name.to_owned(), test, value: value.to_owned() }
    }

    fn holds(assertion: Assertion, text: &str) -> bool {
        hold(&[assertion], &answer(text)).is_ok()
    }

    #[test]
    fn each_test_of_a_body_holds_and_fails() {
        for (test, value, good, bad) in [
            (Test::Equals, "ok", "ok\r\n", "not ok"),
            (Test::NotEquals, "ok", "not ok", "ok\n"),
            (Test::Contains, "ok", "it is ok", "it is not"),
            (Test::NotContains, "error", "fine", "an error"),
            (Test::Matches, "^v[0-9]+$", "v12", "v12a"),
            (Test::NotMatches, "^v[0-9]+$", "", "v1"),
            (Test::LessThan, "1.5", " 1.4\n", "1.5"),
            (Test::GreaterThan, "-2", "-1e0", "nothing"),
            (Test::Exists, "", "a", ""),
            (Test::NotExists, "", "", "a"),
        ] {
            assert!(holds(body(test, value), good), "{test:?} {good:?}");
            assert!(!holds(body(test, value), bad), "{test:?} {bad:?}");
        }
        assert!(holds(body(Test::Equals, ""), "") && holds(body(Test::NotContains, "x"), ""));
    }

    #[test]
    fn headers_are_found_by_any_case_and_one_of_many_is_enough() {
        for (name, test, value, expected) in [
            ("X-Age", Test::LessThan, "13", true),
            ("X-Age", Test::GreaterThan, "13", false),
            ("x-many", Test::Equals, "two", true),
            ("x-many", Test::Equals, "three", false),
            ("x-many", Test::NotEquals, "two", true),
            ("x-none", Test::NotExists, "", true),
            ("x-none", Test::Exists, "", false),
            ("x-none", Test::NotEquals, "a", false),
            ("x-none", Test::NotContains, "a", false),
            ("a b", Test::NotExists, "", true),
        ] {
            assert_eq!(holds(named(name, test, value), ""), expected, "{name} {test:?}");
        }
    }

    #[test]
    fn values_in_json_are_compared_as_text_and_as_numbers() {
        let text =
            r#"{"status": "ok", "ready": true, "load": 0.50, "none": null, "list": [{"n": 1}, {"n": 2}]}"#;
        for (path, test, value, expected) in [
            ("$.status", Test::Equals, "ok", true),
            ("$.status", Test::Equals, "\"ok\"", false),
            ("$.status", Test::Matches, "^o", true),
            ("$.ready", Test::Equals, "true", true),
            ("$.none", Test::Equals, "null", true),
            ("$.load", Test::Equals, "0.5", true),
            ("$.load", Test::NotEquals, "0.5", false),
            ("$.load", Test::LessThan, "1", true),
            ("$.status", Test::LessThan, "1", false),
            ("$.list[*].n", Test::Equals, "2", true),
            ("$.list[*].n", Test::GreaterThan, "2", false),
            ("$.list", Test::Contains, r#"{"n":1}"#, true),
            ("$.none", Test::Exists, "", true),
            ("$.nowhere", Test::Exists, "", false),
            ("$.nowhere", Test::NotExists, "", true),
            ("$.nowhere", Test::NotEquals, "a", false),
            ("no path", Test::NotExists, "", false),
        ] {
            assert_eq!(holds(at(path, test, value), text), expected, "{path} {test:?} {value}");
        }
        assert!(!holds(at("$.a", Test::NotExists, ""), "<html>"), "nothing holds for what is no JSON");
        let cut = Answer { is_cut: true, ..answer(text) };
        assert_eq!(hold(&[at("$.status", Test::Equals, "ok")], &cut), Err(Broken::TooLarge));
        assert_eq!(hold(&[body(Test::Contains, "ok")], &cut), Ok(()));
    }

    // T-23
    #[test]
    fn a_large_value_found_many_times_is_compared_a_few_times() {
        let text = format!(r#"[["{}"]]"#, "a".repeat(900_000));
        let path = format!("${}", "[0,0,0,0]".repeat(2));
        for (test, value) in [(Test::Matches, "a?{300}b"), (Test::Contains, "b"), (Test::NotMatches, "a")] {
            assert!(!holds(at(&path, test, value), &text), "{test:?}");
        }
        let many = format!("[{}1]", "1,".repeat(200_000));
        assert!(!holds(at("$[*]", Test::Matches, "(?:a?){2000}b"), &many));
    }

    #[test]
    fn all_have_to_hold() {
        let both = [body(Test::Contains, "a"), body(Test::Contains, "b")];
        assert_eq!(hold(&both, &answer("ab")), Ok(()));
        assert_eq!(hold(&both, &answer("a")), Err(Broken::Fails));
        assert_eq!(hold(&[], &answer("a")), Ok(()));
    }

    #[test]
    fn only_what_may_take_long_leaves_the_thread() {
        let contains = [body(Test::Contains, "a")];
        assert!(!is_slow(&contains, &answer("a")));
        assert!(is_slow(&contains, &answer(&"a".repeat(MAX_QUICK_BYTES + 1))));
        assert!(is_slow(&[body(Test::Matches, "a")], &answer("a")));
        assert!(is_slow(&[at("$", Test::Exists, "")], &answer("a")));
    }

    #[test]
    fn each_fault_has_its_field_and_word() {
        let long = "a".repeat(513);
        for (assertion, expected) in [
            (body(Test::Contains, "ok"), None),
            (body(Test::Contains, &long), Some(("value", "too_long"))),
            (body(Test::Matches, "(a{1000}){1000}"), Some(("value", "pattern_not_allowed"))),
            (body(Test::LessThan, "many"), Some(("value", "not_a_number"))),
            (body(Test::LessThan, "inf"), Some(("value", "not_a_number"))),
            (at("$.a", Test::NotMatches, "("), Some(("value", "pattern_not_allowed"))),
            (at("a", Test::Exists, ""), Some(("path", "path_not_allowed"))),
            (named("a b", Test::Exists, ""), Some(("name", "header_name_not_allowed"))),
            (named("", Test::Exists, ""), Some(("name", "header_name_not_allowed"))),
            (Assertion::Latency { most_ms: 0 }, Some(("most_ms", "out_of_range"))),
            (Assertion::Latency { most_ms: 1 }, None),
        ] {
            let fault = fault(&assertion).map(|(field, code, _)| (field, code));
            assert_eq!(fault, expected, "{assertion:?}");
        }
    }
}
