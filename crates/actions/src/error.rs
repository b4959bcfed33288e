//! What an action can answer besides success, named for what the caller can do about it.

use domain::plan::{FeatureMissing, LimitReached};

/// One thing that is wrong with one field of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field as the API names it (`url`, `email`); becomes the JSON pointer `/url`.
    pub field: &'static str,
    /// Where in the field, when it has an inside: `/host`. Empty: all of it.
    pub path: String,
    /// Stable, snake case.
    pub code: &'static str,
    /// One sentence for people that says the way out.
    pub message: String,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not exist, or it belongs to somebody else: one answer for both (T-02).
    #[error("not found")]
    NotFound,
    /// The caller may see it and may not do this. The sentence names the role that may.
    #[error("{0}")]
    Forbidden(&'static str),
    #[error("{0}")]
    LimitReached(LimitReached),
    #[error("{0}")]
    FeatureMissing(FeatureMissing),
    /// A person has as many of something as one person may, whatever the tiers of their organizations (X73).
    #[error("{message}")]
    PersonalLimit { message: &'static str, limit: u32, current: i64 },
    /// The input is wrong; never empty.
    #[error("invalid input")]
    Invalid(Vec<FieldError>),
    /// Somebody else changed it first, or the name is taken. A stable code and a sentence.
    #[error("{message}")]
    Conflict { code: &'static str, message: String },
    /// The version the caller holds is not the newest (`If-Match`).
    #[error("the object was changed meanwhile")]
    Stale,
    /// Wrong password, unknown address, dead session: never which.
    #[error("Invalid credentials")]
    Unauthorized,
    /// The password was right; the second factor is due.
    #[error("a second factor is needed")]
    SecondFactor { challenge: String },
    /// Too often; seconds until it may be tried again.
    #[error("too many attempts")]
    Throttled { retry_after_s: i64 },
    /// A one-time link that was used, has expired or never existed: one answer for all.
    #[error("this link is not valid any more")]
    InvalidToken,
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Hashing or sealing failed inside a library; nothing a caller can mend.
    #[error("{0}")]
    Internal(&'static str),
}

/// What every action gives back.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// One wrong field.
    pub fn field(field: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { field, path: String::new(), code, message: message.into() }])
    }
}

/// Gathers what is wrong with several fields, so that a person learns all of it at once.
#[derive(Debug, Default)]
pub struct Checks(Vec<FieldError>);

impl Checks {
    pub fn add(&mut self, field: &'static str, code: &'static str, message: impl Into<String>) {
        self.0.push(FieldError { field, path: String::new(), code, message: message.into() });
    }

    /// Keeps a parsed value, or notes what was wrong with it.
    pub fn take<T, E: Coded>(&mut self, field: &'static str, parsed: std::result::Result<T, E>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(field, error.code(), error.to_string());
                None
            }
        }
    }

    /// Like [`Self::take`] for a field that may be absent or blank.
    pub fn optional<T, E: Coded>(
        &mut self,
        field: &'static str,
        text: Option<&str>,
        parse: impl FnOnce(&str) -> std::result::Result<T, E>,
    ) -> Option<T> {
        let text = text.filter(|text| !text.trim().is_empty())?;
        self.take(field, parse(text))
    }

    /// Notes what somebody else found.
    pub fn extend(&mut self, found: impl IntoIterator<Item = FieldError>) {
        self.0.extend(found);
    }

    /// `Err(Invalid)` when anything was noted.
    pub fn finish(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}

/// An error of a value type: a sentence and a stable code.
pub trait Coded: std::fmt::Display {
    fn code(&self) -> &'static str;
}

impl Coded for domain::zone::UnknownZone {
    fn code(&self) -> &'static str {
        "unknown_time_zone"
    }
}

impl Coded for domain::text::TextError {
    fn code(&self) -> &'static str {
        Self::code(*self)
    }
}

impl Coded for domain::monitor::TagsError {
    fn code(&self) -> &'static str {
        Self::code(*self)
    }
}
