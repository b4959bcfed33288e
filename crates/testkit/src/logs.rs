//! A tracing subscriber for one test: keeps error-level events, so that a test can say that there were none, and
//! prints what `RUST_LOG` asks for (warnings unless set) among the test's output.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::{EnvFilter, fmt};

/// The error-level events of one test, each as one line. Clones share the list.
#[derive(Debug, Clone, Default)]
pub struct ErrorLog(Arc<Mutex<Vec<String>>>);

impl ErrorLog {
    /// A subscriber that writes into this list.
    pub fn dispatch(&self) -> Dispatch {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
        let printed = fmt::layer().with_test_writer().without_time().with_filter(filter);
        // Without a filter of its own it would switch on every debug event of every library.
        let recorder = Recorder(self.clone()).with_filter(LevelFilter::ERROR);
        Dispatch::new(tracing_subscriber::registry().with(recorder).with(printed))
    }

    /// Takes what was logged so far: for tests that expect an error.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// # Panics
    /// When something was logged at error level and not taken.
    pub fn assert_none(&self) {
        let lines = self.take();
        assert!(lines.is_empty(), "logged at error level:\n{}", lines.join("\n"));
    }
}

/// Everything that is logged, down to trace and from every library: for tests that look for secrets (T-22). Clones
/// share the text.
#[derive(Debug, Clone, Default)]
pub struct TraceLog(Arc<Mutex<String>>);

impl TraceLog {
    /// A subscriber that writes into this text. It also hears threads that have none of their own, such as those of
    /// SQLite's driver, if it is the first of this process.
    pub fn dispatch(&self) -> Dispatch {
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(Everything(self.clone())));
        let _ = tracing::dispatcher::set_global_default(dispatch.clone());
        dispatch
    }

    pub fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    fn push(&self, line: &Line) {
        let mut text = self.0.lock().unwrap();
        text.push_str(&line.0);
        text.push('\n');
    }
}

struct Everything(TraceLog);

impl<S: Subscriber> Layer<S> for Everything {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let mut line = Line(attributes.metadata().name().to_owned());
        attributes.record(&mut line);
        self.0.push(&line);
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut line = Line(String::new());
        values.record(&mut line);
        self.0.push(&line);
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line(event.metadata().target().to_owned());
        event.record(&mut line);
        self.0.push(&line);
    }
}

struct Recorder(ErrorLog);

impl<S: Subscriber> Layer<S> for Recorder {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line(event.metadata().target().to_owned());
        event.record(&mut line);
        self.0.0.lock().unwrap().push(line.0);
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let separator = if field.name() == "message" { ": " } else { &format!(" {}=", field.name()) };
        write!(self.0, "{separator}{value:?}").unwrap();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_and_spans_of_every_level_are_kept() {
        let log = TraceLog::default();
        tracing::dispatcher::with_default(&log.dispatch(), || {
            let span = tracing::trace_span!("asked", by = "alice", later = tracing::field::Empty);
            span.record("later", "bob");
            tracing::trace!(who = "charlie", "said");
        });
        for word in ["alice", "bob", "charlie", "said"] {
            assert!(log.text().contains(word), "{word} in {}", log.text());
        }
    }

    #[test]
    fn errors_are_kept_and_warnings_are_not() {
        let log = ErrorLog::default();
        tracing::dispatcher::with_default(&log.dispatch(), || {
            tracing::warn!("not so bad");
            tracing::error!(number = 7, "that is bad");
        });
        assert_eq!(log.take(), ["testkit::logs::tests: that is bad number=7"]);
        log.assert_none();
    }
}
