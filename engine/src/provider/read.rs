//! The providers as the console and the API show them.

use std::collections::BTreeSet;

use signalbox_model::actor::Permission;
use signalbox_model::provider::{
    KeySource, Provider as Shown, ProviderChange, ProviderKey, ProviderRate, ProviderTest,
};
use sqlx::types::Json;
use sqlx::{PgPool, Row as _};

use super::{Operation, Provider};
use crate::breaker::store;
use crate::jobs::Registry;
use crate::settings::Settings;
use crate::throttle::Throttles;
use crate::vault::row::Row;
use crate::{CommandError, Ctx};

/// What the page of a provider tells of what was done to it.
const CHANGES_SHOWN: i64 = 20;

/// What an entry of the audit log about `provider` is about.
pub(super) fn subject(provider: &str) -> String {
    format!("provider {provider}")
}

/// Every provider that a pipeline calls, by name.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn list(ctx: &Ctx, registry: &Registry) -> Result<Vec<Shown>, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let mut all = Vec::new();
    for provider in registry.providers().all() {
        all.push(shown(ctx, registry, provider.as_ref()).await?);
    }
    Ok(all)
}

/// One provider.
///
/// # Errors
/// As [`list`]; when no pipeline calls that provider.
pub async fn read(ctx: &Ctx, registry: &Registry, name: &str) -> Result<Shown, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    shown(ctx, registry, registry.providers().find(name)?.as_ref()).await
}

/// What was done to `provider` last, the newest first: at most 20 entries of the audit log.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn changes(ctx: &Ctx, provider: &str) -> Result<Vec<ProviderChange>, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let changes = sqlx::query(
        "SELECT id, created_at, actor, action, reason FROM audit_log WHERE subject = $1
         ORDER BY id DESC LIMIT $2",
    )
    .bind(subject(provider))
    .bind(CHANGES_SHOWN)
    .try_map(|row: sqlx::postgres::PgRow| {
        Ok(ProviderChange {
            id: row.try_get("id")?,
            at: row.try_get("created_at")?,
            by: row.try_get("actor")?,
            action: row.try_get("action")?,
            reason: row.try_get("reason")?,
        })
    })
    .fetch_all(&ctx.db)
    .await?;
    Ok(changes)
}

async fn shown(
    ctx: &Ctx,
    registry: &Registry,
    provider: &dyn Provider,
) -> Result<Shown, CommandError> {
    let spec = provider.spec();
    Ok(Shown {
        name: spec.name.to_owned(),
        label: spec.label.to_owned(),
        host: provider.host(),
        address_variable: spec.address_variable.to_owned(),
        breaker: store::read_or_closed(ctx, spec.name).await?,
        rates: rates(ctx, registry, spec.name).await?,
        key: key(ctx, registry, provider).await?,
        test: last_test(&ctx.db, spec.name).await?,
    })
}

/// The key of `provider`: opened, so that one that cannot be read says so here and not in a job.
async fn key(
    ctx: &Ctx,
    registry: &Registry,
    provider: &dyn Provider,
) -> Result<ProviderKey, CommandError> {
    let row = Row::read(&ctx.db, provider.spec().name).await?;
    let opened = row.as_ref().map(|row| registry.providers().vault().open(row));
    let source = match (&row, provider.key().environment().is_some()) {
        (Some(_), _) => KeySource::Vault,
        (None, true) => KeySource::Environment,
        (None, false) => KeySource::None,
    };
    Ok(ProviderKey {
        source,
        variable: provider.spec().key_variable.to_owned(),
        secret: row.map(|row| row.info),
        fault: opened.and_then(|opened| opened.err().map(|error| error.to_string())),
    })
}

async fn rates(
    ctx: &Ctx,
    registry: &Registry,
    name: &str,
) -> Result<Vec<ProviderRate>, CommandError> {
    let mut conn = ctx.db.acquire().await?;
    let settings = Settings::read(&mut *conn, ctx.now()).await?;
    let throttles = Throttles::read(&mut conn, &settings, ctx.now()).await?;
    let called = registry.specs().filter_map(|spec| spec.calls).map(|(operation, _)| operation);
    let rates: BTreeSet<&'static str> = called
        .filter(|operation| operation.provider == name)
        .map(|operation: Operation| operation.rate)
        .collect();
    let percent = throttles.percent(name);
    Ok(rates
        .into_iter()
        .map(|setting| ProviderRate {
            setting: setting.to_owned(),
            set_rpm: settings.get(setting),
            allowed_rpm: crate::throttle::step::effective_rpm(settings.get(setting), percent),
        })
        .collect())
}

async fn last_test(db: &PgPool, name: &str) -> Result<Option<ProviderTest>, CommandError> {
    let test =
        sqlx::query("SELECT tested_at, tested_by, steps FROM provider_tests WHERE provider = $1")
            .bind(name)
            .try_map(|row: sqlx::postgres::PgRow| {
                let Json(steps) = row.try_get("steps")?;
                Ok(ProviderTest {
                    at: row.try_get("tested_at")?,
                    by: row.try_get("tested_by")?,
                    steps,
                })
            })
            .fetch_optional(db)
            .await?;
    Ok(test)
}
