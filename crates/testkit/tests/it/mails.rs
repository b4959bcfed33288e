//! The SMTP sink, spoken to by hand.

use std::time::Duration;

use testkit::{RawClient, SmtpMode, SmtpSink};

const MAIL: &str = concat!(
    "EHLO test\r\nMAIL FROM:<status@example.com>\r\nRCPT TO:<alice@example.com>\r\nDATA\r\n",
    "Subject: Hello\r\n\r\nOpen http://127.0.0.1/verify?token=abc\r\n..dots\r\n.\r\nQUIT\r\n",
);

async fn send(sink: &SmtpSink) -> String {
    let mut client = RawClient::connect(sink.address()).await.unwrap();
    client.send(MAIL).await.unwrap();
    client.read_until_closed(Duration::from_millis(300)).await.0
}

#[tokio::test]
async fn the_sink_keeps_what_it_is_given() {
    let sink = SmtpSink::start().await;
    assert!(send(&sink).await.ends_with("250 2.0.0 Kept\r\n221 2.0.0 Bye\r\n"));
    let mail = sink.mail_to("alice@example.com").await;
    assert_eq!(mail.from, "status@example.com");
    assert_eq!(mail.subject(), "Hello");
    assert_eq!(mail.text(), "Open http://127.0.0.1/verify?token=abc\n.dots");
    assert_eq!(mail.link("/verify"), "http://127.0.0.1/verify?token=abc");
    assert!(sink.mails_to("bob@example.com").is_empty());
}

#[tokio::test]
async fn the_sink_fails_as_told_and_recovers() {
    let sink = SmtpSink::start().await;
    for (mode, expected) in [
        (SmtpMode::Unavailable421, "421 "),
        (SmtpMode::Busy450, "\r\n450 "),
        (SmtpMode::Unknown550, "\r\n550 "),
        (SmtpMode::Hang, ""),
    ] {
        sink.set_mode(mode).await;
        let said = send(&sink).await;
        assert!(said.contains(expected), "{mode:?}: {said}");
        assert_eq!(said.is_empty(), mode == SmtpMode::Hang, "{said}");
        assert!(sink.mails().is_empty());
    }
    sink.set_mode(SmtpMode::Refuse).await;
    RawClient::connect(sink.address()).await.expect_err("nobody listens");
    sink.set_mode(SmtpMode::Accept).await;
    send(&sink).await;
    assert_eq!(sink.take().len(), 1);
}
