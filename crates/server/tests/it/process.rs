//! The program as an operator meets it: start, second start, short commands beside it, sudden death.

use std::time::{Duration, Instant};

use axum::body::Body;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use testkit::{Kind, Program, TestDatabase, db_test};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_indie-status");
const PASSWORD: &str = "a quiet lamp by the window";

pub(crate) async fn call(
    program: &Program,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: Option<Value>,
) -> (StatusCode, Value) {
    let stream = testkit::connect(program.port()).await;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, "localhost");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let body = match body {
        Some(body) => {
            request = request.header(header::CONTENT_TYPE, "application/json");
            Body::from(body.to_string())
        }
        None => Body::empty(),
    };
    let answer = sender.send_request(request.body(body).unwrap()).await.unwrap();
    let status = answer.status();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

pub(crate) async fn registers(program: &Program) -> String {
    let body = json!({"email": "alice@acme.example", "password": PASSWORD, "org_name": "Acme"});
    let (status, answer) = call(program, "POST", "/api/v1/auth/register", None, Some(body)).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    answer["access_token"].as_str().unwrap().to_owned()
}

#[db_test]
async fn a_second_server_on_the_same_sqlite_file_is_refused_and_on_postgresql_welcome(db: TestDatabase) {
    // F-12.
    let program = Program::start(BINARY, &db, &[]).await;
    if db.kind() == Kind::Sqlite {
        let second = program.command(&["serve"], "");
        let text = String::from_utf8_lossy(&second.stderr).into_owned();
        assert_eq!(second.status.code(), Some(75), "{text}");
        assert!(text.contains("another server is running on"), "{text}");
    } else {
        let second = Program::start(BINARY, &db, &[]).await;
        assert_eq!(call(&second, "GET", "/health", None, None).await.0, StatusCode::OK);
    }
    assert_eq!(call(&program, "GET", "/health", None, None).await.0, StatusCode::OK);
}

#[db_test]
async fn commands_beside_a_running_server_take_effect_within_five_seconds(db: TestDatabase) {
    let program = Program::start(BINARY, &db, &[]).await;
    let made = program.command(
        &[
            "user",
            "create",
            "--email",
            "bob@initech.example",
            "--password-stdin",
            "--org",
            "Initech",
            "--verified",
        ],
        PASSWORD,
    );
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let login = json!({"email": "bob@initech.example", "password": PASSWORD});
    let (status, answer) = call(&program, "POST", "/api/v1/auth/login", None, Some(login)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let token = answer["access_token"].as_str().unwrap().to_owned();
    let page = |number: u32| json!({"title": format!("Page {number}")});
    let (status, answer) = call(&program, "POST", "/api/v1/pages", Some(&token), Some(page(1))).await;
    assert_eq!(
        (status, answer["code"].as_str()),
        (StatusCode::FORBIDDEN, Some("plan_limit")),
        "S30: one page on free"
    );

    let moved = program.command(&["org", "set-tier", "initech", "pro"], "");
    assert!(moved.status.success(), "{}", String::from_utf8_lossy(&moved.stderr));
    let begun = Instant::now();
    loop {
        let (status, answer) = call(&program, "POST", "/api/v1/pages", Some(&token), Some(page(2))).await;
        if status == StatusCode::CREATED {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{status}: {answer}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let reset = program.command(
        &["user", "reset-password", "--email", "bob@initech.example", "--password-stdin"],
        "another good password",
    );
    assert!(reset.status.success());
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(
        call(&program, "GET", "/api/v1/auth/me", Some(&token), None).await.0,
        StatusCode::UNAUTHORIZED
    );
}

#[db_test(flavor = "multi_thread")]
async fn killing_the_process_loses_no_acknowledged_write(db: TestDatabase) {
    // F-01: every 2xx that was read is there afterwards, and nothing is there twice.
    let mut program = Program::start(BINARY, &db, &[("INDIE_STATUS_PLANS__ENFORCE", "false")]).await;
    let token = registers(&program).await;
    let mut acknowledged = Vec::new();
    for round in 0..5 {
        for number in 0..20 {
            let name = format!("Service {round}-{number}");
            let (status, answer) =
                call(&program, "POST", "/api/v1/services", Some(&token), Some(json!({ "name": name }))).await;
            assert_eq!(status, StatusCode::CREATED, "{answer}");
            acknowledged.push(name);
        }
        // One more is on its way when the process dies.
        let port = program.port();
        let late = testkit::send_and_forget(port, &token, &format!("Service {round}-late")).await;
        program.kill();
        drop(late);
        program.restart().await;
    }
    let (status, list) = call(&program, "GET", "/api/v1/services?limit=200", Some(&token), None).await;
    assert_eq!(status, StatusCode::OK);
    let names: Vec<&str> =
        list["data"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    for name in &acknowledged {
        assert_eq!(names.iter().filter(|found| *found == name).count(), 1, "{name}");
    }
    let late = names.iter().filter(|name| name.ends_with("late")).count();
    assert_eq!(names.len(), acknowledged.len() + late);
}

#[test]
fn a_bad_configuration_ends_with_78_and_one_sentence() {
    let folder = testkit::folder();
    let output = std::process::Command::new(BINARY)
        .current_dir(folder.path())
        .env("INDIE_STATUS_SERVER__LISTEN", "everywhere")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(78), "{text}");
    assert_eq!(text.trim_end().lines().count(), 1, "{text}");
    assert!(text.contains("INDIE_STATUS_SERVER__LISTEN"), "{text}");
}

/// Starts the program in a folder of its own, where it must not stay.
fn refused(settings: &[(&str, &str)]) -> (Option<i32>, String) {
    let folder = testkit::folder();
    let port = testkit::free_port();
    let mut child = std::process::Command::new(BINARY)
        .current_dir(folder.path())
        .env("INDIE_STATUS_SERVER__LISTEN", format!("127.0.0.1:{port}"))
        .envs(settings.iter().copied())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(20) {
            child.kill().unwrap();
            panic!("started with {settings:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    // What was logged before is not the sentence.
    let sentence = text.lines().filter(|line| line.starts_with("indie-status: ")).collect::<Vec<_>>();
    assert_eq!(sentence.len(), 1, "{text}");
    (output.status.code(), sentence[0].to_owned())
}

#[test]
fn what_only_the_start_can_find_wrong_ends_with_78_and_names_the_option() {
    let folder = testkit::folder();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(
        folder.path().join("file"),
        "not a database, but long enough to look like one\n".repeat(99),
    )
    .unwrap();
    for name in ["mail-is-a-file", "mail-is-not-ours"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    std::fs::write(folder.path().join("mail-is-a-file/mail"), "").unwrap();
    // Nobody, not even root, makes files there.
    std::os::unix::fs::symlink("/proc", folder.path().join("mail-is-not-ours/mail")).unwrap();
    std::fs::create_dir(folder.path().join("folder.db")).unwrap();
    let below_a_file = path("file/data");
    let (mail_file, mail_proc) = (path("mail-is-a-file"), path("mail-is-not-ours"));
    let (other_kind, a_folder) =
        (format!("sqlite://{}", path("file")), format!("sqlite://{}", path("folder.db")));
    for (settings, option) in [
        (&[("INDIE_STATUS_DATA_DIR", below_a_file.as_str())][..], "data_dir"),
        (&[("INDIE_STATUS_DATA_DIR", mail_file.as_str())], "data_dir"),
        (&[("INDIE_STATUS_DATA_DIR", mail_proc.as_str())], "data_dir"),
        (&[("DATABASE_URL", other_kind.as_str())], "database.url"),
        (&[("DATABASE_URL", a_folder.as_str())], "database.url"),
        (&[("INDIE_STATUS_SERVER__LISTEN", "192.0.2.1:8765")], "server.listen"),
        (&[("INDIE_STATUS_MAIL__FROM", "Acme <a..b@example.com>")], "INDIE_STATUS_MAIL__FROM"),
        (&[("INDIE_STATUS_MAIL__FROM", "Acme <a@-example-.com>")], "INDIE_STATUS_MAIL__FROM"),
    ] {
        let (code, sentence) = refused(settings);
        assert_eq!(code, Some(78), "{settings:?}: {sentence}");
        assert!(sentence.contains(option), "{settings:?}: {sentence}");
    }
}

#[test]
fn a_port_that_another_program_has_is_69_because_that_may_end() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let (code, sentence) = refused(&[("INDIE_STATUS_SERVER__LISTEN", &listen)]);
    assert_eq!(code, Some(69), "{sentence}");
    assert!(sentence.contains("server.listen"), "{sentence}");
}

#[db_test]
async fn a_database_that_lets_nobody_in_is_78_and_one_that_is_away_is_69(db: TestDatabase) {
    if db.kind() == Kind::Sqlite {
        return;
    }
    let url = |change: &dyn Fn(&mut url::Url)| {
        let mut url = url::Url::parse(db.url()).unwrap();
        change(&mut url);
        url.to_string()
    };
    let other_user = url(&|url| url.set_username("nobody_of_this_name").unwrap());
    let other_name = url(&|url| url.set_path("/no_database_of_this_name"));
    let other_port = url(&|url| url.set_port(Some(testkit::free_port())).unwrap());
    for (url, code) in [(other_user, 78), (other_name, 78), (other_port, 69)] {
        let (got, sentence) = refused(&[("DATABASE_URL", &url)]);
        assert_eq!(got, Some(code), "{url}: {sentence}");
        assert!(code == 69 || sentence.contains("database.url"), "{sentence}");
    }
}
