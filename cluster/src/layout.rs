//! Where everything lies, and whether the server's user can get there.

use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::account::Account;
use crate::error::ClusterError;

/// A unix socket's path is limited to 103 bytes (macOS) or 107 (Linux).
const MAX_SOCKET_PATH: usize = 100;
const SOCKET_NAME: &str = ".s.PGSQL.5432";
/// Where clusters go that were asked for under a folder the server's user cannot enter.
const SHARED_ROOT: &str = "/var/lib/signalbox";

/// The paths of one cluster.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) data_dir: PathBuf,
    /// The cluster itself, links resolved.
    pub(crate) pgdata: PathBuf,
    pub(crate) socket_dir: PathBuf,
    pub(crate) log: PathBuf,
}

/// Creates the data directory if missing, and returns its path with links resolved.
pub(crate) fn create_data_dir(path: &Path) -> Result<PathBuf, ClusterError> {
    // As root, the server's user must be able to pass through, but not to look around.
    let mode = if nix::unistd::geteuid().is_root() { 0o711 } else { 0o700 };
    if !path.is_dir() {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(ClusterError::io("create", parent))?;
        }
        DirBuilder::new()
            .recursive(true)
            .mode(mode)
            .create(path)
            .map_err(ClusterError::io("create", path))?;
    }
    std::fs::canonicalize(path).map_err(ClusterError::io("find", path))
}

impl Layout {
    /// Decides on the paths and on the user, and makes the socket directory.
    pub(crate) async fn locate(data_dir: &Path) -> Result<(Self, Account), ClusterError> {
        let link = data_dir.join("postgres");
        let account = Account::for_cluster(&link)?;
        let pgdata = match std::fs::canonicalize(&link) {
            Ok(existing) => existing,
            Err(_) if account.can_enter(data_dir).await => link,
            Err(_) => elsewhere(data_dir, &link)?,
        };
        let parent = pgdata.parent().unwrap_or(data_dir);
        if !account.can_enter(parent).await {
            return Err(ClusterError::Unreachable {
                path: parent.to_path_buf(),
                user: account.uid,
            });
        }
        let socket_dir = socket_dir(data_dir, account).await?;
        let layout = Self {
            data_dir: data_dir.to_path_buf(),
            pgdata,
            socket_dir,
            log: data_dir.join("postgres.log"),
        };
        Ok((layout, account))
    }

    /// The cluster with the major version that wrote it; `None` if there is none yet.
    pub(crate) fn data_version(&self) -> Result<Option<(PathBuf, u32)>, ClusterError> {
        let file = self.pgdata.join("PG_VERSION");
        match std::fs::read_to_string(&file) {
            // Before version 10 it was "9.6": of those, the 9 says enough.
            Ok(text) => {
                let major = text.trim().split('.').next().unwrap_or_default().parse();
                let not_a_cluster = |_| ClusterError::NotACluster { path: self.pgdata.clone() };
                Ok(Some((self.pgdata.clone(), major.map_err(not_a_cluster)?)))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ClusterError::io("read", &file)(error)),
        }
    }

    /// Removes what a killed server left of its socket: its lock file names a process id that may be another's by now.
    pub(crate) fn clear_socket(&self) {
        for name in [SOCKET_NAME.to_owned(), format!("{SOCKET_NAME}.lock")] {
            let _ = std::fs::remove_file(self.socket_dir.join(name));
        }
    }

    /// Removes the socket directory, if the server left it empty.
    pub(crate) fn forget_socket_dir(&self) {
        let _ = std::fs::remove_dir(&self.socket_dir);
    }
}

/// The server's socket in its directory.
pub(crate) fn socket(socket_dir: &Path) -> PathBuf {
    socket_dir.join(SOCKET_NAME)
}

/// Root's home is closed to the server's user: then the cluster lies under `/var/lib`, with a link to it in the data directory.
/// Each link gets a cluster of its own: deleting the data directory starts afresh, as it does elsewhere.
fn elsewhere(data_dir: &Path, link: &Path) -> Result<PathBuf, ClusterError> {
    let created_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let pgdata = Path::new(SHARED_ROOT).join(format!("{}-{created_s}", name_of(data_dir)));
    std::fs::create_dir_all(SHARED_ROOT)
        .map_err(ClusterError::io("create", Path::new(SHARED_ROOT)))?;
    let _ = std::fs::remove_file(link); // a link to nowhere
    std::os::unix::fs::symlink(&pgdata, link).map_err(ClusterError::io("create", link))?;
    tracing::info!(
        data_dir = %data_dir.display(),
        cluster = %pgdata.display(),
        "PostgreSQL's user cannot enter the data directory: the cluster lies elsewhere"
    );
    Ok(pgdata)
}

/// `<data_dir>/socket`, or a folder in /tmp if that path is too long or closed to the server's user.
async fn socket_dir(data_dir: &Path, account: Account) -> Result<PathBuf, ClusterError> {
    let beside = data_dir.join("socket");
    let fits = socket(&beside).as_os_str().len() <= MAX_SOCKET_PATH;
    let dir = if fits && account.can_enter(data_dir).await {
        beside
    } else {
        Path::new("/tmp").join(format!("signalbox-{}", name_of(data_dir)))
    };
    make_private(&dir, account)?;
    Ok(dir)
}

/// Makes a folder that only the server's user may enter: it is what guards a cluster without passwords.
fn make_private(dir: &Path, account: Account) -> Result<(), ClusterError> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(ClusterError::io("create", dir)(error));
        }
        _ => {}
    }
    let found = std::fs::symlink_metadata(dir).map_err(ClusterError::io("look at", dir))?;
    // In /tmp anybody may have put a folder or a link of this name.
    let user = nix::unistd::geteuid().as_raw();
    if !found.is_dir() || ![user, account.uid].contains(&found.uid()) {
        return Err(ClusterError::WrongOwner { path: dir.to_path_buf(), owner: found.uid(), user });
    }
    account.own(dir)?;
    std::fs::set_permissions(dir, Permissions::from_mode(0o700))
        .map_err(ClusterError::io("close", dir))
}

/// A short name for a path, the same on every run (FNV-1a).
fn name_of(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let hash = path.as_os_str().as_bytes().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}
