//! What was typed into the form of a monitor: names and values as sent, read by kind. Names are paths: what the rules
//! say about `/settings/host` stands at `settings_host`.

use actions::{Checks, FieldError};
use domain::monitor::MonitorKind;
use domain::time::Timestamp;

use crate::dashboard::input::{Fields, filled};
use crate::view::Choice;

/// Fields of the form, in no order. The first of a name counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Typed(Fields);

impl From<Fields> for Typed {
    fn from(fields: Fields) -> Self {
        Self(fields)
    }
}

impl Typed {
    /// `None`: the field was not in the form.
    pub(super) fn sent(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// As typed; empty when it was not sent.
    pub(super) fn get(&self, name: &str) -> &str {
        self.sent(name).unwrap_or_default()
    }

    /// `None` for a field that was left empty.
    pub(super) fn filled(&self, name: &str) -> Option<String> {
        filled(self.get(name))
    }

    /// Like [`Self::filled`], with the spaces at both ends, which may be meant.
    pub(super) fn as_it_is(&self, name: &str) -> Option<String> {
        Some(self.get(name)).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    pub(super) fn is_ticked(&self, name: &str) -> bool {
        self.get(name) == "true"
    }

    pub(super) fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let name = name.into();
        self.0.retain(|(key, _)| *key != name);
        self.0.push((name, value.into()));
    }

    pub(super) fn tick(&mut self, name: &str, is_on: bool) {
        self.set(name, if is_on { "true" } else { "" });
    }

    /// HTTP when it says nothing that we know.
    pub(super) fn kind(&self) -> MonitorKind {
        let word = self.get("kind");
        MonitorKind::ALL.into_iter().find(|kind| kind.as_str() == word).unwrap_or_default()
    }

    /// `None`: the list was not asked to grow.
    pub(super) fn more(&self) -> Option<&str> {
        self.sent("more")
    }

    pub(super) fn start(kind: MonitorKind, version: Option<Timestamp>) -> Self {
        let version = version.map(|at| at.ms().to_string()).unwrap_or_default();
        Self(vec![("kind".to_owned(), kind.as_str().to_owned()), ("version".to_owned(), version)])
    }

    /// A number in the settings. Empty: `otherwise`.
    pub(super) fn number<T: std::str::FromStr>(
        &self,
        checks: &mut Checks,
        path: &str,
        otherwise: T,
        words: &str,
    ) -> T {
        let text = self.get(&id_of(path)).trim();
        if text.is_empty() {
            return otherwise;
        }
        text.parse().unwrap_or_else(|_| {
            wrong(checks, path, "wrong_type", words);
            otherwise
        })
    }

    /// A choice of the settings, by the words that stand for its values. Empty: the first one.
    pub(super) fn chosen<T: Copy>(&self, checks: &mut Checks, path: &str, all: &[(T, &str)], first: T) -> T {
        let word = self.get(&id_of(path));
        if word.is_empty() {
            return first;
        }
        all.iter().find(|(_, known)| *known == word).map_or_else(
            || {
                wrong(checks, path, "unknown", "Choose one of the list.");
                first
            },
            |(value, _)| *value,
        )
    }

    /// How many rows of a list were sent: one more than the highest number in a name such as `settings_headers_3_name`.
    pub(super) fn count(&self, list: &str) -> usize {
        let number = |name: &str| name.strip_prefix(list)?.strip_prefix('_')?.split('_').next()?.parse().ok();
        self.0.iter().filter_map(|(name, _)| number(name)).max().map_or(0, |last: usize| last.min(99) + 1)
    }
}

/// `settings_headers_0_name` for `/headers/0/name`.
pub(super) fn id_of(path: &str) -> String {
    format!("settings{}", path.replace('/', "_"))
}

/// Notes what is wrong inside of the settings.
pub(super) fn wrong(checks: &mut Checks, path: &str, code: &'static str, message: &str) {
    let (path, message) = (path.to_owned(), message.to_owned());
    checks.extend([FieldError { field: "settings", path, code, message }]);
}

/// Entries of a list, by value and label.
pub(super) fn choices<V: AsRef<str>, L: AsRef<str>>(
    all: impl IntoIterator<Item = (V, L)>,
    chosen: &str,
) -> Vec<Choice> {
    all.into_iter()
        .map(|(value, label)| Choice {
            is_chosen: value.as_ref() == chosen,
            value: value.as_ref().to_owned(),
            label: label.as_ref().to_owned(),
        })
        .collect()
}
