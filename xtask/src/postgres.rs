//! `with-postgres`: a command with a scratch PostgreSQL, for tests.

use std::process::ExitCode;

use signalbox_cluster::{Cluster, Options};

use crate::{Failure, workspace};

/// Tests throw their data away: without waiting for the disk they are several times as fast. The product's cluster never does this;
/// what durability promises is tested on clusters of the tests' own, with the product's settings.
const SETTINGS: &[(&str, &str)] = &[
    ("fsync", "off"),
    ("full_page_writes", "off"),
    // One database per test, a pool each.
    ("max_connections", "300"),
];

/// Runs `command` with `DATABASE_URL` set, and passes its exit code on. Several at a time share the server.
pub fn run(command: &[&str]) -> Result<ExitCode, Failure> {
    tokio::runtime::Runtime::new()?.block_on(with_cluster(command))
}

async fn with_cluster(command: &[&str]) -> Result<ExitCode, Failure> {
    let settings = SETTINGS.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let options = Options { settings, ..Options::default() };
    let cluster = Cluster::start_with(&workspace::target().join("test-postgres"), options).await?;
    let ran = run_command(command, &cluster.url("postgres")).await;
    cluster.stop().await?;
    ran
}

async fn run_command(command: &[&str], url: &str) -> Result<ExitCode, Failure> {
    let [program, arguments @ ..] = command else {
        return Err("no command".into());
    };
    // A Ctrl-C reaches the command, too: it ends, and then we stop the server.
    tokio::spawn(async { while tokio::signal::ctrl_c().await.is_ok() {} });
    let status = tokio::process::Command::new(program)
        .args(arguments)
        .env("DATABASE_URL", url)
        .status()
        .await
        .map_err(|error| format!("{program}: {error}"))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
