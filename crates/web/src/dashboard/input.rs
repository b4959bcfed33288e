//! From the text of a form to what actions take. Fields arrive as they were typed; whatever is wrong with them is
//! told at the field, together with what the person typed.

use std::str::FromStr;

use actions::patch::{Patch, Version};
use actions::{Checks, Error};
use domain::time::Timestamp;
use serde::{Deserialize, Deserializer};

use crate::error::Problem;

/// A button without fields.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Nothing {}

/// Every field as sent, for forms whose fields depend on what there is.
pub(crate) type Fields = Vec<(String, String)>;

/// The first value of a field; empty when it was not sent.
pub(crate) fn field<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

/// An id from the path. What is no id does not exist.
pub(crate) fn id<T: FromStr>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}

/// The hidden field `version`. A value that we never gave out matches nothing.
pub(crate) fn version(text: &str) -> Version {
    if text.is_empty() {
        return Version::Any;
    }
    Version::Exactly(Timestamp::from_ms(text.parse().unwrap_or(i64::MIN)))
}

/// `None` for a field that was left empty.
pub(crate) fn filled(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// An empty field takes the value away.
pub(crate) fn patch(text: &str) -> Patch<String> {
    filled(text).map_or(Patch::Clear, Patch::Set)
}

/// What stands between commas; blank parts count for nothing.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// A whole number.
pub(crate) fn number(checks: &mut Checks, field: &'static str, text: &str) -> i32 {
    text.trim().parse().unwrap_or_else(|_| {
        checks.add(field, "wrong_type", "Write a whole number.");
        0
    })
}

/// A checkbox: `true` when it was ticked, `false` when it was not sent.
pub(crate) fn ticked<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(String::deserialize(deserializer)? == "true")
}

/// What a select was given, or a message at it.
pub(crate) fn chosen<T>(field: &'static str, parsed: Option<T>) -> Result<T, Error> {
    parsed.ok_or_else(|| Error::field(field, "unknown", "Choose one of the list."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_without_version_means_what_is_stored_and_a_made_up_one_means_nothing() {
        assert_eq!(version(""), Version::Any);
        assert_eq!(version("17"), Version::Exactly(Timestamp::from_ms(17)));
        assert_eq!(version("new"), Version::Exactly(Timestamp::from_ms(i64::MIN)));
    }

    #[test]
    fn blank_text_is_no_text() {
        assert_eq!(filled("  "), None);
        assert_eq!(patch(" x "), Patch::Set("x".to_owned()));
        assert_eq!(patch(""), Patch::Clear);
    }

    #[test]
    fn words_stand_between_commas() {
        assert_eq!(words(" web, team:billing,,"), ["web", "team:billing"]);
        assert!(words(" ").is_empty());
    }

    #[test]
    fn what_is_no_number_is_told_at_its_field() {
        let mut checks = Checks::default();
        assert_eq!(number(&mut checks, "position", " 12 "), 12);
        assert_eq!(number(&mut checks, "position", "twelve"), 0);
        let Err(Error::Invalid(fields)) = checks.finish() else { panic!("accepted") };
        assert_eq!(fields.len(), 1);
        assert_eq!(fields[0].field, "position");
    }
}
