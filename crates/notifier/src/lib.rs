//! Tells people: claims messages from the outbox, writes the mail, hands it to the mail server or to a folder, and
//! settles. At least once, never lost; a second copy has the same `Message-ID` (F-02).
//!
//! `worker` claims and settles, `message` renders the texts of `templates/`, `letter` puts headers and parts together,
//! `transport` sends.

mod letter;
mod message;
#[expect(clippy::ref_binding_to_reference, reason = "the derive of askama matches on its variants like that")]
mod templates;
mod transport;
mod worker;

pub use letter::Sender;
pub use message::{Content, kind, render};
pub use transport::{Failure, MailTransport, Mailer, Route, SmtpServer, Tls, TransportError};
pub use worker::{AT_ONCE, deliver_due, run};
