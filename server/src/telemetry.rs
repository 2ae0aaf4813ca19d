//! How everything stands, read at most once a second, however many ask: health, queue triage and
//! metrics are views of the same reading.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use signalbox_engine::health::{self, Totals};
use signalbox_engine::jobs::handler::Registry;
use signalbox_engine::{Ctx, db, kill_switch};
use signalbox_model::Timestamp;
use signalbox_model::health::Health;
use tokio::sync::Mutex;

/// A reading is shared for so long.
const FRESH: TimeDelta = TimeDelta::seconds(1);
/// A database that takes longer than this to answer counts as down.
const PATIENCE: Duration = Duration::from_secs(2);

/// So long a reading may take on a machine that has more to do than it can; without a database it ends
/// sooner.
const READING_PATIENCE: Duration = Duration::from_secs(10);

/// Reads how everything stands.
pub struct Telemetry {
    system: Ctx,
    registry: Registry,
    /// Locked while one caller reads: the others wait for what it reads.
    last: Mutex<Last>,
    turn: Mutex<()>,
}

struct Last {
    totals: Totals,
    reading: Option<(Timestamp, Option<Arc<Health>>)>,
}

impl Telemetry {
    /// Telemetry of what `system` sees.
    pub fn new(system: Ctx, registry: Registry) -> Telemetry {
        let last = Last { totals: Totals::new(system.now()), reading: None };
        Telemetry { system, registry, last: Mutex::new(last), turn: Mutex::new(()) }
    }

    /// How everything stands, or stood less than a second ago; `None` while the database does not answer.
    pub async fn read(&self) -> Option<Arc<Health>> {
        let mut last = self.last.lock().await;
        let now = self.system.now();
        let fresh = |read_at: &Timestamp| (TimeDelta::zero()..FRESH).contains(&(now - *read_at));
        if let Some((_, reading)) = last.reading.as_ref().filter(|(at, _)| fresh(at)) {
            return reading.clone();
        }
        let read = health::read(&self.system, &self.registry, &mut last.totals);
        let reading = match tokio::time::timeout(READING_PATIENCE, read).await {
            Ok(Ok(health)) => Some(Arc::new(health)),
            Ok(Err(error)) => {
                tracing::warn!(%error, "cannot read how everything stands");
                None
            }
            Err(_) => {
                tracing::warn!("reading how everything stands takes too long");
                None
            }
        };
        // From when it is there: a failure that took two seconds is not asked for again at once.
        last.reading = Some((self.system.now(), reading.clone()));
        reading
    }

    /// Whether the database answers, and whether the engine's own tables can be read: asked anew, but by
    /// one caller at a time, so that no crowd of strangers uses up the connections.
    pub async fn probe(&self) -> Probe {
        let database = async {
            let turn = self.turn.lock().await;
            db::ping(&self.system.db).await.is_ok().then_some(turn)
        };
        let Ok(Some(_turn)) = tokio::time::timeout(PATIENCE, database).await else {
            return Probe { database: false, queues: false };
        };
        // A database without these tables is connected, no more.
        let queues = tokio::time::timeout(PATIENCE, kill_switch::read(&self.system)).await;
        Probe { database: true, queues: matches!(queues, Ok(Ok(_))) }
    }
}

/// What a probe found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// The database answers.
    pub database: bool,
    /// The queues can be read.
    pub queues: bool,
}
