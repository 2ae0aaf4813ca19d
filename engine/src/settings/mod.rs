//! Settings that operators change while the system runs (OP-3). The catalogue is in the model; a
//! row exists only for what differs from it. A *temporary* value lies over the lasting one until
//! its time is over. Workers read the values before every claim.

mod preview;
mod temporary;

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::json;
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::problem::FieldError;
use signalbox_model::setting::{Expiry, SETTINGS, Setting, check, setting};
use signalbox_model::system_log::LogLevel;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, PgPool, Postgres, Row, Transaction};

pub use self::preview::preview;
pub use self::temporary::{change_for, expire, keep, revert};
use crate::audit::{self, Act};
use crate::clock::SharedClock;
use crate::logs::{self, NewLog};
use crate::{CommandError, Ctx, notify};

/// Who set what the environment said at start.
pub(crate) const ENVIRONMENT: &str = "environment";

/// The settings' values at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Settings {
    changed: HashMap<String, i64>,
}

impl Settings {
    /// Reads them as they are at `now`: a temporary value whose time is over counts for nothing,
    /// whether or not anybody has removed it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn read(db: impl PgExecutor<'_>, now: Timestamp) -> Result<Settings, sqlx::Error> {
        let rows: Vec<(String, i64)> = sqlx::query_as("SELECT key, value FROM settings_at($1)")
            .bind(now)
            .fetch_all(db)
            .await?;
        Ok(Settings { changed: rows.into_iter().collect() })
    }

    /// The value of `key`; its default while nobody changed it, and 0 if the catalogue does not
    /// know it.
    pub fn get(&self, key: &str) -> i64 {
        let default = || setting(key).map_or(0, |spec| spec.default);
        self.changed.get(key).copied().unwrap_or_else(default)
    }
}

/// All settings, in the catalogue's order.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn list(ctx: &Ctx) -> Result<Vec<Setting>, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let rows = sqlx::query(
        "SELECT key, c.value AS lasting, t.expires_at,
                coalesce(t.value, c.value) AS value,
                coalesce(t.description, c.description) AS description,
                coalesce(t.set_by, c.updated_by) AS updated_by,
                coalesce(t.set_at, c.updated_at) AS updated_at
         FROM system_config c
              FULL JOIN (SELECT * FROM temporary_settings WHERE expires_at > $1) t USING (key)",
    )
    .bind(ctx.now())
    .fetch_all(&ctx.db)
    .await?;
    let mut settings: Vec<_> = SETTINGS.iter().map(Setting::unchanged).collect();
    for row in rows {
        let key: String = row.try_get("key")?;
        // A row whose key this version does not know says nothing to anybody.
        if let Some(setting) = settings.iter_mut().find(|setting| setting.key == key) {
            changed(setting, &row)?;
        }
    }
    Ok(settings)
}

fn changed(setting: &mut Setting, row: &PgRow) -> Result<(), sqlx::Error> {
    setting.value = row.try_get("value")?;
    setting.updated_by = row.try_get("updated_by")?;
    setting.updated_at = row.try_get("updated_at")?;
    if let Some(description) = row.try_get("description")? {
        setting.description = description;
    }
    if let Some(at) = row.try_get("expires_at")? {
        let lasting: Option<i64> = row.try_get("lasting")?;
        setting.expiry = Some(Expiry { at, reverts_to: lasting.unwrap_or(setting.default) });
    }
    Ok(())
}

/// One setting.
///
/// # Errors
/// As [`list`]; when the catalogue does not know `key`.
pub async fn read(ctx: &Ctx, key: &str) -> Result<Setting, CommandError> {
    let found = list(ctx).await?.into_iter().find(|setting| setting.key == key);
    found.ok_or_else(|| CommandError::NotFound { what: format!("setting {key}") })
}

/// Changes one setting for good; every worker follows at its next claim. A temporary value ends.
///
/// # Errors
/// Without [`Permission::ChangeSettings`]; for an unknown key or a value out of range, with what is
/// allowed (nothing changes then); when the database does not answer.
pub async fn change(
    ctx: &Ctx,
    key: &str,
    value: i64,
    description: Option<&str>,
) -> Result<Setting, CommandError> {
    ctx.demand(Permission::ChangeSettings)?;
    check(key, value).map_err(invalid)?;
    let mut tx = begin(ctx).await?;
    let before = Settings::read(&mut *tx, ctx.now()).await?.get(key);
    temporary::remove(&mut tx, key).await?;
    set(&mut tx, ctx, key, value, description).await?;
    let message = format!("{key} changed from {before} to {value}");
    let details = json!({ "before": before, "after": value, "by": ctx.actor.email });
    let act = Act { action: "setting.change", subject: key, reason: description, details };
    record(&mut tx, ctx, "config_change", message, act).await?;
    tx.commit().await?;
    read(ctx, key).await
}

fn invalid(error: FieldError) -> CommandError {
    CommandError::Invalid(vec![error])
}

/// Begins a change. There is one at a time, and none is held up who only reads. What has expired
/// is removed first, so that the log tells what happened in its order.
async fn begin(ctx: &Ctx) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let mut tx = ctx.db.begin().await?;
    sqlx::query("LOCK TABLE system_config, temporary_settings IN SHARE ROW EXCLUSIVE MODE")
        .execute(&mut *tx)
        .await?;
    temporary::remove_expired(&mut tx, ctx).await?;
    Ok(tx)
}

/// Gives `key` the lasting value `value`.
async fn set(
    tx: &mut PgConnection,
    ctx: &Ctx,
    key: &str,
    value: i64,
    description: Option<&str>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO system_config (key, value, description, updated_by, updated_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value,
             description = coalesce(excluded.description, system_config.description),
             updated_by = excluded.updated_by, updated_at = excluded.updated_at",
    )
    .bind(key)
    .bind(value)
    .bind(description)
    .bind(&ctx.actor.email)
    .bind(ctx.now())
    .execute(tx)
    .await
    .map(drop)
}

/// Logs and audits what was done, and wakes the workers.
async fn record(
    tx: &mut PgConnection,
    ctx: &Ctx,
    event: &str,
    message: String,
    act: Act<'_>,
) -> Result<(), sqlx::Error> {
    let mut metadata = act.details.clone();
    metadata["setting"] = act.subject.into();
    let log = NewLog::new(event, LogLevel::Info, message).with(metadata);
    logs::write(&mut *tx, ctx.now(), log).await?;
    audit::record(tx, ctx, act).await?;
    notify::notify(&mut *tx, notify::CONTROLS).await
}

/// Takes values that the environment gave at start, unless an operator has set them since.
///
/// # Errors
/// For a value out of range, or when the database does not answer.
pub async fn apply_environment(
    db: &PgPool,
    clock: &SharedClock,
    values: &[(&str, i64)],
) -> Result<(), CommandError> {
    for (key, value) in values {
        check(key, *value).map_err(invalid)?;
        sqlx::query(
            "INSERT INTO system_config (key, value, updated_by, updated_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
             WHERE system_config.updated_by = excluded.updated_by",
        )
        .bind(key)
        .bind(value)
        .bind(ENVIRONMENT)
        .bind(clock.now())
        .execute(db)
        .await?;
    }
    Ok(())
}
