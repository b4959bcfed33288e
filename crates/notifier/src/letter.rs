//! From the words of a mail to the mail: headers, thread, list headers, both parts.

use std::time::{Duration, SystemTime};

use domain::notification::Delivery;
use domain::time::Timestamp;
use lettre::Message as Letter;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};

use crate::message::Content;

/// Who writes.
#[derive(Debug, Clone)]
pub struct Sender {
    mailbox: Mailbox,
}

impl Sender {
    /// `local@domain` or `Name <local@domain>`. `None`: it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(|mailbox| Self { mailbox })
    }

    fn domain(&self) -> &str {
        self.mailbox.email.domain()
    }
}

/// The mail of a delivery. The same delivery has the same `Message-ID` at every try (F-02). `None`: a header would hold
/// a line break or the recipient is no address, and no try will change that.
pub(crate) fn write(
    sender: &Sender,
    delivery: &Delivery,
    content: Content,
    now: Timestamp,
) -> Option<Letter> {
    let to: Mailbox = delivery.recipient.parse().ok()?;
    let mut headers = vec![("Auto-Submitted", "auto-generated".to_owned())];
    if let Some(link) = content.unsubscribe_link {
        // RFC 8058; the link itself is the proof, so a POST without cookies is enough (T-14).
        headers.push(("List-Unsubscribe", format!("<{link}>")));
        headers.push(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
    }
    let values = headers.iter().map(|(_, value)| value.as_str());
    let is_clean = |value: &str| !value.contains(['\r', '\n', '\0']);
    if !values.chain([content.subject.as_str(), delivery.recipient.as_str()]).all(is_clean) {
        return None;
    }
    let domain = sender.domain();
    let mut letter = Letter::builder()
        .from(sender.mailbox.clone())
        .to(to)
        .subject(content.subject)
        .date(system_time(now))
        .message_id(Some(format!("<{}@{domain}>", delivery.id)));
    if let Some(incident) = content.thread {
        // Nobody ever gets a mail of this id: it stands for the incident, and mail programs gather what refers to it.
        let root = format!("<{incident}@{domain}>");
        letter = letter.in_reply_to(root.clone()).references(root);
    }
    for (name, value) in headers {
        letter = letter.raw_header(HeaderValue::new(HeaderName::new_from_ascii_str(name), value));
    }
    letter.multipart(MultiPart::alternative_plain_html(content.text, content.html)).ok()
}

fn system_time(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(at.ms()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::DeliveryId;
    use uuid::Uuid;

    fn content(subject: &str) -> Content {
        Content {
            subject: subject.to_owned(),
            text: "text".to_owned(),
            html: "<p>html</p>".to_owned(),
            thread: None,
            unsubscribe_link: None,
        }
    }

    fn letter(recipient: &str, content: Content) -> Option<String> {
        let delivery = Delivery {
            id: DeliveryId::new(Uuid::from_u128(7)),
            organization_id: None,
            recipient: recipient.to_owned(),
            payload: String::new(),
            attempts: 0,
            created_at: Timestamp::from_ms(0),
        };
        let sender = Sender::parse("Acme <status@example.com>").unwrap();
        let letter = write(&sender, &delivery, content, Timestamp::from_ms(1_795_428_000_000))?;
        Some(String::from_utf8(letter.formatted()).unwrap())
    }

    #[test]
    fn a_line_break_in_a_header_is_refused() {
        assert!(letter("alice@example.org", content("Fine")).is_some());
        for bad in ["a\r\nBcc: bob@example.org", "a\nb", "a\rb", "a\0b"] {
            assert_eq!(letter("alice@example.org", content(bad)), None, "{bad:?}");
            assert_eq!(letter(&format!("{bad}@example.org"), content("Fine")), None, "{bad:?}");
            let link = Some(format!("https://example.com/{bad}"));
            assert_eq!(letter("alice@example.org", Content { unsubscribe_link: link, ..content("x") }), None);
        }
    }

    #[test]
    fn the_date_is_the_given_instant_and_says_its_zone() {
        let raw = letter("alice@example.org", content("Fine")).unwrap();
        assert!(raw.contains("Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n"), "{raw}");
        assert!(raw.contains("Message-ID: <dl_00000000000000000000000007@example.com>\r\n"), "{raw}");
        assert!(raw.contains("Auto-Submitted: auto-generated\r\n"), "{raw}");
        assert!(!raw.contains("List-Unsubscribe"), "{raw}");
    }

    #[test]
    fn a_long_unsubscribe_link_stays_in_one_piece() {
        let link = format!("https://status.example.com/p/acme/main/unsubscribe/sb_{}", "x".repeat(80));
        let list = Content { unsubscribe_link: Some(link.clone()), ..content("x") };
        let raw = letter("alice@example.org", list).unwrap().replace("\r\n ", " ");
        assert!(raw.contains(&format!("<{link}>\r\n")), "{raw}");
        assert!(raw.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"), "{raw}");
    }
}
