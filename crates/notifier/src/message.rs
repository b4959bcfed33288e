//! The words of each mail: one subject, one text and one HTML template per message.

use askama::Template;
use domain::id::IncidentId;
use domain::incident::IncidentStatus;
use domain::notification::Message;
use domain::time::Timestamp;

use crate::templates::{Colours, Html, Service, Subject, Text};

/// A mail without its envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    pub subject: String,
    pub text: String,
    pub html: String,
    /// Mails about one incident stand in one thread.
    pub thread: Option<IncidentId>,
    /// Where one click ends the subscription (RFC 8058). `None`: not a list.
    pub unsubscribe_link: Option<String>,
}

/// A short name of the message for logs and file names.
pub const fn kind(message: &Message) -> &'static str {
    match message {
        Message::VerifyEmail { .. } => "verify-email",
        Message::ResetPassword { .. } => "reset-password",
        Message::ChangeEmail { .. } => "change-email",
        Message::EmailChanged { .. } => "email-changed",
        Message::PasswordChanged {} => "password-changed",
        Message::Invitation { .. } => "invitation",
        Message::ConfirmSubscription { .. } => "confirm-subscription",
        Message::IncidentUpdate { .. } => "incident-update",
        Message::SubscribersFull { .. } => "subscribers-full",
    }
}

/// Writes the mail. `public_url` is where the installation is reached, without a slash at the end.
pub fn render(message: &Message, public_url: &str) -> askama::Result<Content> {
    let host = public_url.split_once("://").map_or(public_url, |(_, host)| host);
    let reset_link = format!("{public_url}/forgot");
    let update = Update::of(message);
    let (subject, text, html) = match message {
        Message::VerifyEmail { link } => (
            Subject::VerifyEmail { host },
            Text::VerifyEmail { host, link },
            Html::VerifyEmail { host, link },
        ),
        Message::ResetPassword { link } => (
            Subject::ResetPassword { host },
            Text::ResetPassword { host, link },
            Html::ResetPassword { host, link },
        ),
        Message::ChangeEmail { link, new_address } => (
            Subject::ChangeEmail { host },
            Text::ChangeEmail { host, link, new_address },
            Html::ChangeEmail { host, link, new_address },
        ),
        Message::EmailChanged { new_address } => (
            Subject::EmailChanged { host },
            Text::EmailChanged { host, new_address },
            Html::EmailChanged { host, new_address },
        ),
        Message::PasswordChanged {} => {
            let reset_link = &reset_link;
            (
                Subject::PasswordChanged { host },
                Text::PasswordChanged { host, reset_link },
                Html::PasswordChanged { host, reset_link },
            )
        }
        Message::Invitation { organization, inviter, role, link } => (
            Subject::Invitation { inviter, organization },
            Text::Invitation { host, organization, inviter, role, link },
            Html::Invitation { host, organization, inviter, role, link },
        ),
        Message::ConfirmSubscription { page, page_link, link } => (
            Subject::ConfirmSubscription { page },
            Text::ConfirmSubscription { page, page_link, link },
            Html::ConfirmSubscription { page, page_link, link },
        ),
        Message::IncidentUpdate { page, incident, status, body, link, unsubscribe_link, .. } => {
            incident_update(&update, (page, incident), status.label(), body, (link, unsubscribe_link))
        }
        Message::SubscribersFull { page, limit, link } => (
            Subject::SubscribersFull { page },
            Text::SubscribersFull { host, page, limit: *limit, link },
            Html::SubscribersFull { host, page, limit: *limit, link },
        ),
    };
    Ok(Content {
        subject: subject.render()?.trim_end().to_owned(),
        text: text.render()?,
        html: html.render()?,
        thread: update.thread,
        unsubscribe_link: update.unsubscribe_link,
    })
}

fn incident_update<'a>(
    update: &'a Update,
    (page, incident): (&'a str, &'a str),
    status: &'a str,
    body: &'a str,
    (link, unsubscribe_link): (&'a str, &'a str),
) -> (Subject<'a>, Text<'a>, Html<'a>) {
    let Update { is_open, services, posted_at, .. } = update;
    let is_open = *is_open;
    let paragraphs = paragraphs(body);
    let preview = paragraphs.first().and_then(|lines| lines.first()).copied().unwrap_or(incident);
    let text = Text::IncidentUpdate {
        page,
        incident,
        status,
        body,
        services,
        is_open,
        posted_at,
        link,
        unsubscribe_link,
    };
    let html = Html::IncidentUpdate {
        page,
        incident,
        status,
        preview,
        colours: colours(services, is_open),
        paragraphs,
        services,
        is_open,
        posted_at,
        link,
        unsubscribe_link,
    };
    (Subject::IncidentUpdate { page, incident, status }, text, html)
}

/// What an incident mail needs besides the words of the message; empty for every other mail.
#[derive(Default)]
struct Update {
    is_open: bool,
    services: Vec<Service>,
    posted_at: String,
    thread: Option<IncidentId>,
    unsubscribe_link: Option<String>,
}

impl Update {
    fn of(message: &Message) -> Self {
        let Message::IncidentUpdate { status, services, posted_at, incident_id, unsubscribe_link, .. } =
            message
        else {
            return Self::default();
        };
        Self {
            is_open: IncidentStatus::is_open(*status),
            services: services.iter().map(|(name, status)| Service::new(name, *status)).collect(),
            posted_at: instant(*posted_at),
            thread: Some(*incident_id),
            unsubscribe_link: Some(unsubscribe_link.clone()),
        }
    }
}

fn colours(services: &[Service], is_open: bool) -> Colours {
    let worst = services.iter().map(|service| service.status).max();
    Colours::of_status(worst.filter(|_| is_open).unwrap_or_default())
}

/// Blank lines end a paragraph. The Markdown stays as it was written: it reads well as text.
fn paragraphs(body: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = body.lines().map(str::trim_end).collect();
    lines.split(|line| line.is_empty()).filter(|lines| !lines.is_empty()).map(<[&str]>::to_vec).collect()
}

/// "23 Nov 2026, 10:02 UTC" (X63).
fn instant(at: Timestamp) -> String {
    at.to_jiff().strftime("%-d %b %Y, %H:%M UTC").to_string()
}
