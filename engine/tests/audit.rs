//! The audit log (AV-11): append-only, searchable, and a chain that shows what was changed all the same.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::World;
use futures::TryStreamExt as _;
use signalbox_engine::{CommandError, audit, kill_switch};
use signalbox_model::actor::Role;
use signalbox_model::audit::{AuditFilter, AuditVerdict};

/// A world in which five things were done.
async fn world() -> World {
    let world = World::new().await;
    for n in 0..5 {
        let why = format!("reason {n}");
        match n % 2 {
            0 => kill_switch::activate(&world.ctx, &why).await.unwrap(),
            _ => kill_switch::deactivate(&world.ctx, &why).await.unwrap(),
        };
    }
    audit::seal(&world.db.pool).await.unwrap();
    world
}

async fn verdict(world: &World) -> AuditVerdict {
    audit::verify(&world.ctx, None).await.unwrap()
}

/// Does to the tables what nobody may: as the owner of the database could.
async fn tamper(world: &World, sql: &'static str) {
    let mut tx = world.db.pool.begin().await.unwrap();
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    let done = sqlx::query(sql).execute(&mut *tx).await.unwrap();
    assert_eq!(done.rows_affected(), 1, "{sql}");
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn av_11_every_way_to_tamper_with_an_entry_is_detected_and_located() {
    for (sql, broken_at) in [
        ("UPDATE audit_log SET actor = 'other@example.org' WHERE id = 3", Some(3)),
        ("UPDATE audit_log SET action = 'kill_switch.activate ' WHERE id = 3", Some(3)),
        ("UPDATE audit_log SET subject = 'x' WHERE id = 3", Some(3)),
        ("UPDATE audit_log SET reason = NULL WHERE id = 3", Some(3)),
        ("UPDATE audit_log SET details = '{\"a\":1}' WHERE id = 3", Some(3)),
        (
            "UPDATE audit_log SET created_at = created_at + interval '1 microsecond' WHERE id = 3",
            Some(3),
        ),
        ("DELETE FROM audit_log WHERE id = 3", Some(3)),
        ("DELETE FROM audit_chain WHERE audit_id = 3", Some(4)),
        (
            "UPDATE audit_chain SET seal = set_byte(seal, 31, get_byte(seal, 31) # 1) WHERE audit_id = 3",
            Some(3),
        ),
        ("DELETE FROM audit_chain WHERE audit_id = 5", None),
        ("DELETE FROM audit_unsealed WHERE audit_id = 6", None),
        ("DELETE FROM audit_log WHERE id = 6", Some(6)),
        (
            "INSERT INTO audit_log (actor, action, subject, created_at) VALUES ('a', 'b', 'c', now())",
            None,
        ),
    ] {
        let world = world().await;
        kill_switch::deactivate(&world.ctx, "not sealed yet").await.unwrap();
        let before = verdict(&world).await;
        assert!(before.is_intact() && before.waiting == 1, "{before:?}");
        tamper(&world, sql).await;
        let found = verdict(&world).await;
        assert!(!found.is_intact(), "{sql}");
        assert_eq!(found.broken_at, broken_at, "{sql}: {found:?}");
    }
}

#[tokio::test]
async fn av_11_a_chain_cut_short_or_computed_anew_lacks_the_seal_that_was_kept() {
    let world = world().await;
    let head = verdict(&world).await.head.unwrap();
    let kept = async || audit::verify(&world.ctx, Some(&head)).await.unwrap();
    assert!(kept().await.is_intact());
    tamper(&world, "DELETE FROM audit_chain WHERE audit_id = 5").await;
    tamper(&world, "DELETE FROM audit_log WHERE id = 5").await;
    assert!(verdict(&world).await.is_intact(), "the rest is");
    let cut = kept().await;
    assert!(!cut.is_intact() && cut.words().contains("the seal that you kept"), "{cut:?}");
    tamper(&world, "UPDATE audit_log SET reason = 'a better one' WHERE id = 4").await;
    tamper(
        &world,
        "UPDATE audit_chain c SET seal = audit_seal(before.seal, a) FROM audit_chain before, audit_log a
         WHERE c.audit_id = 4 AND before.audit_id = 3 AND a.id = 4",
    )
    .await;
    assert!(verdict(&world).await.is_intact() && !kept().await.is_intact());
}

#[tokio::test]
async fn av_11_an_id_put_among_the_new_ones_again_holds_nothing_up() {
    let world = world().await;
    tamper(&world, "INSERT INTO audit_unsealed VALUES (3)").await;
    assert_eq!(audit::seal(&world.db.pool).await.unwrap(), 0);
    kill_switch::deactivate(&world.ctx, "a sixth").await.unwrap();
    assert_eq!(audit::seal(&world.db.pool).await.unwrap(), 1);
    assert!(verdict(&world).await.is_intact());
}

#[tokio::test]
async fn av_11_neither_table_can_be_changed_by_the_product_itself() {
    let world = world().await;
    for sql in [
        "UPDATE audit_log SET reason = 'x'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "UPDATE audit_chain SET seal = ''",
        "DELETE FROM audit_chain",
        "TRUNCATE audit_chain",
    ] {
        let refused = sqlx::query(sql).execute(&world.db.pool).await.unwrap_err().to_string();
        assert!(refused.contains("audit_log is append-only"), "{sql}: {refused}");
    }
    assert!(verdict(&world).await.is_intact());
}

#[tokio::test]
async fn av_11_commands_at_the_same_time_are_all_sealed() {
    let world = World::new().await;
    let ctx = &world.ctx;
    let ids = world.calls(20).await;
    let cancel = ids.iter().map(|id| signalbox_engine::jobs::commands::cancel(ctx, *id));
    for outcome in futures::future::join_all(cancel).await {
        outcome.unwrap();
    }
    let seal = || audit::seal(&world.db.pool);
    let (one, other) = tokio::join!(seal(), seal());
    assert!(one.unwrap() + other.unwrap() >= 20, "each once, whoever leads");
    let verdict = verdict(&world).await;
    assert!(verdict.is_intact() && verdict.waiting == 0, "{verdict:?}");
}

#[tokio::test]
async fn av_11_entries_are_found_by_who_what_and_text_and_exported_with_their_seals() {
    let world = world().await;
    let found = async |filter: AuditFilter| {
        let page = audit::search(&world.ctx, &filter).await.unwrap();
        (page.items.iter().map(|entry| entry.id).collect::<Vec<_>>(), page.next_cursor)
    };
    let text = |text: &str| Some(text.to_owned());
    let all = AuditFilter::default();
    assert_eq!(found(AuditFilter { limit: Some(2), ..all.clone() }).await, (vec![5, 4], Some(4)));
    assert_eq!(found(AuditFilter { cursor: Some(2), ..all.clone() }).await.0, [1]);
    assert_eq!(
        found(AuditFilter { action: text("kill_switch.deact"), ..all.clone() }).await.0,
        [4, 2]
    );
    assert_eq!(
        found(AuditFilter { actor: text("nobody@example.org"), ..all.clone() }).await.0,
        [0; 0]
    );
    assert_eq!(found(AuditFilter { q: text("REASON 3"), ..all }).await.0, [4]);
    let csv: Vec<_> = audit::csv(&world.ctx).await.unwrap().try_collect().await.unwrap();
    let csv = String::from_utf8(csv.concat()).unwrap();
    assert_eq!(csv.lines().count(), 7, "the head, the five, and the export itself: {csv}");
    assert!(csv.starts_with("id,at,actor,action,subject,reason,details,seal\r\n"), "{csv}");
    let head = verdict(&world).await.head.unwrap();
    assert!(csv.contains(&head), "{csv}");
}

#[tokio::test]
async fn av_11_the_powerless_read_no_audit() {
    let world = world().await;
    for role in [Role::QaLead, Role::Technician] {
        let ctx = world.as_role(role);
        let forbidden = |error: CommandError| matches!(error, CommandError::Forbidden { .. });
        assert!(forbidden(audit::search(&ctx, &AuditFilter::default()).await.unwrap_err()));
        assert!(forbidden(audit::verify(&ctx, None).await.unwrap_err()));
        assert!(forbidden(audit::csv(&ctx).await.err().unwrap()));
    }
}
