//! What a form says to one field of the settings of a check.

use std::borrow::Cow;

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// JSON pointer into the settings (`/headers/0/name`); into the secrets when it begins with `/secrets`.
    pub pointer: String,
    /// Stable word for machines.
    pub code: &'static str,
    /// For the person who filled it in. Holds nothing of what they wrote.
    pub message: Cow<'static, str>,
}
