//! Moves a connection only while somebody waits for something on it: no task to leave behind, and dropping it closes
//! the socket at once.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};

/// A connection's own future, and whether it has ended.
pub(crate) struct Drive<'c, C> {
    connection: Pin<&'c mut C>,
    has_ended: bool,
}

impl<'c, C: Future> Drive<'c, C> {
    pub(crate) const fn new(connection: Pin<&'c mut C>) -> Self {
        Self { connection, has_ended: false }
    }

    /// Waits for `wanted`. How the connection ended does not matter: whoever waits for an answer is told.
    pub(crate) async fn until<F: Future>(&mut self, wanted: F) -> F::Output {
        let mut wanted = pin!(wanted);
        poll_fn(|cx| {
            if !self.has_ended && self.connection.as_mut().poll(cx).is_ready() {
                self.has_ended = true;
            }
            wanted.as_mut().poll(cx)
        })
        .await
    }
}
