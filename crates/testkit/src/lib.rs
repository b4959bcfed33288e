//! Test-only: databases, a frozen clock, an SMTP sink, a scripted target server, a browser, a log that counts.
//! Helpers that two tests share live here and nowhere else.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "this crate runs in tests only, where a panic with a message is the right answer"
)]

mod clock;
mod database;
mod logs;
mod postgres;
mod run;
mod sqlite;

pub use clock::{START, TestClock, TestIds};
pub use database::{FromTestDatabase, Kind, TestDatabase};
pub use logs::ErrorLog;
pub use run::{Flavor, run};
pub use testkit_macros::db_test;
