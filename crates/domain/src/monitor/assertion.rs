//! Assertions: what an answer has to say (peers.md C8). Everything an owner may write is bounded, so that no pattern
//! and no path costs more than a moment (T-23).

use serde::{Deserialize, Serialize};

/// One thing that has to hold for an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case", deny_unknown_fields)]
pub enum Assertion {
    /// A header; several of one name hold when one of them does.
    Header { name: String, test: Test, value: String },
    /// The body as text, its first MiB.
    Body { test: Test, value: String },
    /// What a path (`JSONPath`, RFC 9535) finds in the body; several hold when one of them does.
    Json { path: String, test: Test, value: String },
    /// A slower answer is down, not merely degraded.
    Latency { most_ms: u32 },
}

impl Assertion {
    /// Most assertions of one monitor.
    pub const MOST: usize = 20;
    /// Longest pattern, path or value, in characters.
    pub const LONGEST: usize = 512;

    /// Whether the body has to be read, and not only its first bytes.
    pub const fn needs_body(&self) -> bool {
        matches!(self, Self::Body { .. } | Self::Json { .. })
    }
}

/// How something is compared with the value of an assertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    Equals,
    NotEquals,
    Contains,
    NotContains,
    /// The value is a regular expression.
    Matches,
    NotMatches,
    /// Both are read as numbers.
    LessThan,
    GreaterThan,
    /// The value does not matter.
    Exists,
    NotExists,
}
