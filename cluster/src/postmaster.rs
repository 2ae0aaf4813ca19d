//! The server's main process: found by its pid file, told apart from a stranger that got its process id, asked to stop.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Child;

use crate::error::ClusterError;

const FAST_STOP_WAIT: Duration = Duration::from_secs(60);
const IMMEDIATE_STOP_WAIT: Duration = Duration::from_secs(10);

/// A running postmaster, ours or joined.
#[derive(Debug)]
pub(crate) struct Postmaster {
    /// `None`: it answers, but its process cannot be seen from here (another container).
    pid: Option<Pid>,
    /// Kept so that it is reaped when it ends; `None` if another process started it.
    child: Option<Child>,
}

impl Postmaster {
    pub(crate) fn started(child: Child) -> Self {
        let pid = child.id().and_then(|id| i32::try_from(id).ok());
        Self { pid: pid.map(Pid::from_raw), child: Some(child) }
    }

    pub(crate) fn joined(pid: Option<Pid>) -> Self {
        Self { pid, child: None }
    }

    pub(crate) fn pid(&self) -> Option<Pid> {
        self.pid
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Option<String> {
        if let Some(child) = &mut self.child {
            return child.try_wait().ok().flatten().map(|s| s.to_string());
        }
        let gone = self.pid.is_some_and(|pid| !alive(pid));
        gone.then(|| "it was shut down".to_owned())
    }

    /// Fast shutdown: sessions are ended, open transactions rolled back. Does not wait.
    pub(crate) fn ask_to_stop(&self) {
        if let Some(pid) = self.pid {
            // An error means that it is gone.
            let _ = kill(pid, Signal::SIGINT);
        }
    }

    /// Stops it and waits for its end; harder after a minute (the next start then recovers, nothing is lost).
    pub(crate) async fn stop(&mut self) -> Result<(), ClusterError> {
        let Some(pid) = self.pid else { return Ok(()) };
        self.ask_to_stop();
        if self.gone_within(pid, FAST_STOP_WAIT).await {
            return Ok(());
        }
        tracing::warn!(pid = pid.as_raw(), "PostgreSQL does not stop; shutting it down at once");
        let _ = kill(pid, Signal::SIGQUIT);
        if self.gone_within(pid, IMMEDIATE_STOP_WAIT).await {
            return Ok(());
        }
        Err(ClusterError::WontStop { pid: pid.as_raw() })
    }

    async fn gone_within(&mut self, pid: Pid, wait: Duration) -> bool {
        if let Some(child) = &mut self.child {
            return tokio::time::timeout(wait, child.wait()).await.is_ok();
        }
        // Not our child: nothing but asking tells.
        let began = Instant::now();
        while alive(pid) {
            if began.elapsed() > wait {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        true
    }
}

/// The postmaster of `pgdata`, if it runs and can be seen from here.
pub(crate) fn find(pgdata: &Path) -> Option<Pid> {
    let text = std::fs::read_to_string(pid_file(pgdata)).ok()?;
    let pid: i32 = text.lines().next()?.trim().parse().ok()?;
    let pid = Pid::from_raw(pid);
    (pid.as_raw() > 1 && is_postmaster(pid, pgdata)).then_some(pid)
}

/// Removes the lock of a server that is known to be gone: its process id may be another's by now, which PostgreSQL takes for its own.
pub(crate) fn clear_stale_lock(pgdata: &Path) -> Result<(), ClusterError> {
    let file = pid_file(pgdata);
    match std::fs::remove_file(&file) {
        Ok(()) => {
            tracing::warn!(file = %file.display(), "removed the lock of a PostgreSQL that is gone");
            Ok(())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(ClusterError::io("remove", &file)(error)),
    }
}

fn pid_file(pgdata: &Path) -> std::path::PathBuf {
    pgdata.join("postmaster.pid")
}

/// Whether a process (that we may not signal included) has this id. A dead one that waits to be reaped is not alive.
fn alive(pid: Pid) -> bool {
    if matches!(kill(pid, None), Err(Errno::ESRCH)) {
        return false;
    }
    !cfg!(target_os = "linux") || !is_zombie(pid)
}

fn is_zombie(pid: Pid) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        let state = stat.rsplit(')').next().unwrap_or_default().trim_start();
        state.starts_with('Z')
    })
}

/// A postmaster works in its data directory, which no other program does by chance.
#[cfg(target_os = "linux")]
fn is_postmaster(pid: Pid, pgdata: &Path) -> bool {
    std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == pgdata)
}

/// Without /proc, the name has to do.
#[cfg(not(target_os = "linux"))]
fn is_postmaster(pid: Pid, _pgdata: &Path) -> bool {
    let output =
        std::process::Command::new("ps").args(["-o", "comm=", "-p", &pid.to_string()]).output();
    output.is_ok_and(|output| {
        let name = String::from_utf8_lossy(&output.stdout);
        let name = name.trim().rsplit('/').next().unwrap_or_default().to_owned();
        alive(pid) && ["postgres", "postmaster"].contains(&name.as_str())
    })
}
