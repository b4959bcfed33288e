//! Text that people give us, parsed once into types that cannot hold anything else.
//! Lengths count characters, not bytes.

mod email;
mod password;
mod slug;

pub use email::Email;
pub use password::Password;
pub use slug::{Slug, SlugOf};

/// Why a text was refused. The sentence is shown beside the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    #[error("Fill this in.")]
    Empty,
    #[error("Use at least {min} characters.")]
    TooShort { min: usize },
    #[error("Use at most {max} characters.")]
    TooLong { max: usize },
    #[error("Remove line breaks, control characters and invisible direction marks.")]
    ForbiddenCharacter,
    #[error("Use only lower-case letters a–z, digits and single hyphens between them.")]
    SlugMalformed,
    #[error("This address is reserved. Choose another one.")]
    SlugReserved,
    #[error("Enter an e-mail address such as alice@example.org.")]
    EmailMalformed,
    #[error("This password is too common. Choose one that nobody would guess.")]
    PasswordCommon,
    #[error("The password must not be your e-mail address.")]
    PasswordIsEmail,
}

impl TextError {
    /// Stable word for machines.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooShort { .. } => "too_short",
            Self::TooLong { .. } => "too_long",
            Self::ForbiddenCharacter => "forbidden_character",
            Self::SlugMalformed => "slug_malformed",
            Self::SlugReserved => "slug_reserved",
            Self::EmailMalformed => "email_malformed",
            Self::PasswordCommon => "password_common",
            Self::PasswordIsEmail => "password_is_email",
        }
    }
}

/// Overrides and isolates of writing direction can make a text read as another one.
const fn turns_direction(character: char) -> bool {
    matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Characters that take part in a text without being seen; a text of nothing else looks empty.
fn is_blank(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
                | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}' | '\u{206A}'..='\u{206F}'
                | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
        )
}

fn bounded(text: &str, max: usize, forbidden: impl Fn(char) -> bool) -> Result<(), TextError> {
    if text.chars().all(is_blank) {
        return Err(TextError::Empty);
    }
    if text.chars().any(|character| forbidden(character) || turns_direction(character)) {
        return Err(TextError::ForbiddenCharacter);
    }
    if text.chars().count() > max {
        return Err(TextError::TooLong { max });
    }
    Ok(())
}

fn one_line(text: &str, max: usize) -> Result<String, TextError> {
    let text = text.trim();
    bounded(text, max, |character| character.is_control() || matches!(character, '\u{2028}' | '\u{2029}'))?;
    Ok(text.to_owned())
}

fn many_lines(text: &str, max: usize) -> Result<String, TextError> {
    let text = text.trim().replace("\r\n", "\n").replace('\r', "\n");
    bounded(&text, max, |character| character.is_control() && !matches!(character, '\n' | '\t'))?;
    Ok(text)
}

macro_rules! bounded_texts {
    ($($(#[$doc:meta])* $name:ident = $rule:ident($max:literal);)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, sqlx::Type)]
        #[sqlx(transparent)]
        pub struct $name(String);

        impl $name {
            /// In characters.
            pub const MAX: usize = $max;

            /// Trims, then checks.
            pub fn parse(text: &str) -> Result<Self, TextError> {
                $rule(text, $max).map(Self)
            }

            /// For fields that may stay empty: blank reads as `None`.
            pub fn parse_optional(text: &str) -> Result<Option<Self>, TextError> {
                match Self::parse(text) {
                    Err(TextError::Empty) => Ok(None),
                    other => other.map(Some),
                }
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }

            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

bounded_texts! {
    /// One line of 1 to 100 characters: names of people, organizations, services and groups, titles of pages (S18–S21).
    DisplayName = one_line(100);
    /// One line of 1 to 200 characters: what an incident or a maintenance is called.
    Title = one_line(200);
    /// 1 to 500 characters, lines allowed: a sentence or two about a service or page.
    Description = many_lines(500);
    /// 1 to 10 000 characters, lines allowed, Markdown as written: an incident update.
    Body = many_lines(10_000);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_trimmed_and_bounded() {
        assert_eq!(DisplayName::parse("  Acme \n").unwrap().as_str(), "Acme");
        assert_eq!(DisplayName::parse(" \t "), Err(TextError::Empty));
        assert_eq!(DisplayName::parse_optional("  "), Ok(None));
        assert!(DisplayName::parse(&"ü".repeat(100)).is_ok(), "characters, not bytes");
        assert_eq!(DisplayName::parse(&"ü".repeat(101)), Err(TextError::TooLong { max: 100 }));
        assert!(DisplayName::parse_optional(&"ü".repeat(101)).is_err());
    }

    #[test]
    fn names_hold_no_control_or_direction_characters() {
        for bad in ["a\nb", "a\rb", "a\0b", "a\u{1B}b", "a\u{202E}b", "a\u{2066}b", "a\u{2028}b", "a\u{85}b"]
        {
            assert_eq!(DisplayName::parse(bad), Err(TextError::ForbiddenCharacter), "{bad:?}");
        }
        // Right-to-left text and joined emoji are text like any other.
        for good in ["شركة", "חברה", "株式会社", "👩‍🚀 Ops", "O'Brien & Søn"] {
            assert_eq!(DisplayName::parse(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn a_text_of_invisible_characters_is_empty() {
        for blank in ["\u{200B}", "\u{FEFF}\u{2060}", "\u{3164}", "\u{200F} \u{AD}"] {
            assert_eq!(Title::parse(blank), Err(TextError::Empty), "{blank:?}");
        }
    }

    #[test]
    fn bodies_keep_their_lines_in_one_form() {
        assert_eq!(Body::parse(" one\r\ntwo\rthree\n").unwrap().as_str(), "one\ntwo\nthree");
        assert_eq!(Body::parse("a\0b"), Err(TextError::ForbiddenCharacter));
        assert_eq!(Body::parse("a\u{202E}b"), Err(TextError::ForbiddenCharacter));
        assert!(Body::parse(&"x".repeat(10_000)).is_ok());
        assert_eq!(Body::parse(&"x".repeat(10_001)), Err(TextError::TooLong { max: 10_000 }));
    }

    proptest! {
        #[test]
        fn what_was_accepted_is_accepted_unchanged_again(text in "\\PC{0,120}|.{0,20}") {
            if let Ok(name) = DisplayName::parse(&text) {
                prop_assert_eq!(DisplayName::parse(name.as_str()), Ok(name.clone()));
                prop_assert!(!name.as_str().contains(['\r', '\n', '\0']));
            }
            if let Ok(body) = Body::parse(&text) {
                prop_assert_eq!(Body::parse(body.as_str()), Ok(body.clone()));
            }
        }
    }
}
