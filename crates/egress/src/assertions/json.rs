//! Reads JSON that a target wrote. How deep and how many its parts are is counted before anything is built from it:
//! a MiB of brackets would become a hundred MiB of values (T-23).

use serde_json::Value;

const MAX_DEPTH: usize = 64;
/// Arrays and objects in one document.
const MAX_CONTAINERS: usize = 32_768;

/// `None`: not JSON, or too deep, or of too many parts.
pub(super) fn read(text: &str) -> Option<Value> {
    if is_bounded(text.as_bytes()) { serde_json::from_str(text).ok() } else { None }
}

fn is_bounded(text: &[u8]) -> bool {
    let (mut depth, mut containers) = (0usize, 0usize);
    let mut bytes = text.iter();
    let mut is_string = false;
    while let Some(byte) = bytes.next() {
        match (is_string, byte) {
            (true, b'\\') => {
                bytes.next();
            }
            (_, b'"') => is_string = !is_string,
            (false, b'[' | b'{') => {
                depth += 1;
                containers += 1;
            }
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH || containers > MAX_CONTAINERS {
            return false;
        }
    }
    true
}

/// What a value is compared as: a string without its quotes, everything else as JSON.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_and_number_of_parts_are_limited() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(&nested(64)).is_some() && read(&nested(65)).is_none());
        assert!(read(&nested(5_000_000)).is_none());
        assert!(read(&"[".repeat(10_000_000)).is_none());
        let many = |parts: usize| format!("[{}[]]", "{},".repeat(parts - 2));
        assert!(read(&many(32_768)).is_some() && read(&many(32_769)).is_none());
        assert!(
            read(&format!("\"{}\"", "[{\\\"".repeat(100_000))).is_some(),
            "inside a string they are text"
        );
        assert!(read("{").is_none() && read("").is_none() && read("nope").is_none());
    }

    #[test]
    fn a_value_has_one_text() {
        for (json, expected) in [
            (r#""up""#, "up"),
            ("1.5", "1.5"),
            ("true", "true"),
            ("null", "null"),
            (r#"{"a": [1]}"#, r#"{"a":[1]}"#),
        ] {
            assert_eq!(text(&read(json).unwrap()), expected);
        }
    }
}
