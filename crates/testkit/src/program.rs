//! The real binary as a process of its own, with a database of its own.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::{TestDatabase, free_port};

/// A running server. Killed when dropped.
pub struct Program {
    child: Child,
    port: u16,
    binary: String,
    environment: Vec<(String, String)>,
    folder: tempfile::TempDir,
}

impl Program {
    /// Starts `binary` on a free port with this database. `settings` are variables such as
    /// `INDIE_STATUS_EGRESS__ALLOW_CIDRS`.
    pub async fn start(binary: &str, database: &TestDatabase, settings: &[(&str, &str)]) -> Self {
        let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
        let mut environment: Vec<(String, String)> = vec![
            ("DATABASE_URL".into(), database.url().into()),
            ("INDIE_STATUS_SERVER__LISTEN".into(), format!("127.0.0.1:{port}")),
            ("INDIE_STATUS_PUBLIC_URL".into(), format!("http://localhost:{port}")),
            ("INDIE_STATUS_DATA_DIR".into(), folder.path().join("data").display().to_string()),
        ];
        environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let child = spawn(binary, &environment, folder.path());
        let mut program = Self { child, port, binary: binary.to_owned(), environment, folder };
        program.wait_until_it_listens().await;
        program
    }

    /// An address of the server, for browsers and clients.
    pub fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }

    /// Of the operating system.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder that `INDIE_STATUS_DATA_DIR` names.
    pub fn data_dir(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    /// SIGKILL, as a power cut would end it.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The same server once more.
    pub async fn restart(&mut self) {
        self.kill();
        self.child = spawn(&self.binary, &self.environment, self.folder.path());
        self.wait_until_it_listens().await;
    }

    /// A short command beside the server, with its configuration and `input` on standard input.
    pub fn command(&self, arguments: &[&str], input: &str) -> Output {
        use std::io::Write as _;
        let mut child = Command::new(&self.binary)
            .args(arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that reads nothing may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    async fn wait_until_it_listens(&mut self) {
        let begun = Instant::now();
        loop {
            if is_listening(self.port) {
                return;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the server ended with {status} instead of listening");
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "the server does not listen after 30 s");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(binary: &str, environment: &[(String, String)], folder: &Path) -> Child {
    Command::new(binary)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn is_listening(port: u16) -> bool {
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok()
}
