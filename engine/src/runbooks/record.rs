//! The record of an incident: who took it on, what was found and done, and what showed that it was over.

use serde_json::json;
use signalbox_model::actor::Permission;
use signalbox_model::kill_switch::reason;
use signalbox_model::runbook::{Entry, Finding, Incident, Run, Severity, Step};
use signalbox_model::system_log::LogLevel;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use crate::audit::{self, Act};
use crate::jobs::handler::Registry;
use crate::logs::{self, NewLog};
use crate::{CommandError, Ctx};

/// As many past runs are listed.
const PAST: i64 = 10;

/// Takes an incident on, and writes down what shows it and what is found.
///
/// # Errors
/// Without [`Permission::KeepIncidents`]; when it is under way already; when the database does not
/// answer.
pub async fn start(
    ctx: &Ctx,
    registry: &Registry,
    incident: Incident,
    severity: Severity,
) -> Result<i64, CommandError> {
    ctx.demand(Permission::KeepIncidents)?;
    let found = super::look(ctx, registry, incident).await?;
    let mut tx = ctx.db.begin().await?;
    let id: Option<i64> = sqlx::query_scalar(
        "INSERT INTO runbook_runs (incident, severity, started_at, started_by) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(incident.name())
    .bind(severity.name())
    .bind(ctx.now())
    .bind(&ctx.actor.email)
    .fetch_optional(&mut *tx)
    .await?;
    let id =
        id.ok_or_else(|| CommandError::Conflict("This incident is taken on already.".to_owned()))?;
    enter_findings(&mut tx, ctx, id, Step::Detection, &found.detection).await?;
    enter_findings(&mut tx, ctx, id, Step::Diagnosis, &found.diagnosis).await?;
    let what = format!("{} taken on as {}", incident.title(), severity.name());
    told(&mut tx, ctx, (id, incident), "start", &what).await?;
    tx.commit().await?;
    Ok(id)
}

/// Writes a note into the run that is under way.
///
/// # Errors
/// Without [`Permission::KeepIncidents`]; without a text; when none is under way; when the database
/// does not answer.
pub async fn note(ctx: &Ctx, incident: Incident, text: &str) -> Result<(), CommandError> {
    ctx.demand(Permission::KeepIncidents)?;
    let text = reason(text).map_err(|detail| CommandError::invalid("note", detail))?;
    let mut tx = ctx.db.begin().await?;
    let id = taken_on(&mut tx, incident).await?;
    enter(&mut tx, ctx, id, Step::Note, text).await?;
    told(&mut tx, ctx, (id, incident), "note", text).await?;
    Ok(tx.commit().await?)
}

/// Ends the run that is under way: writes down how the verification stands, and what is left to say.
///
/// # Errors
/// As [`note`].
pub async fn end(
    ctx: &Ctx,
    registry: &Registry,
    incident: Incident,
    text: &str,
) -> Result<i64, CommandError> {
    ctx.demand(Permission::KeepIncidents)?;
    let text = reason(text).map_err(|detail| CommandError::invalid("note", detail))?;
    let found = super::look(ctx, registry, incident).await?;
    let mut tx = ctx.db.begin().await?;
    let id = taken_on(&mut tx, incident).await?;
    enter_findings(&mut tx, ctx, id, Step::Verification, &found.verification).await?;
    enter(&mut tx, ctx, id, Step::Note, text).await?;
    sqlx::query("UPDATE runbook_runs SET ended_at = $2, ended_by = $3 WHERE id = $1")
        .bind(id)
        .bind(ctx.now())
        .bind(&ctx.actor.email)
        .execute(&mut *tx)
        .await?;
    told(&mut tx, ctx, (id, incident), "end", text).await?;
    tx.commit().await?;
    Ok(id)
}

/// A run with its record.
///
/// # Errors
/// Without [`Permission::ReadConsole`]; when there is none of this number; when the database does
/// not answer.
pub async fn run(ctx: &Ctx, id: i64) -> Result<Run, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let found = sqlx::query("SELECT * FROM runbook_runs WHERE id = $1").bind(id);
    let found = found.try_map(run_of).fetch_optional(&ctx.db).await?;
    let run = found.ok_or_else(|| CommandError::NotFound { what: format!("runbook run {id}") })?;
    Ok(Run { entries: entries(ctx, id).await?, ..run })
}

/// The run of `incident` that is under way, and those before.
pub(super) async fn of(
    ctx: &Ctx,
    incident: Incident,
) -> Result<(Option<Run>, Vec<Run>), CommandError> {
    let runs = sqlx::query(
        "SELECT * FROM runbook_runs WHERE incident = $1 ORDER BY ended_at IS NOT NULL, id DESC LIMIT $2",
    )
    .bind(incident.name())
    .bind(PAST)
    .try_map(run_of)
    .fetch_all(&ctx.db)
    .await?;
    let (now, past): (Vec<_>, Vec<_>) = runs.into_iter().partition(|run| run.ended_at.is_none());
    Ok(match now.into_iter().next() {
        Some(run) => (Some(Run { entries: entries(ctx, run.id).await?, ..run }), past),
        None => (None, past),
    })
}

/// Adds an entry to the run of `incident` that is under way, if there is one.
pub(super) async fn add(
    ctx: &Ctx,
    incident: Incident,
    step: Step,
    what: &str,
) -> Result<(), sqlx::Error> {
    let mut tx = ctx.db.begin().await?;
    if let Some(id) = under_way(&mut tx, incident).await? {
        enter(&mut tx, ctx, id, step, what).await?;
    }
    tx.commit().await
}

/// The run of `incident` that is under way; it stays so until the transaction ends.
async fn under_way(tx: &mut PgConnection, incident: Incident) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT id FROM runbook_runs WHERE incident = $1 AND ended_at IS NULL FOR UPDATE",
    )
    .bind(incident.name())
    .fetch_optional(tx)
    .await
}

async fn taken_on(tx: &mut PgConnection, incident: Incident) -> Result<i64, CommandError> {
    let id = under_way(tx, incident).await?;
    id.ok_or_else(|| CommandError::Conflict("Nobody has taken this incident on.".to_owned()))
}

async fn enter_findings(
    tx: &mut PgConnection,
    ctx: &Ctx,
    id: i64,
    step: Step,
    findings: &[Finding],
) -> Result<(), sqlx::Error> {
    for finding in findings {
        let state = if finding.ok { "in order" } else { "NOT in order" };
        enter(tx, ctx, id, step, &format!("{} ({state})", finding.line())).await?;
    }
    Ok(())
}

async fn enter(
    tx: &mut PgConnection,
    ctx: &Ctx,
    id: i64,
    step: Step,
    what: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO runbook_entries (run_id, at, by, step, what) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(id)
    .bind(ctx.now())
    .bind(&ctx.actor.email)
    .bind(step.name())
    .bind(what)
    .execute(tx)
    .await
    .map(drop)
}

/// Tells the log and the audit what was done with a run.
async fn told(
    tx: &mut PgConnection,
    ctx: &Ctx,
    (id, incident): (i64, Incident),
    verb: &str,
    what: &str,
) -> Result<(), sqlx::Error> {
    let event = format!("runbook_{verb}");
    let facts = json!({ "run": id, "incident": incident.name(), "requestedBy": ctx.actor.email });
    let log = NewLog::new(&event, LogLevel::Warn, format!("Runbook {}: {what}", incident.name()));
    logs::write(&mut *tx, ctx.now(), log.with(facts.clone())).await?;
    let action = format!("runbook.{verb}");
    let subject = format!("runbook run {id}");
    let act = Act { action: &action, subject: &subject, reason: Some(what), details: facts };
    audit::record(tx, ctx, act).await
}

async fn entries(ctx: &Ctx, id: i64) -> Result<Vec<Entry>, sqlx::Error> {
    sqlx::query("SELECT * FROM runbook_entries WHERE run_id = $1 ORDER BY id")
        .bind(id)
        .try_map(|row: PgRow| {
            let step: String = row.try_get("step")?;
            Ok(Entry {
                at: row.try_get("at")?,
                by: row.try_get("by")?,
                step: Step::from_name(&step).ok_or_else(|| unknown("step", &step))?,
                what: row.try_get("what")?,
            })
        })
        .fetch_all(&ctx.db)
        .await
}

fn run_of(row: PgRow) -> Result<Run, sqlx::Error> {
    let (incident, severity): (String, String) =
        (row.try_get("incident")?, row.try_get("severity")?);
    Ok(Run {
        id: row.try_get("id")?,
        incident: Incident::from_name(&incident).ok_or_else(|| unknown("incident", &incident))?,
        severity: Severity::from_name(&severity).ok_or_else(|| unknown("severity", &severity))?,
        started_at: row.try_get("started_at")?,
        started_by: row.try_get("started_by")?,
        ended_at: row.try_get("ended_at")?,
        ended_by: row.try_get("ended_by")?,
        entries: Vec::new(),
    })
}

fn unknown(what: &str, name: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("unknown {what} {name}").into())
}
