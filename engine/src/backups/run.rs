//! Running one of PostgreSQL's programs to its end: told how far it is, and stopped when its job is.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use super::BackupError;
use crate::jobs::JobContext;

/// As many of a program's complaints are kept.
const COMPLAINTS: usize = 4;

/// Who hears how far it is.
pub(super) enum Audience<'a> {
    /// A job: `total` lines with `phrase` in them mean that all is done.
    Job { cx: &'a JobContext, phrase: &'static str, total: i64 },
    /// Nobody.
    Nobody,
}

impl Audience<'_> {
    async fn hear(&self, line: &str, done: &mut i64) {
        if let Audience::Job { cx, phrase, total } = self
            && let Some((_, what)) = line.split_once(phrase)
        {
            cx.progress(*done, *total, format!("{phrase} {}", what.trim())).await;
            *done += 1;
        }
    }

    async fn stop_requested(&self) {
        match self {
            Audience::Job { cx, .. } => cx.stop_requested().await,
            Audience::Nobody => std::future::pending().await,
        }
    }
}

/// Runs `program`, which says what it does on its standard error.
pub(super) async fn run(
    program: &'static str,
    mut command: Command,
    audience: &Audience<'_>,
) -> Result<(), BackupError> {
    let failed = |said: String| BackupError::Program { program, said };
    command.arg("--verbose").stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let Some(stderr) = child.stderr.take() else {
        return Err(failed("it cannot be heard".to_owned()));
    };
    let mut lines = BufReader::new(stderr).split(b'\n');
    let (mut done, mut complaints) = (0, Vec::new());
    loop {
        tokio::select! {
            line = lines.next_segment() => {
                let Ok(Some(line)) = line else { break };
                let line = String::from_utf8_lossy(&line);
                audience.hear(&line, &mut done).await;
                let is_complaint = ["error:", "detail:", "hint:", "FATAL:"].iter().any(|word| line.contains(word));
                if is_complaint && complaints.len() < COMPLAINTS {
                    complaints.push(line.trim().to_owned());
                }
            }
            () = audience.stop_requested() => {
                // It is waited for, so that nothing of it writes any more.
                child.kill().await.map_err(|error| failed(error.to_string()))?;
                return Err(BackupError::Stopped);
            }
        }
    }
    let status = child.wait().await.map_err(|error| failed(error.to_string()))?;
    match (status.success(), complaints.is_empty()) {
        (true, _) => Ok(()),
        (false, true) => Err(failed(status.to_string())),
        (false, false) => Err(failed(complaints.join(" "))),
    }
}
