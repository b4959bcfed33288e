//! From the text of a path to its parts. Looks one character ahead and never back, so its work grows with the text.

use domain::monitor::Assertion;
use serde_json::Value;

use super::{Comparison, Expression, Operand, Query, Segment, Selector};

/// Filters, parentheses and negations inside each other.
const MAX_NESTING: u32 = 8;
/// Largest number that all JSON readers agree on (RFC 7493).
const MAX_INTEGER: i64 = (1 << 53) - 1;

pub(super) fn path(text: &str) -> Option<Vec<Segment>> {
    if text.chars().count() > Assertion::LONGEST {
        return None;
    }
    let mut reader = Reader { rest: text, nesting: 0 };
    reader.expect('$')?;
    let segments = reader.segments()?;
    reader.rest.is_empty().then_some(segments)
}

/// `None` everywhere: not a path.
struct Reader<'t> {
    rest: &'t str,
    nesting: u32,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.rest = self.rest.get(next.len_utf8()..)?;
        Some(next)
    }

    fn eat(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, wanted: char) -> Option<()> {
        (self.next()? == wanted).then_some(())
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    /// The longest start whose characters all satisfy `is_part`.
    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|next| !is_part(next)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.nesting == MAX_NESTING {
            return None;
        }
        self.nesting += 1;
        let value = read(self);
        self.nesting -= 1;
        value
    }

    fn segments(&mut self) -> Option<Vec<Segment>> {
        let mut segments = Vec::new();
        loop {
            let before = self.rest;
            self.skip_space();
            if self.eat("..") {
                let selectors =
                    if self.peek() == Some('[') { self.bracketed()? } else { vec![self.shorthand()?] };
                segments.push(Segment { is_deep: true, selectors });
            } else if self.eat(".") {
                segments.push(Segment { is_deep: false, selectors: vec![self.shorthand()?] });
            } else if self.peek() == Some('[') {
                segments.push(Segment { is_deep: false, selectors: self.bracketed()? });
            } else {
                self.rest = before;
                return Some(segments);
            }
        }
    }

    fn shorthand(&mut self) -> Option<Selector> {
        if self.eat("*") {
            return Some(Selector::Any);
        }
        let is_first = |next: char| next.is_ascii_alphabetic() || next == '_' || !next.is_ascii();
        if !self.peek().is_some_and(is_first) {
            return None;
        }
        let name = self.take_while(|next| is_first(next) || next.is_ascii_digit());
        Some(Selector::Name(name.to_owned()))
    }

    fn bracketed(&mut self) -> Option<Vec<Selector>> {
        self.expect('[')?;
        let mut selectors = Vec::new();
        loop {
            self.skip_space();
            selectors.push(self.selector()?);
            self.skip_space();
            match self.next()? {
                ',' => {}
                ']' => return Some(selectors),
                _ => return None,
            }
        }
    }

    fn selector(&mut self) -> Option<Selector> {
        match self.peek()? {
            '*' => self.next().map(|_| Selector::Any),
            '\'' | '"' => self.quoted().map(Selector::Name),
            '?' => {
                self.next();
                self.nested(Self::any).map(Selector::Filter)
            }
            _ => self.index_or_slice(),
        }
    }

    fn index_or_slice(&mut self) -> Option<Selector> {
        let (mut start, mut end, mut step) = (None, None, None);
        self.bound(&mut start)?;
        self.skip_space();
        if !self.eat(":") {
            return start.map(Selector::Index);
        }
        self.skip_space();
        self.bound(&mut end)?;
        self.skip_space();
        if self.eat(":") {
            self.skip_space();
            self.bound(&mut step)?;
        }
        Some(Selector::Slice { start, end, step: step.unwrap_or(1) })
    }

    /// Fills in a whole number, where one begins.
    fn bound(&mut self, bound: &mut Option<i64>) -> Option<()> {
        let text = self.take_while(|next| next.is_ascii_digit() || next == '-');
        if !text.is_empty() {
            let number: i64 = text.parse().ok()?;
            // No noughts in front, no negative nought.
            let is_plain = number.to_string() == text && (-MAX_INTEGER..=MAX_INTEGER).contains(&number);
            *bound = Some(is_plain.then_some(number)?);
        }
        Some(())
    }

    fn quoted(&mut self) -> Option<String> {
        let quote = self.next()?;
        let mut text = String::new();
        loop {
            match self.next()? {
                end if end == quote => return Some(text),
                '\\' => text.push(self.escaped(quote)?),
                control if control < ' ' => return None,
                other => text.push(other),
            }
        }
    }

    fn escaped(&mut self, quote: char) -> Option<char> {
        match self.next()? {
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'u' => {
                let digits = self.rest.get(..4)?;
                self.rest = self.rest.get(4..)?;
                let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                is_hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten().and_then(char::from_u32)
            }
            same if same == quote || matches!(same, '/' | '\\') => Some(same),
            _ => None,
        }
    }

    fn any(&mut self) -> Option<Expression> {
        let mut parts = vec![self.all()?];
        while self.eat("||") {
            parts.push(self.all()?);
        }
        Some(Expression::Any(parts))
    }

    fn all(&mut self) -> Option<Expression> {
        let mut parts = Vec::new();
        loop {
            self.skip_space();
            parts.push(self.basic()?);
            self.skip_space();
            if !self.eat("&&") {
                return Some(Expression::All(parts));
            }
        }
    }

    fn basic(&mut self) -> Option<Expression> {
        match self.peek()? {
            '!' => {
                self.next();
                self.skip_space();
                let negated = self.nested(Self::basic)?;
                let is_one_thing = !matches!(negated, Expression::Compare(..));
                is_one_thing.then(|| Expression::Not(Box::new(negated)))
            }
            '(' => {
                self.next();
                let inner = self.nested(Self::any)?;
                self.expect(')')?;
                Some(inner)
            }
            _ => self.comparison_or_test(),
        }
    }

    fn comparison_or_test(&mut self) -> Option<Expression> {
        let left = self.operand()?;
        let before = self.rest;
        self.skip_space();
        let Some(comparison) = self.comparison() else {
            self.rest = before;
            return match left {
                Operand::Query(query) => Some(Expression::Exists(query)),
                Operand::Literal(_) => None,
            };
        };
        self.skip_space();
        let right = self.operand()?;
        let is_single = |side: &Operand| match side {
            Operand::Literal(_) => true,
            Operand::Query(query) => query.segments.iter().all(Segment::is_single),
        };
        (is_single(&left) && is_single(&right)).then_some(Expression::Compare(left, comparison, right))
    }

    fn comparison(&mut self) -> Option<Comparison> {
        [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ]
        .into_iter()
        .find_map(|(text, comparison)| self.eat(text).then_some(comparison))
    }

    fn operand(&mut self) -> Option<Operand> {
        match self.peek()? {
            start @ ('@' | '$') => {
                self.next();
                let segments = self.segments()?;
                Some(Operand::Query(Query { is_absolute: start == '$', segments }))
            }
            '\'' | '"' => self.quoted().map(|text| Operand::Literal(Value::String(text))),
            _ => {
                let text =
                    self.take_while(|next| next.is_ascii_alphanumeric() || matches!(next, '+' | '-' | '.'));
                let value: Value = serde_json::from_str(text).ok()?;
                Some(Operand::Literal(value))
            }
        }
    }
}

impl Segment {
    fn is_single(&self) -> bool {
        !self.is_deep && matches!(self.selectors.as_slice(), [Selector::Name(_) | Selector::Index(_)])
    }
}
