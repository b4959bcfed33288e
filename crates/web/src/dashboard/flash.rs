//! What the request before this one did. The address carries a word of this list, never a text, so that a link from
//! elsewhere cannot make the page say anything (T-05).

use axum::http::Uri;

const SENTENCES: &[(&str, &str)] = &[
    ("service-made", "The service is there."),
    ("service-saved", "The service is saved."),
    ("service-deleted", "The service and its monitors are deleted."),
    ("placed", "The service stands on that page now."),
    ("taken-off", "The service is off that page."),
    ("monitor-made", "The monitor is there; its first check is on its way."),
    ("monitor-saved", "The monitor is saved."),
    ("monitor-deleted", "The monitor is deleted."),
    ("checked", "Checked just now; the result stands on top of the list."),
    ("check-asked", "A check is on its way. Load this page again to see its result."),
    ("paused", "The monitor is paused; its history stays."),
    ("resumed", "The monitor is checked again."),
    ("monitors-changed", "Done. Those that were so already stay as they are."),
    ("snoozed", "The monitor is snoozed: it is checked, and calls nobody."),
    ("awake", "The monitor calls again when it fails."),
    ("page-made", "The status page is there."),
    ("page-saved", "The status page is saved."),
    ("page-deleted", "The status page is deleted."),
    ("incident-opened", "The incident is on your pages."),
    ("incident-updated", "The update is posted."),
    ("incident-saved", "The incident is saved."),
    ("incident-deleted", "The incident is deleted."),
    ("suggestion-dismissed", "The suggestion is dismissed."),
    ("subscriber-added", "A mail asks this address to confirm."),
    ("subscriber-deleted", "The subscriber is deleted and gets no more mail."),
    ("invited", "The invitation is on its way."),
    ("revoked", "The invitation no longer works."),
    ("role-changed", "The role is changed."),
    ("member-removed", "The member is removed."),
    ("verification-sent", "The mail is on its way. It can take a minute."),
    ("name-saved", "Your name is saved."),
    ("password-changed", "Your password is changed; your other sessions are ended."),
    ("confirmation-sent", "A mail asks the new address to confirm. Until then the old one stays."),
    ("session-ended", "The session is ended."),
    ("sessions-ended", "Your other sessions are ended."),
    ("two-factor-off", "The second factor is off."),
    ("settings-saved", "The settings are saved."),
];

/// The sentence that the address of a page asks for with `done=`.
pub(crate) fn of(uri: &Uri) -> Option<String> {
    let mut query = url::form_urlencoded::parse(uri.query()?.as_bytes());
    query.find(|(key, _)| key == "done").and_then(|(_, word)| text(&word)).map(str::to_owned)
}

/// `None` for a word that is not ours.
fn text(word: &str) -> Option<&'static str> {
    SENTENCES.iter().find(|(known, _)| *known == word).map(|(_, sentence)| *sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_words_make_a_sentence() {
        assert_eq!(text("service-saved"), Some("The service is saved."));
        assert_eq!(text("Send your password to Charlie"), None);
        let of = |uri: &str| of(&uri.parse().unwrap());
        assert_eq!(of("/account?done=name-saved").as_deref(), Some("Your name is saved."));
        assert_eq!(of("/account?done=x&done=name-saved"), None);
        assert_eq!(of("/account"), None);
        let mut words: Vec<_> = SENTENCES.iter().map(|(word, _)| word).collect();
        words.sort();
        words.dedup();
        assert_eq!(words.len(), SENTENCES.len());
    }
}
