//! The product's actions on the database of one test.

use std::ops::Deref;
use std::sync::Arc;

use actions::secrets::Keys;
use actions::signals::Signals;
use actions::{Context, Passwords, Policy};
use domain::notification::Message;

use crate::clock::{TestClock, TestIds};
use crate::database::{FromTestDatabase, TestDatabase};

/// What an action is given, with a frozen clock, seeded ids and quick password hashes. Plans are enforced,
/// registration is open. A `#[db_test]` may take it as its argument.
#[derive(Clone)]
pub struct TestContext {
    pub ctx: Context,
    pub clock: TestClock,
}

impl TestContext {
    pub fn new(database: &TestDatabase) -> Self {
        let clock = TestClock::default();
        let ctx = Context {
            db: (**database).clone(),
            clock: Arc::new(clock.clone()),
            ids: Arc::new(TestIds::default()),
            keys: Arc::new(Keys::derive(b"a key that only tests know, long enough")),
            passwords: Passwords::cheap(),
            policy: Arc::new(Policy {
                are_plans_enforced: true,
                is_registration_open: true,
                public_url: "https://status.example.com".to_owned(),
                free_organizations_per_user: domain::plan::FREE_ORGANIZATIONS_PER_USER,
            }),
            signals: Signals::default(),
        };
        Self { ctx, clock }
    }

    /// Changes the switches of the installation.
    #[must_use]
    pub fn with_policy(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        let mut policy = (*self.ctx.policy).clone();
        change(&mut policy);
        self.ctx.policy = Arc::new(policy);
        self
    }

    /// Takes all mail that waits, oldest first, as `(recipient, message)`; it counts as sent.
    pub async fn takes_mail(&self) -> Vec<(String, Message)> {
        let queued = store::outbox::list_queued(&mut self.db.read().await.unwrap()).await.unwrap();
        let mut tx = self.db.write().await.unwrap();
        let mut mails = Vec::new();
        for delivery in queued {
            assert!(store::outbox::settle_sent(&mut tx, delivery.id, self.now()).await.unwrap());
            mails.push((delivery.recipient, serde_json::from_str(&delivery.payload).unwrap()));
        }
        tx.commit().await.unwrap();
        mails
    }
}

impl Deref for TestContext {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.ctx
    }
}

impl FromTestDatabase for TestContext {
    async fn from_test_database(database: TestDatabase) -> Self {
        Self::new(&database)
    }
}
