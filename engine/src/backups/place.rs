//! Where backups are kept, and PostgreSQL's own programs that make and restore them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use futures::future::BoxFuture;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use tokio::process::Command;

use super::BackupError;

/// Finds the folders in which PostgreSQL's programs may be.
pub type Search = Arc<dyn Fn() -> BoxFuture<'static, Vec<PathBuf>> + Send + Sync>;

/// Where backups are kept, and where the programs are that make them.
#[derive(Clone, Default)]
pub struct Place {
    dir: Option<PathBuf>,
    search: Option<Search>,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Place").field(&self.dir).finish()
    }
}

impl Place {
    /// Backups in `dir`, made by programs from the folders that `search` finds.
    pub fn new(dir: PathBuf, search: Search) -> Place {
        Place { dir: Some(dir), search: Some(search) }
    }

    /// The folder of the backups, which nobody else may enter; made if it is missing.
    pub(super) fn dir(&self) -> Result<&Path, BackupError> {
        use std::os::unix::fs::DirBuilderExt as _;
        let dir = self.dir.as_deref().ok_or(BackupError::NoPlace)?;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(BackupError::file("make", dir))?;
        Ok(dir)
    }

    /// The programs whose version is nearest to the server's, and not older.
    pub(super) async fn programs(&self, server: u32) -> Result<Programs, BackupError> {
        let dirs = match &self.search {
            Some(search) => search().await,
            None => Vec::new(),
        };
        let mut found = Vec::new();
        for dir in dirs {
            if let Some(version) = version(&dir).await {
                found.push(Programs { version, dir });
            }
        }
        found.sort_by(|a, b| (a.version, &a.dir).cmp(&(b.version, &b.dir)));
        let newest = found.last().map(|programs| programs.version);
        let fitting = found.into_iter().find(|programs| programs.version >= server);
        fitting.ok_or(match newest {
            Some(found) => BackupError::TooOld { found, server },
            None => BackupError::NoPrograms { server },
        })
    }
}

/// PostgreSQL's programs of one version.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    version: u32,
    dir: PathBuf,
}

impl Programs {
    /// Their folder.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// One of them, that is to connect as `options` say. It gets the password by its environment:
    /// everybody on the machine can read a command line.
    pub(super) fn command(&self, program: &str, options: &PgConnectOptions) -> Command {
        let mut command = self.bare(program);
        let host = options
            .get_socket()
            .map_or(OsStr::new(options.get_host()), |socket| socket.as_os_str());
        command
            .arg("--no-password")
            .env("PGHOST", host)
            .env("PGPORT", options.get_port().to_string())
            .env("PGUSER", options.get_username())
            .env("PGAPPNAME", crate::db::APPLICATION);
        if let Some(database) = options.get_database() {
            command.env("PGDATABASE", database);
        }
        // The password and TLS have no getters of their own.
        let url = options.to_url_lossy();
        if let Some(password) = url.password() {
            command.env("PGPASSWORD", percent_decoded(password));
        }
        for (key, value) in url.query_pairs() {
            let variable = match &*key {
                "sslmode" => "PGSSLMODE",
                "sslrootcert" => "PGSSLROOTCERT",
                "sslcert" => "PGSSLCERT",
                "sslkey" => "PGSSLKEY",
                _ => continue,
            };
            command.env(variable, &*value);
        }
        command
    }

    /// One of them, with next to no environment: our other secrets are not its business, and PG*
    /// variables would change what it does. It ends when nobody waits for it any more.
    pub(super) fn bare(&self, program: &str) -> Command {
        bare(self.dir.join(program).as_os_str())
    }
}

fn bare(program: &OsStr) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("LC_ALL", "C").kill_on_drop(true).stdin(Stdio::null());
    for name in ["PATH", "LD_LIBRARY_PATH", "TMPDIR", "HOME"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// The version of the programs in `dir`; none where one is missing, or only a wrapper of Debian's
/// that chooses a version by itself.
async fn version(dir: &Path) -> Option<u32> {
    let program = std::fs::canonicalize(dir.join("pg_dump")).ok()?;
    if program.file_name()? != "pg_dump" || !dir.join("pg_restore").is_file() {
        return None;
    }
    let said = bare(program.as_os_str()).arg("--version").output().await.ok()?;
    let said = String::from_utf8_lossy(&said.stdout);
    // "pg_dump (PostgreSQL) 15.18 (Debian …)", or "18beta1".
    let digits = said.split("(PostgreSQL)").nth(1)?.trim_start();
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn js_7_the_password_is_in_the_environment_of_the_program_and_not_on_its_command_line() {
        let programs = Programs { version: 15, dir: PathBuf::from("/pg") };
        let url = "postgres://ada:hunter%40%202@db.example.com:6432/main?sslmode=require";
        let command = programs.command("pg_dump", &url.parse().unwrap());
        let command = command.as_std();
        assert!(!command.get_args().any(|arg| arg.to_string_lossy().contains("hunter")));
        let environment = |name: &str| {
            let found = command.get_envs().find(|(key, _)| *key == name);
            found.and_then(|(_, value)| value).map(|value| value.to_string_lossy().into_owned())
        };
        assert_eq!(environment("PGPASSWORD").as_deref(), Some("hunter@ 2"));
        assert_eq!(environment("PGHOST").as_deref(), Some("db.example.com"));
        assert_eq!(environment("PGDATABASE").as_deref(), Some("main"));
        assert_eq!(environment("PGSSLMODE").as_deref(), Some("require"));
        assert_eq!(environment("DATABASE_URL"), None);
    }

    #[tokio::test]
    async fn js_7_programs_that_are_missing_are_told_of_with_the_remedy() {
        let nowhere: Search = Arc::new(|| Box::pin(async { vec![PathBuf::from("/nowhere")] }));
        let place = Place::new(PathBuf::from("/tmp"), nowhere);
        let said = place.programs(15).await.unwrap_err().to_string();
        assert!(said.contains("PostgreSQL 15") && said.contains("SIGNALBOX_PG_BIN"), "{said}");
    }
}
