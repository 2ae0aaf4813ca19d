//! The claim: which jobs may start now. First how many of each lane (queue and kind), from the
//! [gates](crate::jobs::gates) alone; then those rows, in one statement.

use std::ops::RangeInclusive;
use std::time::Duration;

use signalbox_model::Timestamp;
use sqlx::{Connection, PgConnection};
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
#[derive(Debug, Default)]
pub struct Claimer {
    /// The lanes without gates that the last look found, or the one before, if it found none.
    known: Vec<Lane>,
    next: Next,
}

/// What the next claim begins with.
#[derive(Debug, Clone, Copy, Default)]
enum Next {
    /// There was more in the known lanes than could be taken: it goes on there, until then.
    GoOn(Instant),
    /// There was nothing left. What comes next comes to the lanes that are known, most likely: the
    /// job that somebody waits for starts sooner than by a look first.
    Guess,
    /// A look at the queues.
    #[default]
    Look,
}

/// So long a busy worker may go on without a look at the queues, at least: a more urgent job waits
/// no longer than that for it. At most so long, if looking has become slow.
const GOING_ON: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(3);

/// A busy worker spends at most one part in so many of its time on looking, within those bounds.
const LOOKING_SHARE: u32 = 20;

/// What a claim has brought.
#[derive(Debug)]
pub struct Claimed {
    /// The jobs, leased.
    pub jobs: Vec<ClaimedJob>,
    /// Whether it is worth to claim again at once.
    pub again: bool,
}

impl Claimer {
    /// Leases up to `free` jobs to `worker`. Promotes what has become due first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn claim(
        &mut self,
        conn: &mut PgConnection,
        registry: &Registry,
        worker: Uuid,
        free: usize,
        now: Timestamp,
    ) -> Result<Claimed, sqlx::Error> {
        let next = std::mem::take(&mut self.next);
        let looked_long_ago = matches!(next, Next::GoOn(until) if Instant::now() >= until);
        if !matches!(next, Next::Look) && !looked_long_ago && !self.known.is_empty() {
            let allowances = share_out(&self.known, &Gates::default(), registry, free, now);
            let jobs = start(conn, &allowances, worker, now).await?;
            if !jobs.is_empty() {
                self.go_on_after(&jobs);
                if allowances.are_used_up(&jobs) && matches!(next, Next::GoOn(_)) {
                    self.next = next;
                }
                return Ok(Claimed { jobs, again: true });
            }
        }
        let began = Instant::now();
        let Some(lanes) = look(conn, now).await? else {
            return Ok(Claimed { jobs: Vec::new(), again: false });
        };
        let going_on = (LOOKING_SHARE * began.elapsed()).clamp(*GOING_ON.start(), *GOING_ON.end());
        let until = Instant::now() + going_on;
        let (allowances, jobs) =
            claim_after_look(conn, &lanes, registry, worker, free, now).await?;
        let full = allowances.are_used_up(&jobs);
        if lanes.iter().any(|lane| !lane.is_gated(registry)) {
            self.known = lanes.into_iter().filter(|lane| !lane.is_gated(registry)).collect();
            self.go_on_after(&jobs);
        }
        // Open gates must be asked each time; closed ones may be relied on as long as the look.
        self.next = match (allowances.gated, full) {
            (true, _) => Next::Look,
            (false, true) => Next::GoOn(until),
            (false, false) => Next::Guess,
        };
        Ok(Claimed { again: jobs.len() == free, jobs })
    }

    /// The next claim goes on behind `claimed`.
    fn go_on_after(&mut self, claimed: &[ClaimedJob]) {
        for lane in &mut self.known {
            let of_lane = |job: &&ClaimedJob| job.queue == lane.queue && job.kind == lane.kind;
            let places =
                claimed.iter().filter(of_lane).map(|job| (job.priority, job.run_at, job.id));
            if let Some((priority, run_at, id)) = places.max() {
                (lane.priority, lane.run_at, lane.id) = (priority, run_at, id + 1);
            }
        }
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

/// Claims from `lanes`: under a lock, but only if any of them has gates and those are open. Returns
/// what was allowed, too.
async fn claim_after_look(
    conn: &mut PgConnection,
    lanes: &[Lane],
    registry: &Registry,
    worker: Uuid,
    free: usize,
    now: Timestamp,
) -> Result<(Allowances, Vec<ClaimedJob>), sqlx::Error> {
    // Asked without the lock first: a closed gate, the usual answer under load, costs the others
    // nothing then.
    let has_gates = lanes.iter().any(|lane| lane.is_gated(registry));
    let gates = if has_gates { Gates::read(conn, now).await? } else { Gates::default() };
    let allowances = share_out(lanes, &gates, registry, free, now);
    if !allowances.gated {
        let jobs = start(conn, &allowances, worker, now).await?;
        return Ok((allowances, jobs));
    }
    let mut tx = conn.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(GATED_CLAIM_LOCK)
        .execute(&mut *tx)
        .await?;
    let allowances = share_out(lanes, &Gates::read(&mut tx, now).await?, registry, free, now);
    let jobs = start(&mut tx, &allowances, worker, now).await?;
    tx.commit().await?;
    Ok((allowances, jobs))
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
