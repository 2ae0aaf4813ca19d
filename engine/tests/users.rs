//! Users, sessions and tokens (JS-10, AV-11): what an admin does to them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::World;
use serde_json::json;
use signalbox_engine::auth::{manage, sessions, tokens, users};
use signalbox_engine::{CommandError, Ctx, kill_switch};
use signalbox_model::actor::{Permission, Role};
use signalbox_model::user::{NewToken, UserAction};

const ADMIN: &str = "admin@example.org";
const WHY: &str = "she left";

/// A world whose actor is an admin that exists, and somebody else.
async fn world() -> World {
    let world = World::new().await;
    for (email, role) in [(ADMIN, Role::Admin), ("eve@example.com", Role::Operator)] {
        users::create(&world.ctx.db, &world.ctx.clock, email, "a password of hers", role, false)
            .await
            .unwrap();
    }
    world
}

/// Opens a session of `email` under `id`.
async fn session(world: &World, id: &str, email: &str) {
    let now_s = world.ctx.now().timestamp();
    let data = json!({ "email": email, "began_s": now_s, "seen_s": now_s, "address": "192.0.2.1" });
    let ends = world.ctx.now() + chrono::TimeDelta::hours(12);
    assert!(sessions::insert(&world.ctx.db, id, &data, ends).await.unwrap());
}

async fn act(
    world: &World,
    email: &str,
    action: UserAction,
    role: Option<Role>,
) -> Result<(), CommandError> {
    manage::act(&world.ctx, email, action, role, WHY).await.map(drop)
}

fn is_conflict(result: &Result<(), CommandError>, says: &str) -> bool {
    matches!(result, Err(CommandError::Conflict(text)) if text.contains(says))
}

fn token(scopes: &[Permission]) -> NewToken {
    NewToken { name: "Prometheus".to_owned(), scopes: scopes.to_vec(), days: 30 }
}

#[tokio::test]
async fn js_10_somebody_is_invited_promoted_disabled_and_let_in_again() {
    let world = world().await;
    let invited = manage::invite(&world.ctx, " Bob@Example.com ", Role::Viewer).await.unwrap();
    assert_eq!((invited.email.as_str(), invited.one_time_password.len()), ("bob@example.com", 20));
    let again = manage::invite(&world.ctx, "bob@example.com", Role::Viewer).await.map(drop);
    assert!(is_conflict(&again, "bob@example.com already"), "{again:?}");
    assert!(manage::read(&world.ctx, "bob@example.com").await.unwrap().must_change_password);

    let bob = "bob@example.com";
    act(&world, bob, UserAction::ChangeRole, Some(Role::Operator)).await.unwrap();
    assert_eq!(manage::read(&world.ctx, bob).await.unwrap().role, Role::Operator);
    session(&world, "one", bob).await;
    session(&world, "two", bob).await;
    assert_eq!(manage::read(&world.ctx, bob).await.unwrap().sessions, 2);
    act(&world, bob, UserAction::Disable, None).await.unwrap();
    let disabled = manage::read(&world.ctx, bob).await.unwrap();
    assert_eq!((disabled.disabled, disabled.sessions), (true, 0));
    assert!(users::actor_by_email(&world.ctx.db, bob).await.unwrap().is_none());
    act(&world, bob, UserAction::Enable, None).await.unwrap();
    let said = "audit_log WHERE subject = 'bob@example.com' AND (action = 'user.invite' OR reason = 'she left')";
    assert_eq!(world.count(said).await, 4);
}

#[tokio::test]
async fn nobody_locks_themselves_out_and_an_admin_is_always_left() {
    let world = world().await;
    let own = [
        act(&world, ADMIN, UserAction::ChangeRole, Some(Role::Viewer)).await,
        act(&world, ADMIN, UserAction::Disable, None).await,
        act(&world, ADMIN, UserAction::ResetPassword, None).await,
    ];
    for refused in own {
        assert!(is_conflict(&refused, "You cannot"), "{refused:?}");
    }
    // The other admin, seen by one that is none in this database any more.
    let mut ghost = world.ctx.clone();
    ghost.actor.email = "ghost@example.org".to_owned();
    for (action, role) in
        [(UserAction::Disable, None), (UserAction::ChangeRole, Some(Role::Operator))]
    {
        let refused = manage::act(&ghost, ADMIN, action, role, WHY).await.map(drop);
        assert!(is_conflict(&refused, "last admin"), "{refused:?}");
    }
    assert_eq!(world.count("audit_log").await, 0);
    let user = manage::read(&world.ctx, ADMIN).await.unwrap();
    assert_eq!((user.role, user.disabled), (Role::Admin, false));
}

#[tokio::test]
async fn a_reset_password_works_once_and_ends_the_sessions() {
    let world = world().await;
    session(&world, "hers", "eve@example.com").await;
    let action = UserAction::ResetPassword;
    let made =
        manage::act(&world.ctx, "eve@example.com", action, None, WHY).await.unwrap().unwrap();
    assert_eq!(world.count("sessions").await, 0);
    let stored: Vec<String> = sqlx::query_scalar(
        "SELECT to_jsonb(u)::text FROM users u UNION ALL SELECT to_jsonb(a)::text FROM audit_log a",
    )
    .fetch_all(&world.ctx.db)
    .await
    .unwrap();
    assert!(stored.iter().all(|row| !row.contains(&made.one_time_password)));
    let user = manage::read(&world.ctx, "eve@example.com").await.unwrap();
    assert!(user.must_change_password);
}

#[tokio::test]
async fn av_11_sessions_are_listed_ended_and_all_revoked_but_the_one_that_asks() {
    let world = world().await;
    let eve = Ctx { actor: world.as_role(Role::Operator).actor, ..world.ctx.clone() };
    let eve =
        Ctx { actor: signalbox_model::actor::Actor::new("eve@example.com", Role::Operator), ..eve };
    session(&world, "mine", ADMIN).await;
    session(&world, "hers", "eve@example.com").await;
    let mine = sessions::handle("mine");
    let seen = sessions::list(&world.ctx, None, Some(&mine)).await.unwrap();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen.iter().filter(|session| session.is_this).count(), 1);
    assert_eq!(seen[0].address.as_deref(), Some("192.0.2.1"));

    assert_eq!(sessions::list(&eve, Some("eve@example.com"), None).await.unwrap().len(), 1);
    assert!(sessions::list(&eve, None, None).await.is_err());
    let others = sessions::end(&eve, &mine).await.unwrap_err();
    assert!(matches!(others, CommandError::NotFound { .. }), "{others:?}");
    sessions::end(&eve, &sessions::handle("hers")).await.unwrap();

    session(&world, "hers again", "eve@example.com").await;
    let made = tokens::make(&world.ctx, &token(&[Permission::ReadConsole])).await.unwrap();
    let ended = sessions::revoke_everything(&world.ctx, Some(&mine), "a laptop was lost").await;
    assert_eq!(ended.unwrap(), (1, 1));
    let left = sessions::list(&world.ctx, None, None).await.unwrap();
    assert_eq!(left.iter().map(|session| &session.handle).collect::<Vec<_>>(), [&mine]);
    let actor = tokens::actor(&world.ctx.db, &made.token, world.ctx.now()).await.unwrap();
    assert_eq!(actor, None);
}

#[tokio::test]
async fn a_session_ends_a_week_after_it_began_however_much_it_is_used() {
    let world = world().await;
    session(&world, "mine", ADMIN).await;
    world.clock.advance(Duration::from_secs(7 * 24 * 3600 + 1));
    let data = json!({ "email": ADMIN, "began_s": 0 });
    let ends = world.ctx.now() + chrono::TimeDelta::hours(12);
    sessions::insert(&world.ctx.db, "old", &data, ends).await.unwrap();
    assert!(sessions::list(&world.ctx, None, None).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_token_acts_for_its_owner_within_its_scopes_until_it_ends() {
    let world = world().await;
    let made = tokens::make(&world.ctx, &token(&[Permission::ReadConsole])).await.unwrap();
    assert!(made.token.starts_with(tokens::PREFIX) && made.token.ends_with(&made.facts.hint));
    let stored: String = sqlx::query_scalar("SELECT to_jsonb(t)::text FROM api_tokens t")
        .fetch_one(&world.ctx.db)
        .await
        .unwrap();
    assert!(!stored.contains(&made.token));

    let by = async |text: &str| tokens::actor(&world.ctx.db, text, world.ctx.now()).await.unwrap();
    let actor = by(&made.token).await.unwrap();
    assert_eq!(actor.email, ADMIN);
    let ctx = Ctx { actor, ..world.ctx.clone() };
    assert!(kill_switch::read(&ctx).await.is_ok());
    let refused = kill_switch::activate(&ctx, WHY).await.unwrap_err();
    assert!(matches!(refused, CommandError::Forbidden { .. }), "{refused:?}");
    let own = users::change_password(&ctx, None, "a password of hers", "another password").await;
    assert!(matches!(own, Err(CommandError::Forbidden { .. })), "{own:?}");
    assert!(manage::list(&ctx).await.is_err() && tokens::list(&ctx).await.is_err());

    let flipped = format!("{}0", &made.token[..made.token.len() - 1]);
    assert!(by(&flipped).await.is_none() || flipped == made.token);
    world.clock.advance(Duration::from_secs(30 * 24 * 3600));
    assert!(by(&made.token).await.is_none(), "it has ended");
    assert!(tokens::list(&world.ctx).await.unwrap()[0].last_used_at.is_some());
}

#[tokio::test]
async fn what_is_done_by_a_token_says_so_in_the_audit() {
    let world = world().await;
    let scopes = [Permission::ReadConsole, Permission::OperateKillSwitch];
    let made = tokens::make(&world.ctx, &token(&scopes)).await.unwrap();
    let actor = tokens::actor(&world.ctx.db, &made.token, world.ctx.now()).await.unwrap().unwrap();
    let ctx = Ctx { actor, ..world.ctx.clone() };
    kill_switch::activate(&ctx, WHY).await.unwrap();
    let said =
        "audit_log WHERE action = 'kill_switch.activate' AND details ->> 'token' = 'Prometheus'";
    assert_eq!(world.count(said).await, 1);
    let name = tokens::revoke(&world.ctx, made.facts.id, "rotated").await.unwrap();
    assert_eq!(name, "Prometheus");
    let again = tokens::revoke(&world.ctx, made.facts.id, "rotated").await.map(drop);
    assert!(is_conflict(&again, "ended already"), "{again:?}");
}

#[tokio::test]
async fn js_10_whoever_may_not_manage_users_neither_sees_nor_changes_any() {
    let world = world().await;
    let made = tokens::make(&world.ctx, &token(&[Permission::ReadConsole])).await.unwrap();
    session(&world, "mine", ADMIN).await;
    let before = world.count("audit_log").await;
    for role in [Role::Operator, Role::Viewer, Role::QaLead, Role::Technician] {
        let ctx = world.as_role(role);
        let refused = [
            manage::list(&ctx).await.map(drop),
            manage::read(&ctx, ADMIN).await.map(drop),
            manage::invite(&ctx, "x@example.com", Role::Admin).await.map(drop),
            manage::act(&ctx, ADMIN, UserAction::Disable, None, WHY).await.map(drop),
            sessions::list(&ctx, Some(ADMIN), None).await.map(drop),
            sessions::revoke_everything(&ctx, None, WHY).await.map(drop),
            tokens::list(&ctx).await.map(drop),
            tokens::make(&ctx, &token(&[Permission::ReadConsole])).await.map(drop),
            tokens::revoke(&ctx, made.facts.id, WHY).await.map(drop),
        ];
        for result in refused {
            assert!(matches!(result, Err(CommandError::Forbidden { .. })), "{role:?}: {result:?}");
        }
        assert!(sessions::end(&ctx, &sessions::handle("mine")).await.is_err());
    }
    assert_eq!(world.count("audit_log").await, before);
    assert_eq!(world.count("sessions").await, 1);
}
