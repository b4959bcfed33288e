//! SQLite for one test: a copy of a migrated file. The file is made once per build folder and set of migrations.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use store::Kind;

use crate::database::{migrate, template_key};

/// The url of a fresh database and the folder that holds it.
pub(crate) async fn create() -> (String, TempDir) {
    let template = template().await;
    let folder = tempfile::Builder::new().prefix("indie-status-test-").tempdir().unwrap();
    let file = folder.path().join("test.db");
    fs::copy(template, &file).unwrap();
    (url(&file), folder)
}

fn url(file: &Path) -> String {
    format!("sqlite://{}", file.display())
}

async fn template() -> PathBuf {
    let folder = templates();
    let template = folder.join(format!("{:016x}.db", template_key(Kind::Sqlite)));
    if template.exists() {
        return template;
    }
    fs::create_dir_all(&folder).unwrap();
    // Each test may be a process of its own: one of them makes the template, the others wait here.
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    if !template.exists() {
        let scratch = TempDir::new_in(&folder).unwrap();
        let file = scratch.path().join("new.db");
        migrate(&url(&file)).await;
        let left: Vec<_> = fs::read_dir(scratch.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(left.len(), 1, "a closed database is one file: {left:?}");
        fs::rename(file, &template).unwrap();
    }
    template
}

/// Beside the test binaries, in `target`.
fn templates() -> PathBuf {
    let binary = std::env::current_exe().unwrap();
    binary.parent().unwrap().join("../testkit-templates")
}
