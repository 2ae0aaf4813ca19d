//! Providers as an operator works them (AV-7, JS-4, CP-5).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::{World, body};
use secrecy::{ExposeSecret as _, SecretString};
use signalbox_engine::breaker::force;
use signalbox_engine::provider::key::Key;
use signalbox_engine::provider::{CallFailure, commands, read, test};
use signalbox_engine::testing::dump;
use signalbox_engine::{CommandError, settings};
use signalbox_model::actor::Role;
use signalbox_model::breaker::{BreakerAction, BreakerState};
use signalbox_model::job::JobState;
use signalbox_model::provider::{KeySource, Step, StepOutcome};
use signalbox_model::secret::Expiry;

const KEY: &str = "good-planted-7f3a91c2";
const WHY: &str = "their invoice is wrong";

fn secret(key: &str) -> SecretString {
    SecretString::from(key)
}

async fn provider(world: &World) -> signalbox_model::provider::Provider {
    read::read(&world.ctx, &world.registry, "mcp").await.unwrap()
}

#[tokio::test]
async fn av_7_a_provider_that_is_switched_off_parks_its_jobs_and_spends_nothing() {
    let world = World::new().await;
    let id = world.calls(1).await[0];
    let off = commands::disable(&world.ctx, &world.registry, "mcp", WHY).await.unwrap();
    assert_eq!(off.breaker.disabled.unwrap().reason, WHY);
    assert_eq!(off.breaker.state, BreakerState::Closed, "the breaker has no part in it");
    assert_eq!(world.worker.drain().await.unwrap(), 0);
    let verdict = signalbox_engine::jobs::why::why(&world.ctx, &world.registry, id).await.unwrap();
    assert_eq!(verdict.cause, "provider_disabled");
    assert_eq!(
        verdict.sentence,
        "Provider mcp is switched off by admin@example.org: their invoice is wrong"
    );
    // Letting go of the breaker does not switch it on.
    force::act(&world.ctx, "mcp", BreakerAction::ForceClose, WHY, None).await.unwrap();
    force::act(&world.ctx, "mcp", BreakerAction::Reset, WHY, None).await.unwrap();
    assert_eq!(world.worker.drain().await.unwrap(), 0);
    let again = commands::disable(&world.ctx, &world.registry, "mcp", WHY).await.unwrap_err();
    assert!(matches!(again, CommandError::Conflict(_)), "{again:?}");

    commands::enable(&world.ctx, &world.registry, "mcp", "it is paid").await.unwrap();
    assert_eq!(world.worker.drain().await.unwrap(), 1);
    let job = world.job(id).await;
    assert_eq!((job.state, job.attempt), (JobState::Completed, 0));
    let changes = read::changes(&world.ctx, "mcp").await.unwrap();
    let actions: Vec<_> = changes.iter().map(|change| change.action.as_str()).collect();
    assert_eq!(actions, ["provider.enable", "provider.disable"]);
}

#[tokio::test]
async fn av_7_a_job_that_runs_makes_no_further_call_once_its_provider_is_switched_off() {
    let (world, id) = World::scripted(body(|cx| async move {
        cx.call(common::OPERATION, async { Ok(()) }).await?;
        let off = "UPDATE circuit_breakers SET disabled_by = 'a', disabled_reason = 'b', disabled_at = now()";
        sqlx::query(off).execute(&cx.db).await?;
        cx.call(common::OPERATION, async { panic!("it is called") }).await
    }))
    .await;
    let job = world.worker.claim(1).await.unwrap().remove(0);
    let ended = world.worker.run(job).await;
    world.worker.settle(&[ended]).await.unwrap();
    let job = world.job(id).await;
    assert_eq!((job.state, job.attempt), (JobState::Available, 0));
}

#[tokio::test]
async fn cp_5_a_key_is_in_force_with_the_next_call_and_the_environments_is_the_fallback() {
    let world = World::new().await;
    let key = Key::new("mcp", &world.vault, Some(secret("from-the-environment")));
    let now = async || key.now().await.unwrap().unwrap().expose_secret().to_owned();
    assert_eq!(now().await, "from-the-environment");
    assert_eq!(provider(&world).await.key.source, KeySource::None, "this one has no environment");
    for new in [KEY, "good-another-one"] {
        commands::set_key(&world.ctx, &world.registry, "mcp", &secret(new), None).await.unwrap();
        assert_eq!(now().await, new);
    }
    let text = format!("I know {KEY} and good-another-one and from-the-environment");
    assert_eq!(key.redact(&text), "I know [redacted] and [redacted] and [redacted]");
    commands::remove_key(&world.ctx, &world.registry, "mcp", "it has leaked").await.unwrap();
    assert_eq!(now().await, "from-the-environment");
    let gone = commands::remove_key(&world.ctx, &world.registry, "mcp", "it has leaked")
        .await
        .unwrap_err();
    assert!(matches!(gone, CommandError::Conflict(_)), "{gone:?}");
}

#[tokio::test]
async fn av_7_a_row_that_was_spoiled_does_not_bring_back_the_key_of_the_environment() {
    let world = World::new().await;
    let key = Key::new("mcp", &world.vault, Some(secret("from-the-environment")));
    commands::set_key(&world.ctx, &world.registry, "mcp", &secret(KEY), None).await.unwrap();
    let spoil = "UPDATE vault_secrets SET version = version + 1";
    sqlx::query(spoil).execute(&world.db.pool).await.unwrap();
    let refused = key.now().await.unwrap_err();
    assert!(
        matches!(&refused, CallFailure::NotConfigured(why) if why.contains("set the key again"))
    );
    assert!(provider(&world).await.key.fault.is_some());
    commands::set_key(&world.ctx, &world.registry, "mcp", &secret(KEY), None).await.unwrap();
    assert!(key.now().await.is_ok(), "setting it again mends it");
}

#[tokio::test]
async fn cp_5_what_is_told_of_a_key_is_its_end_who_set_it_and_until_when() {
    let world = World::new().await;
    let until = Some(world.ctx.now() + chrono::Duration::days(13));
    let set =
        commands::set_key(&world.ctx, &world.registry, "mcp", &secret(KEY), until).await.unwrap();
    let info = set.key.secret.unwrap();
    assert_eq!(set.key.source, KeySource::Vault);
    assert_eq!((info.shown().as_str(), info.updated_by.as_str()), ("…91c2", "admin@example.org"));
    assert_eq!(info.expiry(world.ctx.now()), Expiry::Soon);
    let shown = serde_json::to_string(&provider(&world).await).unwrap();
    assert!(!shown.contains("planted"), "{shown}");
    commands::set_key(&world.ctx, &world.registry, "mcp", &secret("short"), None).await.unwrap();
    assert_eq!(provider(&world).await.key.secret.unwrap().last4, None);
}

#[tokio::test]
async fn av_7_a_test_names_the_step_that_fails_and_is_kept() {
    let world = World::new().await;
    let failed = test::test(&world.ctx, &world.registry, "mcp").await.unwrap();
    let step = failed.failed().unwrap();
    assert_eq!(step.step, Step::Authenticate);
    let outcomes: Vec<_> = failed.steps.iter().map(|step| step.outcome).collect();
    use StepOutcome::{Failed, NotTried, Passed};
    assert_eq!(outcomes, [Passed, Passed, Failed, NotTried]);
    assert!(failed.remedy().unwrap().contains("set a new one"));

    commands::set_key(&world.ctx, &world.registry, "mcp", &secret("wrong-planted-1"), None)
        .await
        .unwrap();
    let echoed = test::test(&world.ctx, &world.registry, "mcp").await.unwrap();
    assert!(echoed.failed().unwrap().detail.contains("[redacted]"), "{echoed:?}");
    commands::set_key(&world.ctx, &world.registry, "mcp", &secret(KEY), None).await.unwrap();
    let passed = test::test(&world.ctx, &world.registry, "mcp").await.unwrap();
    assert_eq!(passed.failed(), None);
    assert_eq!(provider(&world).await.test.unwrap().steps, passed.steps);
    let dump = dump(&world.db.pool).await.unwrap();
    assert!(!dump.contains("planted"), "{:?}", dump.lines().find(|line| line.contains("planted")));
}

#[tokio::test]
async fn av_7_what_a_provider_says_back_is_kept_without_the_key() {
    let world = World::new().await;
    settings::change(&world.ctx, "mcp_cb_failure_threshold", 100, None).await.unwrap();
    commands::set_key(&world.ctx, &world.registry, "mcp", &secret(KEY), None).await.unwrap();
    test::test(&world.ctx, &world.registry, "mcp").await.unwrap();
    world.calls(1).await;
    let echo = || format!("you sent {KEY}, which is wrong");
    world.script.answers(Err(CallFailure::Credentials(echo())));
    world.worker.drain().await.unwrap();
    // The rest is the job's own fault, up to its burial.
    for _ in 0..3 {
        world.script.answers(Err(CallFailure::Rejected(echo())));
        world.clock.advance(Duration::from_secs(3600));
        world.worker.drain().await.unwrap();
    }
    assert_eq!(world.count("dead_letter_queue").await, 1);
    let dump = dump(&world.db.pool).await.unwrap();
    assert!(dump.contains("you sent [redacted], which is wrong") && !dump.contains("planted"));
}

#[tokio::test]
async fn cp_5_what_makes_no_sense_changes_nothing() {
    let world = World::new().await;
    let before = world.count("audit_log").await;
    let past = Some(world.ctx.now());
    let set = async |name: &str, key: &str, until| {
        commands::set_key(&world.ctx, &world.registry, name, &secret(key), until).await.unwrap_err()
    };
    for bad in ["", "two\nlines", "schlüssel", &"k".repeat(4097)] {
        let refused = set("mcp", bad, None).await;
        assert!(
            matches!(&refused, CommandError::Invalid(of) if of[0].field == "key"),
            "{refused:?}"
        );
    }
    let refused = set("mcp", KEY, past).await;
    assert!(matches!(&refused, CommandError::Invalid(of) if of[0].field == "expiresAt"));
    assert!(matches!(set("nobody", KEY, None).await, CommandError::NotFound { .. }));
    let nameless = commands::disable(&world.ctx, &world.registry, "mcp", " ").await.unwrap_err();
    assert!(matches!(nameless, CommandError::Invalid(_)));
    assert_eq!((world.count("audit_log").await, world.count("vault_secrets").await), (before, 0));
}

#[tokio::test]
async fn op_7_a_powerless_actor_does_nothing_to_a_provider() {
    let world = World::new().await;
    commands::set_key(&world.ctx, &world.registry, "mcp", &secret(KEY), None).await.unwrap();
    let before = world.count("audit_log").await;
    for role in [Role::Operator, Role::Viewer, Role::Technician] {
        let (ctx, registry) = (world.as_role(role), &world.registry);
        for refused in [
            commands::set_key(&ctx, registry, "mcp", &secret("another"), None).await.map(drop),
            commands::remove_key(&ctx, registry, "mcp", WHY).await.map(drop),
            commands::disable(&ctx, registry, "mcp", WHY).await.map(drop),
            commands::enable(&ctx, registry, "mcp", WHY).await.map(drop),
            test::test(&ctx, registry, "mcp").await.map(drop),
        ] {
            assert!(
                matches!(refused, Err(CommandError::Forbidden { .. })),
                "{role:?}: {refused:?}"
            );
        }
        let may_read = role != Role::Technician;
        assert_eq!(read::list(&ctx, registry).await.is_ok(), may_read);
        assert_eq!(read::changes(&ctx, "mcp").await.is_ok(), may_read);
    }
    assert_eq!(world.count("audit_log").await, before);
    assert!(provider(&world).await.breaker.disabled.is_none());
}
