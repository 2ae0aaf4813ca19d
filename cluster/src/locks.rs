//! Who starts, stops and uses the cluster, told by file locks: the kernel drops them with their process, however it ends.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::ClusterError;
use crate::layout::Layout;

/// Longer than the recovery of a crashed cluster takes.
const MAX_WAIT: Duration = Duration::from_secs(600);

/// Waits until nobody else starts or stops the cluster; the lock is held until the file is dropped.
pub(crate) async fn transition(data_dir: &Path) -> Result<File, ClusterError> {
    let began = Instant::now();
    let path = data_dir.join("postgres.lock");
    let file = open(&path)?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(ClusterError::io("lock", &path)(error)),
            Err(TryLockError::WouldBlock) if began.elapsed() > MAX_WAIT => {
                return Err(ClusterError::Busy {
                    path: data_dir.to_path_buf(),
                    waited_s: MAX_WAIT.as_secs(),
                });
            }
            Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// As [`transition`], without waiting.
pub(crate) fn try_transition(data_dir: &Path) -> Option<File> {
    let file = open(&data_dir.join("postgres.lock")).ok()?;
    file.try_lock().ok().map(|()| file)
}

/// Our share in the cluster. Joining and leaving need the transition lock.
#[derive(Debug)]
pub(crate) struct Users {
    file: File,
    path: std::path::PathBuf,
}

impl Users {
    pub(crate) fn join(layout: &Layout) -> Result<Self, ClusterError> {
        let path = layout.data_dir.join("postgres.users");
        let file = open(&path)?;
        file.lock_shared().map_err(ClusterError::io("lock", &path))?;
        Ok(Self { file, path })
    }

    /// Gives the share back; says whether it was the last one.
    pub(crate) fn leave(self) -> Result<bool, ClusterError> {
        self.file.unlock().map_err(ClusterError::io("unlock", &self.path))?;
        match self.file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(ClusterError::io("lock", &self.path)(error)),
        }
    }
}

fn open(path: &Path) -> Result<File, ClusterError> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(ClusterError::io("open", path))
}
