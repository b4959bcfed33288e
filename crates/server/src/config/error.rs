//! Why the start was stopped: one sentence.

use std::io;

/// A configuration that cannot be used. Displays as one sentence that names the option where the operator wrote it
/// and says what to write instead; it never contains a secret. The process exits with 78.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        let sentence: String = sentence.into();
        Self(sentence.chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
    }
}

pub(super) type Result<T> = std::result::Result<T, ConfigError>;

/// Whether a path is at fault and not the moment: waiting does not help. A full disk, for example, is of the moment.
pub(crate) fn is_misplaced(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::AlreadyExists
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::InvalidFilename
    )
}
