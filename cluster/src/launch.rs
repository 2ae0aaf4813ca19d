//! From a cluster on disk to one that answers: joining the server that runs, or starting one.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::time::{Duration, Instant};

use crate::account::Account;
use crate::binaries::Binaries;
use crate::config;
use crate::error::ClusterError;
use crate::layout::Layout;
use crate::ping::{Answer, ping};
use crate::postmaster::{self, Postmaster};

const POLL: Duration = Duration::from_millis(25);
/// A server that says nothing at all for this long is broken; one that says it recovers is waited for.
const MAX_SILENCE: Duration = Duration::from_secs(20);
/// The children of a killed server end within moments; until then its memory is in use.
const MAX_LEFTOVERS: Duration = Duration::from_secs(15);
const TELL_EVERY: Duration = Duration::from_secs(5);
const MAX_LOG_BYTES: u64 = 16 * 1024 * 1024;

/// Returns when the server accepts connections. Call under the transition lock.
pub(crate) async fn join_or_launch(
    layout: &Layout,
    account: &Account,
    binaries: &Binaries,
    settings: &[(String, String)],
) -> Result<Postmaster, ClusterError> {
    let answers = !matches!(ping(&layout.socket_dir).await, Answer::Silent(_));
    let pid = postmaster::find(&layout.pgdata);
    if answers || pid.is_some() {
        let mut found = Postmaster::joined(pid);
        let offset = log_length(layout);
        match wait_until_ready(layout, &mut found, offset).await {
            Ok(()) => return Ok(found),
            Err(error) => {
                tracing::warn!(%error, "the running PostgreSQL does not answer; starting it again");
                found.stop().await?;
            }
        }
    }
    launch(layout, account, binaries, settings).await
}

async fn launch(
    layout: &Layout,
    account: &Account,
    binaries: &Binaries,
    settings: &[(String, String)],
) -> Result<Postmaster, ClusterError> {
    let began = Instant::now();
    config::write(layout, account, binaries, settings).await?;
    loop {
        postmaster::clear_stale_lock(&layout.pgdata)?;
        layout.clear_socket();
        let offset = log_length(layout);
        let mut postmaster = spawn(layout, account, binaries)?;
        match wait_until_ready(layout, &mut postmaster, offset).await {
            Ok(()) => {
                let took_ms = began.elapsed().as_millis();
                tracing::info!(version = binaries.version, took_ms, "PostgreSQL started");
                return Ok(postmaster);
            }
            Err(ClusterError::Start { detail, .. })
                if is_leftover(&detail) && began.elapsed() < MAX_LEFTOVERS =>
            {
                tokio::time::sleep(POLL * 10).await;
            }
            Err(error) => {
                postmaster.stop().await?;
                return Err(error);
            }
        }
    }
}

/// Starts the server in a process group of its own: a Ctrl-C in the terminal is for us, who stop it last.
fn spawn(
    layout: &Layout,
    account: &Account,
    binaries: &Binaries,
) -> Result<Postmaster, ClusterError> {
    let log = open_log(layout)?;
    let errors = log.try_clone().map_err(ClusterError::io("open", &layout.log))?;
    let program = binaries.postgres();
    account
        .command(&program)
        .arg("-D")
        .arg(&layout.pgdata)
        .stdout(log)
        .stderr(errors)
        .process_group(0)
        .spawn()
        .map(Postmaster::started)
        .map_err(ClusterError::io("run", &program))
}

async fn wait_until_ready(
    layout: &Layout,
    postmaster: &mut Postmaster,
    log_offset: u64,
) -> Result<(), ClusterError> {
    let mut heard = Instant::now();
    let mut told = Instant::now();
    loop {
        if let Some(status) = postmaster.ended() {
            return Err(why_it_ended(layout, log_offset, status));
        }
        match ping(&layout.socket_dir).await {
            Answer::Ready => return Ok(()),
            Answer::Starting(said) => {
                heard = Instant::now();
                if told.elapsed() > TELL_EVERY {
                    told = Instant::now();
                    tracing::info!(said, "waiting for PostgreSQL");
                }
            }
            Answer::Silent(said) if heard.elapsed() > MAX_SILENCE => {
                return Err(ClusterError::Start {
                    detail: format!("no answer for {} s ({said})", MAX_SILENCE.as_secs()),
                    log: layout.log.clone(),
                });
            }
            Answer::Silent(_) => {}
        }
        tokio::time::sleep(POLL).await;
    }
}

/// A server that was killed leaves children, which hold its shared memory until they notice.
fn is_leftover(said: &str) -> bool {
    said.contains("pre-existing shared memory block")
}

fn why_it_ended(layout: &Layout, offset: u64, status: String) -> ClusterError {
    let said = log_since(layout, offset);
    if ClusterError::tells_of_full_disk(&said) {
        return ClusterError::DiskFull { path: layout.pgdata.clone(), detail: said };
    }
    let detail = if said.is_empty() { status } else { said };
    ClusterError::Start { detail, log: layout.log.clone() }
}

/// Opens the log to append; a large one is put aside first.
fn open_log(layout: &Layout) -> Result<File, ClusterError> {
    if log_length(layout) > MAX_LOG_BYTES {
        let _ = std::fs::rename(&layout.log, layout.log.with_extension("log.1"));
    }
    File::options()
        .create(true)
        .append(true)
        .open(&layout.log)
        .map_err(ClusterError::io("open", &layout.log))
}

fn log_length(layout: &Layout) -> u64 {
    std::fs::metadata(&layout.log).map_or(0, |metadata| metadata.len())
}

/// The last lines that the server wrote since `offset`, on one line.
fn log_since(layout: &Layout, offset: u64) -> String {
    let mut bytes = Vec::new();
    let read = File::open(&layout.log).and_then(|mut file| {
        let start = if file.metadata()?.len() < offset { 0 } else { offset };
        file.seek(SeekFrom::Start(start))?;
        file.read_to_end(&mut bytes)
    });
    if read.is_err() {
        return String::new();
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let last = lines.len().saturating_sub(6);
    lines[last..].join(" / ")
}
