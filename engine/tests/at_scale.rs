//! With a long backlog and a long history, what is done all the time reads by its indexes: counted
//! by PostgreSQL itself, for the very statements of the product.
//!
//! `SIGNALBOX_SCALE=10` runs it at 1 M queued and 10 M finished jobs; a tenth of that by default.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::World;
use signalbox_engine::alerts::courier::Outside;
use signalbox_engine::jobs::{ClaimedJob, Ended, Ending, list, why};
use signalbox_engine::testing::TestWorker;
use signalbox_engine::{Ctx, alerts, db, dead_letters, health, overview};
use signalbox_model::dead_letter::{DeadLetterFilter, DeadLetterStatus};
use signalbox_model::error_class::ErrorClass;
use signalbox_model::job::{JobFilter, JobState};
use sqlx::PgPool;

const QUEUED: i64 = 100_000;
const FINISHED: i64 = 1_000_000;
const DEAD: i64 = 20_000;

/// What one operation read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
struct Reads {
    /// Rows read by sequential scans of the tables that grow.
    in_sequence: i64,
    /// Rows fetched by way of their indexes.
    by_index: i64,
}

/// One connection, so that its statistics can be asked for at once.
struct Scaled {
    world: World,
    ctx: Ctx,
    pool: PgPool,
}

fn scale() -> i64 {
    std::env::var("SIGNALBOX_SCALE").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

impl Scaled {
    async fn new() -> Scaled {
        let world = World::new().await;
        let pool = db::connect(&world.db.url, 1).await.unwrap();
        let now = world.ctx.now();
        let fill = [
            (
                "INSERT INTO jobs_ready (kind, queue, priority, payload, max_attempts, created_at, run_at)
                 SELECT CASE n % 3 WHEN 0 THEN 'test.panic' ELSE 'system.noop' END,
                        CASE n % 2 WHEN 0 THEN 'system' ELSE 'other' END,
                        5, '{}', 3, $2, $2 - n * interval '1 ms'
                 FROM generate_series(1, $1) n",
                QUEUED,
            ),
            (
                "INSERT INTO jobs_finished (id, kind, queue, priority, payload, attempt, max_attempts,
                     interruptions, created_at, run_at, state, started_at, finished_at)
                 SELECT nextval('job_ids'), 'system.noop', 'system', 5, '{}', 0, 3, 0, at, at, 'completed', at, at
                 FROM (SELECT $2 - n * interval '100 ms' AS at FROM generate_series(1, $1) n) t",
                FINISHED,
            ),
            (
                "INSERT INTO dead_letter_queue (job_id, kind, queue, priority, payload, max_attempts,
                     created_at, status, error, error_class, fingerprint, first_failed_at,
                     last_failed_at, attempts)
                 SELECT nextval('job_ids'), 'system.fail', 'system', 5, '{}', 3, $2, 'pending',
                        'no luck', 'internal', 'f' || n % 50, $2, $2, 3
                 FROM generate_series(1, $1) n",
                DEAD,
            ),
        ];
        for (statement, rows) in fill {
            sqlx::query(statement).bind(rows * scale()).bind(now).execute(&pool).await.unwrap();
        }
        for table in ["jobs_ready", "jobs_finished", "dead_letter_queue"] {
            let vacuum = format!("VACUUM ANALYZE {table}");
            sqlx::query(sqlx::AssertSqlSafe(vacuum)).execute(&pool).await.unwrap();
        }
        let ctx = Ctx { db: pool.clone(), ..world.ctx.clone() };
        Scaled { world, ctx, pool }
    }

    async fn reads(&self) -> Reads {
        sqlx::query("SELECT pg_stat_force_next_flush()").execute(&self.pool).await.unwrap();
        sqlx::query_as(
            "SELECT coalesce(sum(seq_tup_read), 0)::bigint AS in_sequence,
                    coalesce(sum(idx_tup_fetch), 0)::bigint AS by_index
             FROM pg_stat_user_tables
             WHERE relname ~ '^(jobs_ready|jobs_scheduled|jobs_finished|job_attempts|dead_letter_queue)'",
        )
        .fetch_one(&self.pool)
        .await
        .unwrap()
    }

    /// Runs `operation`, and fails if it read a table from end to end, or too much of it.
    async fn reads_at_most<T>(
        &self,
        bound: i64,
        name: &str,
        operation: impl Future<Output = T>,
    ) -> T {
        let before = self.reads().await;
        let result = operation.await;
        let after = self.reads().await;
        let read = Reads {
            in_sequence: after.in_sequence - before.in_sequence,
            by_index: after.by_index - before.by_index,
        };
        assert!(read.in_sequence <= 100, "{name} does not use its index: {read:?}");
        assert!(read.by_index <= bound, "{name} reads too much: {read:?}");
        result
    }
}

fn completed(jobs: Vec<ClaimedJob>, ctx: &Ctx) -> Vec<Ended> {
    let at = ctx.now();
    jobs.into_iter().map(|job| Ended { job, at, ending: Ending::Completed }).collect()
}

#[tokio::test]
async fn claim_complete_lists_and_counts_use_their_indexes_whatever_the_history() {
    let scaled = Scaled::new().await;
    let Scaled { world, ctx, .. } = &scaled;
    let worker = TestWorker::new(&scaled.pool, ctx.clock.clone(), &world.registry).await.unwrap();
    let page = 51;

    let claimed = scaled.reads_at_most(2_500, "claim", worker.claim(500)).await.unwrap();
    assert!(claimed.len() > 300, "{} claimed", claimed.len());
    let ended = completed(claimed, ctx);
    scaled.reads_at_most(1_500, "complete", worker.settle(&ended)).await.unwrap();

    let all = JobFilter::default();
    let first = scaled
        .reads_at_most(6 * page + 200, "list", list::list(ctx, &world.registry, &all))
        .await
        .unwrap();
    let next = JobFilter { cursor: first.next_cursor, ..JobFilter::default() };
    scaled
        .reads_at_most(6 * page + 200, "next page", list::list(ctx, &world.registry, &next))
        .await
        .unwrap();
    for state in [JobState::Available, JobState::Completed, JobState::Running, JobState::Dead] {
        let filter = JobFilter { state: Some(state), ..JobFilter::default() };
        let name = format!("list of {}", state.name());
        scaled
            .reads_at_most(3 * page + 200, &name, list::list(ctx, &world.registry, &filter))
            .await
            .unwrap();
    }
    let (newest, nothing_newer) = (first.items[0].id, JobFilter::default());
    let newer = list::newer(ctx, &world.registry, &nothing_newer, newest);
    scaled.reads_at_most(200, "newer", newer).await.unwrap();
    let failed = JobFilter { error_class: Some(ErrorClass::Internal), ..JobFilter::default() };
    let failed = list::list(ctx, &world.registry, &failed);
    scaled.reads_at_most(3 * page + 200, "list of an error class", failed).await.unwrap();
    let old = ended[0].job.id;
    scaled.reads_at_most(100, "detail", list::detail(ctx, &world.registry, old)).await.unwrap();
    let waiting = JobFilter { state: Some(JobState::Available), ..JobFilter::default() };
    let waiting = list::list(ctx, &world.registry, &waiting).await.unwrap().items[0].id;
    scaled.reads_at_most(12_000, "why", why::why(ctx, &world.registry, waiting)).await.unwrap();

    // Lanes are counted to a cap of 10,000 each.
    scaled.reads_at_most(80_000, "overview", overview::overview(ctx, 24, None)).await.unwrap();
    // As above, and each queue once more.
    let mut totals = health::Totals::new(ctx.now());
    let read = health::read(ctx, &world.registry, &mut totals);
    scaled.reads_at_most(150_000, "health", read).await.unwrap();
    let outside = Outside::default();
    let watch = alerts::watch(ctx, &world.registry, &outside);
    scaled.reads_at_most(5_000, "alerts", watch).await.unwrap();
    scaled.reads_at_most(100, "letters counted", dead_letters::counts(ctx)).await.unwrap();
    let pending =
        DeadLetterFilter { status: Some(DeadLetterStatus::Pending), ..DeadLetterFilter::default() };
    scaled
        .reads_at_most(2 * page, "letters", dead_letters::list(ctx, &pending, None, None))
        .await
        .unwrap();
}
