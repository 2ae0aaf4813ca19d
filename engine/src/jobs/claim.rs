//! The claim: which jobs may start now. First how many of each lane (queue and kind), from the
//! [gates](crate::jobs::gates) alone; then those rows, in one statement.

use std::ops::RangeInclusive;
use std::time::Duration;

use signalbox_model::Timestamp;
use sqlx::{Connection, PgConnection, PgPool};
use tokio::time::Instant;
use uuid::Uuid;

use crate::jobs::gates::Gates;
use crate::jobs::handler::Registry;
use crate::jobs::lanes::{Lane, Outlook};
use crate::jobs::row::ClaimedJob;
use crate::jobs::share::{Allowances, share_out};
use crate::jobs::transitions;

/// Serialises the claims of gated lanes, so that two workers cannot both take the last place. An
/// arbitrary number, unique among our advisory locks.
const GATED_CLAIM_LOCK: i64 = 0x7369_676e_616c_0001;

/// At most this many due jobs are promoted before one claim.
const PROMOTE_AT_ONCE: i64 = 1000;

/// Claims for one worker. Remembers where in each lane the last claim ended, so that a run of
/// claims need not look at the queues each time, nor pass again over the places of jobs that are
/// gone: as long as any old transaction is open anywhere, PostgreSQL keeps all of those.
#[derive(Debug)]
pub struct Claimer {
    db: PgPool,
    standing: Option<Standing>,
}

/// What the last look at the queues found, while it may be relied on.
#[derive(Debug)]
struct Standing {
    lanes: Vec<Lane>,
    until: Instant,
}

/// So long a look at the queues may be relied on, at least: a pause, or a more urgent job, waits
/// no longer than that for a busy worker. At most so long, if looking has become slow.
const STANDING: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(1);

impl Claimer {
    /// One that claims through `db`.
    pub fn new(db: PgPool) -> Claimer {
        Claimer { db, standing: None }
    }

    /// Leases up to `free` jobs to `worker`. Promotes what has become due first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn claim(
        &mut self,
        registry: &Registry,
        worker: Uuid,
        free: usize,
        now: Timestamp,
    ) -> Result<Vec<ClaimedJob>, sqlx::Error> {
        let mut conn = self.db.acquire().await?;
        if let Some(standing) = self.standing.take().filter(|of| Instant::now() < of.until) {
            let allowances = share_out(&standing.lanes, &Gates::default(), registry, free, now);
            let jobs = start(&mut conn, &allowances, worker, now).await?;
            self.standing = standing.after(&allowances, &jobs);
            if !jobs.is_empty() {
                return Ok(jobs);
            }
        }
        let began = Instant::now();
        let Some(lanes) = look(&mut conn, now).await? else { return Ok(Vec::new()) };
        // Looking must stay a small part of the work.
        let until = began + (10 * began.elapsed()).clamp(*STANDING.start(), *STANDING.end());
        if lanes.iter().any(|lane| lane.is_gated(registry)) {
            return claim_gated(&mut conn, &lanes, registry, worker, free, now).await;
        }
        let allowances = share_out(&lanes, &Gates::default(), registry, free, now);
        let jobs = start(&mut conn, &allowances, worker, now).await?;
        self.standing = Standing { lanes, until }.after(&allowances, &jobs);
        Ok(jobs)
    }
}

impl Standing {
    /// What stands after a claim: nothing, if it did not find all it was allowed to take.
    fn after(mut self, allowances: &Allowances, claimed: &[ClaimedJob]) -> Option<Standing> {
        let allowed: i64 = allowances.lanes.iter().map(|lane| lane.jobs).sum();
        if usize::try_from(allowed).is_ok_and(|allowed| allowed > claimed.len()) {
            return None;
        }
        for lane in &mut self.lanes {
            let of_lane = |job: &&ClaimedJob| job.queue == lane.queue && job.kind == lane.kind;
            let places =
                claimed.iter().filter(of_lane).map(|job| (job.priority, job.run_at, job.id));
            if let Some((priority, run_at, id)) = places.max() {
                (lane.priority, lane.run_at, lane.id) = (priority, run_at, id + 1);
            }
        }
        Some(self)
    }
}

/// The lanes with work, once what is due has been promoted; none while the kill switch is on.
async fn look(conn: &mut PgConnection, now: Timestamp) -> Result<Option<Vec<Lane>>, sqlx::Error> {
    let mut outlook = Outlook::read(conn, now).await?;
    if outlook.due && !outlook.stopped {
        transitions::promote_due(conn, now, PROMOTE_AT_ONCE).await?;
        outlook = Outlook::read(conn, now).await?;
    }
    Ok((!outlook.stopped).then_some(outlook.lanes))
}

/// Claims where some of the lanes have gates: under a lock, but only if any of those is open.
async fn claim_gated(
    conn: &mut PgConnection,
    lanes: &[Lane],
    registry: &Registry,
    worker: Uuid,
    free: usize,
    now: Timestamp,
) -> Result<Vec<ClaimedJob>, sqlx::Error> {
    // Asked without the lock first: a closed gate, the usual answer under load, costs the others
    // nothing then.
    let allowances = share_out(lanes, &Gates::read(conn, now).await?, registry, free, now);
    if !allowances.gated {
        return start(conn, &allowances, worker, now).await;
    }
    let mut tx = conn.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(GATED_CLAIM_LOCK)
        .execute(&mut *tx)
        .await?;
    let allowances = share_out(lanes, &Gates::read(&mut tx, now).await?, registry, free, now);
    let jobs = start(&mut tx, &allowances, worker, now).await?;
    tx.commit().await?;
    Ok(jobs)
}

/// Leases what the gates allow. The jobs that operators want run next go first.
async fn start(
    conn: &mut PgConnection,
    allowances: &Allowances,
    worker: Uuid,
    now: Timestamp,
) -> Result<Vec<ClaimedJob>, sqlx::Error> {
    let mut jobs = Vec::new();
    if !allowances.expedited.is_empty() {
        jobs = transitions::claim_expedited(conn, &allowances.expedited, worker, now).await?;
    }
    if !allowances.lanes.is_empty() {
        jobs.extend(transitions::claim(conn, &allowances.lanes, worker, now).await?);
    }
    Ok(jobs)
}
