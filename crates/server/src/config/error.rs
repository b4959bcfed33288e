//! Why the start was stopped: one sentence.

/// A configuration that cannot be used. Displays as one sentence that names the option where the operator wrote it
/// and says what to write instead; it never contains a secret. The process exits with 78.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    pub(super) fn new(sentence: impl Into<String>) -> Self {
        let sentence: String = sentence.into();
        Self(sentence.chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
    }
}

pub(super) type Result<T> = std::result::Result<T, ConfigError>;
