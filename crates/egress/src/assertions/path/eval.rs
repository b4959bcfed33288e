//! Follows a path through a document, with a counter that each step takes from.

use std::cmp::Ordering;

use serde_json::Value;

use super::{Comparison, Expression, Operand, Query, Segment, Selector};

/// Values visited, chosen and compared for one path. A document of the largest size has fewer than half of it.
const MAX_STEPS: usize = 1_000_000;
/// So many bytes of text compared cost as much as one step.
const BYTES_PER_STEP: usize = 64;

/// `None`: the steps are used up.
pub(super) fn find<'v>(segments: &[Segment], document: &'v Value) -> Option<Vec<&'v Value>> {
    Walk { document, left_steps: MAX_STEPS }.follow(segments, document)
}

struct Walk<'v> {
    document: &'v Value,
    left_steps: usize,
}

/// The values below `value`, in order.
fn children(value: &Value) -> Box<dyn DoubleEndedIterator<Item = &Value> + '_> {
    match value {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(members) => Box::new(members.values()),
        _ => Box::new(std::iter::empty()),
    }
}

impl<'v> Walk<'v> {
    fn spend(&mut self, steps: usize) -> Option<()> {
        self.left_steps = self.left_steps.checked_sub(steps)?;
        Some(())
    }

    fn follow(&mut self, segments: &[Segment], start: &'v Value) -> Option<Vec<&'v Value>> {
        let mut found = vec![start];
        for segment in segments {
            let mut next = Vec::new();
            for value in found {
                if segment.is_deep {
                    self.select_below(segment, value, &mut next)?;
                } else {
                    self.select(segment, value, &mut next)?;
                }
            }
            found = next;
        }
        Some(found)
    }

    fn select_below(&mut self, segment: &Segment, top: &'v Value, found: &mut Vec<&'v Value>) -> Option<()> {
        let mut waiting = vec![top];
        while let Some(value) = waiting.pop() {
            self.select(segment, value, found)?;
            for child in children(value).rev() {
                self.spend(1)?;
                waiting.push(child);
            }
        }
        Some(())
    }

    fn select(&mut self, segment: &Segment, value: &'v Value, found: &mut Vec<&'v Value>) -> Option<()> {
        for selector in &segment.selectors {
            self.spend(1)?;
            match selector {
                Selector::Name(name) => found.extend(value.as_object().and_then(|members| members.get(name))),
                Selector::Index(index) => {
                    found.extend(value.as_array().and_then(|items| item(items, *index)));
                }
                Selector::Any => {
                    for child in children(value) {
                        self.spend(1)?;
                        found.push(child);
                    }
                }
                Selector::Slice { start, end, step } => {
                    if let Value::Array(items) = value {
                        self.slice(items, (*start, *end, *step), found)?;
                    }
                }
                Selector::Filter(filter) => {
                    for child in children(value) {
                        if self.holds(filter, child)? {
                            found.push(child);
                        }
                    }
                }
            }
        }
        Some(())
    }

    /// RFC 9535, 2.3.4.2.
    fn slice(
        &mut self,
        items: &'v [Value],
        (start, end, step): (Option<i64>, Option<i64>, i64),
        found: &mut Vec<&'v Value>,
    ) -> Option<()> {
        let length = i64::try_from(items.len()).ok()?;
        let from_start = |bound: i64| if bound < 0 { length + bound } else { bound };
        let (mut at, end) = if step >= 0 {
            (
                from_start(start.unwrap_or(0)).clamp(0, length),
                from_start(end.unwrap_or(length)).clamp(0, length),
            )
        } else {
            let end = end.map_or(-1, |end| from_start(end).clamp(-1, length - 1));
            (start.map_or(length - 1, |start| from_start(start).clamp(-1, length - 1)), end)
        };
        while (step > 0 && at < end) || (step < 0 && at > end) {
            self.spend(1)?;
            found.extend(usize::try_from(at).ok().and_then(|at| items.get(at)));
            at += step;
        }
        Some(())
    }

    fn holds(&mut self, expression: &Expression, value: &'v Value) -> Option<bool> {
        self.spend(1)?;
        match expression {
            Expression::Any(parts) => {
                for part in parts {
                    if self.holds(part, value)? {
                        return Some(true);
                    }
                }
                Some(false)
            }
            Expression::All(parts) => {
                for part in parts {
                    if !self.holds(part, value)? {
                        return Some(false);
                    }
                }
                Some(true)
            }
            Expression::Not(inner) => self.holds(inner, value).map(|holds| !holds),
            Expression::Exists(query) => self.query(query, value).map(|found| !found.is_empty()),
            Expression::Compare(left, comparison, right) => {
                let (left, right) = (self.operand(left, value)?, self.operand(right, value)?);
                self.compare(left.first().copied(), *comparison, right.first().copied())
            }
        }
    }

    fn query(&mut self, query: &Query, value: &'v Value) -> Option<Vec<&'v Value>> {
        self.follow(&query.segments, if query.is_absolute { self.document } else { value })
    }

    /// One value or none.
    fn operand<'o>(&mut self, operand: &'o Operand, value: &'v Value) -> Option<Vec<&'o Value>>
    where
        'v: 'o,
    {
        match operand {
            Operand::Literal(literal) => Some(vec![literal]),
            Operand::Query(query) => self.query(query, value),
        }
    }

    fn compare(
        &mut self,
        left: Option<&Value>,
        comparison: Comparison,
        right: Option<&Value>,
    ) -> Option<bool> {
        if let (Some(Value::String(left)), Some(Value::String(right))) = (left, right) {
            self.spend(left.len().min(right.len()) / BYTES_PER_STEP)?;
        }
        let is_equal = equals(left, right);
        Some(match comparison {
            Comparison::Equal => is_equal,
            Comparison::NotEqual => !is_equal,
            Comparison::Less => order(left, right) == Some(Ordering::Less),
            Comparison::Greater => order(left, right) == Some(Ordering::Greater),
            Comparison::LessOrEqual => is_equal || order(left, right) == Some(Ordering::Less),
            Comparison::GreaterOrEqual => is_equal || order(left, right) == Some(Ordering::Greater),
        })
    }
}

fn item(items: &[Value], index: i64) -> Option<&Value> {
    let index = if index < 0 { i64::try_from(items.len()).ok()? + index } else { index };
    items.get(usize::try_from(index).ok()?)
}

/// Arrays and objects equal nothing: to compare them could cost a document each time.
fn equals(left: Option<&Value>, right: Option<&Value>) -> bool {
    match (left, right) {
        (None, None) | (Some(Value::Null), Some(Value::Null)) => true,
        (Some(Value::Bool(left)), Some(Value::Bool(right))) => left == right,
        _ => order(left, right) == Some(Ordering::Equal),
    }
}

/// Numbers by value, texts by their characters; nothing else has an order.
fn order(left: Option<&Value>, right: Option<&Value>) -> Option<Ordering> {
    match (left?, right?) {
        (Value::Number(left), Value::Number(right)) => match (left.as_i64(), right.as_i64()) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
        },
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        _ => None,
    }
}
