//! `matrix.toml` as types.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Who may use a route at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Gate {
    /// Everybody; what is shown is public.
    Public,
    /// Everybody; a secret in the path or the body decides.
    Token,
    /// Every person with a session.
    User,
    Viewer,
    Member,
    Admin,
    Owner,
}

/// One route.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub gate: Gate,
    /// What each `{parameter}` of the path names: a key of [`super::world::Ids`].
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// A body that the route accepts; `"$service"` and the like stand for ids.
    #[serde(default)]
    pub body: Option<toml::Table>,
    /// Asked for refusals only, because success would end the world of the test; the reason.
    #[serde(default)]
    pub only_refusals: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Matrix {
    #[serde(flatten)]
    pub routes: BTreeMap<String, Line>,
}

impl Matrix {
    pub(super) fn read() -> Self {
        toml::from_str(include_str!("matrix.toml")).unwrap()
    }
}

impl Line {
    /// A route that answers with the state of one organization.
    pub(super) fn is_of_organization(&self) -> bool {
        self.gate >= Gate::Viewer
    }
}
