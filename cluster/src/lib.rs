//! A private PostgreSQL cluster, so that trying Signalbox out needs no database server.
//!
//! [`Cluster::start`] finds the newest installed PostgreSQL (15 or newer), creates a cluster under a data directory if there is
//! none, starts it and waits until it answers. It listens on a unix socket in a directory that only its user may enter, and on no
//! TCP port, so connections need no password.
//!
//! Several processes may use one data directory: the first starts the server, the last one out stops it. Who uses it is told by
//! file locks, which the kernel drops with their process: after a `kill -9` the orphaned server is simply joined by the next start.
//!
//! ```text
//! <data_dir>/postgres/        the cluster (a link to /var/lib/signalbox/… when root's data directory is closed to other users)
//! <data_dir>/postgres.log     what the server says
//! <data_dir>/postgres.lock    held while starting or stopping
//! <data_dir>/postgres.users   held by every process that uses the cluster
//! <data_dir>/socket/          the unix socket (in /tmp where this path is too long for one)
//! ```

mod account;
mod binaries;
mod config;
mod error;
mod init;
mod launch;
mod layout;
mod locks;
mod ping;
mod postmaster;

use std::path::{Path, PathBuf};

use account::Account;
use binaries::Binaries;
use layout::Layout;
use locks::Users;
use postmaster::Postmaster;

pub use binaries::program_dirs;
pub use error::ClusterError;

/// The user every connection is made as: the cluster's superuser.
const SUPERUSER: &str = "postgres";

/// What may be chosen about a cluster; the default is what the product runs with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The folder of `initdb` and `postgres`; `None` looks at `SIGNALBOX_PG_BIN`, then at the usual places.
    pub bin_dir: Option<PathBuf>,
    /// Settings that override ours in `postgresql.conf`, by name and value (quoted by us).
    pub settings: Vec<(String, String)>,
}

/// A running private cluster. Call [`Cluster::stop`] when done; dropping it only asks the server to stop.
#[derive(Debug)]
pub struct Cluster {
    layout: Layout,
    account: Account,
    binaries: Binaries,
    options: Options,
    postmaster: Postmaster,
    /// `None` once stopped.
    users: Option<Users>,
}

impl Cluster {
    /// Starts (creating it if need be), or joins, the cluster under `data_dir`, and returns when it accepts connections.
    ///
    /// # Errors
    /// Every [`ClusterError`] names its remedy.
    pub async fn start(data_dir: &Path) -> Result<Self, ClusterError> {
        Self::start_with(data_dir, Options::default()).await
    }

    /// [`Cluster::start`] with the binaries or settings chosen by the caller.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub async fn start_with(data_dir: &Path, options: Options) -> Result<Self, ClusterError> {
        let data_dir = layout::create_data_dir(data_dir)?;
        let _starting = locks::transition(&data_dir).await?;
        let (layout, account) = Layout::locate(&data_dir).await?;
        let binaries = binaries::find(options.bin_dir.as_deref(), layout.data_version()?).await?;
        init::create_if_missing(&layout, &account, &binaries).await?;
        let postmaster =
            launch::join_or_launch(&layout, &account, &binaries, &options.settings).await?;
        let users = Users::join(&layout)?;
        Ok(Self { layout, account, binaries, options, postmaster, users: Some(users) })
    }

    /// The URL of database `db`, as sqlx and libpq read it: over the unix socket, as the superuser.
    #[must_use]
    pub fn url(&self, db: &str) -> String {
        let db = percent_encode(db);
        let host = percent_encode(&self.layout.socket_dir.to_string_lossy());
        // The port is part of the socket's name; given here, so that PGPORT cannot change it.
        format!("postgres://{SUPERUSER}@localhost:5432/{db}?host={host}")
    }

    /// The major version of the server, such as 15.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.binaries.version
    }

    /// Where the server writes its log.
    #[must_use]
    pub fn log_path(&self) -> &Path {
        &self.layout.log
    }

    /// Asks the server for a connection.
    ///
    /// # Errors
    /// [`ClusterError::Unhealthy`] with what it said instead.
    pub async fn health(&self) -> Result<(), ClusterError> {
        match ping::ping(&self.layout.socket_dir).await {
            ping::Answer::Ready => Ok(()),
            ping::Answer::Starting(said) | ping::Answer::Silent(said) => {
                Err(ClusterError::Unhealthy { detail: said, log: self.layout.log.clone() })
            }
        }
    }

    /// Starts the server again if it is gone (killed, crashed); says whether it was. Harmless while it runs.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub async fn revive(&mut self) -> Result<bool, ClusterError> {
        if self.health().await.is_ok() {
            return Ok(false);
        }
        let _starting = locks::transition(&self.layout.data_dir).await?;
        let before = self.postmaster.pid();
        self.postmaster = launch::join_or_launch(
            &self.layout,
            &self.account,
            &self.binaries,
            &self.options.settings,
        )
        .await?;
        Ok(self.postmaster.pid() != before)
    }

    /// Leaves the cluster, and, as its last user, stops the server (fast shutdown: open transactions are rolled back) and waits for
    /// its end. Says whether the server was stopped.
    ///
    /// # Errors
    /// [`ClusterError::WontStop`], or a lock file that cannot be used.
    pub async fn stop(mut self) -> Result<bool, ClusterError> {
        let _stopping = locks::transition(&self.layout.data_dir).await?;
        let Some(users) = self.users.take() else {
            return Ok(false);
        };
        if !users.leave()? {
            tracing::info!(data_dir = %self.layout.data_dir.display(), "PostgreSQL is left running: others use it");
            return Ok(false);
        }
        self.postmaster.stop().await?;
        self.layout.forget_socket_dir();
        tracing::info!(data_dir = %self.layout.data_dir.display(), "PostgreSQL stopped");
        Ok(true)
    }
}

impl Drop for Cluster {
    /// Best effort: asks the server to stop if nobody else uses it, and does not wait.
    fn drop(&mut self) {
        let Some(users) = self.users.take() else {
            return;
        };
        if let Some(_stopping) = locks::try_transition(&self.layout.data_dir)
            && users.leave().unwrap_or(false)
        {
            self.postmaster.ask_to_stop();
        }
    }
}

/// Encodes everything but letters, digits and `-._~` for use in a URL.
fn percent_encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::percent_encode;

    #[test]
    fn a_path_is_encoded_for_a_query() {
        assert_eq!(percent_encode("/tmp/a b?&=ü"), "%2Ftmp%2Fa%20b%3F%26%3D%C3%BC");
        assert_eq!(percent_encode("plain-1.2_3~"), "plain-1.2_3~");
    }
}
