//! Tags: the words by which owners find their monitors again.

use std::collections::BTreeSet;

/// The tags of one monitor: sorted, each once, at most [`Tags::MOST`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tags(BTreeSet<String>);

/// Why words are no tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TagsError {
    #[error("A monitor has at most {} tags. Leave some out.", Tags::MOST)]
    TooMany,
    #[error("A tag has at most {} characters. Shorten it.", Tags::LONGEST)]
    TooLong,
    #[error("Write tags with letters a to z, digits and - _ . : only, such as team:billing.")]
    Malformed,
}

impl TagsError {
    /// Stable word for machines.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooMany => "too_many",
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
        }
    }
}

impl Tags {
    /// Of one monitor.
    pub const MOST: usize = 10;
    /// In characters.
    pub const LONGEST: usize = 30;

    /// Reads words as people write them: capitals become small, words that are there twice count once.
    pub fn parse<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> Result<Self, TagsError> {
        let mut tags = BTreeSet::new();
        for word in words {
            tags.insert(tag(word.as_ref())?);
            if tags.len() > Self::MOST {
                return Err(TagsError::TooMany);
            }
        }
        Ok(Self(tags))
    }

    /// In alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub fn has(&self, tag: &str) -> bool {
        self.0.contains(tag)
    }
}

impl From<String> for Tags {
    /// Reads what the database puts together: tags with spaces between them.
    fn from(text: String) -> Self {
        Self(text.split_ascii_whitespace().map(str::to_owned).collect())
    }
}

fn tag(word: &str) -> Result<String, TagsError> {
    let word = word.trim().to_ascii_lowercase();
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.:".contains(&byte);
    if word.is_empty() || !word.bytes().all(is_allowed) {
        return Err(TagsError::Malformed);
    }
    if word.len() > Tags::LONGEST {
        return Err(TagsError::TooLong);
    }
    Ok(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_sorted_small_and_there_once() {
        let tags = Tags::parse(["web", " Team:Billing ", "web", "v1.2-x_y"]).unwrap();
        assert_eq!(tags.iter().collect::<Vec<_>>(), ["team:billing", "v1.2-x_y", "web"]);
        assert!(tags.has("web") && !tags.has("we"));
        assert_eq!(Tags::from("team:billing v1.2-x_y web".to_owned()), tags);
        assert_eq!(Tags::parse([""; 0]).unwrap(), Tags::default());
    }

    #[test]
    fn what_is_no_tag_is_told_apart() {
        let eleven: Vec<String> = (0..11).map(|number| format!("t{number}")).collect();
        assert_eq!(Tags::parse(&eleven), Err(TagsError::TooMany));
        assert!(Tags::parse(&eleven[..10]).is_ok());
        assert_eq!(Tags::parse(["x".repeat(31)]), Err(TagsError::TooLong));
        assert!(Tags::parse(["x".repeat(30)]).is_ok());
        for word in ["", " ", "two words", "käse", "a/b", "a,b", "<b>", "x\0"] {
            assert_eq!(Tags::parse([word]), Err(TagsError::Malformed), "{word:?}");
        }
    }
}
