//! The words of every mail.

use std::collections::BTreeSet;

use domain::incident::IncidentStatus;
use domain::notification::Message;
use domain::service::ServiceStatus;
use notifier::{kind, render};

use crate::desk::{PUBLIC_URL, all, incident_update};

#[test]
fn every_mail_reads_as_in_its_snapshot() {
    for message in all() {
        let mail = render(&message, PUBLIC_URL).unwrap();
        insta::assert_snapshot!(
            kind(&message),
            format!("Subject: {}\n\n{}\n=== HTML\n{}", mail.subject, mail.text, mail.html)
        );
    }
}

#[test]
fn there_is_a_sample_of_every_kind() {
    let kinds: BTreeSet<&str> = all().iter().map(kind).collect();
    let folders: BTreeSet<String> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/templates"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap().replace('_', "-"))
        .filter(|name| name != "layout")
        .collect();
    assert_eq!(kinds.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), folders);
}

#[test]
fn the_subject_of_an_incident_mail_begins_with_its_state() {
    let subject = |status| render(&incident_update(status, ""), PUBLIC_URL).unwrap().subject;
    assert_eq!(subject(IncidentStatus::Resolved), "[Resolved] Elevated error rate — Acme");
    assert_eq!(subject(IncidentStatus::Investigating), "[Investigating] Elevated error rate — Acme");
}

#[test]
fn html_of_people_is_text() {
    // T-05
    for message in all() {
        let html = render(&message, PUBLIC_URL).unwrap().html;
        for foreign in ["<script", "<shop", "<b>", "Acme & Sons", "<img"] {
            assert!(!html.contains(foreign), "{}: {foreign}", kind(&message));
        }
        assert!(!html.contains("http://") && !html.contains("src="), "nothing is loaded: {html}");
    }
}

#[test]
fn both_parts_hold_the_link_and_the_time_names_its_zone() {
    // X63
    for message in all() {
        let mail = render(&message, PUBLIC_URL).unwrap();
        let link = match &message {
            Message::EmailChanged { .. } => continue,
            Message::PasswordChanged {} => "https://status.example.com/forgot",
            Message::VerifyEmail { link }
            | Message::ResetPassword { link }
            | Message::ChangeEmail { link, .. }
            | Message::Invitation { link, .. }
            | Message::ConfirmSubscription { link, .. }
            | Message::IncidentUpdate { link, .. }
            | Message::SubscribersFull { link, .. } => link,
        };
        assert!(mail.text.contains(link) && mail.html.contains(link), "{}", kind(&message));
    }
    let mail = render(&incident_update(IncidentStatus::Identified, ""), PUBLIC_URL).unwrap();
    assert!(mail.text.contains("23 Nov 2026, 10:02 UTC") && mail.html.contains("23 Nov 2026, 10:02 UTC"));
}

#[test]
fn a_resolved_incident_is_green_and_says_who_was_affected() {
    let mail = render(&incident_update(IncidentStatus::Resolved, "Done."), PUBLIC_URL).unwrap();
    assert!(mail.html.contains("#E3F6F1") && !mail.html.contains("Major outage"), "{}", mail.html);
    assert!(mail.text.contains("Affected: API\n") && !mail.text.contains("Major outage"), "{}", mail.text);
}

#[test]
fn an_incident_without_words_or_services_is_still_a_mail() {
    let Message::IncidentUpdate { page, incident, posted_at, incident_id, link, unsubscribe_link, .. } =
        incident_update(IncidentStatus::Investigating, "")
    else {
        unreachable!()
    };
    let bare = Message::IncidentUpdate {
        page,
        incident,
        posted_at,
        incident_id,
        link,
        unsubscribe_link,
        status: IncidentStatus::Investigating,
        body: String::new(),
        services: Vec::<(String, ServiceStatus)>::new(),
    };
    let text = render(&bare, PUBLIC_URL).unwrap().text;
    insta::assert_snapshot!(text, @r"
    Acme status: Investigating

    Elevated error rate

    Posted 23 Nov 2026, 10:02 UTC.
    Follow it: https://status.example.com/p/acme/main/incidents/in_7

    --
    You get this because this address follows Acme. Times are in UTC.
    Unsubscribe: https://status.example.com/p/acme/main/unsubscribe/sb_1.proof
    ");
}
