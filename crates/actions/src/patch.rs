//! Partial changes: JSON Merge Patch (RFC 7396) as types, and the version of an object.

use domain::time::Timestamp;

use crate::{Error, Result};

/// A field that can be left alone, emptied or set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Patch<T> {
    /// The field was absent.
    #[default]
    Keep,
    /// The field was `null`.
    Clear,
    Set(T),
}

impl<T> Patch<T> {
    /// Changes `field`; `parse` may refuse a value by giving `None`, which leaves the field alone.
    pub fn apply<U>(self, field: &mut Option<U>, parse: impl FnOnce(T) -> Option<U>) {
        match self {
            Self::Keep => {}
            Self::Clear => *field = None,
            Self::Set(value) => {
                if let Some(parsed) = parse(value) {
                    *field = Some(parsed);
                }
            }
        }
    }
}

impl<'de, T: serde::Deserialize<'de>> serde::Deserialize<'de> for Patch<T> {
    /// Needs `#[serde(default)]` on the field, so that an absent one becomes [`Patch::Keep`].
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Option::<T>::deserialize(deserializer).map(|value| value.map_or(Self::Clear, Self::Set))
    }
}

/// Which version of an object the caller means to change: its `updated_at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Whatever is stored now (no `If-Match`, or `*`).
    Any,
    Exactly(Timestamp),
    /// One of these, as `If-Match` may list several; unused places are `None`.
    OneOf([Option<Timestamp>; 8]),
}

impl Version {
    pub fn check(self, stored: Timestamp) -> Result<()> {
        match self {
            Self::Exactly(version) if version != stored => Err(Error::Stale),
            Self::OneOf(versions) if !versions.contains(&Some(stored)) => Err(Error::Stale),
            _ => Ok(()),
        }
    }
}

/// The version after an edit: now, but always later than before, also when two edits share a millisecond.
pub fn next_version(before: Timestamp, now: Timestamp) -> Timestamp {
    now.max(before.plus_ms(1))
}
