//! Who is measured, and how each is asked: Signalbox and its peers behind one interface.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use tokio::process::Command;

use crate::ours::Ours;
use crate::process::{self, Process};
use crate::server::{Database, Server};

/// What somebody's jobs lie in.
#[derive(Debug, Clone, Copy)]
pub struct Tables {
    /// The tables that a claim writes: locking them holds the claims off.
    pub claimed: &'static str,
    /// Asks cheaply whether any job waits to be claimed.
    pub waiting: &'static str,
    /// Asks whether any job is not done yet. Asked only when none waits any more.
    pub unfinished: &'static str,
}

/// How a contender is started and asked.
#[derive(Debug, Clone)]
pub enum Program {
    /// The product itself.
    Ours(Ours),
    /// A peer's program: it understands `setup`, `enqueue N`, `work best|default` and `latency N EVERY_MS`.
    Peer(Vec<PathBuf>),
}

/// A job queue.
#[derive(Debug, Clone)]
pub struct Product {
    /// Short, for names of databases and keys.
    pub key: &'static str,
    /// As its authors write it.
    pub name: &'static str,
    /// The pinned version.
    pub version: &'static str,
    /// Whether it keeps a row of every finished job.
    pub keeps_history: bool,
    /// Its tables.
    pub tables: Tables,
    /// Its program.
    pub program: Program,
    /// Why it cannot be measured, if it cannot.
    pub missing: Option<String>,
}

impl Product {
    /// The database with the product's empty schema, from which the others are copied.
    pub fn template(&self) -> String {
        format!("bench_{}_template", self.key)
    }

    /// Makes the template. A product whose schema cannot be made is missing from then on.
    pub async fn prepare(&mut self, server: &Server) -> Result<()> {
        if self.missing.is_some() {
            return Ok(());
        }
        let database = server.create(&self.template(), None).await?;
        let made = match &self.program {
            Program::Ours(ours) => ours.migrate(&database).await,
            Program::Peer(_) => process::output(self.peer(&database, &["setup"])?).await.map(drop),
        };
        // Nobody may be connected to a template.
        database.pool.close().await;
        if let Err(error) = made {
            eprintln!("  {}: {error:#}", self.name);
            self.missing = Some(format!("{error:#}"));
        }
        Ok(())
    }

    /// A fresh database with the product's schema.
    pub async fn database(&self, server: &Server, suffix: &str) -> Result<Database> {
        server.create(&format!("bench_{}_{suffix}", self.key), Some(&self.template())).await
    }

    /// Enqueues `count` empty jobs. Returns the seconds it took.
    pub async fn enqueue(&self, database: &Database, count: u64) -> Result<f64> {
        match &self.program {
            Program::Ours(ours) => ours.enqueue(database, count).await,
            Program::Peer(_) => {
                let command = self.peer(database, &["enqueue", &count.to_string()])?;
                Ok(process::output(command).await?.trim().parse()?)
            }
        }
    }

    /// Starts one worker process.
    pub fn start_worker(&self, database: &Database, work: Work) -> Result<Process> {
        match &self.program {
            Program::Ours(ours) => ours.start_worker(database, work),
            Program::Peer(_) => {
                let settings = if work == Work::Default { "default" } else { "best" };
                let log = PathBuf::from(format!("target/bench-{}.log", self.key));
                Process::start(self.peer(database, &["work", settings])?, &log)
            }
        }
    }

    /// Takes `count` samples of the latency, `every_ms` apart, in milliseconds.
    pub async fn latencies(
        &self,
        database: &Database,
        count: u64,
        every_ms: u64,
    ) -> Result<Vec<f64>> {
        match &self.program {
            Program::Ours(ours) => ours.latencies(database, count, every_ms).await,
            Program::Peer(_) => {
                let arguments = ["latency", &count.to_string(), &every_ms.to_string()];
                let printed = process::output(self.peer(database, &arguments)?).await?;
                serde_json::from_str(printed.trim()).with_context(|| printed.clone())
            }
        }
    }

    fn peer(&self, database: &Database, arguments: &[&str]) -> Result<Command> {
        let Program::Peer(words) = &self.program else { anyhow::bail!("not a peer") };
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(arguments).env("DATABASE_URL", &database.url);
        Ok(command)
    }
}

/// How the workers are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// As shipped.
    Default,
    /// The best that is known; of ours with this concurrency per process.
    Best(u16),
}

/// A product with the settings it drains with.
#[derive(Debug, Clone)]
pub struct Contender {
    /// Which product, by its place among all.
    pub product: Product,
    /// What is special, such as `2 processes`.
    pub variant: &'static str,
    /// The settings, printed.
    pub settings: &'static str,
    /// How the workers are set.
    pub work: Work,
    /// How many worker processes.
    pub processes: usize,
}

impl Contender {
    /// As it is shown.
    pub fn label(&self) -> String {
        match self.variant {
            "" => self.product.name.to_owned(),
            variant => format!("{}, {variant}", self.product.name),
        }
    }
}
