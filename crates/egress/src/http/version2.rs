//! HTTP/2 with everything bounded: windows, headers, and the life of the tasks that hyper starts for a connection.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::client::conn::http2::Builder;
use hyper::rt::Executor;
use tokio::task::JoinSet;

use super::MAX_HEAD_BYTES;

const MAX_FRAME_BYTES: u32 = 16 * 1024;
const HEADER_TABLE_BYTES: u32 = 4096;
const MAX_RESETS: usize = 10;

/// The tasks of one connection; they end with it, wherever they are.
#[derive(Default)]
pub(super) struct Tasks(Spawner);

#[derive(Clone, Default)]
pub(super) struct Spawner(Arc<Mutex<JoinSet<()>>>);

impl Tasks {
    /// The other side may send `window_bytes` before we have read them.
    pub(super) fn builder(&self, window_bytes: usize) -> Builder<Spawner> {
        let window_bytes = u32::try_from(window_bytes).unwrap_or(u32::MAX);
        let mut builder = Builder::new(self.0.clone());
        builder
            .initial_stream_window_size(window_bytes)
            .initial_connection_window_size(window_bytes)
            .max_frame_size(MAX_FRAME_BYTES)
            .max_header_list_size(u32::try_from(MAX_HEAD_BYTES).unwrap_or(u32::MAX))
            .header_table_size(HEADER_TABLE_BYTES)
            .max_concurrent_reset_streams(MAX_RESETS)
            .max_pending_accept_reset_streams(MAX_RESETS)
            .max_local_error_reset_streams(MAX_RESETS)
            .max_send_buf_size(MAX_HEAD_BYTES);
        builder
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.lock().abort_all();
    }
}

impl Spawner {
    fn lock(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Spawner {
    fn execute(&self, task: F) {
        self.lock().spawn(task);
    }
}
