//! Backups (JS-7): taken, verified by restoring them, restored after a loss; what was tampered with is
//! found. With PostgreSQL's own programs.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::World;
use serde_json::json;
use signalbox_engine::backups::{self, BackupError, Place};
use signalbox_engine::testing::TestDb;
use signalbox_engine::{CommandError, kill_switch, logs, settings};
use signalbox_model::actor::Role;
use signalbox_model::backup::{Backup, Stage, differences};
use signalbox_model::job::{JobState, NewJob};

/// A folder of the test's own, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path =
            std::env::temp_dir().join(format!("signalbox-backups-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Folder(path)
    }

    /// Backups in it, by the programs of this machine.
    fn place(&self) -> Place {
        Place::new(self.0.clone(), Arc::new(|| Box::pin(async { programs() })))
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn programs() -> Vec<PathBuf> {
    if let Some(dir) = std::env::var_os("SIGNALBOX_PG_BIN") {
        return vec![dir.into()];
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    std::env::split_paths(&path).chain(debian.map(|entry| entry.path().join("bin"))).collect()
}

async fn world(folder: &Folder) -> World {
    let place = folder.place();
    let world = World::with(|kinds| backups::register(kinds, place)).await;
    fill(&world).await;
    world
}

/// Something of everything: jobs in every state, logs, settings, audit entries and odd texts.
async fn fill(world: &World) {
    world.enqueue("system.noop", json!({ "odd": "ü \\ \t ' \" \u{1F4A5}" })).await;
    world.enqueue("system.fail", json!({ "message": "on purpose" })).await;
    world.worker.drain().await.unwrap();
    world.enqueue("system.noop", json!({ "waits": true })).await;
    settings::change(&world.ctx, "discovery_rpm", 12, Some("quiet")).await.unwrap();
    kill_switch::activate(&world.ctx, "a rehearsal").await.unwrap();
    kill_switch::deactivate(&world.ctx, "over").await.unwrap();
    sqlx::raw_sql(
        "INSERT INTO domains (name, display_name, first_seen_at, last_seen_at)
         SELECT 'host-' || n, n, now() - n * interval '1 s', now() FROM generate_series(1, 5000) n",
    )
    .execute(&world.db.pool)
    .await
    .unwrap();
}

/// Takes one, verified right after if `verify`.
async fn take(world: &World, verify: bool) -> Backup {
    backups::ask(&world.ctx, &world.registry, verify, "before the change").await.unwrap();
    world.worker.drain().await.unwrap();
    newest(world).await
}

async fn newest(world: &World) -> Backup {
    backups::list(&world.ctx).await.unwrap().backups.remove(0)
}

async fn databases(world: &World) -> i64 {
    sqlx::query_scalar(
        "SELECT count(*) FROM pg_database WHERE starts_with(datname, current_database())",
    )
    .fetch_one(&world.db.pool)
    .await
    .unwrap()
}

/// A database with nothing in it.
async fn empty() -> TestDb {
    let db = TestDb::new().await;
    sqlx::raw_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        .execute(&db.pool)
        .await
        .unwrap();
    db
}

#[tokio::test]
async fn js_7_a_backup_is_taken_and_verified_in_a_database_of_its_own() {
    let folder = Folder::new("verified");
    let world = world(&folder).await;
    let backup = take(&world, true).await;
    assert_eq!(backup.stage, Stage::Done, "{backup:?}");
    assert!(backup.is_verified(), "{backup:?}");
    assert_eq!(backup.requested_by, "admin@example.org");
    assert!(backup.bytes.unwrap() > 1000 && backup.rows.unwrap() > 5000);
    assert_eq!(backup.sha256.as_ref().map(String::len), Some(64));
    assert_eq!(databases(&world).await, 1, "the other one is gone");
    let file = Path::new(backup.file.as_ref().unwrap());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(file), mode(&folder.0)), (0o600, 0o700));
    assert_eq!(folder.files().len(), 2, "the file and its manifest: {:?}", folder.files());
    let told = logs::search(&world.ctx, Some("backup"), None, None, Some(9)).await.unwrap().items;
    let told: Vec<_> = told.iter().map(|log| log.message.as_str()).collect();
    assert!(told[0].contains("verified") && told[1].contains("taken"), "{told:?}");
    let progress = world.job(backup.job_id).await.progress.unwrap();
    assert!(progress.total.unwrap() > 20 && progress.message.contains("dumping"), "{progress:?}");
}

/// Contract, Done when 7: backup, destroy, restore; the same rows, verified by the product itself.
#[tokio::test]
async fn js_7_what_was_backed_up_and_lost_is_restored_and_found_to_be_the_same() {
    let folder = Folder::new("round-trip");
    let world = world(&folder).await;
    let before = world.job(1).await;
    let backup = take(&world, false).await;
    let file = PathBuf::from(backup.file.unwrap());
    // Lost, and more than the tables: what is restored needs nothing of the old database.
    let place = folder.place();
    drop(world);
    let db = empty().await;
    let restored = backups::restore(&db.pool, &place, &file).await.unwrap();
    assert_eq!(restored.differences.as_deref(), Some([].as_slice()), "{restored:?}");
    assert_eq!(i64::try_from(restored.tables).unwrap(), backup.tables.unwrap());
    assert_eq!(restored.rows, backup.rows.unwrap());
    signalbox_engine::db::migrate(&db.pool).await.unwrap();
    let ctx = signalbox_engine::Ctx::new(
        db.pool.clone(),
        signalbox_engine::clock::SystemClock::shared(),
        signalbox_model::actor::Actor::system("restore"),
    );
    backups::note(&ctx, &file, &restored).await.unwrap();
    let registry = signalbox_engine::jobs::Registry::builder().build();
    let after = signalbox_engine::jobs::list::detail(&ctx, &registry, 1).await.unwrap().job;
    assert_eq!(
        (after.state, after.payload, after.created_at),
        (before.state, before.payload, before.created_at)
    );
    assert_eq!(
        settings::list(&ctx)
            .await
            .unwrap()
            .iter()
            .find(|s| s.key == "discovery_rpm")
            .unwrap()
            .value,
        12
    );
    signalbox_engine::audit::seal(&ctx.db).await.unwrap();
    assert!(signalbox_engine::audit::verify(&ctx, None).await.unwrap().is_intact());
    // It works: a new job is taken in, under a number that nobody has.
    let job = NewJob::new("system.noop", json!({}));
    assert!(signalbox_engine::jobs::enqueue::enqueue(&ctx, &registry, job).await.unwrap().id > 3);
}

#[tokio::test]
async fn js_7_a_restore_goes_into_an_empty_database_only_and_takes_only_what_was_written() {
    let folder = Folder::new("restore");
    let world = world(&folder).await;
    let backup = take(&world, false).await;
    let file = PathBuf::from(backup.file.unwrap());
    let refused = backups::restore(&world.db.pool, &folder.place(), &file).await.unwrap_err();
    assert!(matches!(refused, BackupError::NotEmpty { tables } if tables > 20), "{refused}");
    let db = empty().await;
    let missing = backups::restore(&db.pool, &folder.place(), Path::new("/nowhere.dump")).await;
    assert!(matches!(missing, Err(BackupError::Missing { .. })), "{missing:?}");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let tampered = backups::restore(&db.pool, &folder.place(), &file).await;
    assert!(matches!(tampered, Err(BackupError::Tampered { .. })), "{tampered:?}");
    // Without a manifest nobody knows; what cannot be read leaves the database empty all the same.
    std::fs::remove_file(file.with_extension("dump.json")).unwrap();
    let broken = backups::restore(&db.pool, &folder.place(), &file).await;
    assert!(
        matches!(broken, Err(BackupError::Program { program: "pg_restore", .. })),
        "{broken:?}"
    );
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
            .fetch_one(&db.pool)
            .await
            .unwrap();
    assert_eq!(tables, 0);
}

#[tokio::test]
async fn js_7_a_tampered_file_is_found_and_people_hear_of_it() {
    let folder = Folder::new("tampered");
    let world = world(&folder).await;
    let backup = take(&world, false).await;
    let file = PathBuf::from(backup.file.unwrap());
    let mut bytes = std::fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 0x40;
    std::fs::write(&file, bytes).unwrap();
    let job =
        backups::ask_verification(&world.ctx, &world.registry, backup.id, "doubts").await.unwrap();
    world.worker.drain().await.unwrap();
    let found = newest(&world).await.verification.unwrap();
    assert_eq!(found.stage, Stage::Done);
    assert!(found.differences[0].contains("is not what was written"), "{found:?}");
    assert_eq!(world.job(job).await.state, JobState::Dead, "it is in the dead letter queue");
    assert_eq!(databases(&world).await, 1);
}

#[tokio::test]
async fn js_7_rows_that_are_not_what_they_were_are_found_by_their_table() {
    let folder = Folder::new("rows");
    let world = world(&folder).await;
    let backup = take(&world, false).await;
    // As if the dump had been taken of other rows than those that were summed.
    sqlx::raw_sql(
        "UPDATE backups SET content = (SELECT jsonb_agg(CASE t->>'table'
             WHEN 'public.domains' THEN jsonb_set(t, '{rows}', '4999')
             WHEN 'public.users' THEN jsonb_set(t, '{sum}', '\"7\"') ELSE t END) FROM jsonb_array_elements(content) t)",
    )
    .execute(&world.db.pool)
    .await
    .unwrap();
    backups::ask_verification(&world.ctx, &world.registry, backup.id, "doubts").await.unwrap();
    world.worker.drain().await.unwrap();
    let found = newest(&world).await.verification.unwrap();
    assert_eq!(
        found.differences,
        [
            "public.domains has 5000 rows instead of 4999",
            "public.users has as many rows as it had, with other content",
        ]
    );
    assert_eq!(databases(&world).await, 1);
}

#[tokio::test]
async fn js_7_the_dump_and_its_sums_are_of_one_moment_however_much_is_written() {
    let folder = Folder::new("moment");
    let world = world(&folder).await;
    let (db, stop) = (world.db.pool.clone(), tokio_util::sync::CancellationToken::new());
    let stopped = stop.clone();
    let writer = tokio::spawn(async move {
        let mut written = 0_u64;
        while !stopped.is_cancelled() {
            sqlx::query(
                "INSERT INTO domains (name, display_name, first_seen_at, last_seen_at) VALUES ($1, $1, now(), now())",
            )
            .bind(format!("later-{written}"))
            .execute(&db)
            .await
            .unwrap();
            written += 1;
        }
        written
    });
    let backup = take(&world, true).await;
    stop.cancel();
    assert!(writer.await.unwrap() > 0);
    assert!(backup.is_verified(), "{backup:?}");
}

#[tokio::test]
async fn js_7_the_newest_are_kept_and_the_newest_verified_one_always() {
    let folder = Folder::new("kept");
    let world = world(&folder).await;
    settings::change(&world.ctx, "backups_kept", 2, None).await.unwrap();
    let verified = take(&world, true).await;
    for _ in 0..3 {
        take(&world, false).await;
    }
    let all = backups::list(&world.ctx).await.unwrap();
    assert_eq!(all.last_verified().map(|backup| backup.id), Some(verified.id));
    let kept: Vec<_> =
        all.backups.iter().filter(|b| b.removed_at.is_none()).map(|b| b.id).collect();
    assert_eq!(kept, [verified.id + 3, verified.id + 2, verified.id]);
    assert_eq!(folder.files().len(), 6, "{:?}", folder.files());
    let gone =
        backups::ask_verification(&world.ctx, &world.registry, verified.id + 1, "doubts").await;
    assert!(matches!(gone, Err(CommandError::Conflict(_))), "{gone:?}");
}

#[tokio::test]
async fn js_7_without_programs_or_a_place_the_job_says_what_to_do() {
    let folder = Folder::new("nothing");
    let nowhere = Place::new(folder.0.clone(), Arc::new(|| Box::pin(async { Vec::new() })));
    for (place, remedy) in
        [(nowhere, "SIGNALBOX_PG_BIN"), (Place::default(), "SIGNALBOX_BACKUP_DIR")]
    {
        let world = World::with(|kinds| backups::register(kinds, place)).await;
        let backup = take(&world, true).await;
        assert_eq!(backup.stage, Stage::Failed, "{backup:?}");
        assert!(backup.error.as_ref().unwrap().contains(remedy), "{backup:?}");
        assert!(backup.verification.is_none());
        assert_eq!(world.job(backup.job_id).await.state, JobState::Dead);
    }
}

#[tokio::test]
async fn js_7_a_backup_that_is_asked_to_stop_leaves_nothing_and_is_taken_later() {
    let folder = Folder::new("stopped");
    let world = world(&folder).await;
    world.worker.drain().await.unwrap();
    backups::ask(&world.ctx, &world.registry, false, "weekly").await.unwrap();
    let again = backups::ask(&world.ctx, &world.registry, false, "weekly").await;
    assert!(matches!(again, Err(CommandError::Conflict(_))), "one at a time: {again:?}");
    let claimed = world.worker.claim(1).await.unwrap().pop().unwrap();
    let ended = world.worker.run_stopped(claimed).await;
    world.worker.settle(&[ended]).await.unwrap();
    let waits = newest(&world).await;
    assert_eq!((waits.stage, waits.error), (Stage::Waiting, None));
    assert!(folder.files().is_empty(), "{:?}", folder.files());
    world.worker.drain().await.unwrap();
    assert_eq!(newest(&world).await.stage, Stage::Done);
}

#[tokio::test]
async fn js_7_the_weekly_schedule_takes_one_and_verifies_it() {
    let folder = Folder::new("weekly");
    let world = world(&folder).await;
    let schedules = signalbox_engine::upkeep::schedules();
    signalbox_engine::schedules::declare(&world.db.pool, &schedules, world.ctx.now())
        .await
        .unwrap();
    signalbox_engine::schedules::run_now(&world.ctx, &world.registry, "backup", None)
        .await
        .unwrap();
    world.worker.drain().await.unwrap();
    let backup = newest(&world).await;
    assert!(backup.is_verified(), "{backup:?}");
    assert_eq!(backup.requested_by, "system:system.backup");
}

#[tokio::test]
async fn js_7_the_powerless_take_and_verify_no_backup() {
    let folder = Folder::new("powerless");
    let world = world(&folder).await;
    let backup = take(&world, false).await;
    let (audited, ready) = (world.count("audit_log").await, world.count("jobs_ready").await);
    for role in [Role::Operator, Role::Viewer, Role::QaLead, Role::Technician] {
        let ctx = world.as_role(role);
        let forbidden = |error: CommandError| matches!(error, CommandError::Forbidden { .. });
        assert!(forbidden(backups::ask(&ctx, &world.registry, true, "because").await.unwrap_err()));
        let verify = backups::ask_verification(&ctx, &world.registry, backup.id, "because");
        assert!(forbidden(verify.await.unwrap_err()));
        assert_eq!(
            backups::list(&ctx).await.is_ok(),
            matches!(role, Role::Operator | Role::Viewer)
        );
    }
    assert_eq!((world.count("audit_log").await, world.count("jobs_ready").await), (audited, ready));
    assert!(differences(&[], &[]).is_empty());
}
