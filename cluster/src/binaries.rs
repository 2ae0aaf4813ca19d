//! Finding an installed PostgreSQL server.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::error::{ClusterError, MIN_VERSION};

/// One installed server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Binaries {
    /// Major version, such as 15.
    pub(crate) version: u32,
    /// The folder of `initdb` and `postgres`.
    pub(crate) dir: PathBuf,
}

impl Binaries {
    pub(crate) fn initdb(&self) -> PathBuf {
        self.dir.join("initdb")
    }

    pub(crate) fn postgres(&self) -> PathBuf {
        self.dir.join("postgres")
    }

    /// Whether the extension's library is installed (Debian keeps it apart on some releases).
    pub(crate) async fn has_library(&self, name: &str) -> bool {
        // The programs on PATH may be links: the libraries lie beside what they lead to.
        let real = std::fs::canonicalize(self.postgres()).ok();
        let real = real.as_deref().and_then(Path::parent).unwrap_or(&self.dir);
        let mut dirs = vec![real.join("../lib"), real.join("../lib/postgresql")];
        dirs.extend(output_path(&self.dir.join("pg_config"), "--pkglibdir").await);
        let files = [format!("{name}.so"), format!("{name}.dylib")];
        dirs.iter().any(|dir| files.iter().any(|file| dir.join(file).is_file()))
    }
}

/// The newest supported server, or, for an existing cluster, the one of its version.
///
/// Looks in `bin_dir` if given, else in `SIGNALBOX_PG_BIN` if set, else on PATH and where packagers put it.
pub(crate) async fn find(
    bin_dir: Option<&Path>,
    written_by: Option<(PathBuf, u32)>,
) -> Result<Binaries, ClusterError> {
    let dirs = match bin_dir
        .map(Path::to_path_buf)
        .or_else(|| std::env::var_os("SIGNALBOX_PG_BIN").map(PathBuf::from))
    {
        Some(dir) => vec![dir],
        None => usual_places().await,
    };
    choose(installed(&dirs).await, &dirs, written_by)
}

fn choose(
    installed: BTreeSet<Binaries>,
    looked_in: &[PathBuf],
    written_by: Option<(PathBuf, u32)>,
) -> Result<Binaries, ClusterError> {
    let found = describe(&installed, looked_in);
    let mut supported = installed.into_iter().filter(|b| b.version >= MIN_VERSION);
    match written_by {
        Some((path, version)) => supported
            .find(|b| b.version == version)
            .ok_or(ClusterError::Version { path, written_by: version, installed: found }),
        None => supported.next_back().ok_or(ClusterError::NoBinaries { found }),
    }
}

fn describe(installed: &BTreeSet<Binaries>, looked_in: &[PathBuf]) -> String {
    let list = |items: Vec<String>| items.join(", ");
    if installed.is_empty() {
        let dirs = list(looked_in.iter().map(|d| d.display().to_string()).collect());
        return if dirs.is_empty() {
            "none found on PATH or in the usual places".to_owned()
        } else {
            format!("none found in {dirs}")
        };
    }
    let found = installed.iter().map(|b| format!("{} in {}", b.version, b.dir.display()));
    list(found.collect())
}

async fn installed(dirs: &[PathBuf]) -> BTreeSet<Binaries> {
    let mut found = BTreeSet::new();
    for dir in dirs {
        if dir.join("initdb").is_file()
            && let Some(version) = version(&dir.join("postgres")).await
        {
            found.insert(Binaries { version, dir: dir.clone() });
        }
    }
    found
}

/// Where PostgreSQL's programs may be: `SIGNALBOX_PG_BIN` if set, else PATH and where packagers put them, in no particular order.
pub async fn program_dirs() -> Vec<PathBuf> {
    match std::env::var_os("SIGNALBOX_PG_BIN") {
        Some(dir) => vec![PathBuf::from(dir)],
        None => candidates().await.into_iter().collect(),
    }
}

/// The folders that hold both programs of a server, in no particular order.
async fn usual_places() -> Vec<PathBuf> {
    let mut dirs = candidates().await;
    dirs.retain(|dir| dir.join("initdb").is_file() && dir.join("postgres").is_file());
    dirs.into_iter().collect()
}

async fn candidates() -> BTreeSet<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut dirs: BTreeSet<PathBuf> = std::env::split_paths(&path).collect();
    dirs.extend(output_path(Path::new("pg_config"), "--bindir").await);
    for (parent, prefix, suffix) in [
        ("/usr/lib/postgresql", "", "bin"),          // Debian, Ubuntu
        ("/usr", "pgsql-", "bin"),                   // PostgreSQL's own RPMs
        ("/usr/libexec", "postgresql", ""),          // Alpine
        ("/opt/homebrew/opt", "postgresql@", "bin"), // Homebrew on Apple silicon
        ("/usr/local/opt", "postgresql@", "bin"),    // Homebrew on Intel
        ("/home/linuxbrew/.linuxbrew/opt", "postgresql@", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
        ("/usr/local", "pgsql", "bin"), // built from source
    ] {
        dirs.extend(children(Path::new(parent), prefix).map(|dir| dir.join(suffix)));
    }
    dirs
}

fn children(parent: &Path, prefix: &'static str) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter(move |entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
}

async fn version(postgres: &Path) -> Option<u32> {
    major_version(&output(postgres.as_os_str(), "--version").await?)
}

/// 15 from `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`; also of betas (`18beta1`).
fn major_version(line: &str) -> Option<u32> {
    let version = line.split("(PostgreSQL)").nth(1)?.trim_start();
    let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version[..digits].parse().ok()
}

async fn output_path(program: &Path, argument: &str) -> Option<PathBuf> {
    let text = output(program.as_os_str(), argument).await?;
    Some(PathBuf::from(text.trim()))
}

async fn output(program: &OsStr, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().await.ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn servers(versions: &[u32]) -> BTreeSet<Binaries> {
        let binaries =
            |&version| Binaries { version, dir: PathBuf::from(format!("/pg/{version}")) };
        versions.iter().map(binaries).collect()
    }

    #[test]
    fn the_major_version_is_read_from_every_form() {
        let debian = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n";
        assert_eq!(major_version(debian), Some(15));
        assert_eq!(major_version("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_version("postgres (PostgreSQL) 17"), Some(17));
        assert_eq!(major_version("not postgres"), None);
    }

    #[test]
    fn a_new_cluster_takes_the_newest_and_an_old_one_its_own() {
        let chosen = choose(servers(&[14, 15, 17]), &[], None).unwrap();
        assert_eq!(chosen.version, 17);
        let data = Some((PathBuf::from("/data"), 15));
        assert_eq!(choose(servers(&[14, 15, 17]), &[], data).unwrap().version, 15);
    }

    #[test]
    fn an_unsupported_server_is_named_with_the_remedy() {
        let said = choose(servers(&[13, 14]), &[], None).unwrap_err().to_string();
        assert!(said.contains("14 in /pg/14"), "{said}");
        assert!(said.contains("install") && said.contains("DATABASE_URL"), "{said}");
    }

    #[test]
    fn an_unsupported_cluster_is_not_started_though_its_binaries_are_there() {
        let data = Some((PathBuf::from("/data"), 14));
        let said = choose(servers(&[14, 15]), &[], data).unwrap_err().to_string();
        assert!(said.contains("PostgreSQL 14") && said.contains("pg_upgrade"), "{said}");
    }
}
