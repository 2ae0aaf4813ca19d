//! Settings that operators change while the system runs (OP-3). The catalogue is in the model; a
//! row exists only for what differs from it. Workers read the values before every claim.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::json;
use signalbox_model::actor::Permission;
use signalbox_model::setting::{SETTINGS, Setting, SettingSpec, check, setting};
use signalbox_model::system_log::LogLevel;
use sqlx::{PgExecutor, PgPool, Row};

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
    /// Reads them.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn read(db: impl PgExecutor<'_>) -> Result<Settings, sqlx::Error> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT key, value FROM system_config").fetch_all(db).await?;
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
    let mut changed = HashMap::new();
    for row in sqlx::query("SELECT * FROM system_config").fetch_all(&ctx.db).await? {
        changed.insert(row.try_get::<String, _>("key")?, row);
    }
    SETTINGS
        .iter()
        .map(|spec| {
            let mut shown = shown(spec);
            if let Some(row) = changed.get(spec.key) {
                shown.value = row.try_get("value")?;
                shown.updated_by = row.try_get("updated_by")?;
                shown.updated_at = row.try_get("updated_at")?;
                if let Some(description) = row.try_get("description")? {
                    shown.description = description;
                }
            }
            Ok(shown)
        })
        .collect()
}

fn shown(spec: &SettingSpec) -> Setting {
    Setting {
        key: spec.key.to_owned(),
        value: spec.default,
        default: spec.default,
        min: spec.min,
        max: spec.max,
        unit: spec.unit.to_owned(),
        description: spec.description.to_owned(),
        updated_by: None,
        updated_at: None,
    }
}

/// Changes one setting; every worker follows at its next claim.
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
    let spec = check(key, value).map_err(|error| CommandError::Invalid(vec![error]))?;
    let mut tx = ctx.db.begin().await?;
    let before: Option<i64> =
        sqlx::query_scalar("SELECT value FROM system_config WHERE key = $1 FOR UPDATE")
            .bind(key)
            .fetch_optional(&mut *tx)
            .await?;
    let before = before.unwrap_or(spec.default);
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
    .execute(&mut *tx)
    .await?;
    let details = json!({ "before": before, "after": value, "by": ctx.actor.email });
    let message = format!("{key} changed from {before} to {value}");
    let log = NewLog::new("config_change", LogLevel::Info, message).with(details.clone());
    logs::write(&mut *tx, ctx.now(), log).await?;
    let act = Act { action: "setting.change", subject: key, reason: description, details };
    audit::record(&mut tx, ctx, act).await?;
    notify::notify(&mut *tx, notify::CONTROLS).await?;
    tx.commit().await?;
    let mut now = shown(spec);
    now.value = value;
    now.updated_by = Some(ctx.actor.email.clone());
    now.updated_at = Some(ctx.now());
    if let Some(description) = description {
        now.description = description.to_owned();
    }
    Ok(now)
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
        check(key, *value).map_err(|error| CommandError::Invalid(vec![error]))?;
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
