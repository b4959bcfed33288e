//! The templates of every mail with what each needs, and nothing else.

use askama::Template;
use domain::service::ServiceStatus;

/// An affected service as the mail shows it.
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) status: ServiceStatus,
    /// In words.
    pub(crate) state: &'static str,
    pub(crate) colour: &'static str,
}

impl Service {
    pub(crate) fn new(name: &str, status: ServiceStatus) -> Self {
        Self {
            name: name.to_owned(),
            status,
            state: status.label(),
            colour: Colours::of_status(status).words,
        }
    }
}

/// Ground and words of the band at the top: the light theme of the pages, as mail programs know one theme only.
pub(crate) struct Colours {
    pub(crate) ground: &'static str,
    pub(crate) words: &'static str,
}

impl Colours {
    pub(crate) const fn of_status(status: ServiceStatus) -> Self {
        let (ground, words) = match status {
            ServiceStatus::Operational => ("#E3F6F1", "#0A6E5E"),
            ServiceStatus::UnderMaintenance => ("#E9EBFF", "#3A43B8"),
            ServiceStatus::DegradedPerformance => ("#FFF4D6", "#7A5600"),
            ServiceStatus::PartialOutage => ("#FFE9DC", "#9A3100"),
            ServiceStatus::MajorOutage => ("#FBE4EC", "#6E0B33"),
        };
        Self { ground, words }
    }
}

#[derive(Template)]
pub(crate) enum Subject<'a> {
    #[template(path = "verify_email/subject.txt")]
    VerifyEmail { host: &'a str },
    #[template(path = "reset_password/subject.txt")]
    ResetPassword { host: &'a str },
    #[template(path = "change_email/subject.txt")]
    ChangeEmail { host: &'a str },
    #[template(path = "email_changed/subject.txt")]
    EmailChanged { host: &'a str },
    #[template(path = "password_changed/subject.txt")]
    PasswordChanged { host: &'a str },
    #[template(path = "invitation/subject.txt")]
    Invitation { inviter: &'a str, organization: &'a str },
    #[template(path = "confirm_subscription/subject.txt")]
    ConfirmSubscription { page: &'a str },
    #[template(path = "incident_update/subject.txt")]
    IncidentUpdate { page: &'a str, incident: &'a str, status: &'a str },
    #[template(path = "subscribers_full/subject.txt")]
    SubscribersFull { page: &'a str },
}

#[derive(Template)]
pub(crate) enum Text<'a> {
    #[template(path = "verify_email/body.txt")]
    VerifyEmail { host: &'a str, link: &'a str },
    #[template(path = "reset_password/body.txt")]
    ResetPassword { host: &'a str, link: &'a str },
    #[template(path = "change_email/body.txt")]
    ChangeEmail { host: &'a str, link: &'a str, new_address: &'a str },
    #[template(path = "email_changed/body.txt")]
    EmailChanged { host: &'a str, new_address: &'a str },
    #[template(path = "password_changed/body.txt")]
    PasswordChanged { host: &'a str, reset_link: &'a str },
    #[template(path = "invitation/body.txt")]
    Invitation { host: &'a str, organization: &'a str, inviter: &'a str, role: &'a str, link: &'a str },
    #[template(path = "confirm_subscription/body.txt")]
    ConfirmSubscription { page: &'a str, page_link: &'a str, link: &'a str },
    #[template(path = "incident_update/body.txt")]
    IncidentUpdate {
        page: &'a str,
        incident: &'a str,
        status: &'a str,
        body: &'a str,
        services: &'a [Service],
        is_open: bool,
        posted_at: &'a str,
        link: &'a str,
        unsubscribe_link: &'a str,
    },
    #[template(path = "subscribers_full/body.txt")]
    SubscribersFull { host: &'a str, page: &'a str, limit: u32, link: &'a str },
}

#[derive(Template)]
pub(crate) enum Html<'a> {
    #[template(path = "verify_email/body.html")]
    VerifyEmail { host: &'a str, link: &'a str },
    #[template(path = "reset_password/body.html")]
    ResetPassword { host: &'a str, link: &'a str },
    #[template(path = "change_email/body.html")]
    ChangeEmail { host: &'a str, link: &'a str, new_address: &'a str },
    #[template(path = "email_changed/body.html")]
    EmailChanged { host: &'a str, new_address: &'a str },
    #[template(path = "password_changed/body.html")]
    PasswordChanged { host: &'a str, reset_link: &'a str },
    #[template(path = "invitation/body.html")]
    Invitation { host: &'a str, organization: &'a str, inviter: &'a str, role: &'a str, link: &'a str },
    #[template(path = "confirm_subscription/body.html")]
    ConfirmSubscription { page: &'a str, page_link: &'a str, link: &'a str },
    #[template(path = "incident_update/body.html")]
    IncidentUpdate {
        page: &'a str,
        incident: &'a str,
        status: &'a str,
        preview: &'a str,
        colours: Colours,
        paragraphs: Vec<Vec<&'a str>>,
        services: &'a [Service],
        is_open: bool,
        posted_at: &'a str,
        link: &'a str,
        unsubscribe_link: &'a str,
    },
    #[template(path = "subscribers_full/body.html")]
    SubscribersFull { host: &'a str, page: &'a str, limit: u32, link: &'a str },
}
