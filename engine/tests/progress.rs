//! What a long job tells and keeps: progress, and checkpoints that only the holder of the lease
//! can write.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{World, body};
use serde::{Deserialize, Serialize};
use serde_json::json;
use signalbox_engine::jobs::handler::JobError;
use signalbox_engine::jobs::{JobContext, list};
use signalbox_engine::sweeps;
use signalbox_model::error_class::ErrorClass;
use signalbox_model::job::{JobFilter, JobState};
use signalbox_model::sweep::{Sweep, Swept};

/// Where a test's job has got to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    page: u32,
}

async fn keep(cx: &JobContext, page: u32) -> Result<(), JobError> {
    let mut tx = cx.db.begin().await?;
    cx.checkpoint(&mut tx, &Place { page }).await?;
    tx.commit().await?;
    Ok(())
}

/// How often the row of a job's progress has been written.
async fn writes(world: &World) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM progress_writes")
        .fetch_one(&world.db.pool)
        .await
        .unwrap()
}

/// Counts what is written to `job_progress`, in the database itself.
async fn count_writes(world: &World) {
    for statement in [
        "CREATE TABLE progress_writes (done bigint)",
        "CREATE FUNCTION note_write() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN INSERT INTO progress_writes VALUES (NEW.done); RETURN NEW; END $$",
        "CREATE TRIGGER note_write AFTER INSERT OR UPDATE ON job_progress
             FOR EACH ROW EXECUTE FUNCTION note_write()",
    ] {
        sqlx::query(statement).execute(&world.db.pool).await.unwrap();
    }
}

#[tokio::test]
async fn op_11_reports_are_written_once_a_second_and_the_last_one_always() {
    let clock = Arc::new(Mutex::new(None::<Arc<signalbox_engine::clock::TestClock>>));
    let its_clock = clock.clone();
    let (world, job) = World::scripted(body(move |cx| {
        let clock = its_clock.lock().unwrap().clone().unwrap();
        async move {
            // 100 reports, 25 ms apart.
            for done in 1..=100 {
                cx.progress(done, 100, format!("{done} of 100 letters")).await;
                clock.advance(Duration::from_millis(25));
            }
            Ok(())
        }
    }))
    .await;
    *clock.lock().unwrap() = Some(world.clock.clone());
    count_writes(&world).await;
    world.worker.drain().await.unwrap();
    assert_eq!(writes(&world).await, 4, "at 0 s, 1 s and 2 s, and the last one");
    let progress = world.job(job).await.progress.unwrap();
    assert_eq!((progress.done, progress.total), (100, Some(100)));
    assert_eq!(progress.message, "100 of 100 letters");
}

#[tokio::test]
async fn op_11_progress_is_seen_while_the_job_runs_and_outlives_a_failure() {
    let (world, job) = World::scripted(body(|cx| async move {
        cx.progress(3, 7, "3 of 7 days").await;
        Err(JobError::retry(ErrorClass::Internal, "no luck"))
    }))
    .await;
    let claimed = world.worker.claim(1).await.unwrap().remove(0);
    let ended = world.worker.run(claimed).await;
    let listed = list::list(&world.ctx, &world.registry, &JobFilter::default())
        .await
        .unwrap()
        .items
        .remove(0);
    assert_eq!(listed.state, JobState::Running);
    assert_eq!(listed.progress.unwrap().done, 3);
    world.worker.settle(&[ended]).await.unwrap();
    let waiting = world.job(job).await;
    assert_eq!((waiting.state, waiting.progress.unwrap().done), (JobState::Scheduled, 3));
}

#[tokio::test]
async fn op_11_pace_and_eta_leave_a_break_between_two_runs_out() {
    let runs = Arc::new(Mutex::new(0));
    let (world, job) = World::scripted(body(move |cx| {
        let run = {
            let mut runs = runs.lock().unwrap();
            *runs += 1;
            *runs
        };
        async move {
            match run {
                1 => cx.progress(10, 100, "").await,
                2 => cx.progress(40, 100, "").await,
                _ => cx.progress(60, 100, "").await,
            }
            Err(JobError::snooze(Duration::from_secs(60), "more to do"))
        }
    }))
    .await;
    world.worker.drain().await.unwrap();
    world.clock.advance(Duration::from_secs(60));
    world.worker.drain().await.unwrap();
    let steady = world.job(job).await.progress.unwrap();
    assert_eq!(steady.per_minute, Some(30.0));
    assert_eq!(steady.eta, Some(world.ctx.now() + chrono::Duration::seconds(120)));
    world.clock.advance(Duration::from_secs(3600));
    world.worker.drain().await.unwrap();
    let resumed = world.job(job).await.progress.unwrap();
    assert_eq!((resumed.done, resumed.per_minute), (60, None), "measured anew from here");
}

#[tokio::test]
async fn a_checkpoint_outlives_a_failure_and_a_lost_worker() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    let (world, _) = World::scripted(body(move |cx| {
        let noted = noted.clone();
        async move {
            let place: Option<Place> = cx.restore().await?;
            noted.lock().unwrap().push(place.map(|place| place.page));
            keep(&cx, place.map_or(1, |place| place.page + 1)).await?;
            Err(JobError::retry(ErrorClass::Internal, "no luck"))
        }
    }))
    .await;
    world.worker.drain().await.unwrap();
    world.clock.advance(Duration::from_secs(60));
    // The second run's end is never recorded: its worker is lost.
    let second = world.worker.claim(1).await.unwrap().remove(0);
    world.worker.run(second).await;
    world.loses_its_worker().await;
    world.another_worker().await.drain().await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [None, Some(1), Some(2)]);
}

#[tokio::test]
async fn a_run_that_lost_its_lease_can_neither_keep_a_checkpoint_nor_report() {
    let (world, job) = World::scripted(body(|cx| async move {
        cx.progress(2, 9, "two").await;
        keep(&cx, 2).await
    }))
    .await;
    let zombie = world.worker.claim(1).await.unwrap().remove(0);
    world.loses_its_worker().await;
    let successor = world.another_worker().await;
    assert_eq!(successor.drain().await.unwrap(), 1);
    sqlx::query("UPDATE job_checkpoints SET value = '{\"page\": 7}'")
        .execute(&world.db.pool)
        .await
        .unwrap();
    sqlx::query("UPDATE job_progress SET done = 7").execute(&world.db.pool).await.unwrap();

    let ended = world.worker.run(zombie).await;
    let settled = world.worker.settle(std::slice::from_ref(&ended)).await.unwrap();
    assert_eq!(settled.fenced, 1);
    let signalbox_engine::jobs::Ending::Failed(error) = ended.ending else { panic!("it is told") };
    assert_eq!(error.message, "the lease was lost");
    let page: serde_json::Value = sqlx::query_scalar("SELECT value FROM job_checkpoints")
        .fetch_one(&world.db.pool)
        .await
        .unwrap();
    assert_eq!(page, json!({ "page": 7 }));
    assert_eq!(world.job(job).await.progress.unwrap().done, 7);
}

#[tokio::test]
async fn nobody_is_given_the_job_between_a_checkpoint_and_its_commit() {
    let world_of_the_job = Arc::new(Mutex::new(None));
    let told = world_of_the_job.clone();
    let (world, job) = World::scripted(body(move |cx| {
        let (db, now): (sqlx::PgPool, _) = told.lock().unwrap().clone().unwrap();
        async move {
            let mut tx = cx.db.begin().await?;
            cx.checkpoint(&mut tx, &Place { page: 1 }).await?;
            // The worker's lease ends here: its job must wait for the transaction.
            sqlx::query("DELETE FROM workers").execute(&db).await?;
            assert_eq!(signalbox_engine::jobs::reclaim_lost(&db, now).await?, 0);
            tx.commit().await?;
            assert_eq!(signalbox_engine::jobs::reclaim_lost(&db, now).await?, 1);
            Ok(())
        }
    }))
    .await;
    *world_of_the_job.lock().unwrap() = Some((world.db.pool.clone(), world.ctx.now()));
    let claimed = world.worker.claim(1).await.unwrap().remove(0);
    let ended = world.worker.run(claimed).await;
    assert_eq!(ended.ending, signalbox_engine::jobs::Ending::Completed, "no assertion failed");
    assert_eq!(world.worker.settle(&[ended]).await.unwrap().fenced, 1);
    assert_eq!(world.job(job).await.state, JobState::Available);
    assert_eq!(world.count("job_checkpoints").await, 1);
}

#[tokio::test]
async fn what_ended_jobs_left_is_swept_and_what_waits_is_not() {
    let (world, _) = World::scripted(body(|cx| async move {
        cx.progress(1, None, "on the way").await;
        keep(&cx, 1).await
    }))
    .await;
    let waits = world.enqueue("test.scripted", json!({})).await;
    let sweep =
        async || sweeps::run(&world.db.pool, &world.ctx.clock, Sweep::JobProgress).await.unwrap();
    let swept = |reports_forgotten, checkpoints_forgotten| Swept::JobProgress {
        reports_forgotten,
        checkpoints_forgotten,
        holds_forgotten: 0,
    };
    let both = world.worker.claim(2).await.unwrap();
    let mut ended = Vec::new();
    for job in both {
        ended.push(world.worker.run(job).await);
    }
    assert_eq!(sweep().await, swept(0, 0), "both run");
    world.clock.advance(Duration::from_secs(8 * 86_400));
    ended.retain(|run| run.job.id != waits);
    world.worker.settle(&ended).await.unwrap();
    assert_eq!(sweep().await, swept(1, 1));
    assert_eq!(sweep().await, swept(0, 0));
    assert!(world.job(waits).await.progress.is_some());
}
