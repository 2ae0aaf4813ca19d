//! Putting jobs in.

use std::collections::HashMap;

use serde_json::json;
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::job::{Enqueued, JobId, NewJob, PRIORITY_DEFAULT};
use signalbox_model::problem::FieldError;
use sqlx::PgConnection;

use crate::audit::{self, Act};
use crate::jobs::handler::Registry;
use crate::jobs::transitions::{self, Insert};
use crate::{CommandError, Ctx};

/// Enqueues one job.
///
/// # Errors
/// Without [`Permission::RunJobs`] and what its kind demands; for an unknown kind or a payload its kind cannot read, with
/// what is allowed; when the database does not answer.
pub async fn enqueue(
    ctx: &Ctx,
    registry: &Registry,
    job: NewJob,
) -> Result<Enqueued, CommandError> {
    let enqueued = enqueue_batch(ctx, registry, vec![job]).await?;
    enqueued.into_iter().next().ok_or(CommandError::Unavailable(sqlx::Error::RowNotFound))
}

/// Enqueues many jobs at once: all of them, or none. The answers are in the order of `jobs`.
///
/// # Errors
/// As [`enqueue`]; the fields of job `n` are named `n.field` when there are several.
pub async fn enqueue_batch(
    ctx: &Ctx,
    registry: &Registry,
    jobs: Vec<NewJob>,
) -> Result<Vec<Enqueued>, CommandError> {
    ctx.demand(Permission::RunJobs)?;
    check(registry, &jobs)?;
    for kind in jobs.iter().filter_map(|job| registry.kind(&job.kind)) {
        ctx.demand(kind.permission)?;
    }
    let now = ctx.now();
    // People's enqueues are audited; those of jobs and schedules are not acts of an operator.
    let audited = !ctx.actor.email.starts_with("system:");
    if !audited && is_plain(&jobs, now) {
        // One statement needs no transaction around it: the job starts two round trips earlier.
        return Ok(insert(&mut *ctx.db.acquire().await?, registry, jobs, now).await?);
    }
    let mut tx = ctx.db.begin().await?;
    let enqueued = insert(&mut tx, registry, jobs, now).await?;
    if audited {
        audit_enqueue(&mut tx, ctx, &enqueued).await?;
    }
    tx.commit().await?;
    Ok(enqueued)
}

async fn audit_enqueue(
    tx: &mut PgConnection,
    ctx: &Ctx,
    enqueued: &[Enqueued],
) -> Result<(), sqlx::Error> {
    let added = enqueued.iter().filter(|job| !job.existed).count();
    let first = enqueued.first().map(|job| job.id);
    let details = json!({ "added": added, "asked": enqueued.len(), "first": first });
    audit::record(tx, ctx, Act { action: "job.enqueue", subject: "jobs", reason: None, details })
        .await
}

fn check(registry: &Registry, jobs: &[NewJob]) -> Result<(), CommandError> {
    let mut errors = Vec::new();
    for (index, job) in jobs.iter().enumerate() {
        let mut found = job.problems();
        match registry.kind(&job.kind) {
            None => found.push(FieldError::new(
                "kind",
                format!("unknown kind; known are {}", registry.names().join(", ")),
            )),
            Some(kind) => {
                if let Err(error) = (kind.check)(&job.payload) {
                    found.push(FieldError::new("payload", error));
                }
            }
        }
        if jobs.len() > 1 {
            found.iter_mut().for_each(|error| error.field = format!("{index}.{}", error.field));
        }
        errors.extend(found);
    }
    if errors.is_empty() { Ok(()) } else { Err(CommandError::Invalid(errors)) }
}

/// Inserts checked jobs in the caller's transaction: how a job enqueues others together with its
/// own writes.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(
    tx: &mut PgConnection,
    registry: &Registry,
    jobs: Vec<NewJob>,
    now: Timestamp,
) -> Result<Vec<Enqueued>, sqlx::Error> {
    if is_plain(&jobs, now) {
        let rows: Vec<_> = jobs.into_iter().map(|job| row(registry, job, now)).collect();
        let ids = transitions::insert_ready(tx, &[], &rows.iter().collect::<Vec<_>>(), now).await?;
        return Ok(ids.into_iter().map(|id| Enqueued { id, existed: false }).collect());
    }
    let mut ids = next_ids(tx, jobs.len()).await?;
    let taken = take_keys(tx, &jobs, &mut ids, now).await?;
    let enqueued: Vec<_> =
        ids.iter().zip(&taken).map(|(id, taken)| Enqueued { id: *id, existed: *taken }).collect();
    let new = jobs.into_iter().zip(&enqueued).filter(|(_, of)| !of.existed);
    let rows: Vec<_> = new.map(|(job, of)| (of.id, row(registry, job, now))).collect();
    let rows = rows.iter().map(|(id, row)| (*id, row));
    let (due, later): (Vec<_>, Vec<_>) = rows.partition(|(_, row)| row.run_at <= now);
    if !due.is_empty() {
        let (ids, rows): (Vec<_>, Vec<_>) = due.into_iter().unzip();
        transitions::insert_ready(tx, &ids, &rows, now).await?;
    }
    if !later.is_empty() {
        let (ids, rows): (Vec<_>, Vec<_>) = later.into_iter().unzip();
        transitions::insert_scheduled(tx, &ids, &rows, now).await?;
    }
    Ok(enqueued)
}

/// Whether one statement enqueues all of `jobs`: they have no keys, and are due.
fn is_plain(jobs: &[NewJob], now: Timestamp) -> bool {
    !jobs.is_empty()
        && jobs.iter().all(|job| {
            job.idempotency_key.is_none() && job.run_at.is_none_or(|run_at| run_at <= now)
        })
}

fn row(registry: &Registry, job: NewJob, now: Timestamp) -> Insert {
    let spec = registry.kind(&job.kind).map(|kind| kind.spec);
    Insert {
        queue: job.queue.unwrap_or_else(|| spec.map_or("default", |spec| spec.queue).to_owned()),
        priority: job.priority.unwrap_or(PRIORITY_DEFAULT),
        payload: job.payload,
        max_attempts: job.max_attempts.or(spec.map(|spec| spec.max_attempts)).unwrap_or(1),
        run_at: job.run_at.unwrap_or(now),
        kind: job.kind,
    }
}

async fn next_ids(tx: &mut PgConnection, count: usize) -> Result<Vec<JobId>, sqlx::Error> {
    sqlx::query_scalar("SELECT nextval('job_ids') FROM generate_series(1, $1)")
        .bind(i64::try_from(count).unwrap_or(i64::MAX))
        .fetch_all(tx)
        .await
}

/// Claims the idempotency keys of `jobs`. Where a key was taken already, by an earlier enqueue or
/// earlier in this batch, the job's id becomes the first one's. Returns which were taken.
async fn take_keys(
    tx: &mut PgConnection,
    jobs: &[NewJob],
    ids: &mut [JobId],
    now: Timestamp,
) -> Result<Vec<bool>, sqlx::Error> {
    let mut wanted: Vec<(&str, JobId)> = jobs
        .iter()
        .zip(ids.iter())
        .filter_map(|(job, id)| job.idempotency_key.as_deref().map(|key| (key, *id)))
        .collect();
    if wanted.is_empty() {
        return Ok(vec![false; jobs.len()]);
    }
    // In one order everywhere, so that two batches with the same keys cannot deadlock.
    wanted.sort_unstable();
    wanted.dedup_by_key(|(key, _)| *key);
    sqlx::query(
        "INSERT INTO idempotency_keys (key, job_id, created_at)
         SELECT key, id, $3 FROM unnest($1::text[], $2::bigint[]) AS w(key, id)
         ON CONFLICT (key) DO NOTHING",
    )
    .bind(wanted.iter().map(|(key, _)| *key).collect::<Vec<_>>())
    .bind(wanted.iter().map(|(_, id)| *id).collect::<Vec<_>>())
    .bind(now)
    .execute(&mut *tx)
    .await?;
    let holders: HashMap<String, JobId> = sqlx::query_as::<_, (String, JobId)>(
        "SELECT key, job_id FROM idempotency_keys WHERE key = ANY($1)",
    )
    .bind(wanted.iter().map(|(key, _)| *key).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?
    .into_iter()
    .collect();
    Ok(jobs
        .iter()
        .zip(ids.iter_mut())
        .map(|(job, id)| {
            let holder = job.idempotency_key.as_ref().and_then(|key| holders.get(key)).copied();
            let taken = holder.is_some_and(|holder| holder != *id);
            *id = holder.unwrap_or(*id);
            taken
        })
        .collect())
}
