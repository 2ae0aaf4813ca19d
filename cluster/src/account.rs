//! Who the server runs as. PostgreSQL refuses root: started as root, we run it as an unprivileged user.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Stdio;

use nix::unistd::{User, geteuid};
use tokio::process::Command;

use crate::error::ClusterError;

/// The user the server and `initdb` run as.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    gid: u32,
    /// Whether we are root, and so have to become this user.
    switch: bool,
}

impl Account {
    /// The owner of the cluster `pgdata` if it exists, else ourselves, or `postgres` or `nobody` if we are root.
    pub(crate) fn for_cluster(pgdata: &Path) -> Result<Self, ClusterError> {
        let me = geteuid();
        let owner = std::fs::metadata(pgdata).ok().map(|m| (m.uid(), m.gid()));
        match (me.is_root(), owner) {
            (false, Some((owner, _))) if owner != me.as_raw() => Err(ClusterError::WrongOwner {
                path: pgdata.to_path_buf(),
                owner,
                user: me.as_raw(),
            }),
            (false, _) => {
                Ok(Self { uid: me.as_raw(), gid: nix::unistd::getegid().as_raw(), switch: false })
            }
            (true, Some((uid, gid))) if uid != 0 => Ok(Self { uid, gid, switch: true }),
            (true, _) => Self::unprivileged(),
        }
    }

    fn unprivileged() -> Result<Self, ClusterError> {
        ["postgres", "_postgres", "nobody"]
            .into_iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| Self { uid: user.uid.as_raw(), gid: user.gid.as_raw(), switch: true })
            .ok_or(ClusterError::NoAccount)
    }

    /// A command that runs as this user with next to no environment: our secrets are not the server's business, and PG*
    /// variables would change what it does.
    pub(crate) fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C").current_dir("/");
        for name in ["PATH", "LD_LIBRARY_PATH", "TMPDIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.stdin(Stdio::null());
        if self.switch {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Hands a file or folder to this user.
    pub(crate) fn own(self, path: &Path) -> Result<(), ClusterError> {
        if self.switch {
            std::os::unix::fs::lchown(path, Some(self.uid), Some(self.gid))
                .map_err(ClusterError::io("change the owner of", path))?;
        }
        Ok(())
    }

    /// Whether this user can enter `dir`; asked of the system itself, which knows of every mode, list and mount.
    pub(crate) async fn can_enter(self, dir: &Path) -> bool {
        if !self.switch {
            return true;
        }
        self.command(Path::new("/bin/sh"))
            .args(["-c", "cd -- \"$1\"", "sh"])
            .arg(dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .await
            .is_ok_and(|status| status.success())
    }
}
