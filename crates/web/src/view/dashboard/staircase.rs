//! The phases of one check, drawn as a staircase by `partial/staircase.html`: each begins where the one before ended.

/// One phase of the check.
#[derive(Debug, Clone)]
pub struct Phase {
    /// "DNS", "TCP connect", "TLS handshake", "First byte".
    pub name: &'static str,
    pub outcome: Reached,
}

/// How far a phase came.
#[derive(Debug, Clone)]
pub enum Reached {
    /// Milliseconds.
    Took(u32),
    /// Why it failed: "certificate expired 2 days ago".
    Failed(String),
    /// Not needed (no TLS) or after the failed one.
    Skipped,
}

/// A phase as drawn: a bar that begins where the one before it ended.
pub(super) struct Drawn<'a> {
    pub(super) name: &'static str,
    /// `None`: it failed or was skipped.
    pub(super) bar: Option<Bar>,
    pub(super) failed: Option<&'a str>,
    /// For a phase that did not happen.
    pub(super) why_not: &'static str,
}

pub(super) struct Bar {
    /// In percent of the whole.
    pub(super) x: String,
    pub(super) width: String,
    pub(super) ms: u32,
}

pub(super) fn drawn(phases: &[Phase]) -> Vec<Drawn<'_>> {
    let took = |phase: &Phase| if let Reached::Took(ms) = phase.outcome { u64::from(ms) } else { 0 };
    let total = phases.iter().map(took).sum::<u64>().max(1);
    let mut before = 0;
    let mut why_not = "not needed";
    phases
        .iter()
        .map(|phase| {
            let (bar, failed) = match &phase.outcome {
                Reached::Took(ms) => {
                    let width = (u64::from(*ms) * 1000 / total).max(10);
                    let bar = Bar { x: percent(before * 1000 / total), width: percent(width), ms: *ms };
                    before += u64::from(*ms);
                    (Some(bar), None)
                }
                Reached::Failed(why) => {
                    why_not = "not reached";
                    (None, Some(why.as_str()))
                }
                Reached::Skipped => (None, None),
            };
            Drawn { name: phase.name, bar, failed, why_not }
        })
        .collect()
}

fn percent(permille: u64) -> String {
    format!("{}.{}%", permille / 10, permille % 10)
}
