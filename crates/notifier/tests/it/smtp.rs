//! The way to the mail server, in good and in bad times: at least once, never lost.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use notifier::{Failure, Mailer, deliver_due, run};
use testkit::{Mail, SmtpMode, SmtpSink, TestContext, db_test};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::desk::{queues, smtp, waiting};

/// Recipients, each of which must have got exactly one mail.
fn once_each(mails: &[Mail]) -> BTreeSet<String> {
    let recipients: BTreeSet<String> = mails.iter().map(|mail| mail.to[0].clone()).collect();
    assert_eq!(mails.len(), recipients.len(), "somebody got a mail twice");
    recipients
}

fn readers(number: usize) -> BTreeSet<String> {
    (0..number).map(|index| format!("reader{index}@example.org")).collect()
}

async fn claims(test: &TestContext) -> Vec<domain::notification::Delivery> {
    let mut tx = test.db.write().await.unwrap();
    let now = test.now();
    let claimed = store::outbox::claim(&mut tx, now, now.plus_s(180), 8, 8).await.unwrap();
    tx.commit().await.unwrap();
    claimed
}

#[db_test]
async fn a_mail_arrives_with_its_headers_and_both_parts(test: TestContext) {
    let sink = SmtpSink::start().await;
    queues(&test, 1).await;
    assert_eq!(deliver_due(&test, &smtp(&sink)).await, 1);
    assert_eq!(waiting(&test).await, 0);
    let mail = sink.mail_to("reader0@example.org").await;
    assert_eq!(mail.from, "status@example.com");
    assert_eq!(mail.subject(), "[Identified] Elevated error rate — Acme");
    let header = |name: &str| mail.header(name).unwrap_or_default();
    assert_eq!(header("From"), "\"Example Status\" <status@example.com>");
    assert_eq!(header("To"), "reader0@example.org");
    assert_eq!(header("Date"), "Mon, 23 Nov 2026 10:00:00 +0000");
    assert!(header("Message-ID").starts_with("<dl_") && header("Message-ID").ends_with("@example.com>"));
    let thread = "<in_00000000000000000000000007@example.com>";
    assert_eq!((header("In-Reply-To").as_str(), header("References").as_str()), (thread, thread));
    // T-14, RFC 8058
    let link = "https://status.example.com/p/acme/main/unsubscribe/sb_1.proof";
    assert_eq!(header("List-Unsubscribe"), format!("<{link}>"));
    assert_eq!(header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    assert!(mail.text().contains("News.") && mail.html().unwrap().contains("News."));
    assert_eq!(mail.link("/unsubscribe/"), link);
}

#[db_test]
async fn after_every_kind_of_trouble_each_mail_arrives_once(test: TestContext) {
    // F-08
    let sink = SmtpSink::start().await;
    let mailer = smtp(&sink);
    queues(&test, 12).await;
    let modes = [SmtpMode::Refuse, SmtpMode::Unavailable421, SmtpMode::Busy450, SmtpMode::Hang];
    let waits_s = [5, 300, 1800, 1800];
    for (mode, wait_s) in modes.into_iter().zip(waits_s) {
        sink.set_mode(mode).await;
        // Each mail in this list would wait for a server that says nothing; one is enough to see.
        if mode == SmtpMode::Hang {
            let delivery = &claims(&test).await[0];
            assert_eq!(mailer.deliver(delivery, test.now()).await, Err(Failure::TimedOut));
            test.clock.advance_s(180);
            continue;
        }
        assert_eq!(deliver_due(&test, &mailer).await, 12, "{mode:?}");
        assert_eq!(deliver_due(&test, &mailer).await, 0, "{mode:?}: not at once again");
        test.clock.advance_s(wait_s - 1);
        assert_eq!(deliver_due(&test, &mailer).await, 0, "{mode:?}: back-off");
        test.clock.advance_s(1);
    }
    assert!(sink.mails().is_empty());
    sink.set_mode(SmtpMode::Accept).await;
    assert_eq!(deliver_due(&test, &mailer).await, 12);
    assert_eq!(once_each(&sink.mails()), readers(12));
    assert_eq!(waiting(&test).await, 0);
}

#[db_test]
async fn each_trouble_has_its_word(test: TestContext) {
    let sink = SmtpSink::start().await;
    let mailer = smtp(&sink);
    queues(&test, 1).await;
    let delivery = claims(&test).await.remove(0);
    let cases = [
        (SmtpMode::Refuse, Err(Failure::Unreachable)),
        (SmtpMode::Unavailable421, Err(Failure::Unreachable)),
        (SmtpMode::Busy450, Err(Failure::Deferred)),
        (SmtpMode::Unknown550, Err(Failure::Refused)),
        (SmtpMode::Hang, Err(Failure::TimedOut)),
        (SmtpMode::Accept, Ok(())),
    ];
    for (mode, expected) in cases {
        sink.set_mode(mode).await;
        assert_eq!(mailer.deliver(&delivery, test.now()).await, expected, "{mode:?}");
    }
}

#[db_test]
async fn a_refused_address_is_given_up_at_the_third_try(test: TestContext) {
    // F-08
    let sink = SmtpSink::start().await;
    let mailer = smtp(&sink);
    sink.set_mode(SmtpMode::Unknown550).await;
    queues(&test, 2).await;
    for wait_s in [5, 300] {
        assert_eq!(deliver_due(&test, &mailer).await, 2);
        test.clock.advance_s(wait_s);
    }
    assert_eq!(waiting(&test).await, 2);
    assert_eq!(deliver_due(&test, &mailer).await, 2);
    assert_eq!(waiting(&test).await, 0, "failed for good");
    sink.set_mode(SmtpMode::Accept).await;
    test.clock.advance_s(100_000);
    assert_eq!(deliver_due(&test, &mailer).await, 0);
    assert!(sink.mails().is_empty());
}

#[db_test]
async fn a_mail_that_left_before_the_kill_comes_again_under_the_same_id(test: TestContext) {
    // F-02: killed between the server's "taken" and our note of it.
    let sink = SmtpSink::start().await;
    let mailer = smtp(&sink);
    queues(&test, 1).await;
    let delivery = claims(&test).await.remove(0);
    mailer.deliver(&delivery, test.now()).await.unwrap();
    test.clock.advance_s(179);
    assert_eq!(deliver_due(&test, &mailer).await, 0, "the lease still holds");
    test.clock.advance_s(1);
    assert_eq!(deliver_due(&test, &mailer).await, 1);
    let mails = sink.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
}

#[db_test]
async fn a_payload_that_cannot_be_read_fails_alone(test: TestContext) {
    let sink = SmtpSink::start().await;
    let broken = store::outbox::NewDelivery {
        id: domain::id::DeliveryId::new(test.uuid(test.now())),
        organization_id: None,
        dedup_key: "broken",
        recipient: "nobody@example.org",
        payload: "{\"kind\":\"unknown\"}",
    };
    let mut tx = test.db.write().await.unwrap();
    store::outbox::insert(&mut tx, &broken, test.now()).await.unwrap();
    tx.commit().await.unwrap();
    queues(&test, 1).await;
    assert_eq!(deliver_due(&test, &smtp(&sink)).await, 2);
    assert_eq!(once_each(&sink.mails()), readers(1));
    assert_eq!(waiting(&test).await, 0);
}

/// Starts the loop as the server does.
fn starts(test: &TestContext, mailer: Arc<Mailer>) -> (JoinHandle<()>, CancellationToken) {
    let stop = CancellationToken::new();
    let mailer = Arc::into_inner(mailer).unwrap();
    (tokio::spawn(run(test.ctx.clone(), mailer, stop.clone())), stop)
}

#[db_test(flavor = "multi_thread")]
async fn two_workers_deliver_everything_once_and_stop_when_told(test: TestContext) {
    // F-02, X52
    let sink = SmtpSink::start().await;
    let workers = [starts(&test, smtp(&sink)), starts(&test, smtp(&sink))];
    queues(&test, 100).await;
    for _ in 0..200 {
        if waiting(&test).await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(once_each(&sink.mails()), readers(100));
    for (worker, stop) in workers {
        stop.cancel();
        tokio::time::timeout(Duration::from_secs(2), worker).await.unwrap().unwrap();
    }
}

#[db_test(flavor = "multi_thread")]
async fn a_stop_lets_mails_on_their_way_arrive_and_leaves_the_rest(test: TestContext) {
    // F-03
    let sink = SmtpSink::start().await;
    queues(&test, 60).await;
    let (worker, stop) = starts(&test, smtp(&sink));
    for _ in 0..500 {
        if !sink.mails().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), worker).await.unwrap().unwrap();
    let sent = once_each(&sink.mails()).len();
    assert_eq!(sent + waiting(&test).await, 60, "what left is settled, what did not waits");

    let (worker, stop) = starts(&test, smtp(&sink));
    for _ in 0..200 {
        if waiting(&test).await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop.cancel();
    worker.await.unwrap();
    assert_eq!(once_each(&sink.mails()), readers(60));
}
