//! The MCP provider's key (AV-7, CP-5, JS-4), against the sandbox over real HTTP: another one is in
//! force on every worker at once, and the test of it names the step that fails.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::{UNLIMITED, World};
use secrecy::SecretString;
use signalbox_engine::jobs::list;
use signalbox_engine::provider::{commands, test};
use signalbox_engine::testing::{TestWorker, dump};
use signalbox_model::error_class::ErrorClass;
use signalbox_model::job::{JobFilter, JobState};
use signalbox_model::provider::{ProviderTest, Step};
use signalbox_pipelines::domains::commands::trigger_discovery;
use signalbox_sandbox::{Fault, FaultMode, Provider};

const NEW_KEY: &str = "planted-new-key-4c1d";

async fn world() -> World {
    World::start(3, Duration::from_millis(500), &UNLIMITED).await
}

async fn set_key(world: &World, key: &str) {
    let key = SecretString::from(key);
    commands::set_key(&world.ctx, &world.registry, "mcp", &key, None).await.unwrap();
}

async fn tested(world: &World) -> ProviderTest {
    test::test(&world.ctx, &world.registry, "mcp").await.unwrap()
}

async fn discovered(world: &World) -> usize {
    let filter = JobFilter {
        kind: Some("domains.discovery".into()),
        state: Some(JobState::Completed),
        ..JobFilter::default()
    };
    list::list(&world.ctx, &world.registry, &filter).await.unwrap().items.len()
}

#[tokio::test]
async fn av_7_another_key_is_in_force_on_every_worker_with_its_next_call() {
    let world = world().await;
    // Two workers whose processes know nothing of each other: each has clients and sessions of its own.
    let other_registry = common::registry_with(Some(world.sandbox.mcp_url()), &world.vault);
    let other =
        TestWorker::new(&world.db.pool, world.ctx.clock.clone(), &other_registry).await.unwrap();
    for worker in [&world.worker, &other] {
        trigger_discovery(&world.ctx, &world.registry, 1).await.unwrap();
        assert!(worker.drain().await.unwrap() > 0);
    }
    assert_eq!(discovered(&world).await, 2);
    // The provider takes the old key no more.
    world.sandbox.set_fault(Provider::Mcp, Fault::new(FaultMode::BadKey).key("key"));
    for worker in [&world.worker, &other] {
        trigger_discovery(&world.ctx, &world.registry, 1).await.unwrap();
        worker.drain().await.unwrap();
    }
    assert_eq!(discovered(&world).await, 2, "nobody gets in with it");
    set_key(&world, NEW_KEY).await;
    world.clock.advance(Duration::from_secs(3600));
    for worker in [&world.worker, &other] {
        trigger_discovery(&world.ctx, &world.registry, 1).await.unwrap();
        worker.drain().await.unwrap();
    }
    assert_eq!(discovered(&world).await, 6, "those that were held, too");
    assert!(!dump(&world.db.pool).await.unwrap().contains("planted"));
}

#[tokio::test]
async fn av_7_the_test_names_the_step_that_fails_and_what_to_do() {
    let world = world().await;
    let passed = tested(&world).await;
    assert_eq!(passed.failed(), None, "{passed:?}");
    assert!(passed.steps.last().unwrap().detail.contains("tools"), "{passed:?}");

    for (fault, step, class) in [
        (Fault::new(FaultMode::BadKey), Step::Authenticate, ErrorClass::Credentials),
        (Fault::new(FaultMode::Error).status(402), Step::Authenticate, ErrorClass::Quota),
        (Fault::new(FaultMode::RateLimit), Step::Authenticate, ErrorClass::RateLimited),
        (
            Fault::new(FaultMode::BadKey).operation("tools/list"),
            Step::Call,
            ErrorClass::Credentials,
        ),
        (
            Fault::new(FaultMode::Hang).operation("initialize"),
            Step::Authenticate,
            ErrorClass::ProviderUnavailable,
        ),
    ] {
        let what = format!("{fault:?}");
        world.sandbox.set_fault(Provider::Mcp, fault);
        let test = tested(&world).await;
        let failed = test.failed().unwrap();
        assert_eq!((failed.step, failed.error_class), (step, Some(class)), "{what}: {test:?}");
        assert_eq!(test.remedy(), Some(class.remedy()));
    }
}

#[tokio::test]
async fn av_7_a_provider_that_is_not_there_fails_at_the_connection_and_an_unknown_host_before() {
    let world = world().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}/mcp", listener.local_addr().unwrap());
    drop(listener);
    for (url, step) in [
        (Some(nobody), Step::Connect),
        (Some("http://no-such-host.invalid/mcp".to_owned()), Step::Resolve),
        (None, Step::Resolve),
    ] {
        let registry = common::registry_with(url.clone(), &world.vault);
        let test = test::test(&world.ctx, &registry, "mcp").await.unwrap();
        assert_eq!(test.failed().map(|failed| failed.step), Some(step), "{url:?}: {test:?}");
    }
}

#[tokio::test]
async fn a_post_whose_address_leads_inside_is_not_gone_to() {
    let world = world().await;
    let insert = "INSERT INTO posts (url, discovered_at)
                  VALUES ('http://169.254.169.254/latest', now()) RETURNING id";
    let id: i64 = sqlx::query_scalar(insert).fetch_one(&world.db.pool).await.unwrap();
    signalbox_pipelines::domains::commands::trigger_harvesting(&world.ctx, &world.registry, id)
        .await
        .unwrap();
    world.worker.drain().await.unwrap();
    let error: String = sqlx::query_scalar("SELECT error FROM dead_letter_queue")
        .fetch_one(&world.db.pool)
        .await
        .unwrap();
    assert!(error.contains("it leads to a private network"), "{error}");
    assert_eq!(world.sandbox.calls(Provider::Mcp).ended("web_data_tiktok_posts"), 0);
}
