//! What a running job says of how far it is. Reports are advice for people: they are few, they
//! are written beside the job's own transactions, and one that is lost stops nothing.

use std::collections::HashMap;

use chrono::Duration;
use signalbox_model::Timestamp;
use signalbox_model::format::shorten;
use signalbox_model::job::{Job, JobId, JobState};
use signalbox_model::progress::{MESSAGE_CHARS_BOUND, Progress, Report};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, PgPool, Row};

use crate::jobs::run::Run;

/// At most one report of a run is written in this time.
const WRITE_EVERY: Duration = Duration::seconds(1);

/// The progress of a job that has ended is kept this long.
const KEEP: Duration = Duration::days(7);

/// One report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    done: i64,
    total: Option<i64>,
    message: String,
    at: Timestamp,
}

impl Said {
    /// A report at `at`, made fit to be stored.
    pub(crate) fn new(done: i64, total: Option<i64>, message: String, at: Timestamp) -> Said {
        let message = shorten(&message.replace('\0', "\u{fffd}"), MESSAGE_CHARS_BOUND);
        Said { done: done.max(0), total: total.map(|total| total.max(0)), message, at }
    }
}

/// What a run has reported.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    /// When the last one was written.
    written_at: Option<Timestamp>,
    /// The last one, if it came too soon after that.
    unwritten: Option<Said>,
}

impl Reports {
    /// Takes `said` in. Returns it if it is to be written now.
    fn take(&mut self, said: Said) -> Option<Said> {
        if self.written_at.is_some_and(|at| said.at < at + WRITE_EVERY) {
            self.unwritten = Some(said);
            return None;
        }
        self.unwritten = None;
        Some(said)
    }
}

/// Reports `said`: now, or with the next report that is due. A job that has recorded its completion
/// has said its last: another report would wait for the row that its transaction has locked.
pub(crate) async fn say(db: &PgPool, run: &Run, said: Said) {
    if run.completed_at().is_some() {
        return;
    }
    let due = run.reports().take(said);
    if let Some(said) = due {
        write_or_warn(db, run, said).await;
    }
}

/// Writes the last report of a run that has ended.
pub(crate) async fn flush(db: &PgPool, run: &Run) {
    let last = run.reports().unwritten.take();
    if let Some(said) = last {
        write_or_warn(db, run, said).await;
    }
}

/// Writes the last report in the transaction that completes the job.
pub(crate) async fn flush_in(tx: &mut PgConnection, run: &Run) -> Result<(), sqlx::Error> {
    let last = run.reports().unwritten.clone();
    match last {
        Some(said) => write(tx, run, &said).await,
        None => Ok(()),
    }
}

async fn write_or_warn(db: &PgPool, run: &Run, said: Said) {
    let at = said.at;
    match write(db, run, &said).await {
        Ok(()) => run.reports().written_at = Some(at),
        Err(error) => {
            tracing::warn!(%error, job = run.lease.job_id, "could not write a job's progress");
            run.reports().unwritten.get_or_insert(said);
        }
    }
}

/// Writes `said`, while the run has its lease. The pace is measured anew after a break of five
/// minutes between two runs, and when the job has begun again.
async fn write(db: impl PgExecutor<'_>, run: &Run, said: &Said) -> Result<(), sqlx::Error> {
    let first_of_run = run.reports().written_at.is_none();
    sqlx::query(
        "INSERT INTO job_progress AS p (job_id, kind, done, total, message, started_at, updated_at,
             paced_from_done, paced_from_at)
         SELECT $1, $3, $4, $5, $6, $7, $7, $4, $7
         WHERE EXISTS (SELECT FROM jobs_running WHERE id = $1 AND lease_token = $2)
         ON CONFLICT (job_id) DO UPDATE SET done = excluded.done, total = excluded.total,
             message = excluded.message, updated_at = excluded.updated_at,
             (paced_from_done, paced_from_at) = (
                 SELECT CASE WHEN anew THEN excluded.done ELSE p.paced_from_done END,
                        CASE WHEN anew THEN excluded.updated_at ELSE p.paced_from_at END
                 FROM (SELECT excluded.done < p.done
                           OR ($8 AND excluded.updated_at > p.updated_at + interval '5 min')) a(anew))",
    )
    .bind(run.lease.job_id)
    .bind(run.lease.token)
    .bind(run.kind)
    .bind(said.done)
    .bind(said.total)
    .bind(&said.message)
    .bind(said.at)
    .bind(first_of_run)
    .execute(db)
    .await
    .map(drop)
}

/// The same jobs, each with its progress at `now`.
pub(crate) async fn added_to(
    mut jobs: Vec<Job>,
    db: impl PgExecutor<'_>,
    now: Timestamp,
) -> Result<Vec<Job>, sqlx::Error> {
    let mut reports: HashMap<JobId, Report> =
        sqlx::query("SELECT * FROM job_progress WHERE job_id = ANY($1)")
            .bind(jobs.iter().map(|job| job.id).collect::<Vec<_>>())
            .try_map(|row: PgRow| Ok((row.try_get("job_id")?, report(&row)?)))
            .fetch_all(db)
            .await?
            .into_iter()
            .collect();
    for job in &mut jobs {
        let report = reports.remove(&job.id);
        job.progress = report.map(|report| Progress::measured(report, is_moving(job), now));
    }
    Ok(jobs)
}

/// Whether it works, or will go on without anybody's help.
fn is_moving(job: &Job) -> bool {
    matches!(job.state, JobState::Scheduled | JobState::Available | JobState::Running)
        && job.hold.is_none()
}

fn report(row: &PgRow) -> Result<Report, sqlx::Error> {
    Ok(Report {
        done: row.try_get("done")?,
        total: row.try_get("total")?,
        message: row.try_get("message")?,
        started_at: row.try_get("started_at")?,
        updated_at: row.try_get("updated_at")?,
        paced_from: (row.try_get("paced_from_done")?, row.try_get("paced_from_at")?),
    })
}

/// Forgets the progress of jobs that ended long ago. Returns how many.
pub(crate) async fn forget_ended(
    db: impl PgExecutor<'_>,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let forgotten = sqlx::query(
        "DELETE FROM job_progress p WHERE updated_at < $1
             AND NOT EXISTS (SELECT FROM jobs_ready WHERE id = p.job_id)
             AND NOT EXISTS (SELECT FROM jobs_scheduled WHERE id = p.job_id)
             AND NOT EXISTS (SELECT FROM jobs_running WHERE id = p.job_id)
             AND NOT EXISTS (SELECT FROM dead_letter_queue d WHERE d.job_id = p.job_id)",
    )
    .bind(now - KEEP)
    .execute(db)
    .await?;
    Ok(forgotten.rows_affected())
}
