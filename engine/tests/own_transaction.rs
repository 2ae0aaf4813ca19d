//! A job that completes itself in the transaction of its result: both are there, or neither.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Body, World, body};
use signalbox_engine::jobs::handler::JobError;
use signalbox_engine::jobs::{Ending, JobContext, Settled, per_kind};
use signalbox_engine::{dead_letters, jobs};
use signalbox_model::dead_letter::DeadLetterFilter;
use signalbox_model::error_class::ErrorClass;
use signalbox_model::job::{JobId, JobState};
use sqlx::{Postgres, Transaction};
use tokio::sync::Notify;

/// A world with one job, and a table for its results.
async fn world(code: Body) -> (World, JobId) {
    let (world, job) = World::scripted(code).await;
    sqlx::query("CREATE TABLE results (job_id bigint)").execute(&world.db.pool).await.unwrap();
    (world, job)
}

/// Stores a result and completes the job, up to the commit.
async fn work(cx: &JobContext) -> Result<Transaction<'static, Postgres>, JobError> {
    let mut tx = cx.db.begin().await?;
    sqlx::query("INSERT INTO results VALUES ($1)").bind(cx.job_id).execute(&mut *tx).await?;
    cx.complete_in(&mut tx).await?;
    Ok(tx)
}

async fn counted_completions(world: &World) -> i64 {
    let since = world.ctx.now() - chrono::Duration::hours(1);
    let metrics = per_kind(&world.db.pool, since, None).await.unwrap();
    metrics.iter().map(|kind| kind.completed).sum()
}

#[tokio::test]
async fn the_result_and_the_completion_are_there_once_and_counted_once() {
    let (world, job) = world(body(|cx| async move {
        cx.progress(1, 2, "half").await;
        cx.progress(2, 2, "all").await;
        work(&cx).await?.commit().await?;
        // Too late to be told, and not waited for.
        cx.progress(3, 2, "more than all").await;
        Ok(())
    }))
    .await;
    let claimed = world.worker.claim(1).await.unwrap().remove(0);
    let ended = world.worker.run(claimed).await;
    let done = world.job(job).await;
    assert_eq!(done.state, JobState::Completed, "before anything was settled");
    assert_eq!(done.progress.unwrap().message, "all");
    assert_eq!(ended.ending, Ending::Recorded);
    let settled = world.worker.settle(&[ended]).await.unwrap();
    assert_eq!(settled, Settled { completed: 1, fenced: 0 });
    assert_eq!((world.count("results").await, world.count("jobs_finished").await), (1, 1));
    assert_eq!(counted_completions(&world).await, 1);
    assert_eq!(world.worker.drain().await.unwrap(), 0);
}

#[tokio::test]
async fn a_worker_that_dies_before_the_commit_leaves_neither() {
    let before_the_commit = Arc::new(Notify::new());
    let runs = Arc::new(AtomicUsize::new(0));
    let (reached, counted) = (before_the_commit.clone(), runs.clone());
    let (world, job) = world(body(move |cx| {
        let (reached, run) = (reached.clone(), counted.fetch_add(1, Ordering::SeqCst));
        async move {
            let tx = work(&cx).await?;
            if run == 0 {
                reached.notify_one();
                std::future::pending::<()>().await;
            }
            tx.commit().await?;
            Ok(())
        }
    }))
    .await;
    let claimed = world.worker.claim(1).await.unwrap().remove(0);
    let dying = world.another_worker().await;
    let run = tokio::spawn(async move { dying.run(claimed).await });
    before_the_commit.notified().await;
    run.abort();
    assert!(run.await.unwrap_err().is_cancelled());
    // Waits until the server has rolled the transaction back.
    let held: i64 = sqlx::query_scalar("SELECT id FROM jobs_running FOR UPDATE")
        .fetch_one(&world.db.pool)
        .await
        .unwrap();
    assert_eq!(held, job);
    assert_eq!((world.count("results").await, world.count("jobs_finished").await), (0, 0));

    world.loses_its_worker().await;
    assert_eq!(world.another_worker().await.drain().await.unwrap(), 1);
    assert_eq!((world.count("results").await, world.count("jobs_finished").await), (1, 1));
    assert_eq!(world.job(job).await.attempt, 0);
}

#[tokio::test]
async fn a_run_that_lost_its_lease_stores_neither() {
    let (world, job) = world(body(|cx| async move {
        work(&cx).await?.commit().await?;
        Ok(())
    }))
    .await;
    let zombie = world.worker.claim(1).await.unwrap().remove(0);
    world.loses_its_worker().await;
    let again = world.another_worker().await.claim(1).await.unwrap().remove(0);

    let late = world.worker.run(zombie).await;
    assert!(matches!(&late.ending, Ending::Failed(error) if error.message == "the lease was lost"));
    assert_eq!(world.worker.settle(&[late]).await.unwrap(), Settled { completed: 0, fenced: 1 });
    assert_eq!(world.count("results").await, 0);
    assert_eq!(world.job(job).await.state, JobState::Running);

    let ended = world.worker.run(again).await;
    assert_eq!(world.worker.settle(&[ended]).await.unwrap().completed, 1);
    assert_eq!((world.count("results").await, world.count("jobs_finished").await), (1, 1));
}

#[tokio::test]
async fn whatever_the_code_does_after_the_commit_the_job_is_done() {
    let (world, job) = world(body(|cx| async move {
        work(&cx).await?.commit().await?;
        panic!("after the commit")
    }))
    .await;
    world.worker.drain().await.unwrap();
    assert_eq!(world.job(job).await.state, JobState::Completed);
    assert_eq!(world.count("dead_letter_queue").await, 0);
    assert_eq!(counted_completions(&world).await, 1);
}

#[tokio::test]
async fn a_success_that_was_never_committed_is_a_failure() {
    let (world, job) = world(body(|cx| async move {
        drop(work(&cx).await?);
        Ok(())
    }))
    .await;
    world.worker.drain().await.unwrap();
    let waiting = world.job(job).await;
    assert_eq!((waiting.state, waiting.attempt), (JobState::Scheduled, 1));
    assert!(waiting.error.unwrap().contains("was not committed"));
    assert_eq!(world.count("results").await, 0);
}

#[tokio::test]
async fn op_5_a_retry_that_completes_itself_removes_its_letter() {
    let runs = Arc::new(AtomicUsize::new(0));
    let (world, job) = world(body(move |cx| {
        let run = runs.fetch_add(1, Ordering::SeqCst);
        async move {
            if run == 0 {
                return Err(JobError::fail(ErrorClass::Rejected, "not today"));
            }
            work(&cx).await?.commit().await?;
            Ok(())
        }
    }))
    .await;
    world.worker.drain().await.unwrap();
    let letters = dead_letters::list(&world.ctx, &DeadLetterFilter::default(), None, None).await;
    assert_eq!(letters.unwrap().items.len(), 1);
    jobs::commands::retry(&world.ctx, job).await.unwrap();
    world.worker.drain().await.unwrap();
    assert_eq!(world.job(job).await.state, JobState::Completed);
    assert_eq!(world.count("dead_letter_queue").await, 0);
}
