//! Who owns a host may ask not to be checked: with a TXT record in its DNS (T-19).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::{RData, RecordType};
use tokio::time::{Instant, timeout};

/// Before the name of the host.
const LABEL: &str = "_indie-status";
/// What the record says.
const WISH: &str = "checks=no";
const MEMORY: Duration = Duration::from_hours(1);
/// Of a look-up that failed, which counts as no wish.
const MEMORY_OF_FAILURE: Duration = Duration::from_mins(5);
const PATIENCE: Duration = Duration::from_secs(1);
const MAX_KNOWN: usize = 20_000;

/// What was found out within the last hour.
#[derive(Debug, Default)]
pub(crate) struct OptOuts(Mutex<HashMap<String, Known>>);

#[derive(Debug, Clone, Copy)]
struct Known {
    is_out: bool,
    until: Instant,
}

impl OptOuts {
    /// Whether the owner of this name wants no checks. Takes a second at most; a look-up that fails is no wish.
    pub(crate) async fn is_out(&self, resolver: &TokioResolver, name: &str) -> bool {
        let known = self.lock().get(name).copied().filter(|known| known.until > Instant::now());
        if let Some(known) = known {
            return known.is_out;
        }
        let (is_out, memory) = match ask(resolver, name).await {
            Some(is_out) => (is_out, MEMORY),
            None => (false, MEMORY_OF_FAILURE),
        };
        self.remember(name, Known { is_out, until: Instant::now() + memory });
        is_out
    }

    fn remember(&self, name: &str, known: Known) {
        let mut all = self.lock();
        if all.len() >= MAX_KNOWN {
            let now = Instant::now();
            all.retain(|_, known| known.until > now);
            if all.len() >= MAX_KNOWN {
                all.clear();
            }
        }
        all.insert(name.to_owned(), known);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `None`: nobody could say.
async fn ask(resolver: &TokioResolver, name: &str) -> Option<bool> {
    let question = resolver.lookup(format!("{LABEL}.{name}."), RecordType::TXT);
    match timeout(PATIENCE, question).await.ok()? {
        Ok(answer) => Some(answer.answers().iter().any(|record| is_wish(&record.data))),
        Err(error) if error.is_no_records_found() => Some(false),
        Err(_) => None,
    }
}

fn is_wish(data: &RData) -> bool {
    let RData::TXT(text) = data else { return false };
    text.txt_data.concat().trim_ascii().eq_ignore_ascii_case(WISH.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_has_an_end() {
        let outs = OptOuts::default();
        let until = Instant::now() + MEMORY;
        for number in 0..3 * MAX_KNOWN {
            outs.remember(&number.to_string(), Known { is_out: false, until });
        }
        assert!(outs.lock().len() <= MAX_KNOWN);
    }
}
