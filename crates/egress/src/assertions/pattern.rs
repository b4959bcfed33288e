//! Regular expressions that owners write (T-23). Compiling is bounded by sizes, and so is matching: the usual engines
//! fall back to states times bytes, which is hours for a pattern and a body that are both within their limits.

use domain::monitor::Assertion;
use regex_automata::Input;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::pikevm::PikeVM;
use regex_automata::nfa::thompson::{Compiler, Config, NFA, WhichCaptures};
use regex_automata::util::syntax;

/// The compiled pattern, in bytes.
const MAX_NFA_BYTES: usize = 1024 * 1024;
/// What matching remembers, in bytes.
const MAX_CACHE_BYTES: usize = 1024 * 1024;
/// Fills of that memory by one pattern. Honest patterns stay far below one; each fill costs a bomb some ten milliseconds.
const MAX_CACHE_FILLS: usize = 1;
const MAX_NESTING: u32 = 50;
/// States times bytes of the engine that needs no memory.
const MAX_STEPS: usize = 10_000_000;

/// A compiled pattern. What its searches may cost, they may cost together.
pub(super) struct Pattern {
    nfa: NFA,
    dfa: DFA,
    cache: Cache,
    left_steps: usize,
}

impl Pattern {
    /// `None`: not a pattern, or one that is too large.
    pub(super) fn new(text: &str) -> Option<Self> {
        if text.chars().count() > Assertion::LONGEST {
            return None;
        }
        let sizes = Config::new().nfa_size_limit(Some(MAX_NFA_BYTES)).which_captures(WhichCaptures::None);
        let nfa = Compiler::new()
            .syntax(syntax::Config::new().nest_limit(MAX_NESTING))
            .configure(sizes)
            .build(text)
            .ok()?;
        let bounds = DFA::config()
            .cache_capacity(MAX_CACHE_BYTES)
            .skip_cache_capacity_check(true)
            .minimum_cache_clear_count(Some(MAX_CACHE_FILLS))
            // It gives up at the first byte beyond ASCII then; without, `\b` would be refused.
            .unicode_word_boundary(true);
        let dfa = DFA::builder().configure(bounds).build_from_nfa(nfa.clone()).ok()?;
        let cache = dfa.create_cache();
        Some(Self { nfa, dfa, cache, left_steps: MAX_STEPS })
    }

    /// `None`: to find out would cost too much.
    pub(super) fn is_match(&mut self, text: &str) -> Option<bool> {
        let input = Input::new(text).earliest(true);
        if let Ok(found) = self.dfa.try_search_fwd(&mut self.cache, &input) {
            return Some(found.is_some());
        }
        let steps = self.nfa.states().len().saturating_mul(text.len() + 1);
        self.left_steps = self.left_steps.checked_sub(steps)?;
        let slow = PikeVM::new_from_nfa(self.nfa.clone()).ok()?;
        Some(slow.is_match(&mut slow.create_cache(), input))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_match(pattern: &str, text: &str) -> Option<bool> {
        Pattern::new(pattern).unwrap().is_match(text)
    }

    #[test]
    fn ordinary_patterns_match_anywhere() {
        let long = format!("{}\"status\": \"ok\"", "ä b c ".repeat(150_000));
        for (pattern, text, expected) in [
            (r#""status":\s*"ok""#, long.as_str(), true),
            (r#""status":\s*"bad""#, long.as_str(), false),
            ("^ok$", "ok", true),
            ("^ok$", "not ok", false),
            (r"(?i)größe \d+", "GRÖSSE? GRÖßE 12", true),
            (r"\bup\b", "it is up now", true),
            (r"\bup\b", "süß, up", true),
            (r"\bup\b", "süß, upper", false),
            ("", "", true),
        ] {
            assert_eq!(is_match(pattern, text), Some(expected), "{pattern}");
        }
    }

    // T-23
    #[test]
    fn bombs_are_refused_or_given_up_soon() {
        for pattern in [
            "(a{1000}){1000}",
            "((a{100}){100}){100}",
            r"(\p{L}{1000}){1000}",
            "(",
            "(?=a)",
            r"(a)\1",
            &"(".repeat(200),
            &format!("{}a{}", "(".repeat(60), ")".repeat(60)),
            &"a".repeat(513),
        ] {
            assert!(Pattern::new(pattern).is_none(), "{pattern}");
        }
        let text = "a".repeat(1024 * 1024);
        for pattern in
            ["(?:a?){9999}b", "(?:a?){9999}", "(a|aa)+$b", "(.*)*(.*)*x", r"/\/*$/", "[ab]*a[ab]{4000}c"]
        {
            // Either refused or searched; both within bounds, or this test would not end.
            if let Some(mut pattern) = Pattern::new(pattern) {
                let _ = pattern.is_match(&text);
            }
        }
        let noise: String = (0..300_000u64)
            .map(|n| if n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 63 == 1 { 'a' } else { 'b' })
            .collect();
        assert_eq!(is_match("[ab]*a[ab]{4000}c", &noise), None, "given up");
    }
}
