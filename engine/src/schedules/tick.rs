//! The leader's part: a job for every tick that is due. Each is inserted under the key
//! `schedule:<name>:<tick>` in the transaction that moves the schedule on, so that no tick runs
//! twice however many believe they lead.

use std::collections::VecDeque;

use chrono::Duration;
use serde_json::{Value, json};
use signalbox_model::Timestamp;
use signalbox_model::actor::Actor;
use signalbox_model::format;
use signalbox_model::job::NewJob;
use signalbox_model::problem::FieldError;
use signalbox_model::schedule::MissedTicks;
use signalbox_model::system_log::LogLevel;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};

use super::Timetable;
use crate::jobs::enqueue;
use crate::jobs::handler::Registry;
use crate::logs::{self, NewLog};

/// The most missed ticks that [`MissedTicks::RunAll`] runs.
const RUN_ALL_BOUND: usize = 100;
/// A tick is missed when it is later than this: a change of leader takes less.
const GRACE: Duration = Duration::seconds(60);
/// Ticks further back than this are neither run nor counted.
const HORIZON: Duration = Duration::days(31);

/// Enqueues a job for every tick that is due, missed ones by the schedule's rule; none while the
/// scheduler is stopped. Returns how many jobs that were.
///
/// # Errors
/// When the database does not answer; nothing was enqueued then.
pub async fn tick(db: &PgPool, registry: &Registry, now: Timestamp) -> Result<usize, sqlx::Error> {
    let mut tx = db.begin().await?;
    let schedules = sqlx::query(
        "SELECT name, kind, payload, missed_ticks, next_run_at,
                coalesce(operator_cron, cron) AS cron,
                coalesce(operator_time_zone, time_zone) AS time_zone
         FROM schedules WHERE next_run_at <= $1 AND NOT paused
           AND NOT EXISTS (SELECT FROM stopped_roles WHERE role = 'scheduler')
         ORDER BY name FOR UPDATE SKIP LOCKED",
    )
    .bind(now)
    .try_map(due_schedule)
    .fetch_all(&mut *tx)
    .await?;
    let mut enqueued = 0;
    for schedule in &schedules {
        enqueued += match Timetable::new(&schedule.cron, &schedule.time_zone) {
            Ok(timetable) => run_due(&mut tx, registry, schedule, &timetable, now).await?,
            Err(FieldError { field, detail }) => {
                halt(&mut tx, schedule, &format!("{field} {detail}"), now).await?;
                0
            }
        };
    }
    tx.commit().await?;
    Ok(enqueued)
}

struct DueSchedule {
    name: String,
    kind: String,
    payload: Value,
    missed_ticks: MissedTicks,
    next_run_at: Timestamp,
    cron: String,
    time_zone: String,
}

fn due_schedule(row: PgRow) -> Result<DueSchedule, sqlx::Error> {
    Ok(DueSchedule {
        name: row.try_get("name")?,
        kind: row.try_get("kind")?,
        payload: row.try_get("payload")?,
        missed_ticks: MissedTicks::from_name(row.try_get("missed_ticks")?).unwrap_or_default(),
        next_run_at: row.try_get("next_run_at")?,
        cron: row.try_get("cron")?,
        time_zone: row.try_get("time_zone")?,
    })
}

async fn run_due(
    tx: &mut PgConnection,
    registry: &Registry,
    schedule: &DueSchedule,
    timetable: &Timetable,
    now: Timestamp,
) -> Result<usize, sqlx::Error> {
    let due = due_ticks(timetable, schedule.missed_ticks, schedule.next_run_at, now);
    let job = |tick: &Timestamp| {
        NewJob::new(&schedule.kind, schedule.payload.clone()).with_key(format!(
            "schedule:{}:{}",
            schedule.name,
            tick.to_rfc3339()
        ))
    };
    let jobs: Vec<_> = due.run.iter().map(job).collect();
    let enqueued = enqueue::insert(tx, registry, jobs, now).await?;
    sqlx::query(
        "UPDATE schedules SET next_run_at = coalesce($2, next_run_at),
             last_run_at = coalesce($3, last_run_at),
             first_run_at = coalesce(first_run_at, $3), last_job_id = coalesce($4, last_job_id)
         WHERE name = $1",
    )
    .bind(&schedule.name)
    .bind(due.next)
    .bind(due.run.last())
    .bind(enqueued.last().map(|job| job.id))
    .execute(&mut *tx)
    .await?;
    if due.missed > 0 {
        let message = format!(
            "Schedule {} missed {}: {} run, {} dropped ({})",
            schedule.name,
            format::plural(due.missed, "tick", "ticks"),
            due.run.len(),
            due.dropped,
            schedule.missed_ticks.name()
        );
        let log = NewLog::new("schedule_missed", LogLevel::Warn, message).with(
            json!({ "schedule": schedule.name, "missed": due.missed, "dropped": due.dropped }),
        );
        logs::write(&mut *tx, now, log).await?;
    }
    if due.next.is_none() {
        halt(tx, schedule, "its cron expression names no further date", now).await?;
    }
    Ok(enqueued.iter().filter(|job| !job.existed).count())
}

/// What is to be done about the ticks that are due.
#[derive(Debug, PartialEq, Eq)]
struct DueTicks {
    /// Those that become jobs, the oldest first.
    run: Vec<Timestamp>,
    /// How many were not run in their time.
    missed: i64,
    /// How many become no job.
    dropped: i64,
    /// The first tick that is not due.
    next: Option<Timestamp>,
}

/// Sorts the ticks from `first` to `now` by `rule`.
fn due_ticks(
    timetable: &Timetable,
    rule: MissedTicks,
    first: Timestamp,
    now: Timestamp,
) -> DueTicks {
    let mut recent = VecDeque::new();
    let (mut passed, mut missed) = (0_usize, 0);
    let mut next = Some(first);
    if first < now - HORIZON {
        next = timetable.next(now - HORIZON);
    }
    while let Some(tick) = next.filter(|tick| *tick <= now) {
        passed += 1;
        missed += i64::from(tick < now - GRACE);
        recent.push_back(tick);
        if recent.len() > RUN_ALL_BOUND {
            recent.pop_front();
        }
        next = timetable.next(tick);
    }
    let run: Vec<_> = match rule {
        MissedTicks::RunOnce => recent.pop_back().into_iter().collect(),
        MissedTicks::Skip => recent.into_iter().filter(|tick| *tick >= now - GRACE).collect(),
        MissedTicks::RunAll => recent.into(),
    };
    let dropped = i64::try_from(passed - run.len()).unwrap_or(i64::MAX);
    DueTicks { run, missed, dropped, next }
}

/// Pauses a schedule that cannot go on, so that the others can.
async fn halt(
    tx: &mut PgConnection,
    schedule: &DueSchedule,
    why: &str,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE schedules SET paused = true, pause_reason = $2, paused_by = $3, paused_at = $4
         WHERE name = $1",
    )
    .bind(&schedule.name)
    .bind(why)
    .bind(Actor::system("scheduler").email)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    let message = format!("Schedule {} was paused by the system: {why}", schedule.name);
    let log = NewLog::new("schedule_pause", LogLevel::Error, message)
        .with(json!({ "schedule": schedule.name }));
    logs::write(tx, now, log).await
}

/// How many ticks there are from `first` to `now`, within the horizon.
pub(super) fn ticks_between(timetable: &Timetable, first: Timestamp, now: Timestamp) -> i64 {
    let due = due_ticks(timetable, MissedTicks::RunOnce, first, now);
    due.dropped + i64::from(!due.run.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn due(rule: MissedTicks, first: &str, now: &str) -> DueTicks {
        due_ticks(&Timetable::new("*/10 * * * *", "UTC").unwrap(), rule, at(first), at(now))
    }

    #[test]
    fn op_16_a_tick_in_time_is_run_whatever_the_rule() {
        for rule in MissedTicks::ALL {
            let due = due(rule, "2026-01-01T12:00:00Z", "2026-01-01T12:00:59Z");
            assert_eq!((due.run.len(), due.missed, due.dropped), (1, 0, 0), "{rule:?}");
            assert_eq!(due.next, Some(at("2026-01-01T12:10:00Z")));
        }
    }

    #[test]
    fn op_16_missed_ticks_are_sorted_by_the_rule() {
        let due = |rule| due(rule, "2026-01-01T12:00:00Z", "2026-01-01T13:00:30Z");
        let latest = at("2026-01-01T13:00:00Z");
        let once = due(MissedTicks::RunOnce);
        assert_eq!((once.run, once.missed, once.dropped), (vec![latest], 6, 6));
        let skip = due(MissedTicks::Skip);
        assert_eq!((skip.run, skip.missed, skip.dropped), (vec![latest], 6, 6));
        let all = due(MissedTicks::RunAll);
        assert_eq!((all.run.len(), all.missed, all.dropped), (7, 6, 0));
        assert_eq!(all.run.last(), Some(&latest));
    }

    #[test]
    fn op_16_a_long_absence_floods_nothing() {
        let all = due(MissedTicks::RunAll, "2020-01-01T00:00:00Z", "2026-01-01T00:05:00Z");
        assert_eq!((all.run.len(), all.dropped), (RUN_ALL_BOUND, 31 * 144 - 100));
        let skip = due(MissedTicks::Skip, "2020-01-01T00:00:00Z", "2026-01-01T00:05:00Z");
        assert!(skip.run.is_empty());
    }
}
