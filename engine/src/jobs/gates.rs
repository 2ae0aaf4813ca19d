//! Everything that gates the claim, read at one moment. What it allows is shared out in `share.rs`.

use std::collections::HashMap;

use signalbox_model::Timestamp;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};

use crate::breaker::store::Stored;
use crate::jobs::handler::Registry;
use crate::limits::Bucket;
use crate::provider::Operation;
use crate::settings::Settings;
use crate::throttle::Throttles;

/// Everything that gates the claim, at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gates {
    pub kill_switch: Option<String>,
    pub settings: Settings,
    pub breakers: HashMap<String, Stored>,
    pub buckets: HashMap<String, Bucket>,
    pub throttles: Throttles,
    /// How many jobs run, by queue and kind.
    pub running: Vec<(String, String, i64)>,
}

impl Gates {
    /// Reads them in one statement, and one more while the auto-throttle is on: they stand before
    /// every claim of a kind that has a limit.
    pub(crate) async fn read(
        conn: &mut PgConnection,
        now: Timestamp,
    ) -> Result<Gates, sqlx::Error> {
        let row = sqlx::query(
            "SELECT (SELECT coalesce(reason, '') FROM kill_switch WHERE active) AS kill_switch,
                    (SELECT coalesce(json_object_agg(key, value), '{}') FROM settings_at($1)) AS settings,
                    (SELECT coalesce(json_object_agg(provider, b), '{}') FROM circuit_breakers b) AS breakers,
                    (SELECT coalesce(json_object_agg(setting, b), '{}') FROM rate_buckets b) AS buckets,
                    (SELECT coalesce(json_agg(json_build_array(queue, kind, jobs)), '[]')
                     FROM (SELECT queue, kind, count(*) AS jobs FROM jobs_running GROUP BY queue, kind) r)
                        AS running",
        )
        .bind(now)
        .fetch_one(&mut *conn)
        .await?;
        let Json(settings) = row.try_get("settings")?;
        let Json(breakers) = row.try_get("breakers")?;
        let Json(buckets) = row.try_get("buckets")?;
        let Json(running) = row.try_get("running")?;
        let throttles = Throttles::read(conn, &settings, now).await?;
        let kill_switch = row.try_get("kill_switch")?;
        Ok(Gates { kill_switch, settings, breakers, buckets, throttles, running })
    }

    /// The bucket of `operation`'s rate, at `now`.
    pub(crate) fn bucket(&self, operation: Operation, now: Timestamp) -> Bucket {
        let rpm = self.throttles.rpm(&self.settings, operation);
        self.buckets
            .get(operation.rate)
            .copied()
            .unwrap_or_else(|| Bucket::full(rpm, now))
            .refilled(rpm, now)
    }

    /// How many jobs of `kind` run.
    pub(crate) fn running_of_kind(&self, kind: &str) -> i64 {
        self.running.iter().filter(|(_, of, _)| of == kind).map(|(_, _, n)| n).sum()
    }

    /// How many jobs of `queue` run.
    pub(crate) fn running_in_queue(&self, queue: &str) -> i64 {
        self.running.iter().filter(|(of, _, _)| of == queue).map(|(_, _, n)| n).sum()
    }

    /// How many jobs run that call `provider`.
    pub(super) fn running_against(&self, registry: &Registry, provider: &str) -> i64 {
        registry
            .specs()
            .filter(|spec| spec.calls.is_some_and(|(operation, _)| operation.provider == provider))
            .map(|spec| self.running_of_kind(spec.name))
            .sum()
    }
}
