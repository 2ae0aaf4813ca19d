//! Programs that are measured: started with a clean slate, killed when dropped, their memory read.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, anyhow, bail};
use tokio::process::{Child, Command};

/// A running program. Dropping it kills it.
pub struct Process {
    child: Child,
    name: String,
}

impl Process {
    /// Starts `command`; what it says on standard error goes to `log`.
    pub fn start(mut command: Command, log: &Path) -> Result<Process> {
        let name = command.as_std().get_program().to_string_lossy().into_owned();
        let errors = std::fs::File::options().create(true).append(true).open(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Process { child, name })
    }

    /// Kills it and waits for its end.
    pub async fn kill(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Fails if it has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => Err(anyhow!("{} ended: {status}", self.name)),
        }
    }

    /// Its resident memory now, in KiB.
    pub fn rss_kib(&self) -> Result<u64> {
        self.status("VmRSS:")
    }

    /// The most resident memory since [`Process::forget_peak`], in KiB.
    pub fn peak_rss_kib(&self) -> Result<u64> {
        self.status("VmHWM:")
    }

    /// Lets the peak of the resident memory start anew.
    pub fn forget_peak(&self) -> Result<()> {
        Ok(std::fs::write(format!("/proc/{}/clear_refs", self.pid()?), "5")?)
    }

    fn pid(&self) -> Result<u32> {
        self.child.id().ok_or_else(|| anyhow!("{} has ended", self.name))
    }

    fn status(&self, field: &str) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()?))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let kib = line.and_then(|value| value.split_whitespace().next());
        kib.and_then(|kib| kib.parse().ok()).ok_or_else(|| anyhow!("no {field} in /proc"))
    }
}

/// Runs `command` to its end and returns what it prints.
pub async fn output(mut command: Command) -> Result<String> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.with_context(|| format!("cannot start {name}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let tail: Vec<&str> = said.lines().rev().take(5).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        bail!("{name} failed ({}): {}", output.status, tail.join(" | "));
    }
    Ok(String::from_utf8(output.stdout)?)
}
