//! What the programs of the peers share: their command line, and the samples of latency.
//!
//! ```text
//! PROGRAM setup                 makes the schema in DATABASE_URL
//! PROGRAM enqueue N             enqueues N empty jobs, the fastest documented way; prints the seconds it took
//! PROGRAM work best|default     works until it is killed
//! PROGRAM latency N EVERY_MS    works, enqueues N single jobs, prints a JSON array: ms from before the enqueue to the handler
//! ```

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What anything here may fail with.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What the program is asked to do.
pub enum Task {
    /// Make the schema.
    Setup,
    /// Enqueue this many jobs.
    Enqueue(usize),
    /// Work until killed.
    Work(Settings),
    /// Measure this many latencies, this far apart.
    Latency(usize, Duration),
}

/// How a worker is set.
#[derive(Clone, Copy, PartialEq)]
pub enum Settings {
    /// The fastest that is known.
    Best,
    /// As shipped.
    Default,
}

/// The task that the command line names.
pub fn task() -> Result<Task, Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    Ok(match words.as_slice() {
        ["setup"] => Task::Setup,
        ["enqueue", count] => Task::Enqueue(count.parse()?),
        ["work", "best"] => Task::Work(Settings::Best),
        ["work", "default"] => Task::Work(Settings::Default),
        ["latency", count, every_ms] => {
            Task::Latency(count.parse()?, Duration::from_millis(every_ms.parse()?))
        }
        other => return Err(format!("unknown command line: {}", other.join(" ")).into()),
    })
}

/// The database to use.
pub fn database_url() -> Result<String, Failure> {
    std::env::var("DATABASE_URL").map_err(|_| "DATABASE_URL is not set".into())
}

/// Prints how long an enqueue took.
pub fn print_seconds(began: Instant) {
    println!("{}", began.elapsed().as_secs_f64());
}

/// Never returns: the bench kills the worker when its work is done.
pub async fn until_killed() -> Result<(), Failure> {
    std::future::pending().await
}

static STARTED: OnceLock<UnboundedSender<Instant>> = OnceLock::new();

/// Every handler calls this first. Costs a load unless latencies are measured.
pub fn handler_started() {
    if let Some(started) = STARTED.get() {
        started.send(Instant::now()).ok();
    }
}

/// Measures latencies: one job at a time, on a queue that is idle otherwise.
pub struct Latencies {
    started: UnboundedReceiver<Instant>,
    samples_ms: Vec<f64>,
}

impl Latencies {
    /// Listens to the handlers from now on.
    #[expect(clippy::new_without_default)]
    pub fn new() -> Latencies {
        let (sender, started) = unbounded_channel();
        STARTED.set(sender).ok();
        Latencies { started, samples_ms: Vec::new() }
    }

    /// Takes one sample of the job that `enqueue` puts in; then rests until `every` has passed.
    pub async fn sample(
        &mut self,
        every: Duration,
        enqueue: impl Future<Output = Result<(), Failure>>,
    ) -> Result<(), Failure> {
        let began = Instant::now();
        enqueue.await?;
        let started = self.started.recv().await.ok_or("no handler is left")?;
        self.samples_ms.push(started.duration_since(began).as_secs_f64() * 1e3);
        tokio::time::sleep(every.saturating_sub(began.elapsed())).await;
        Ok(())
    }

    /// Prints the samples.
    pub fn print(&self) {
        println!("{}", serde_json::to_string(&self.samples_ms).unwrap_or_default());
    }
}
