//! Schedules (OP-16): what is enqueued when. The code declares them; operators pause them, run
//! them now, and give them other times. docs/schedules.md has the rules.

mod commands;
mod tick;
mod timetable;

use serde_json::Value;
use signalbox_model::Timestamp;
use signalbox_model::problem::FieldError;
use signalbox_model::schedule::MissedTicks;
use sqlx::PgPool;

pub use commands::{change, list, pause, preview, read, reset, resume, run_now};
pub use tick::tick;
pub use timetable::Timetable;

/// A schedule as the code declares it.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleSpec {
    /// Its name.
    pub name: &'static str,
    /// The kind of job it enqueues.
    pub kind: &'static str,
    /// The job's payload.
    pub payload: Value,
    /// When: minute, hour, day of month, month, day of week.
    pub cron: &'static str,
    /// The zone in which `cron` is read, by its IANA name.
    pub time_zone: &'static str,
    /// What becomes of ticks that passed while nobody led.
    pub missed_ticks: MissedTicks,
}

impl ScheduleSpec {
    /// A schedule in UTC, with an empty payload, whose missed ticks are made up for by one run.
    pub fn new(name: &'static str, kind: &'static str, cron: &'static str) -> ScheduleSpec {
        ScheduleSpec {
            name,
            kind,
            payload: Value::Object(serde_json::Map::new()),
            cron,
            time_zone: "UTC",
            missed_ticks: MissedTicks::default(),
        }
    }

    /// The same with a payload.
    #[must_use]
    pub fn with_payload(mut self, payload: Value) -> ScheduleSpec {
        self.payload = payload;
        self
    }
}

/// Why schedules could not be declared or run.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// The database did not answer.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The code declares times that make no sense.
    #[error("schedule {name}: {} {}", .error.field, .error.detail)]
    Times {
        /// The schedule.
        name: &'static str,
        /// What is wrong with its times.
        error: FieldError,
    },
}

/// Makes the code's schedules the ones there are. What operators changed (pause, times) stays;
/// other times in the code take effect at once where no operator has set any; a schedule that the
/// code no longer knows is gone.
///
/// # Errors
/// For times that make no sense, or when the database does not answer.
pub async fn declare(
    db: &PgPool,
    specs: &[ScheduleSpec],
    now: Timestamp,
) -> Result<(), ScheduleError> {
    let mut tx = db.begin().await?;
    for spec in specs {
        let next = first_tick(spec, now)
            .map_err(|error| ScheduleError::Times { name: spec.name, error })?;
        sqlx::query(
            "INSERT INTO schedules (name, kind, payload, cron, time_zone, missed_ticks, next_run_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, payload = excluded.payload,
                 cron = excluded.cron, time_zone = excluded.time_zone,
                 missed_ticks = excluded.missed_ticks,
                 next_run_at = CASE
                     WHEN schedules.operator_cron IS NOT NULL
                       OR (schedules.cron, schedules.time_zone) = (excluded.cron, excluded.time_zone)
                     THEN schedules.next_run_at ELSE excluded.next_run_at END",
        )
        .bind(spec.name)
        .bind(spec.kind)
        .bind(&spec.payload)
        .bind(spec.cron)
        .bind(spec.time_zone)
        .bind(spec.missed_ticks.name())
        .bind(next)
        .execute(&mut *tx)
        .await?;
    }
    sqlx::query("DELETE FROM schedules WHERE name <> ALL($1)")
        .bind(specs.iter().map(|spec| spec.name).collect::<Vec<_>>())
        .execute(&mut *tx)
        .await?;
    Ok(tx.commit().await?)
}

fn first_tick(spec: &ScheduleSpec, now: Timestamp) -> Result<Timestamp, FieldError> {
    Timetable::new(spec.cron, spec.time_zone)?
        .next(now)
        .ok_or_else(|| FieldError::new("cron", "names a date that never comes"))
}
