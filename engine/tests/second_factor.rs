//! Second factors: codes count once, are asked for at every sign-in, and stand nowhere in the clear.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::World;
use signalbox_engine::auth::sign_in::{Attempt, SignInError, sign_in};
use signalbox_engine::auth::{manage, second_factor, users};
use signalbox_engine::vault::keyring::{Keyring, MasterKey};
use signalbox_engine::vault::{Vault, rotate};
use signalbox_engine::{CommandError, Ctx};
use signalbox_model::actor::{ActingToken, Permission, Role};
use signalbox_model::user::UserAction;
use totp_rs::{Builder, Secret};

const ADMIN: &str = "admin@example.org";
/// A master key.
const ZEROS: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const PASSWORD: &str = "a password of hers";

async fn world() -> (World, Vault) {
    let world = World::new().await;
    for email in [ADMIN, "other@example.org"] {
        users::create(&world.ctx.db, &world.ctx.clock, email, PASSWORD, Role::Admin, false)
            .await
            .unwrap();
    }
    let vault = Vault::new(world.ctx.db.clone(), Keyring::new(MasterKey::generate(), Vec::new()));
    (world, vault)
}

/// What an authenticator with this secret shows now.
fn code(world: &World, secret: &str) -> String {
    let secret = Secret::try_from_base32(secret).unwrap();
    let totp = Builder::new().with_secret(secret).with_account_name(ADMIN).build().unwrap();
    totp.generate(world.ctx.now().timestamp().try_into().unwrap()).to_string()
}

/// Sets a second factor up; its secret and its recovery codes.
async fn set_up(world: &World, vault: &Vault) -> (String, Vec<String>) {
    let new = second_factor::begin(&world.ctx, vault).await.unwrap();
    assert!(new.url.starts_with("otpauth://totp/") && new.url.contains(&new.secret));
    let codes = second_factor::confirm(&world.ctx, vault, &code(world, &new.secret)).await.unwrap();
    (new.secret, codes)
}

async fn try_in(world: &World, vault: &Vault, code: Option<&str>) -> Result<(), SignInError> {
    let attempt = Attempt { email: ADMIN, password: PASSWORD, code, device: None, address: None };
    sign_in(&world.ctx.db, &world.ctx.clock, vault, attempt).await.map(drop)
}

fn is_wrong(result: &Result<(), CommandError>) -> bool {
    matches!(result, Err(CommandError::Invalid(errors)) if errors[0].field == "code")
}

#[tokio::test]
async fn a_code_is_asked_for_at_every_sign_in_and_counts_once() {
    let (world, vault) = world().await;
    assert!(try_in(&world, &vault, None).await.is_ok());
    let new = second_factor::begin(&world.ctx, &vault).await.unwrap();
    assert!(try_in(&world, &vault, None).await.is_ok(), "it is not confirmed yet");
    assert_eq!(second_factor::begun(&world.ctx, &vault).await.unwrap().unwrap(), new);
    let wrong = second_factor::confirm(&world.ctx, &vault, "000000").await.map(drop);
    assert!(is_wrong(&wrong), "{wrong:?}");
    second_factor::confirm(&world.ctx, &vault, &code(&world, &new.secret)).await.unwrap();
    assert!(manage::read(&world.ctx, ADMIN).await.unwrap().second_factor);

    for code in [None, Some("000000"), Some(code(&world, &new.secret).as_str())] {
        let refused = try_in(&world, &vault, code).await.unwrap_err();
        assert!(matches!(refused, SignInError::CodeNeeded), "{code:?}: {refused:?}");
    }
    world.clock.advance(Duration::from_secs(30));
    let next = code(&world, &new.secret);
    assert!(try_in(&world, &vault, Some(&next)).await.is_ok());
    assert!(try_in(&world, &vault, Some(&next)).await.is_err(), "somebody has watched it typed");
}

#[tokio::test]
async fn guesses_at_a_code_use_up_tries_as_passwords_do() {
    let (world, vault) = world().await;
    set_up(&world, &vault).await;
    let mut looked_at = 0;
    for _ in 0..100 {
        match try_in(&world, &vault, Some("000000")).await.unwrap_err() {
            SignInError::CodeNeeded => looked_at += 1,
            SignInError::Throttled { .. } => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(looked_at, 80);
    for _ in 0..10 {
        assert!(is_wrong(&second_factor::remove(&world.ctx, &vault, "000000").await));
    }
    let Err(CommandError::Invalid(errors)) =
        second_factor::remove(&world.ctx, &vault, "000000").await
    else {
        panic!("it was looked at");
    };
    assert!(errors[0].detail.contains("too often"), "{errors:?}");
}

#[tokio::test]
async fn a_recovery_code_stands_in_once_and_an_admin_takes_a_lost_factor_away() {
    let (world, vault) = world().await;
    let (_, codes) = set_up(&world, &vault).await;
    assert_eq!(codes.len(), 10);
    let spelled = codes[0].to_uppercase().replace('-', " ");
    assert!(try_in(&world, &vault, Some(&spelled)).await.is_ok());
    assert!(try_in(&world, &vault, Some(&codes[0])).await.is_err());
    let twice = second_factor::begin(&world.ctx, &vault).await.map(drop);
    assert!(matches!(twice, Err(CommandError::Conflict(_))), "{twice:?}");

    let mut other = world.ctx.clone();
    other.actor.email = "other@example.org".to_owned();
    let action = UserAction::RemoveSecondFactor;
    manage::act(&other, ADMIN, action, None, "the telephone is lost").await.unwrap();
    assert!(try_in(&world, &vault, None).await.is_ok());
    let again = manage::act(&other, ADMIN, action, None, "again").await.map(drop);
    assert!(matches!(again, Err(CommandError::Conflict(_))), "{again:?}");
    assert_eq!(world.count("recovery_codes").await, 0);
}

#[tokio::test]
async fn the_secret_stands_nowhere_in_the_clear_and_every_flipped_byte_is_found() {
    let (world, vault) = world().await;
    let (secret, codes) = set_up(&world, &vault).await;
    let stored: String = sqlx::query_scalar(
        "SELECT string_agg(to_jsonb(f)::text, '') || (SELECT string_agg(to_jsonb(c)::text, '') FROM recovery_codes c)
                || (SELECT string_agg(to_jsonb(a)::text, '') FROM audit_log a) FROM second_factors f",
    )
    .fetch_one(&world.ctx.db)
    .await
    .unwrap();
    assert!(!stored.contains(&secret) && codes.iter().all(|code| !stored.contains(code.as_str())));

    for column in ["nonce", "ciphertext"] {
        let length: i32 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "SELECT octet_length({column}) FROM second_factors"
        )))
        .fetch_one(&world.ctx.db)
        .await
        .unwrap();
        for byte in 0..length {
            let flip = format!(
                "UPDATE second_factors SET {column} = set_byte({column}, {byte}, get_byte({column}, {byte}) # 1)"
            );
            sqlx::query(sqlx::AssertSqlSafe(flip.clone())).execute(&world.ctx.db).await.unwrap();
            let found = second_factor::begun(&world.ctx, &vault).await;
            assert!(matches!(found, Err(CommandError::Conflict(_))), "{column} {byte}: {found:?}");
            sqlx::query(sqlx::AssertSqlSafe(flip)).execute(&world.ctx.db).await.unwrap();
        }
    }
    // Another one's secret is not taken for theirs.
    sqlx::query("DELETE FROM recovery_codes").execute(&world.ctx.db).await.unwrap();
    sqlx::query("UPDATE second_factors SET email = 'other@example.org'")
        .execute(&world.ctx.db)
        .await
        .unwrap();
    let mut other = world.ctx.clone();
    other.actor.email = "other@example.org".to_owned();
    assert!(second_factor::begun(&other, &vault).await.is_err());
}

#[tokio::test]
async fn another_master_key_encrypts_it_anew_and_without_one_nobody_gets_past_it() {
    let (world, _) = world().await;
    let old = || MasterKey::from_base64(ZEROS).unwrap();
    let (new, old_id) = (MasterKey::generate(), old().id().to_owned());
    let new_id = new.id().to_owned();
    let vault = Vault::new(world.ctx.db.clone(), Keyring::new(old(), Vec::new()));
    let (secret, _) = set_up(&world, &vault).await;
    let key_id = async || -> String {
        sqlx::query_scalar("SELECT key_id FROM second_factors")
            .fetch_one(&world.ctx.db)
            .await
            .unwrap()
    };
    assert_eq!(key_id().await, old_id);

    let locked = Vault::new(world.ctx.db.clone(), Keyring::locked("it is not there".to_owned()));
    world.clock.advance(Duration::from_secs(30));
    let next = code(&world, &secret);
    let refused = try_in(&world, &locked, Some(&next)).await.unwrap_err();
    assert!(matches!(refused, SignInError::FactorUnreadable), "{refused:?}");
    let stranger = Keyring::new(MasterKey::generate(), Vec::new());
    let stranger = Vault::new(world.ctx.db.clone(), stranger);
    assert!(rotate::rotate(&world.ctx, &stranger).await.is_err(), "it has not the old key");
    assert_eq!(key_id().await, old_id);

    let vault = Vault::new(world.ctx.db.clone(), Keyring::new(new, vec![old()]));
    assert_eq!(rotate::rotate(&world.ctx, &vault).await.unwrap(), (1, new_id.clone()));
    assert_eq!(key_id().await, new_id);
    assert!(try_in(&world, &vault, Some(&next)).await.is_ok());
}

#[tokio::test]
async fn a_token_has_no_second_factor() {
    let (world, vault) = world().await;
    let mut actor = world.ctx.actor.clone();
    actor.token =
        Some(ActingToken { name: "ci".to_owned(), scopes: vec![Permission::ReadConsole] });
    let ctx = Ctx { actor, ..world.ctx.clone() };
    assert!(second_factor::begin(&ctx, &vault).await.is_err());
    assert!(second_factor::confirm(&ctx, &vault, "000000").await.is_err());
    assert!(second_factor::remove(&ctx, &vault, "000000").await.is_err());
    assert_eq!(world.count("second_factors").await, 0);
}
