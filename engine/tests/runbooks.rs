//! Runbooks that run (RB), and the record of an incident (JS-3).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::World;
use serde_json::json;
use signalbox_engine::breaker::force;
use signalbox_engine::{CommandError, Ctx, fleet, logs, runbooks};
use signalbox_model::actor::Role;
use signalbox_model::breaker::BreakerAction;
use signalbox_model::fleet::Part;
use signalbox_model::job::JobState;
use signalbox_model::runbook::{Incident, Lever, Runbook, Severity, Step};

async fn read(world: &World, incident: Incident) -> Runbook {
    runbooks::read(&world.ctx, &world.registry, incident).await.unwrap()
}

async fn pull(
    world: &World,
    ctx: &Ctx,
    incident: Incident,
    pulled: (Lever, &str),
) -> Result<String, CommandError> {
    runbooks::pull(ctx, &world.registry, incident, pulled, "it is repaired").await
}

fn levers(runbook: &Runbook) -> Vec<(Lever, &str)> {
    runbook.remedies.iter().map(|remedy| (remedy.lever, remedy.target.as_str())).collect()
}

#[tokio::test]
async fn rb_nothing_is_happening_in_a_quiet_world() {
    let world = World::new().await;
    for runbook in runbooks::list(&world.ctx, &world.registry).await.unwrap() {
        assert!(!runbook.is_happening(), "{:?}", runbook.detection);
        assert!(runbook.is_verified() || runbook.incident == Incident::StuckJobs, "{runbook:?}");
        assert!(runbook.run.is_none() && !runbook.detection.is_empty());
    }
}

#[tokio::test]
async fn rb_an_open_breaker_is_seen_explained_closed_verified_and_recorded() {
    let world = World::new().await;
    let incident = Incident::BreakerOpen;
    force::act(&world.ctx, "mcp", BreakerAction::ForceOpen, "they bill twice", None).await.unwrap();
    world.calls(2).await;
    let seen = read(&world, incident).await;
    assert!(seen.is_happening() && !seen.is_verified());
    assert!(seen.detection[0].detail.contains("no call goes out"), "{:?}", seen.detection);
    assert!(levers(&seen).contains(&(Lever::ResetBreaker, "mcp")));

    let id = runbooks::start(&world.ctx, &world.registry, incident, Severity::P2).await.unwrap();
    let again = runbooks::start(&world.ctx, &world.registry, incident, Severity::P1).await;
    assert!(matches!(again, Err(CommandError::Conflict(_))), "{again:?}");
    runbooks::note(&world.ctx, incident, "called their hotline").await.unwrap();
    pull(&world, &world.ctx, incident, (Lever::ResetBreaker, "mcp")).await.unwrap();
    let over = read(&world, incident).await;
    assert!(!over.is_happening() && over.is_verified(), "{:?}", over.verification);
    assert!(over.remedies.is_empty());
    runbooks::end(&world.ctx, &world.registry, incident, "a bill too many").await.unwrap();

    let run = runbooks::run(&world.ctx, id).await.unwrap();
    assert_eq!(run.ended_by.as_deref(), Some("admin@example.org"));
    assert_eq!((run.due_at() - run.started_at).num_minutes(), 60, "JS-3: P2 within the hour");
    let said = |step| {
        run.entries.iter().filter(|e| e.step == step).map(|e| e.what.as_str()).collect::<Vec<_>>()
    };
    assert!(said(Step::Detection)[0].ends_with("(NOT in order)"));
    assert!(!said(Step::Diagnosis).is_empty());
    assert_eq!(
        said(Step::Mitigation),
        ["The breaker of mcp is closed: calls go out. (it is repaired)"]
    );
    assert!(said(Step::Verification).iter().all(|what| what.ends_with("(in order)")));
    assert_eq!(said(Step::Note), ["called their hotline", "a bill too many"]);
    let after = read(&world, incident).await;
    assert!(after.run.is_none() && after.past[0].id == id);
    let log = logs::search(&world.ctx, Some("runbook_end"), None, None, None).await.unwrap();
    assert_eq!(log.items.len(), 1);
    let audit: i64 =
        sqlx::query_scalar("SELECT count(*) FROM audit_log WHERE action LIKE 'runbook.%'")
            .fetch_one(&world.db.pool)
            .await
            .unwrap();
    assert_eq!(audit, 3, "start, note, end; the lever has its command's own");
}

#[tokio::test]
async fn rb_dead_letters_that_pile_up_are_tried_a_few_first() {
    let world = World::new().await;
    for _ in 0..10 {
        world
            .enqueue("system.fail", json!({ "message": "no such post", "class": "rejected" }))
            .await;
    }
    world.worker.drain().await.unwrap();
    assert_eq!(world.count("dead_letter_queue").await, 10);
    let seen = read(&world, Incident::DlqGrowth).await;
    assert!(seen.is_happening(), "{:?}", seen.detection);
    let group = seen.remedies[0].target.clone();
    assert_eq!(levers(&seen)[0].0, Lever::RedriveCanary);
    let done = pull(&world, &world.ctx, Incident::DlqGrowth, (Lever::RedriveCanary, &group))
        .await
        .unwrap();
    assert!(done.contains("a few of 10"), "{done}");
    assert!(read(&world, Incident::FailureRate).await.is_happening(), "all runs failed");
}

#[tokio::test]
async fn rb_jobs_that_wait_name_what_holds_them_and_the_lever_lets_go() {
    let world = World::new().await;
    fleet::stop(&world.ctx, &Part::Workers, "new machines").await.unwrap();
    let job = world.enqueue("system.noop", json!({})).await;
    assert!(!read(&world, Incident::StuckJobs).await.is_happening(), "it has only just come");
    world.clock.advance(Duration::from_secs(20 * 60));
    let seen = read(&world, Incident::StuckJobs).await;
    assert!(seen.is_happening() && !seen.is_verified());
    assert!(
        seen.diagnosis.iter().any(|f| f.detail == "stopped: new machines"),
        "{:?}",
        seen.diagnosis
    );
    pull(&world, &world.ctx, Incident::StuckJobs, (Lever::StartWorkers, "")).await.unwrap();
    let other = world.another_worker().await;
    assert_eq!(other.drain().await.unwrap(), 1);
    assert_eq!(world.job(job).await.state, JobState::Completed);
    let over = read(&world, Incident::StuckJobs).await;
    assert!(over.is_verified(), "{:?}", over.verification);
}

#[tokio::test]
async fn rb_a_job_past_its_timeout_is_named_and_can_be_cancelled() {
    let world = World::new().await;
    let job = world.enqueue("system.noop", json!({})).await;
    let _running = world.worker.claim(1).await.unwrap();
    world.clock.advance(Duration::from_secs(24 * 3600));
    let seen = read(&world, Incident::StuckJobs).await;
    assert!(levers(&seen).contains(&(Lever::CancelJob, job.to_string().as_str())), "{seen:?}");
    pull(&world, &world.ctx, Incident::StuckJobs, (Lever::CancelJob, &job.to_string()))
        .await
        .unwrap();
}

#[tokio::test]
async fn rb_the_powerless_neither_read_record_nor_pull() {
    let world = World::new().await;
    force::act(&world.ctx, "mcp", BreakerAction::ForceOpen, "they bill twice", None).await.unwrap();
    let incident = Incident::BreakerOpen;
    for role in [Role::QaLead, Role::Technician] {
        let ctx = world.as_role(role);
        let forbidden = |error: CommandError| matches!(error, CommandError::Forbidden { .. });
        assert!(forbidden(runbooks::read(&ctx, &world.registry, incident).await.unwrap_err()));
        assert!(forbidden(
            runbooks::start(&ctx, &world.registry, incident, Severity::P1).await.unwrap_err()
        ));
        assert!(forbidden(runbooks::note(&ctx, incident, "x").await.unwrap_err()));
        assert!(forbidden(runbooks::end(&ctx, &world.registry, incident, "x").await.unwrap_err()));
        assert!(forbidden(
            pull(&world, &ctx, incident, (Lever::ResetBreaker, "mcp")).await.unwrap_err()
        ));
        assert!(forbidden(runbooks::run(&ctx, 1).await.unwrap_err()));
    }
    assert!(read(&world, incident).await.is_happening(), "nothing was done");
}

#[tokio::test]
async fn rb_a_lever_without_a_reason_and_a_note_without_a_text_are_refused() {
    let world = World::new().await;
    let pulled = (Lever::StopEverything, "");
    let answer =
        runbooks::pull(&world.ctx, &world.registry, Incident::Database, pulled, "  ").await;
    assert!(matches!(answer, Err(CommandError::Invalid(_))), "{answer:?}");
    let none = runbooks::note(&world.ctx, Incident::Database, "slow").await;
    assert!(matches!(none, Err(CommandError::Conflict(_))), "nobody has taken it on: {none:?}");
}
