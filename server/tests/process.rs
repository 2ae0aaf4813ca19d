//! The binary itself: how it starts, what it prints, how it ends. Needs `DATABASE_URL`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use signalbox_engine::testing::TestDb;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// Longer than the 30 s in which the process must have ended.
const PATIENCE: Duration = Duration::from_secs(45);

fn signalbox() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signalbox"));
    // Nothing of the developer's own environment.
    command.env_clear().stdin(Stdio::null()).kill_on_drop(true);
    command.env("SIGNALBOX_DATA_DIR", env!("CARGO_TARGET_TMPDIR"));
    command
}

/// A running `signalbox serve`, and the lines it prints.
struct Server {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Server {
    fn start(db: &TestDb) -> Server {
        let mut process = signalbox()
            .args(["--addr", "127.0.0.1:0", "--database-url", &db.url])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Server { process, lines }
    }

    /// The values printed after the labels, up to the last line of the block.
    async fn greeting(&mut self) -> Vec<(String, String)> {
        let mut values = Vec::new();
        while let Some(line) = self.lines.next_line().await.unwrap() {
            if line.contains("Ctrl-C") {
                return values;
            }
            let mut words = line.split_whitespace();
            if let (Some(label), Some(value)) = (words.next(), words.next()) {
                values.push((label.to_owned(), value.to_owned()));
            }
        }
        panic!("the server has ended");
    }

    async fn terminate(mut self) -> std::process::ExitStatus {
        let id = self.process.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
        tokio::time::timeout(PATIENCE, self.process.wait()).await.expect("it ends").unwrap()
    }
}

fn value<'a>(greeting: &'a [(String, String)], label: &str) -> Option<&'a str> {
    greeting.iter().find(|(name, _)| name == label).map(|(_, value)| value.as_str())
}

#[tokio::test]
async fn the_first_run_prints_how_to_get_in_and_sigterm_ends_it_in_order() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let db = TestDb::new().await;
    let mut server = Server::start(&db);
    let greeting = server.greeting().await;
    let url = value(&greeting, "URL").unwrap();
    let (email, password) =
        (value(&greeting, "Email").unwrap(), value(&greeting, "Password").unwrap());

    let client = reqwest::Client::builder().cookie_store(true).build().unwrap();
    let login = json!({ "email": email, "password": password });
    let response = client.post(format!("{url}/api/auth/login")).json(&login).send().await.unwrap();
    assert_eq!(response.status(), 204);
    let me: serde_json::Value =
        client.get(format!("{url}/api/auth/me")).send().await.unwrap().json().await.unwrap();
    assert_eq!(me["mustChangePassword"], true);
    let ready = client.get(format!("{url}/readyz")).send().await.unwrap();
    assert_eq!(ready.status(), 200);
    assert!(server.terminate().await.success());

    let mut again = Server::start(&db);
    let greeting = again.greeting().await;
    assert!(value(&greeting, "URL").is_some());
    assert_eq!(value(&greeting, "Password"), None, "a password is printed once");
    assert!(again.terminate().await.success());
}

#[tokio::test]
async fn a_variable_that_cannot_be_used_is_named_with_what_is_allowed() {
    let output = signalbox().env("ALLOWED_ORIGINS", "nonsense").output().await.unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("ALLOWED_ORIGINS=nonsense") && text.contains("https://"), "{text}");

    let output = signalbox().env("WORKER_CONCURRENCY", "many").output().await.unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("WORKER_CONCURRENCY") && text.contains("many"), "{text}");
}

/// One that reports says so to nobody; one that cannot says so at once (AV-10).
#[tokio::test]
async fn av_10_a_variable_for_a_feature_that_is_not_built_in_is_warned_of() {
    let output = signalbox()
        .args(["health", "--addr", "127.0.0.1:1"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
        .env("SENTRY_DSN", "https://hunter2@127.0.0.1/1")
        .output()
        .await
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    for (variable, built_in) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", cfg!(feature = "otlp")),
        ("SENTRY_DSN", cfg!(feature = "sentry")),
    ] {
        assert_eq!(text.contains(variable), !built_in, "{text}");
    }
}

#[tokio::test]
async fn av_10_a_binary_older_than_the_schema_starts_only_after_a_roll_back() {
    let db = TestDb::new().await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'of a later version', true, '', 0)",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    let migrate = || {
        let mut command = signalbox();
        command.args(["migrate", "--database-url", &db.url]);
        command
    };
    let output = migrate().output().await.unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && text.contains("migration 9999"), "{text}");
    assert!(text.contains("SIGNALBOX_ROLLED_BACK=true"), "it says what to do: {text}");
    let output = migrate().env("SIGNALBOX_ROLLED_BACK", "true").output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn help_shows_every_variable_and_no_secret() {
    let output = signalbox().arg("--help").env("ADMIN_PASSWORD", "hunter2").output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("ADMIN_PASSWORD") && !text.contains("hunter2"), "{text}");
}
