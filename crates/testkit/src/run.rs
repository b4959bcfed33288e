//! What stands inside a test that `#[db_test]` made: runtime, database, body, checks, clean-up.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use tokio::runtime::{Builder, Runtime};

use store::Kind;

use crate::database::{FromTestDatabase, TestDatabase};
use crate::logs::ErrorLog;

/// How the body of a test is driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavor {
    CurrentThread,
    /// Two worker threads, for tests of races.
    MultiThread,
}

/// Runs `body` on a fresh, migrated database and removes that database, also when the body panics.
pub fn run<A, F>(kind: Kind, flavor: Flavor, body: impl FnOnce(A) -> F)
where
    A: FromTestDatabase,
    F: Future<Output = ()>,
{
    let errors = ErrorLog::default();
    let dispatch = errors.dispatch();
    let _logging = tracing::dispatcher::set_default(&dispatch);
    let runtime = runtime(flavor, &dispatch);
    insta::allow_duplicates! {
        runtime.block_on(async {
            let database = TestDatabase::create(kind, errors).await;
            let ended = AssertUnwindSafe(async {
                body(A::from_test_database(database.clone()).await).await;
                A::check_afterwards(&database).await;
            })
            .catch_unwind()
            .await;
            database.remove().await;
            if let Err(panic) = ended {
                std::panic::resume_unwind(panic);
            }
        });
    }
}

fn runtime(flavor: Flavor, dispatch: &tracing::Dispatch) -> Runtime {
    let mut builder = match flavor {
        Flavor::CurrentThread => Builder::new_current_thread(),
        Flavor::MultiThread => Builder::new_multi_thread(),
    };
    let dispatch = dispatch.clone();
    builder
        .worker_threads(2)
        .enable_all()
        // A default subscriber belongs to one thread: the runtime's other threads need it too.
        .on_thread_start(move || std::mem::forget(tracing::dispatcher::set_default(&dispatch)))
        .build()
        .unwrap()
}
