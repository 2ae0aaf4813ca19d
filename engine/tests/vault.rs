//! The vault (AV-7, CP-5, ST-3): encrypted at rest, bound to its row, and every change of it found.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::World;
use secrecy::{ExposeSecret as _, SecretString};
use signalbox_engine::provider::commands;
use signalbox_engine::testing::dump;
use signalbox_engine::vault::health::health;
use signalbox_engine::vault::keyring::{Keyring, MasterKey};
use signalbox_engine::vault::rotate::rotate;
use signalbox_engine::vault::{Vault, VaultError};
use signalbox_engine::{CommandError, audit};
use signalbox_model::actor::Role;
use signalbox_model::audit::AuditFilter;
use signalbox_model::secret::{VaultHealth, VaultStatus};

const KEY: &str = "good-planted-7f3a91c2";
/// Two master keys: 32 bytes of 1 and of 2.
const FIRST: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const SECOND: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

async fn set(world: &World, key: &str) -> Result<(), CommandError> {
    let expires_at = Some(world.ctx.now() + chrono::Duration::days(90));
    let key = SecretString::from(key);
    commands::set_key(&world.ctx, &world.registry, "mcp", &key, expires_at).await.map(drop)
}

async fn read(vault: &Vault) -> Result<Option<String>, VaultError> {
    let key = vault.read("mcp").await?;
    Ok(key.map(|key| key.expose_secret().to_owned()))
}

async fn seen(world: &World, vault: &Vault) -> VaultHealth {
    health(&world.ctx, vault).await.unwrap()
}

async fn execute(world: &World, sql: &str) {
    sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).execute(&world.db.pool).await.unwrap();
}

fn keyring(current: &str, old: &[&str]) -> Keyring {
    let key = |text: &str| MasterKey::from_base64(text).unwrap();
    Keyring::new(key(current), old.iter().map(|text| key(text)).collect())
}

#[tokio::test]
async fn av_7_a_key_comes_back_and_the_database_has_no_word_of_it() {
    let world = World::new().await;
    assert_eq!(read(&world.vault).await.unwrap(), None);
    set(&world, KEY).await.unwrap();
    assert_eq!(read(&world.vault).await.unwrap().as_deref(), Some(KEY));
    let dump = dump(&world.db.pool).await.unwrap();
    assert!(dump.contains("vault_secrets") && dump.contains("provider.set_key"));
    assert!(!dump.contains("planted"), "the key stands in the database");
    assert!(!dump.contains("706c616e746564"), "the key stands in the database, as bytes");
    let fine = seen(&world, &world.vault).await;
    assert_eq!((fine.status, fine.secrets), (VaultStatus::Ok, 1));
}

/// Every way to change a row, one byte or character at a time.
async fn tampers(world: &World) -> Vec<String> {
    let length = |column: &str| format!("SELECT octet_length({column}) FROM vault_secrets");
    let bytes = async |column: &str| -> i32 {
        let sql = sqlx::AssertSqlSafe(length(column));
        sqlx::query_scalar(sql).fetch_one(&world.db.pool).await.unwrap()
    };
    let mut all = Vec::new();
    for column in ["nonce", "ciphertext"] {
        for (at, bit) in (0..bytes(column).await).flat_map(|at| [(at, 1), (at, 128)]) {
            all.push(format!(
                "{column} = set_byte({column}, {at}, get_byte({column}, {at}) # {bit})"
            ));
        }
    }
    for column in ["key_id", "last4", "updated_by", "provider"] {
        for at in 1..=bytes(column).await {
            all.push(format!("{column} = overlay({column} placing '~' from {at} for 1)"));
        }
        all.push(format!("{column} = {column} || ' '"));
    }
    for column in ["expires_at", "updated_at"] {
        all.push(format!("{column} = {column} + interval '1 microsecond'"));
    }
    all.push("ciphertext = substring(ciphertext from 2)".to_owned());
    all.push("expires_at = NULL".to_owned());
    all.push("last4 = NULL".to_owned());
    all.push("version = version + 1".to_owned());
    all
}

#[tokio::test]
async fn av_7_each_flipped_byte_of_a_row_is_detected_and_its_provider_named() {
    let world = World::new().await;
    set(&world, KEY).await.unwrap();
    execute(&world, "CREATE TABLE kept AS SELECT * FROM vault_secrets").await;
    let tampers = tampers(&world).await;
    assert!(tampers.len() > 150, "{}", tampers.len());
    for tamper in tampers {
        execute(&world, &format!("UPDATE vault_secrets SET {tamper}")).await;
        let found = seen(&world, &world.vault).await;
        assert_ne!(found.status, VaultStatus::Ok, "{tamper}");
        assert_eq!(found.broken.len() + found.locked.len(), 1, "{tamper}: {found:?}");
        if !tamper.starts_with("provider") {
            assert!(read(&world.vault).await.is_err(), "{tamper}");
            assert!(found.words().contains("mcp"), "{tamper}: {}", found.words());
        }
        execute(&world, "DELETE FROM vault_secrets").await;
        execute(&world, "INSERT INTO vault_secrets SELECT * FROM kept").await;
    }
    assert_eq!(read(&world.vault).await.unwrap().as_deref(), Some(KEY), "nothing else was wrong");
}

#[tokio::test]
async fn av_11_another_master_key_encrypts_everything_anew_and_the_old_one_can_go() {
    let world = World::new().await;
    let pool = || world.db.pool.clone();
    let (first, both) = (keyring(FIRST, &[]), keyring(SECOND, &[FIRST]));
    let (old, new) = (Vault::new(pool(), first), Vault::new(pool(), both));
    let registry = world.registry_with(&old);
    let key = SecretString::from(KEY);
    commands::set_key(&world.ctx, &registry, "mcp", &key, None).await.unwrap();
    assert_eq!(seen(&world, &new).await.outdated, ["mcp"]);

    let (sealed, key_id) = rotate(&world.ctx, &new).await.unwrap();
    assert_eq!((sealed, Some(key_id)), (1, seen(&world, &new).await.key_id));
    let without_old = Vault::new(pool(), keyring(SECOND, &[]));
    assert_eq!(read(&without_old).await.unwrap().as_deref(), Some(KEY));
    assert_eq!(seen(&world, &without_old).await.status, VaultStatus::Ok);
    assert_eq!(rotate(&world.ctx, &new).await.unwrap().0, 0, "once is enough");
    let filter = AuditFilter { action: Some("vault.rotate".into()), ..AuditFilter::default() };
    assert_eq!(audit::search(&world.ctx, &filter).await.unwrap().items.len(), 2);

    // A process that was left with the old one says so, and spoils nothing for the others.
    let locked = seen(&world, &old).await;
    assert_eq!((locked.status, locked.locked), (VaultStatus::Locked, vec!["mcp".to_owned()]));
    assert!(matches!(read(&old).await, Err(VaultError::Locked { .. })));
    let refused = commands::set_key(&world.ctx, &registry, "mcp", &key, None).await.unwrap_err();
    assert!(refused.to_string().contains("locked for mcp"), "{refused}");
    assert!(matches!(rotate(&world.ctx, &old).await, Err(CommandError::Conflict(_))));
    assert_eq!(read(&without_old).await.unwrap().as_deref(), Some(KEY));
}

#[tokio::test]
async fn av_7_without_a_master_key_the_vault_is_locked_and_says_why() {
    let world = World::new().await;
    let vault = Vault::new(world.db.pool.clone(), Keyring::locked("the disk is full".into()));
    let registry = world.registry_with(&vault);
    let key = SecretString::from(KEY);
    let refused = commands::set_key(&world.ctx, &registry, "mcp", &key, None).await.unwrap_err();
    assert!(refused.to_string().contains("the vault is locked: the disk is full"), "{refused}");
    let locked = seen(&world, &vault).await;
    assert_eq!((locked.status, locked.secrets), (VaultStatus::Locked, 0));
    assert!(locked.words().contains("the disk is full"));
}

#[tokio::test]
async fn av_7_a_master_key_added_to_the_file_is_found_by_processes_that_run() {
    let world = World::new().await;
    let folder = std::env::temp_dir().join(format!("signalbox-vault-{}", std::process::id()));
    let open = || Vault::with_file(world.db.pool.clone(), folder.join("vault.key"));
    let early = open();
    assert!(early.ready().unwrap_err().to_string().contains("vault.key"), "nobody has made it");
    let (running, command) = (open().with_a_key(), open());
    let registry = world.registry_with(&running);
    let key = SecretString::from(KEY);
    commands::set_key(&world.ctx, &registry, "mcp", &key, None).await.unwrap();
    command.add_master_key().unwrap();
    assert_eq!(rotate(&world.ctx, &command).await.unwrap().0, 1);
    assert_eq!(read(&running).await.unwrap().as_deref(), Some(KEY));
    assert_eq!(read(&early).await.unwrap().as_deref(), Some(KEY));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn op_7_a_powerless_actor_neither_rotates_nor_looks() {
    let world = World::new().await;
    let technician = world.as_role(Role::Technician);
    let operator = world.as_role(Role::Operator);
    let before = world.count("audit_log").await;
    assert!(matches!(rotate(&technician, &world.vault).await, Err(CommandError::Forbidden { .. })));
    assert!(matches!(rotate(&operator, &world.vault).await, Err(CommandError::Forbidden { .. })));
    assert!(matches!(health(&technician, &world.vault).await, Err(CommandError::Forbidden { .. })));
    assert!(health(&operator, &world.vault).await.is_ok());
    assert_eq!(world.count("audit_log").await, before);
}
