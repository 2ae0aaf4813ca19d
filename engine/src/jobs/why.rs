//! *Why is this job not running?* Gathers the facts from the same gates that the claim reads, and
//! lets the model's pure function answer.

use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::breaker::BreakerState;
use signalbox_model::job::{Job, JobId, JobState};
use signalbox_model::metrics::COUNT_CAP;
use signalbox_model::why::{Facts, PACE_WINDOW_S, Verdict, why as answer};
use sqlx::PgConnection;

use crate::breaker::step::cooled_down;
use crate::jobs::gates::Gates;
use crate::jobs::handler::Registry;
use crate::jobs::{list, stats};
use crate::provider::Operation;
use crate::{CommandError, Ctx, queues};

/// Why the job with this id is not running.
///
/// # Errors
/// Without [`Permission::ReadConsole`]; when there is no such job; when the database does not
/// answer.
pub async fn why(ctx: &Ctx, registry: &Registry, id: JobId) -> Result<Verdict, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let job = list::read(ctx, id).await?;
    verdict(ctx, registry, &job).await
}

pub(crate) async fn verdict(
    ctx: &Ctx,
    registry: &Registry,
    job: &Job,
) -> Result<Verdict, CommandError> {
    let now = ctx.now();
    let mut conn = ctx.db.acquire().await?;
    let gates = Gates::read(&mut conn, now).await?;
    let (workers_alive, kind_known, workers_stopped) = workers(&mut conn, &job.kind, now).await?;
    let spec = registry.kind(&job.kind).map(|kind| kind.spec);
    let calls = spec.and_then(|spec| spec.calls);
    let facts = Facts {
        state: job.state,
        run_at: job.run_at,
        wait_reason: job.wait_reason.clone(),
        hold: job.hold.clone(),
        kind_known,
        workers_alive,
        workers_stopped,
        kill_switch: gates.kill_switch.clone(),
        queue: queues::hold(&mut conn, job, now).await?,
        expedited: expedited(&mut conn, job.id).await?,
        disabled: calls.and_then(|(operation, _)| {
            let disabled = gates.breakers.get(operation.provider)?.disabled.clone()?;
            Some((operation.provider.to_owned(), disabled))
        }),
        breaker: calls.and_then(|(operation, _)| breaker(&gates, operation, now)),
        breaker_forced: calls.and_then(|(operation, _)| {
            gates.breakers.get(operation.provider).and_then(|stored| stored.forced_open(now))
        }),
        rate: calls.map(|(operation, calls)| {
            let rpm = gates.throttles.rpm(&gates.settings, operation);
            let ready = gates.bucket(operation, now).ready_at(rpm, calls, now);
            (operation.rate.to_owned(), ready)
        }),
        throttled: calls.and_then(|(operation, _)| throttled(&gates, operation)),
        concurrency: spec.and_then(|spec| spec.concurrency).map(|setting| {
            let running = gates.running_of_kind(&job.kind);
            (setting.to_owned(), running, gates.settings.get(setting))
        }),
        queue_concurrency: queues::bound(&mut conn, &job.queue)
            .await?
            .map(|bound| (job.queue.clone(), gates.running_in_queue(&job.queue), bound)),
        recently_ended: stats::ended_since(
            &mut conn,
            &job.kind,
            now - chrono::Duration::seconds(PACE_WINDOW_S),
        )
        .await?,
        ahead: if job.state == JobState::Available { ahead(&mut conn, job).await? } else { 0 },
    };
    Ok(answer(&facts, now))
}

fn breaker(
    gates: &Gates,
    operation: Operation,
    now: Timestamp,
) -> Option<(String, BreakerState, Option<Timestamp>)> {
    let circuit = cooled_down(gates.breakers.get(operation.provider)?.circuit, now);
    Some((operation.provider.to_owned(), circuit.state, circuit.retry_at))
}

/// To how many calls a minute `operation` is throttled, of how many that are set.
fn throttled(gates: &Gates, operation: Operation) -> Option<(i64, i64)> {
    let of = gates.settings.get(operation.rate);
    let rpm = gates.throttles.rpm(&gates.settings, operation);
    (rpm < of).then_some((rpm, of))
}

async fn expedited(conn: &mut PgConnection, id: JobId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM expedited_jobs WHERE job_id = $1)")
        .bind(id)
        .fetch_one(conn)
        .await
}

/// Whether any worker is alive, whether one of them knows `kind`, and why none of them takes jobs,
/// if they are all stopped.
async fn workers(
    conn: &mut PgConnection,
    kind: &str,
    now: Timestamp,
) -> Result<(bool, bool, Option<String>), sqlx::Error> {
    sqlx::query_as(
        "SELECT count(*) > 0, coalesce(bool_or($1 = ANY(kinds)), false),
                coalesce((SELECT stop_reason FROM stopped_roles WHERE role = 'worker'),
                         CASE WHEN bool_and(stopped_at IS NOT NULL) THEN max(stop_reason) END)
         FROM workers WHERE lease_until > $2",
    )
    .bind(kind)
    .bind(now)
    .fetch_one(conn)
    .await
}

/// How many due jobs of the same lane come before it, counted to a cap.
async fn ahead(conn: &mut PgConnection, job: &Job) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT count(*) FROM (
             SELECT FROM jobs_ready
             WHERE queue = $1 AND kind = $2 AND (priority, run_at, id) < ($3, $4, $5)
             LIMIT $6
         ) before_it",
    )
    .bind(&job.queue)
    .bind(&job.kind)
    .bind(job.priority)
    .bind(job.run_at)
    .bind(job.id)
    .bind(COUNT_CAP)
    .fetch_one(conn)
    .await
}
