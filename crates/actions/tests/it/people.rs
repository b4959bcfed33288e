//! Who the tests are about, and the verbs they share.

use actions::accounts::{self, Client, NewSession, Registration, SignedUp};
use domain::id::UserId;
use domain::notification::Message;
use domain::user::User;
use testkit::TestContext;

pub(crate) const ALICE: &str = "alice@acme.dev";
pub(crate) const PASSWORD: &str = "tangerine-lamp-97";
pub(crate) const OTHER_PASSWORD: &str = "walnut-kettle-31";

/// A client with the limits of the default configuration.
pub(crate) fn client(bucket: &str) -> Client {
    Client {
        bucket: bucket.to_owned(),
        ip: Some(bucket.to_owned()),
        user_agent: Some("Firefox".to_owned()),
        registers_per_hour: 5,
        log_ins_per_hour: 20,
    }
}

pub(crate) fn home() -> Client {
    client("203.0.113.7")
}

pub(crate) fn registration(email: &str) -> Registration {
    Registration { email: email.to_owned(), password: PASSWORD.to_owned(), ..Registration::default() }
}

pub(crate) async fn signs_up(test: &TestContext, email: &str) -> SignedUp {
    let quiet = Client { registers_per_hour: 0, ..home() };
    accounts::register(test, &quiet, &registration(email)).await.unwrap()
}

/// Signs up, and the mail to verify the address is out of the way.
pub(crate) async fn alice(test: &TestContext) -> SignedUp {
    let alice = signs_up(test, ALICE).await;
    test.takes_mail().await;
    alice
}

pub(crate) async fn logs_in(test: &TestContext, email: &str, password: &str) -> actions::Result<NewSession> {
    accounts::log_in(test, &home(), email, password).await
}

pub(crate) async fn user(test: &TestContext, id: UserId) -> User {
    store::users::find(&mut test.db.read().await.unwrap(), id).await.unwrap().unwrap()
}

pub(crate) async fn is_alive(test: &TestContext, begun: &NewSession) -> bool {
    let mut conn = test.db.read().await.unwrap();
    store::sessions::find_alive(&mut conn, begun.session.id, test.now()).await.unwrap().is_some()
}

/// The secret in the link of the only mail that waits.
pub(crate) async fn mailed_token(test: &TestContext) -> String {
    let mails = test.takes_mail().await;
    let [(_, message)] = mails.as_slice() else { panic!("{} mails wait", mails.len()) };
    token_in(message)
}

pub(crate) fn token_in(message: &Message) -> String {
    let (Message::VerifyEmail { link } | Message::ResetPassword { link } | Message::ChangeEmail { link, .. }) =
        message
    else {
        panic!("a mail without a link")
    };
    link.rsplit_once("token=").unwrap().1.to_owned()
}
