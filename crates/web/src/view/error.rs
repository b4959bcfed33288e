//! The pages that say why something did not work: one layout, every status.

use askama::Template;

/// An error page. It stands alone: no session, no organization, no page is needed to show it.
#[derive(Debug, Clone, Template)]
#[template(path = "layout/error.html")]
pub struct ErrorPage {
    /// Path part of the public URL, without a slash at its end.
    pub base: String,
    pub status: u16,
    pub title: String,
    /// What happened and what to do next.
    pub text: String,
    /// A way on: path with `base`, and words.
    pub link: Option<(String, String)>,
    /// For questions to the operator.
    pub request_id: Option<String>,
}

impl ErrorPage {
    /// For a [`Problem`](crate::error::Problem): its status, a heading for it, and its detail.
    pub fn of_status(base: &str, status: u16, detail: &str) -> Self {
        let title = match status {
            400 | 422 => "This cannot be read",
            401 => "Log in first",
            403 => "This is not allowed",
            404 => return Self::not_found(base),
            409 => "This does not fit what is there",
            410 => "This is gone",
            412 => "There is a newer version",
            413 => "This is too large",
            429 => "Too many tries",
            503 => "The server is briefly unavailable",
            500.. => "The server failed",
            _ => "This did not work",
        };
        Self::new(base, status, title, detail)
    }

    fn new(base: &str, status: u16, title: &str, text: impl Into<String>) -> Self {
        Self {
            base: base.to_owned(),
            status,
            title: title.to_owned(),
            text: text.into(),
            link: Some((format!("{base}/"), "To the start page".to_owned())),
            request_id: None,
        }
    }

    /// 404 for visitors and members alike; foreign things look the same as absent ones.
    pub fn not_found(base: &str) -> Self {
        let text = "The address is misspelt, or what stood here is gone.";
        Self::new(base, 404, "There is no page here", text)
    }

    /// 403: the role does not allow it. `what` is a whole sentence.
    pub fn forbidden(base: &str, what: &str) -> Self {
        Self::new(base, 403, "Your role does not allow this", what)
    }

    /// 403: the form's `csrf` field did not match the session.
    pub fn stale_form(base: &str) -> Self {
        let text = "The form was open for too long, or you logged out in the meantime. Nothing was changed. \
            Go back, load the page again, and send the form once more.";
        Self::new(base, 403, "This form is out of date", text)
    }

    /// 412: somebody else changed the same thing.
    pub fn changed_meanwhile(base: &str, what: &str) -> Self {
        let text = format!(
            "Somebody changed {what} while you were editing. Nothing was overwritten. Open it again to see the new version."
        );
        Self::new(base, 412, "There is a newer version", text)
    }

    /// 429.
    pub fn too_many(base: &str, wait: &str) -> Self {
        let text = format!("This was tried too often from your address. Try again in {wait}.");
        Self { link: None, ..Self::new(base, 429, "Too many tries", text) }
    }

    /// 500; the cause stands in the log under the request id.
    pub fn internal(base: &str, request_id: &str) -> Self {
        let text = "The server could not finish your request because of a fault of its own. It is in the log. \
            What you see elsewhere is unaffected; try again in a minute.";
        Self { request_id: Some(request_id.to_owned()), ..Self::new(base, 500, "The server failed", text) }
    }

    /// 503: the database is away or the server is stopping.
    pub fn unavailable(base: &str) -> Self {
        let text = "The database does not answer at the moment. Checks go on as soon as it is back. Load this page again in a minute.";
        Self { link: None, ..Self::new(base, 503, "The server is briefly unavailable", text) }
    }
}
