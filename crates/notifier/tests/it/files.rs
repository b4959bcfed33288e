//! Without a mail server: mails as files.

use std::os::unix::fs::PermissionsExt as _;

use notifier::{Failure, MailTransport, Mailer, Route, TransportError, deliver_due};
use testkit::{Mail, TestContext, db_test};

use crate::desk::{files, queues, waiting};

#[db_test]
async fn a_mail_becomes_a_file_that_reads_back(test: TestContext) {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("mail");
    queues(&test, 2).await;
    assert_eq!(deliver_due(&test, &files(folder.clone())).await, 2);
    assert_eq!(waiting(&test).await, 0);

    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert_eq!(paths.len(), 2, "{paths:?}");
    let name = paths[0].file_name().unwrap().to_str().unwrap();
    assert!(
        name.starts_with("20261123T100000Z-incident-update-dl_")
            && std::path::Path::new(&name).extension().is_some_and(|kind| kind == "eml"),
        "{name}"
    );
    assert_eq!(mode(&paths[0]), 0o600);
    let raw = std::fs::read_to_string(&paths[0]).unwrap();
    let mail = Mail { from: String::new(), to: Vec::new(), raw };
    assert_eq!(mail.subject(), "[Identified] Elevated error rate — Acme");
    assert_eq!(mail.header("To").unwrap(), "reader0@example.org");
    assert!(mail.text().contains("News.") && mail.html().unwrap().contains("News."));
    assert!(mail.link("/unsubscribe/").ends_with("sb_1.proof"));
}

#[db_test]
async fn a_folder_that_cannot_be_written_keeps_the_mail_waiting(test: TestContext) {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("mail");
    let mailer = files(folder.clone());
    queues(&test, 1).await;
    std::fs::remove_dir(&folder).unwrap();
    std::fs::write(&folder, "in the way").unwrap();
    assert_eq!(deliver_due(&test, &mailer).await, 1);
    assert_eq!(waiting(&test).await, 1);
    std::fs::remove_file(&folder).unwrap();
    std::fs::create_dir(&folder).unwrap();
    test.clock.advance_s(5);
    assert_eq!(deliver_due(&test, &mailer).await, 1);
    assert_eq!((waiting(&test).await, std::fs::read_dir(&folder).unwrap().count()), (0, 1));
    assert_eq!(Failure::Folder.as_str(), "folder");
}

#[test]
fn a_sender_that_is_no_address_is_refused() {
    let data = tempfile::tempdir().unwrap();
    for from in ["", "status", "Status <status>", "a@b\r\nBcc: c@d"] {
        let route = Route::Files(data.path().to_owned());
        let made = Mailer::new(MailTransport { from: from.into(), route }, "https://x", 1);
        assert!(matches!(made, Err(TransportError::From)), "{from:?}");
    }
}
