//! Messages of each kind, and an outbox to put them into.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::id::{DeliveryId, IncidentId};
use domain::incident::IncidentStatus;
use domain::notification::Message;
use domain::service::ServiceStatus;
use notifier::{MailTransport, Mailer, Route, SmtpServer, Tls};
use store::outbox::NewDelivery;
use testkit::{START, SmtpSink, TestContext};
use uuid::Uuid;

pub(crate) const PUBLIC_URL: &str = "https://status.example.com";
const ROOT: &str = "https://status.example.com/p/acme/main";

/// An update of the same incident each time.
pub(crate) fn incident_update(status: IncidentStatus, body: &str) -> Message {
    Message::IncidentUpdate {
        page: "Acme".into(),
        incident: "Elevated error rate".into(),
        status,
        body: body.into(),
        services: vec![
            ("API".into(), ServiceStatus::MajorOutage),
            ("Web & <shop>".into(), ServiceStatus::DegradedPerformance),
        ],
        posted_at: START.plus_s(131),
        incident_id: IncidentId::new(Uuid::from_u128(7)),
        link: format!("{ROOT}/incidents/in_7"),
        unsubscribe_link: format!("{ROOT}/unsubscribe/sb_1.proof"),
    }
}

/// One of each.
pub(crate) fn all() -> Vec<Message> {
    let link = |path: &str| format!("{PUBLIC_URL}/{path}");
    vec![
        Message::VerifyEmail { link: link("verify?token=secret") },
        Message::ResetPassword { link: link("reset?token=secret") },
        Message::ChangeEmail {
            link: link("change-email?token=secret"),
            new_address: "alice@new.example".into(),
        },
        Message::EmailChanged { new_address: "alice@new.example".into() },
        Message::PasswordChanged {},
        Message::Invitation {
            organization: "Acme & Sons".into(),
            inviter: "Alice <b>".into(),
            role: "admin".into(),
            link: link("invitations/secret"),
        },
        Message::ConfirmSubscription {
            page: "Acme".into(),
            page_link: ROOT.into(),
            link: format!("{ROOT}/confirm/secret"),
        },
        incident_update(
            IncidentStatus::Identified,
            "A *bad* deploy <script>alert(1)</script>\nis rolled back.\n\n- API\n- Web",
        ),
        Message::SubscribersFull { page: "Acme".into(), limit: 25, link: link("orgs/acme/plan") },
    ]
}

/// Queues messages to `reader0@example.org`, `reader1@…`.
pub(crate) async fn queues(test: &TestContext, number: usize) {
    let payload = serde_json::to_string(&incident_update(IncidentStatus::Identified, "News.")).unwrap();
    let mut tx = test.db.write().await.unwrap();
    for index in 0..number {
        let (key, recipient) = (format!("key:{index}"), format!("reader{index}@example.org"));
        let delivery = NewDelivery {
            id: DeliveryId::new(test.uuid(test.now())),
            organization_id: None,
            dedup_key: &key,
            recipient: &recipient,
            payload: &payload,
        };
        assert!(store::outbox::insert(&mut tx, &delivery, test.now()).await.unwrap());
    }
    tx.commit().await.unwrap();
    test.signals.outbox_filled();
}

/// How many messages wait.
pub(crate) async fn waiting(test: &TestContext) -> usize {
    store::outbox::list_queued(&mut test.db.read().await.unwrap()).await.unwrap().len()
}

pub(crate) fn smtp(sink: &SmtpSink) -> Arc<Mailer> {
    let server = SmtpServer {
        host: "127.0.0.1".into(),
        port: sink.port(),
        tls: Tls::Off,
        log_in: None,
        timeout: Duration::from_millis(300),
    };
    mailer(Route::Smtp(server))
}

pub(crate) fn files(folder: PathBuf) -> Arc<Mailer> {
    mailer(Route::Files(folder))
}

fn mailer(route: Route) -> Arc<Mailer> {
    let transport = MailTransport { from: "Example Status <status@example.com>".into(), route };
    Arc::new(Mailer::new(transport, PUBLIC_URL, 8).unwrap())
}
