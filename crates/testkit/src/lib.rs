//! Test-only: databases, a frozen clock, an SMTP sink, a scripted target server, a browser, a log that counts.
//! Helpers that two tests share live here and nowhere else.
//!
//! - `#[db_test]` makes two tests of one, each with a fresh database: [`TestDatabase`], or a [`TestApp`] on it
//! - [`TestApp`]: the whole product over HTTP without a socket, with people; [`Program`]: the real binary
//! - [`Target`]: a server to be watched; [`SmtpSink`]: one that takes mail; [`Browser`]: Chromium, with an accessibility check
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "this crate runs in tests only, where a panic with a message is the right answer"
)]

mod app;
mod browser;
mod clock;
mod context;
mod database;
mod fleet;
mod hostile;
mod logs;
mod mail;
mod net;
mod postgres;
mod program;
mod rows;
mod run;
mod smtp;
mod sqlite;
mod target;

pub use app::{Answer as HttpAnswer, PASSWORD, PUBLIC_URL, Person, SentMail, TestApp};
pub use browser::{Browser, Violation};
pub use clock::{RunningClock, START, TestClock, TestIds, asked_for, wall_clock};
pub use context::TestContext;
pub use database::{FromTestDatabase, TestDatabase};
pub use fleet::Fleet;
pub use hostile::{HostileTarget, Hostility};
pub use logs::{ErrorLog, TraceLog};
pub use mail::Mail;
pub use net::{RawClient, connect, folder, free_port, send_and_forget};
pub use program::Program;
pub use run::{Flavor, run};
pub use smtp::{SmtpMode, SmtpSink};
pub use store::Kind;
pub use target::{Answer, SeenRequest, Target};
pub use testkit_macros::db_test;
pub use thirtyfour::By;
