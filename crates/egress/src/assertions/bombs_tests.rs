//! What bombs in patterns, paths and answers cost, in time and memory (T-23).

use std::time::Duration;

use super::*;

/// With optimisation. Without, everything takes some twenty times as long.
const MOST: Duration = Duration::from_millis(50);
const UNOPTIMISED: u32 = 20;
const MOST_KIB: u64 = 32 * 1024;

fn body(test: Test, value: &str) -> Assertion {
    Assertion::Body { test, value: value.to_owned() }
}

fn json(path: &str, test: Test) -> Assertion {
    Assertion::Json { path: path.to_owned(), test, value: "1".to_owned() }
}

/// The most memory that this process ever held; each test is a process of its own.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// What this thread had of the processor, however busy the machine is.
fn busy() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split_whitespace().next().unwrap().parse().unwrap())
}

#[test]
fn each_bomb_takes_little_time_and_memory() {
    let answer = |body: String| Answer { headers: HeaderMap::new(), body: body.into_bytes(), is_cut: false };
    let full = MAX_TEXT_BYTES;
    let letters = answer("a".repeat(full));
    let brackets = answer("[".repeat(full));
    let parts = answer(format!("[{}[]]", "{},".repeat(30_000)));
    let nested = answer(format!("{}1{}", "[1,".repeat(60), "]".repeat(60)));
    let bombs = [
        (body(Test::Matches, "(a{1000}){1000}"), &letters),
        (body(Test::Matches, "(?:a?){9999}"), &letters),
        (body(Test::Matches, "(?:a?){9999}b"), &letters),
        (body(Test::Matches, "((a|aa)+)+$x"), &letters),
        (body(Test::Matches, r"(\p{L}{1000}){1000}"), &letters),
        (json("$", Test::Exists), &brackets),
        (json("$..*", Test::Equals), &parts),
        (json(&format!("${}", "..*".repeat(60)), Test::Equals), &nested),
        (json(&format!("${}", "[*]".repeat(100)), Test::Equals), &nested),
    ];
    let most = if cfg!(debug_assertions) { MOST * UNOPTIMISED } else { MOST };
    let before = peak_kib();
    for (assertion, answer) in bombs {
        let began = busy();
        let _ = fault(&assertion);
        let verdict = hold(std::slice::from_ref(&assertion), answer);
        let took = busy().saturating_sub(began);
        println!("{took:?}, {} KiB in all: {verdict:?}", peak_kib() - before);
        assert!(took < most, "{assertion:?}: {took:?}");
    }
    let growth = peak_kib() - before;
    assert!(growth < MOST_KIB, "{growth} KiB more for all of them");
}
