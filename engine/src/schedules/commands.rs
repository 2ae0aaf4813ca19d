//! What operators see of schedules and do with them.

use serde_json::{Value, json};
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::format;
use signalbox_model::job::{JobId, JobState, NewJob};
use signalbox_model::kill_switch::reason;
use signalbox_model::problem::FieldError;
use signalbox_model::schedule::{LastJob, MissedTicks, Pause, Preview, Schedule, Times};
use signalbox_model::system_log::LogLevel;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use super::tick::ticks_between;
use super::timetable::{self, Timetable};
use crate::audit::{self, Act};
use crate::jobs::enqueue;
use crate::jobs::handler::Registry;
use crate::logs::{self, NewLog};
use crate::{CommandError, Ctx};

/// How many ticks ahead are shown.
const TICKS_SHOWN: usize = 5;

/// A schedule with its last job's state, wherever that job lies.
const SELECT: &str = "SELECT s.*, j.state AS last_job_state FROM schedules s
     LEFT JOIN LATERAL (SELECT state FROM jobs WHERE id = s.last_job_id LIMIT 1) j ON true";

/// All schedules, by name.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn list(ctx: &Ctx) -> Result<Vec<Schedule>, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let now = ctx.now();
    Ok(sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} ORDER BY s.name")))
        .try_map(|row| shown(&row, now))
        .fetch_all(&ctx.db)
        .await?)
}

/// One schedule.
///
/// # Errors
/// Without [`Permission::ReadConsole`]; when there is none of this name; when the database does
/// not answer.
pub async fn read(ctx: &Ctx, name: &str) -> Result<Schedule, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let (name, now) = (storable(name)?, ctx.now());
    sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} WHERE s.name = $1")))
        .bind(name)
        .try_map(|row| shown(&row, now))
        .fetch_optional(&ctx.db)
        .await?
        .ok_or_else(|| unknown(name))
}

/// When `times` would tick from now on. Changes nothing.
///
/// # Errors
/// Without [`Permission::ReadConsole`]; for times that make no sense, with what is allowed.
pub fn preview(ctx: &Ctx, times: &Times) -> Result<Preview, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    timetable::preview(times, ctx.now(), TICKS_SHOWN).map_err(invalid)
}

/// Stops a schedule from ticking until it is resumed.
///
/// # Errors
/// Without [`Permission::OperateSchedules`]; without a reason; when there is none of this name, or
/// it is paused already; when the database does not answer.
pub async fn pause(ctx: &Ctx, name: &str, why: &str) -> Result<(), CommandError> {
    let (mut tx, held) = open(ctx, name).await?;
    let why = reason(why).map_err(|detail| CommandError::invalid("reason", detail))?;
    if held.paused {
        return Err(CommandError::Conflict(format!("Schedule {name} is paused already.")));
    }
    sqlx::query(
        "UPDATE schedules SET paused = true, pause_reason = $2, paused_by = $3, paused_at = $4
         WHERE name = $1",
    )
    .bind(name)
    .bind(why)
    .bind(&ctx.actor.email)
    .bind(ctx.now())
    .execute(&mut *tx)
    .await?;
    let message = format!("Schedule {name} paused by {}: {why}", ctx.actor.email);
    record(&mut tx, ctx, "pause", name, Some(why), message, json!({})).await?;
    Ok(tx.commit().await?)
}

/// Lets a schedule tick again, from its next tick on: those that passed while it was paused are
/// dropped. Returns how many those are.
///
/// # Errors
/// Without [`Permission::OperateSchedules`]; when there is none of this name, or it is not paused;
/// when its times make no sense; when the database does not answer.
pub async fn resume(ctx: &Ctx, name: &str, why: Option<&str>) -> Result<i64, CommandError> {
    let (mut tx, held) = open(ctx, name).await?;
    let why = optional_reason(why)?;
    if !held.paused {
        return Err(CommandError::Conflict(format!("Schedule {name} is not paused.")));
    }
    let timetable = Timetable::new(&held.times.cron, &held.times.time_zone).map_err(invalid)?;
    let dropped = ticks_between(&timetable, held.next_run_at, ctx.now());
    sqlx::query(
        "UPDATE schedules SET paused = false, pause_reason = NULL, paused_by = NULL,
             paused_at = NULL, next_run_at = $2
         WHERE name = $1",
    )
    .bind(name)
    .bind(next(&timetable, ctx.now())?)
    .execute(&mut *tx)
    .await?;
    let message = format!(
        "Schedule {name} resumed by {}; {} dropped that passed while it was paused",
        ctx.actor.email,
        format::plural(dropped, "tick", "ticks"),
    );
    record(&mut tx, ctx, "resume", name, why, message, json!({ "dropped": dropped })).await?;
    tx.commit().await?;
    Ok(dropped)
}

/// Enqueues a schedule's job now, paused or not, and leaves its ticks as they are. Every call is
/// one more job.
///
/// # Errors
/// Without [`Permission::OperateSchedules`]; when there is none of this name; when the database
/// does not answer.
pub async fn run_now(
    ctx: &Ctx,
    registry: &Registry,
    name: &str,
    why: Option<&str>,
) -> Result<JobId, CommandError> {
    let (mut tx, held) = open(ctx, name).await?;
    let why = optional_reason(why)?;
    let job = NewJob::new(&held.kind, held.payload);
    let enqueued = enqueue::insert(&mut tx, registry, vec![job], ctx.now()).await?;
    let job = enqueued.first().ok_or(sqlx::Error::RowNotFound)?.id;
    sqlx::query("UPDATE schedules SET last_job_id = $2 WHERE name = $1")
        .bind(name)
        .bind(job)
        .execute(&mut *tx)
        .await?;
    let message = format!("Schedule {name} run by {} as job {job}", ctx.actor.email);
    record(&mut tx, ctx, "run_now", name, why, message, json!({ "job": job })).await?;
    tx.commit().await?;
    Ok(job)
}

/// Gives a schedule other times than the code declares. They stay until [`reset`], whatever the
/// code says; the next tick is the first of theirs.
///
/// # Errors
/// Without [`Permission::OperateSchedules`]; for times that make no sense, with what is allowed;
/// when there is none of this name; when the database does not answer.
pub async fn change(
    ctx: &Ctx,
    name: &str,
    times: &Times,
    why: Option<&str>,
) -> Result<(), CommandError> {
    set_times(ctx, name, "change", Some(times), why).await
}

/// Gives a schedule back the times that the code declares.
///
/// # Errors
/// As [`change`]; when it has them already.
pub async fn reset(ctx: &Ctx, name: &str, why: Option<&str>) -> Result<(), CommandError> {
    set_times(ctx, name, "reset", None, why).await
}

async fn set_times(
    ctx: &Ctx,
    name: &str,
    command: &str,
    wanted: Option<&Times>,
    why: Option<&str>,
) -> Result<(), CommandError> {
    let (mut tx, held) = open(ctx, name).await?;
    let why = optional_reason(why)?;
    if wanted.is_none() && held.times == held.declared {
        return Err(CommandError::Conflict(format!("Schedule {name} has its default times.")));
    }
    let times = wanted.unwrap_or(&held.declared);
    let timetable = Timetable::new(&times.cron, &times.time_zone).map_err(invalid)?;
    // What equals the code's own is no change by an operator: it follows the code again.
    let own = wanted.filter(|times| **times != held.declared);
    sqlx::query(
        "UPDATE schedules SET operator_cron = $2, operator_time_zone = $3, changed_by = $4,
             changed_at = $5, next_run_at = $6
         WHERE name = $1",
    )
    .bind(name)
    .bind(own.map(|times| times.cron.trim()))
    .bind(own.map(|times| times.time_zone.trim()))
    .bind(own.map(|_| &ctx.actor.email))
    .bind(own.map(|_| ctx.now()))
    .bind(next(&timetable, ctx.now())?)
    .execute(&mut *tx)
    .await?;
    let message = format!(
        "Schedule {name} ticks at {} ({}) instead of {} ({}), set by {}",
        times.cron, times.time_zone, held.times.cron, held.times.time_zone, ctx.actor.email
    );
    let details = json!({ "before": held.times, "after": times });
    record(&mut tx, ctx, command, name, why, message, details).await?;
    Ok(tx.commit().await?)
}

/// A schedule, locked, so that no tick comes between.
struct Held {
    kind: String,
    payload: Value,
    paused: bool,
    next_run_at: Timestamp,
    /// The times that count.
    times: Times,
    /// The times that the code declares.
    declared: Times,
}

async fn open(
    ctx: &Ctx,
    name: &str,
) -> Result<(sqlx::Transaction<'static, sqlx::Postgres>, Held), CommandError> {
    ctx.demand(Permission::OperateSchedules)?;
    let name = storable(name)?;
    let mut tx = ctx.db.begin().await?;
    let held = sqlx::query("SELECT * FROM schedules WHERE name = $1 FOR UPDATE")
        .bind(name)
        .try_map(|row: PgRow| {
            let (times, declared) = times(&row)?;
            Ok(Held {
                kind: row.try_get("kind")?,
                payload: row.try_get("payload")?,
                paused: row.try_get("paused")?,
                next_run_at: row.try_get("next_run_at")?,
                times,
                declared,
            })
        })
        .fetch_optional(&mut *tx)
        .await?
        .ok_or_else(|| unknown(name))?;
    Ok((tx, held))
}

/// What was done, in both records.
async fn record(
    tx: &mut PgConnection,
    ctx: &Ctx,
    command: &str,
    name: &str,
    why: Option<&str>,
    message: String,
    details: Value,
) -> Result<(), sqlx::Error> {
    let event = format!("schedule_{command}");
    let facts =
        json!({ "schedule": name, "by": ctx.actor.email, "reason": why, "details": details });
    let log = NewLog::new(&event, LogLevel::Info, message).with(facts);
    logs::write(&mut *tx, ctx.now(), log).await?;
    let action = format!("schedule.{command}");
    audit::record(tx, ctx, Act { action: &action, subject: name, reason: why, details }).await
}

fn next(timetable: &Timetable, after: Timestamp) -> Result<Timestamp, CommandError> {
    timetable
        .next(after)
        .ok_or_else(|| CommandError::invalid("cron", "names a date that never comes"))
}

/// A reason that may be left out.
fn optional_reason(why: Option<&str>) -> Result<Option<&str>, CommandError> {
    why.filter(|why| !why.trim().is_empty())
        .map(|why| reason(why).map_err(|detail| CommandError::invalid("reason", detail)))
        .transpose()
}

fn invalid(error: FieldError) -> CommandError {
    CommandError::Invalid(vec![error])
}

/// `name`, if the database can hold such a text at all; no schedule has another.
fn storable(name: &str) -> Result<&str, CommandError> {
    if name.contains('\0') { Err(unknown(&name.replace('\0', "\u{fffd}"))) } else { Ok(name) }
}

fn unknown(name: &str) -> CommandError {
    CommandError::NotFound { what: format!("schedule \"{}\"", format::shorten(name, 60)) }
}

/// The times that count, and those that the code declares.
fn times(row: &PgRow) -> Result<(Times, Times), sqlx::Error> {
    let declared = Times { cron: row.try_get("cron")?, time_zone: row.try_get("time_zone")? };
    let cron: Option<String> = row.try_get("operator_cron")?;
    let time_zone: Option<String> = row.try_get("operator_time_zone")?;
    let times = cron.zip(time_zone).map(|(cron, time_zone)| Times { cron, time_zone });
    Ok((times.unwrap_or_else(|| declared.clone()), declared))
}

fn shown(row: &PgRow, now: Timestamp) -> Result<Schedule, sqlx::Error> {
    let (times, declared) = times(row)?;
    let timetable = Timetable::new(&times.cron, &times.time_zone).ok();
    let next_ticks =
        timetable.map(|timetable| timetable.upcoming(now, TICKS_SHOWN)).unwrap_or_default();
    let pause: Option<String> = row.try_get("pause_reason")?;
    let (by, at) = (row.try_get("paused_by")?, row.try_get("paused_at")?);
    let stored: Timestamp = row.try_get("next_run_at")?;
    let next_run_at = match next_ticks.first() {
        Some(tick) if pause.is_some() => tick.at,
        _ => stored,
    };
    let state: Option<String> = row.try_get("last_job_state")?;
    let last_job: Option<JobId> = row.try_get("last_job_id")?;
    Ok(Schedule {
        name: row.try_get("name")?,
        kind: row.try_get("kind")?,
        description: timetable::describe(&times.cron),
        default: (times != declared).then_some(declared),
        cron: times.cron,
        time_zone: times.time_zone,
        changed_by: row.try_get("changed_by")?,
        changed_at: row.try_get("changed_at")?,
        missed_ticks: MissedTicks::from_name(row.try_get("missed_ticks")?).unwrap_or_default(),
        paused: row.try_get("paused")?,
        pause: pause.map(|reason| Pause { reason, by, at }),
        next_run_at,
        next_ticks,
        first_run_at: row.try_get("first_run_at")?,
        last_run_at: row.try_get("last_run_at")?,
        last_job: last_job
            .map(|id| LastJob { id, state: state.as_deref().and_then(JobState::from_name) }),
    })
}
