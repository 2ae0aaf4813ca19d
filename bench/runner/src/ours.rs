//! Signalbox as its users run it: the released binary, its engine's enqueue, its HTTP API.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use signalbox_engine::Ctx;
use signalbox_engine::clock::SystemClock;
use signalbox_engine::jobs::enqueue;
use signalbox_engine::jobs::handler::Registry;
use signalbox_model::actor::Actor;
use signalbox_model::job::NewJob;
use tokio::process::Command;

use crate::contender::Work;
use crate::process::{self, Process};
use crate::server::Database;

/// Jobs in one call of `enqueue_batch`.
const CHUNK: u64 = 10_000;
const EMAIL: &str = "bench@example.com";
const PASSWORD: &str = "only for this benchmark, 1 run";

/// The product's binary.
#[derive(Debug, Clone)]
pub struct Ours {
    /// The release build of `signalbox`.
    pub binary: PathBuf,
}

impl Ours {
    fn command(&self, database: &Database, role: &str) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg(role).env("DATABASE_URL", &database.url).env("RUST_LOG", "warn");
        command
    }

    fn start(&self, command: Command) -> Result<Process> {
        Process::start(command, std::path::Path::new("target/bench-signalbox.log"))
    }

    /// Brings the schema up to date.
    pub async fn migrate(&self, database: &Database) -> Result<()> {
        process::output(self.command(database, "migrate")).await.map(drop)
    }

    /// Starts a worker process.
    pub fn start_worker(&self, database: &Database, work: Work) -> Result<Process> {
        self.start_worker_with(database, work, &[])
    }

    /// Starts a worker process with more of its environment set.
    pub fn start_worker_with(
        &self,
        database: &Database,
        work: Work,
        environment: &[(&str, &str)],
    ) -> Result<Process> {
        let mut command = self.command(database, "worker");
        if let Work::Best(concurrency) = work {
            command.env("WORKER_CONCURRENCY", concurrency.to_string());
        }
        command.envs(environment.iter().copied());
        self.start(command)
    }

    /// Starts the console and signs in.
    pub async fn start_web(&self, database: &Database) -> Result<Web> {
        let addr = free_address()?;
        let mut command = self.command(database, "web");
        command
            .env("SIGNALBOX_ADDR", &addr)
            .env("ADMIN_EMAIL", EMAIL)
            .env("ADMIN_PASSWORD", PASSWORD);
        let process = self.start(command)?;
        Web::sign_in(process, format!("http://{addr}")).await
    }

    /// Enqueues `count` × `system.noop` by the engine's own command. Returns the seconds it took.
    pub async fn enqueue(&self, database: &Database, count: u64) -> Result<f64> {
        let ctx = context(database);
        let registry = Registry::builder().build();
        let began = Instant::now();
        let mut left = count;
        while left > 0 {
            let chunk = left.min(CHUNK);
            let jobs = (0..chunk).map(|_| NewJob::new("system.noop", json!({}))).collect();
            enqueue::enqueue_batch(&ctx, &registry, jobs).await?;
            left -= chunk;
        }
        Ok(began.elapsed().as_secs_f64())
    }

    /// Samples from before the enqueue to the end of the run, in milliseconds. The end, as recorded: our handlers are in another
    /// process, and the end is the first time after their start that it writes down. A little is added to our own figure by that.
    pub async fn latencies(
        &self,
        database: &Database,
        count: u64,
        every_ms: u64,
    ) -> Result<Vec<f64>> {
        let worker = self.start_worker(database, Work::Default)?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let ctx = context(database);
        let registry = Registry::builder().build();
        let mut sent: Vec<(i64, DateTime<Utc>)> = Vec::new();
        for _ in 0..count {
            let began = Instant::now();
            let at = Utc::now();
            let job = NewJob::new("system.noop", json!({}));
            sent.push((enqueue::enqueue(&ctx, &registry, job).await?.id, at));
            tokio::time::sleep(Duration::from_millis(every_ms).saturating_sub(began.elapsed()))
                .await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        worker.kill().await?;
        let mut samples = Vec::new();
        for (id, at) in sent {
            let finished: Option<DateTime<Utc>> =
                sqlx::query_scalar("SELECT finished_at FROM jobs_finished WHERE id = $1")
                    .bind(id)
                    .fetch_optional(&database.pool)
                    .await?;
            let finished = finished.with_context(|| format!("job {id} never ran"))?;
            samples.push((finished - at).as_seconds_f64() * 1e3);
        }
        Ok(samples)
    }
}

fn context(database: &Database) -> Ctx {
    Ctx::new(database.pool.clone(), SystemClock::shared(), Actor::system("bench"))
}

/// An address of this machine that nobody listens on.
pub fn free_address() -> Result<String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.to_string())
}

/// The console, and a session in it.
pub struct Web {
    /// Its process.
    pub process: Process,
    client: reqwest::Client,
    url: String,
}

impl Web {
    async fn sign_in(mut process: Process, url: String) -> Result<Web> {
        let client = reqwest::Client::builder().cookie_store(true).build()?;
        let until = Instant::now() + Duration::from_secs(20);
        while client.get(format!("{url}/healthz")).send().await.is_err() {
            process.check()?;
            if Instant::now() > until {
                bail!("the console does not answer on {url}; see target/bench-signalbox.log");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let web = Web { process, client, url };
        web.post("/api/auth/login", json!({ "email": EMAIL, "password": PASSWORD })).await?;
        Ok(web)
    }

    /// `GET path`, read to its end.
    pub async fn get(&self, path: &str) -> Result<Vec<u8>> {
        let answer = self.client.get(format!("{}{path}", self.url)).send().await?;
        Ok(answer.error_for_status()?.bytes().await?.into())
    }

    /// `GET path`, its body counted and thrown away. Returns the bytes and the seconds.
    pub async fn download(&self, path: &str) -> Result<(u64, f64)> {
        let began = Instant::now();
        let answer = self.client.get(format!("{}{path}", self.url)).send().await?;
        let mut answer = answer.error_for_status()?;
        let mut bytes = 0;
        while let Some(chunk) = answer.chunk().await? {
            bytes += chunk.len() as u64;
        }
        Ok((bytes, began.elapsed().as_secs_f64()))
    }

    /// `GET path` as often as asked. Returns the milliseconds of each.
    pub async fn time(&self, path: &str, times: u32) -> Result<Vec<f64>> {
        let mut samples = Vec::new();
        for _ in 0..times {
            let began = Instant::now();
            self.get(path).await?;
            samples.push(began.elapsed().as_secs_f64() * 1e3);
        }
        Ok(samples)
    }

    /// `POST path` with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Result<()> {
        let answer = self.client.post(format!("{}{path}", self.url)).json(&body).send().await?;
        let status = answer.status();
        if !status.is_success() {
            bail!("POST {path}: {status}: {}", answer.text().await?);
        }
        Ok(())
    }

    /// `POST /api/jobs/batch` with `count` times the same job.
    pub async fn enqueue(&self, job: &Value, count: u64) -> Result<()> {
        let chunk = 1_000;
        for from in (0..count).step_by(chunk) {
            let lines = format!("{job}\n").repeat((count - from).min(chunk as u64) as usize);
            let request = self.client.post(format!("{}/api/jobs/batch", self.url));
            let request = request.header("content-type", "application/x-ndjson").body(lines);
            let answer = request.send().await?;
            let status = answer.status();
            if !status.is_success() {
                bail!("POST /api/jobs/batch: {status}: {}", answer.text().await?);
            }
        }
        Ok(())
    }
}
