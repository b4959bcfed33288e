//! One server per SQLite file (F-12): a lock on a file beside it, released by the system when the process ends, however
//! it ends. Short commands of the operator take no lock and work beside a running server.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Held as long as the server runs.
#[derive(Debug)]
pub(crate) struct ServerLock(#[expect(dead_code, reason = "the open file is the lock")] File);

#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    #[error(
        "another server is running on {}: stop it first, or give this one a data directory or a PostgreSQL database \
         of its own", .0.display()
    )]
    Taken(PathBuf),
    #[error(
        "{} cannot be locked ({source}): write a file in a folder that this program may change as database.url, or that \
         folder as data_dir.", path.display()
    )]
    Io { path: PathBuf, source: std::io::Error },
}

impl ServerLock {
    /// `database` is the SQLite file.
    pub(crate) fn take(database: &Path) -> Result<Self, LockError> {
        let mut name = database.as_os_str().to_owned();
        name.push(".lock");
        let path = PathBuf::from(name);
        let io = |source| LockError::Io { path: path.clone(), source };
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io)?;
        }
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(LockError::Taken(database.to_owned())),
            Err(TryLockError::Error(source)) => Err(LockError::Io { path, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_server_on_the_same_file_is_refused_until_the_first_one_ends() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("status.db");
        let first = ServerLock::take(&file).unwrap();
        assert!(matches!(ServerLock::take(&file), Err(LockError::Taken(_))));
        drop(first);
        ServerLock::take(&file).unwrap();
    }

    #[tokio::test]
    async fn folders_that_a_start_creates_are_for_their_owner_only() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        let (locked, opened) = (folder.path().join("a"), folder.path().join("b"));
        ServerLock::take(&locked.join("status.db")).unwrap();
        let url = format!("sqlite://{}/status.db", opened.display());
        store::Database::connect(&url, 1).await.unwrap().close().await;
        for folder in [locked, opened] {
            assert_eq!(std::fs::metadata(&folder).unwrap().mode() & 0o777, 0o700, "{}", folder.display());
        }
    }
}
