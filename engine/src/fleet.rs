//! Workers and the scheduler: who is at work, and stopping and starting them (ST-4). The claim and
//! the tick read the stops in their own statements, so that nothing starts once one is committed.
//! What runs then runs to its end: the kill switch is what interrupts.

use serde_json::json;
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::fleet::{Fleet, Part, Scheduler, Stop, Worker};
use signalbox_model::format;
use signalbox_model::kill_switch::reason;
use signalbox_model::system_log::LogLevel;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use crate::audit::{self, Act};
use crate::logs::{self, NewLog};
use crate::{CommandError, Ctx, notify};

/// Everybody at work, and those who were lost in the last day.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn read(ctx: &Ctx) -> Result<Fleet, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let now = ctx.now();
    let workers = sqlx::query(
        "SELECT w.*, lease_until > $1 AS alive,
                (SELECT count(*) FROM jobs_running r WHERE r.worker_id = w.id) AS running
         FROM workers w ORDER BY name, started_at",
    )
    .bind(now)
    .try_map(worker)
    .fetch_all(&ctx.db)
    .await?;
    let leads_since = sqlx::query_scalar(
        "SELECT elected_at FROM leaders WHERE name = 'scheduler' AND lease_until > $1",
    )
    .bind(now)
    .fetch_optional(&ctx.db)
    .await?;
    let (stop, scheduler) = stops(ctx).await?;
    Ok(Fleet { workers, stop, scheduler: Scheduler { leads_since, stop: scheduler } })
}

fn worker(row: PgRow) -> Result<Worker, sqlx::Error> {
    Ok(Worker {
        id: row.try_get::<Uuid, _>("id")?.to_string(),
        name: row.try_get("name")?,
        kinds: row.try_get("kinds")?,
        started_at: row.try_get("started_at")?,
        heartbeat_at: row.try_get("heartbeat_at")?,
        alive: row.try_get("alive")?,
        running: row.try_get("running")?,
        stop: stop_in(&row)?,
    })
}

/// The stop in a row that may hold one.
fn stop_in(row: &PgRow) -> Result<Option<Stop>, sqlx::Error> {
    let reason: Option<String> = row.try_get("stop_reason")?;
    let by: Option<String> = row.try_get("stopped_by")?;
    let at: Option<Timestamp> = row.try_get("stopped_at")?;
    Ok(reason.zip(by).zip(at).map(|((reason, by), at)| Stop { reason, by, at }))
}

/// That all workers were stopped, and that the scheduler was.
///
/// # Errors
/// As [`read`].
pub async fn stops(ctx: &Ctx) -> Result<(Option<Stop>, Option<Stop>), CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let (mut workers, mut scheduler) = (None, None);
    for row in sqlx::query("SELECT * FROM stopped_roles").fetch_all(&ctx.db).await? {
        match row.try_get("role")? {
            "worker" => workers = stop_in(&row)?,
            _ => scheduler = stop_in(&row)?,
        }
    }
    Ok((workers, scheduler))
}

/// Stops `part`: the workers take no more jobs, the scheduler starts none.
///
/// # Errors
/// Without [`Permission::OperateWorkers`]; without a reason; when there is no such worker; when it
/// is stopped already; when the database does not answer.
pub async fn stop(ctx: &Ctx, part: &Part, why: &str) -> Result<(), CommandError> {
    turn(ctx, part, true, why).await
}

/// Lets `part` go on. Ticks that passed meanwhile are made up for by each schedule's own rule.
///
/// # Errors
/// As [`stop`]; when it is not stopped.
pub async fn start(ctx: &Ctx, part: &Part, why: &str) -> Result<(), CommandError> {
    turn(ctx, part, false, why).await
}

async fn turn(ctx: &Ctx, part: &Part, off: bool, why: &str) -> Result<(), CommandError> {
    ctx.demand(Permission::OperateWorkers)?;
    let why = reason(why).map_err(|detail| CommandError::invalid("reason", detail))?;
    let mut tx = ctx.db.begin().await?;
    let subject = match part {
        Part::Workers => "all workers".to_owned(),
        Part::Scheduler => "the scheduler".to_owned(),
        Part::Worker(id) => format!("worker {}", name_of(&mut tx, id).await?),
    };
    let turned = match (part, off) {
        (Part::Worker(id), true) => stop_worker(&mut tx, ctx, id, why).await?,
        (Part::Worker(id), false) => start_worker(&mut tx, id).await?,
        (Part::Workers, true) => stop_role(&mut tx, ctx, "worker", why).await?,
        (Part::Workers, false) => start_role(&mut tx, "worker").await?,
        (Part::Scheduler, true) => stop_role(&mut tx, ctx, "scheduler", why).await?,
        (Part::Scheduler, false) => start_role(&mut tx, "scheduler").await?,
    };
    if !turned {
        let state = if off { "Stopped already" } else { "Not stopped" };
        return Err(CommandError::Conflict(format!("{state}: {subject}.")));
    }
    let (verb, past) = if off { ("stop", "Stopped") } else { ("start", "Started") };
    let facts = json!({ "part": part.name(), "reason": why, "requestedBy": ctx.actor.email });
    let message = format!("{past} {subject}, by {}: {why}", ctx.actor.email);
    let event = format!("fleet_{verb}");
    let log = NewLog::new(&event, LogLevel::Warn, message).with(facts.clone());
    logs::write(&mut *tx, ctx.now(), log).await?;
    let action = format!("fleet.{verb}");
    let act = Act { action: &action, subject: &subject, reason: Some(why), details: facts };
    audit::record(&mut tx, ctx, act).await?;
    notify::notify(&mut *tx, notify::JOBS).await?;
    Ok(tx.commit().await?)
}

/// The name of the worker with this id.
async fn name_of(tx: &mut PgConnection, id: &str) -> Result<String, CommandError> {
    let unknown = || CommandError::NotFound { what: format!("worker {}", format::shorten(id, 60)) };
    let found = sqlx::query_scalar("SELECT name FROM workers WHERE id = $1")
        .bind(Uuid::parse_str(id).map_err(|_| unknown())?)
        .fetch_optional(tx)
        .await?;
    found.ok_or_else(unknown)
}

async fn stop_worker(
    tx: &mut PgConnection,
    ctx: &Ctx,
    id: &str,
    why: &str,
) -> Result<bool, sqlx::Error> {
    let stopped = sqlx::query(
        "UPDATE workers SET stop_reason = $2, stopped_by = $3, stopped_at = $4
         WHERE id = $1::uuid AND stopped_at IS NULL",
    );
    let stopped = stopped.bind(id).bind(why).bind(&ctx.actor.email).bind(ctx.now());
    Ok(stopped.execute(tx).await?.rows_affected() == 1)
}

async fn start_worker(tx: &mut PgConnection, id: &str) -> Result<bool, sqlx::Error> {
    let started = sqlx::query(
        "UPDATE workers SET stop_reason = NULL, stopped_by = NULL, stopped_at = NULL
         WHERE id = $1::uuid AND stopped_at IS NOT NULL",
    );
    Ok(started.bind(id).execute(tx).await?.rows_affected() == 1)
}

async fn stop_role(
    tx: &mut PgConnection,
    ctx: &Ctx,
    role: &str,
    why: &str,
) -> Result<bool, sqlx::Error> {
    let stopped = sqlx::query(
        "INSERT INTO stopped_roles (role, stop_reason, stopped_by, stopped_at)
         VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
    );
    let stopped = stopped.bind(role).bind(why).bind(&ctx.actor.email).bind(ctx.now());
    Ok(stopped.execute(tx).await?.rows_affected() == 1)
}

async fn start_role(tx: &mut PgConnection, role: &str) -> Result<bool, sqlx::Error> {
    let started = sqlx::query("DELETE FROM stopped_roles WHERE role = $1").bind(role);
    Ok(started.execute(tx).await?.rows_affected() == 1)
}
