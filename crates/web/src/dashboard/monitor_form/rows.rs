//! Lists in the form of a monitor: headers and assertions, a row each. Rows that were left empty are left out, so that
//! a message about the second row stands at the second row.

use actions::Checks;
use domain::monitor::{Assertion, Header, Test};

use super::typed::{Typed, choices, wrong};
use crate::view::dashboard::fields::{Field, Part, Rows};

pub(super) const HEADERS: &str = "settings_headers";
pub(super) const SECRET_HEADERS: &str = "secrets_headers";
pub(super) const ASSERTIONS: &str = "settings_assertions";

/// Empty rows at the end of a list, and after "More rows".
const SPARE: usize = 1;
const SPARE_AFTER_MORE: usize = 4;
const MOST_ROWS: usize = 20;

const OF: [(&str, &str); 5] = [
    ("", "–"),
    ("body", "Body"),
    ("json", "Value in JSON"),
    ("header", "Header"),
    ("latency", "Response time"),
];
const TESTS: [(Test, &str, &str); 10] = [
    (Test::Contains, "contains", "contains"),
    (Test::NotContains, "not_contains", "does not contain"),
    (Test::Equals, "equals", "is"),
    (Test::NotEquals, "not_equals", "is not"),
    (Test::Matches, "matches", "matches pattern"),
    (Test::NotMatches, "not_matches", "does not match pattern"),
    (Test::LessThan, "less_than", "is less than"),
    (Test::GreaterThan, "greater_than", "is more than"),
    (Test::Exists, "exists", "is there"),
    (Test::NotExists, "not_exists", "is not there"),
];

/// The words for a comparison, as the form shows them.
pub(crate) fn test_words(test: Test) -> &'static str {
    TESTS.iter().find(|(known, _, _)| *known == test).map_or("", |(_, _, words)| words)
}

/// Headers with a name or a value.
pub(super) fn read_headers(typed: &Typed, list: &str) -> Vec<Header> {
    let cell = |index: usize, part: &str| typed.get(&format!("{list}_{index}_{part}")).trim().to_owned();
    (0..typed.count(list))
        .map(|index| Header { name: cell(index, "name"), value: cell(index, "value") })
        .filter(|header| !header.name.is_empty() || !header.value.is_empty())
        .collect()
}

pub(super) fn write_headers(typed: &mut Typed, list: &str, headers: &[Header]) {
    for (index, header) in headers.iter().enumerate() {
        typed.set(format!("{list}_{index}_name"), &header.name);
        typed.set(format!("{list}_{index}_value"), &header.value);
    }
}

pub(super) fn headers(typed: &Typed, hint: &str) -> Part {
    let filled = read_headers(typed, HEADERS);
    let rows = (0..rows_shown(typed, HEADERS, filled.len()))
        .map(|index| {
            let header = filled.get(index);
            let id = |part: &str| format!("{HEADERS}_{index}_{part}");
            vec![
                Field::text(id("name"), &nth("Header", index), header.map_or("", |header| &header.name))
                    .longest(128),
                Field::text(id("value"), &nth("Value", index), header.map_or("", |header| &header.value))
                    .longest(4096),
            ]
        })
        .collect();
    Part::Rows(Rows { id: HEADERS.to_owned(), legend: "Headers".to_owned(), hint: hint.to_owned(), rows })
}

/// Nothing of what was typed or stored comes back (T-22); it is carried, sealed.
pub(super) fn secret_headers(typed: &Typed, hint: &str) -> Part {
    let rows = (0..rows_shown(typed, SECRET_HEADERS, 0))
        .map(|index| {
            let id = |part: &str| format!("{SECRET_HEADERS}_{index}_{part}");
            vec![
                Field::text(id("name"), &nth("Secret header", index), "").longest(128),
                Field::secret(id("value"), &nth("Secret value", index), 4096),
            ]
        })
        .collect();
    let (id, legend) = (SECRET_HEADERS.to_owned(), "Secret headers".to_owned());
    Part::Rows(Rows { id, legend, hint: hint.to_owned(), rows })
}

/// What one row of assertions says, as it was typed.
struct Cells<'a> {
    of: &'a str,
    name: &'a str,
    test: &'a str,
    value: &'a str,
}

fn cells(typed: &Typed) -> Vec<Cells<'_>> {
    (0..typed.count(ASSERTIONS))
        .map(|index| {
            let cell = |part: &str| typed.get(&format!("{ASSERTIONS}_{index}_{part}"));
            Cells { of: cell("of"), name: cell("name").trim(), test: cell("test"), value: cell("value") }
        })
        .filter(|row| !(row.of.is_empty() && row.name.is_empty() && row.value.is_empty()))
        .collect()
}

pub(super) fn read_assertions(typed: &Typed, checks: &mut Checks) -> Vec<Assertion> {
    let rows = cells(typed).into_iter().enumerate();
    rows.filter_map(|(index, row)| read_assertion(&row, index, checks)).collect()
}

fn read_assertion(row: &Cells<'_>, index: usize, checks: &mut Checks) -> Option<Assertion> {
    let at = |part: &str| format!("/assertions/{index}/{part}");
    let test = TESTS.iter().find(|(_, word, _)| *word == row.test).map_or(Test::Contains, |(test, ..)| *test);
    let value = row.value.to_owned();
    match row.of {
        "body" => Some(Assertion::Body { test, value }),
        "json" => Some(Assertion::Json { path: row.name.to_owned(), test, value }),
        "header" => Some(Assertion::Header { name: row.name.to_owned(), test, value }),
        "latency" => {
            let read = value.trim().parse().ok();
            if read.is_none() {
                wrong(checks, &at("value"), "wrong_type", "Write milliseconds, such as 1500.");
            }
            read.map(|most_ms| Assertion::Latency { most_ms })
        }
        _ => {
            wrong(checks, &at("of"), "required", "Choose what has to be so.");
            None
        }
    }
}

pub(super) fn write_assertions(typed: &mut Typed, assertions: &[Assertion]) {
    for (index, assertion) in assertions.iter().enumerate() {
        let (of, name, test, value) = match assertion {
            Assertion::Body { test, value } => ("body", "", *test, value.clone()),
            Assertion::Json { path, test, value } => ("json", path.as_str(), *test, value.clone()),
            Assertion::Header { name, test, value } => ("header", name.as_str(), *test, value.clone()),
            Assertion::Latency { most_ms } => ("latency", "", Test::LessThan, most_ms.to_string()),
        };
        let word = TESTS.iter().find(|(known, ..)| *known == test).map_or("", |(_, word, _)| word);
        for (part, text) in [("of", of), ("name", name), ("test", word), ("value", &value)] {
            typed.set(format!("{ASSERTIONS}_{index}_{part}"), text);
        }
    }
}

pub(super) fn assertions(typed: &Typed) -> Part {
    let filled = cells(typed);
    let rows = (0..rows_shown(typed, ASSERTIONS, filled.len()))
        .map(|index| {
            let none = Cells { of: "", name: "", test: "", value: "" };
            let row = filled.get(index).unwrap_or(&none);
            let id = |part: &str| format!("{ASSERTIONS}_{index}_{part}");
            let tests = TESTS.iter().map(|(_, word, label)| (*word, *label));
            vec![
                Field::choose(id("of"), &nth("What", index), choices(OF, row.of)),
                Field::text(id("name"), &nth("Header or path", index), row.name).longest(Assertion::LONGEST),
                Field::choose(id("test"), &nth("Comparison", index), choices(tests, row.test)),
                Field::text(id("value"), &nth("Text or number", index), row.value)
                    .longest(Assertion::LONGEST),
            ]
        })
        .collect();
    Part::Rows(Rows {
        id: ASSERTIONS.to_owned(),
        legend: "What the answer has to say".to_owned(),
        hint: "Each row has to hold, or the check is down. Values in JSON have a path, such as $.status; a \
               response time is in milliseconds, at most."
            .to_owned(),
        rows,
    })
}

fn nth(label: &str, index: usize) -> String {
    format!("{label} {}", index + 1)
}

fn rows_shown(typed: &Typed, list: &str, filled: usize) -> usize {
    let spare = if typed.more() == Some(list) { SPARE_AFTER_MORE } else { SPARE };
    (filled + spare).min(MOST_ROWS).max(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(fields: &[(&str, &str)]) -> Typed {
        Typed::from(
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>(),
        )
    }

    #[test]
    fn rows_left_empty_are_left_out_and_the_others_move_up() {
        let typed = typed(&[
            ("settings_headers_0_name", ""),
            ("settings_headers_0_value", ""),
            ("settings_headers_4_name", " Accept "),
            ("settings_headers_4_value", "text/plain"),
        ]);
        let read = read_headers(&typed, HEADERS);
        assert_eq!(read, [Header { name: "Accept".into(), value: "text/plain".into() }]);
        let Part::Rows(rows) = headers(&typed, "") else { panic!("no rows") };
        assert_eq!(rows.rows.len(), 2, "the header and a spare row");
    }

    #[test]
    fn assertions_survive_the_way_through_the_form() {
        let all = [
            Assertion::Body { test: Test::Matches, value: " ok$".into() },
            Assertion::Json { path: "$.status".into(), test: Test::Equals, value: "up".into() },
            Assertion::Header { name: "x-version".into(), test: Test::Exists, value: String::new() },
            Assertion::Latency { most_ms: 900 },
        ];
        let mut typed = Typed::default();
        write_assertions(&mut typed, &all);
        let mut checks = Checks::default();
        assert_eq!(read_assertions(&typed, &mut checks), all);
        checks.finish().unwrap();
    }

    #[test]
    fn half_a_row_is_told_where_it_stands() {
        let typed = typed(&[
            ("settings_assertions_0_value", "ok"),
            ("settings_assertions_3_of", "latency"),
            ("settings_assertions_3_value", "fast"),
        ]);
        let mut checks = Checks::default();
        assert_eq!(read_assertions(&typed, &mut checks), []);
        let Err(actions::Error::Invalid(found)) = checks.finish() else { panic!("accepted") };
        let paths: Vec<_> = found.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["/assertions/0/of", "/assertions/1/value"]);
    }

    #[test]
    fn no_number_of_a_row_makes_many_rows() {
        let typed = typed(&[("settings_headers_18446744073709551615_name", "x"), ("more", HEADERS)]);
        assert_eq!(typed.count(HEADERS), 100);
        let Part::Rows(rows) = headers(&typed, "") else { panic!("no rows") };
        assert_eq!(rows.rows.len(), SPARE_AFTER_MORE);
    }
}
