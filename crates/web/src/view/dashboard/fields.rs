//! Forms whose fields depend on what is chosen: fields, rows and groups as values, drawn by `partial/fields.html`.

use crate::view::{Choice, Errors};

/// One field: label above, control, then the error or the hint.
#[derive(Debug, Clone)]
pub struct Field {
    /// Name and `id`.
    pub id: String,
    pub label: String,
    /// May be empty.
    pub hint: String,
    /// Only for fields that are always in sight: a browser cannot point at one in closed details.
    pub is_required: bool,
    pub control: Control,
}

/// What a person types into or chooses from.
#[derive(Debug, Clone)]
pub enum Control {
    /// `kind` is the `type` of the input.
    Text {
        value: String,
        kind: &'static str,
        longest: usize,
    },
    Area {
        value: String,
        rows: usize,
        longest: usize,
    },
    Choose(Vec<Choice>),
    Check(bool),
    /// Has no value, whatever was typed or stored (T-22).
    Secret {
        longest: usize,
    },
}

/// What stands below each other in a form.
#[derive(Debug, Clone)]
pub enum Part {
    Field(Field),
    /// Beside each other where there is room.
    Pair(Field, Field),
    Rows(Rows),
}

/// A list of equal rows, with some empty ones at its end.
#[derive(Debug, Clone)]
pub struct Rows {
    /// `id` of the whole; the value of its button "More rows" (`more`).
    pub id: String,
    pub legend: String,
    pub hint: String,
    pub rows: Vec<Vec<Field>>,
}

/// Fields that most people leave as they are, behind one line.
#[derive(Debug, Clone)]
pub struct Group {
    pub title: String,
    pub is_open: bool,
    pub parts: Vec<Part>,
}

impl Field {
    pub fn text(id: impl Into<String>, label: &str, value: impl Into<String>) -> Self {
        Self::new(id, label, Control::Text { value: value.into(), kind: "text", longest: 255 })
    }

    /// Lines of text.
    pub fn area(
        id: impl Into<String>,
        label: &str,
        value: impl Into<String>,
        rows: usize,
        longest: usize,
    ) -> Self {
        Self::new(id, label, Control::Area { value: value.into(), rows, longest })
    }

    pub fn choose(id: impl Into<String>, label: &str, choices: Vec<Choice>) -> Self {
        Self::new(id, label, Control::Choose(choices))
    }

    pub fn check(id: impl Into<String>, label: &str, is_on: bool) -> Self {
        Self::new(id, label, Control::Check(is_on))
    }

    pub fn secret(id: impl Into<String>, label: &str, longest: usize) -> Self {
        Self::new(id, label, Control::Secret { longest })
    }

    fn new(id: impl Into<String>, label: &str, control: Control) -> Self {
        let (id, label) = (id.into(), label.to_owned());
        Self { id, label, hint: String::new(), is_required: false, control }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    #[must_use]
    pub fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    /// Of text, in characters.
    #[must_use]
    pub fn longest(mut self, most: usize) -> Self {
        if let Control::Text { longest, .. } = &mut self.control {
            *longest = most;
        }
        self
    }

    /// `type="url"`.
    #[must_use]
    pub fn url(mut self) -> Self {
        if let Control::Text { kind, longest, .. } = &mut self.control {
            (*kind, *longest) = ("url", 2048);
        }
        self
    }
}

impl Part {
    fn ids(&self) -> Vec<&str> {
        match self {
            Self::Field(field) => vec![&field.id],
            Self::Pair(one, other) => vec![&one.id, &other.id],
            Self::Rows(rows) => {
                let fields = rows.rows.iter().flatten().map(|field| field.id.as_str());
                std::iter::once(rows.id.as_str()).chain(fields).collect()
            }
        }
    }

    pub fn has(&self, id: &str) -> bool {
        self.ids().contains(&id)
    }
}

impl Group {
    /// Open when something in it needs a look.
    #[must_use]
    pub fn opened_for(mut self, errors: &Errors) -> Self {
        let needs_a_look = errors.all().iter().any(|(id, _)| self.parts.iter().any(|part| part.has(id)));
        self.is_open |= needs_a_look;
        self
    }
}
