//! Rate limits: one token bucket per rate setting, shared by all workers through the database.
//!
//! A bucket for `rpm` calls a minute holds at most `burst = ceil(rpm / 6)` tokens and gains
//! `(rpm - burst) / 60` a second. In any window of 60 s at most `burst + 60 · rate = rpm` calls go
//! out: the limit is never exceeded, not even in the minute after a pause.

use std::time::Duration;

use serde::Deserialize;
use signalbox_model::Timestamp;
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::provider::Operation;
use crate::settings::Settings;
use crate::throttle::Throttles;

/// A bucket at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Bucket {
    /// Tokens in it when it was last touched.
    pub tokens: f64,
    /// When that was.
    pub refilled_at: Timestamp,
    /// The provider asked us to wait until then.
    pub blocked_until: Option<Timestamp>,
}

/// The most tokens a bucket for `rpm` holds.
fn burst(rpm: i64) -> f64 {
    (rpm as f64 / 6.0).ceil().max(1.0)
}

/// Tokens gained per second. A limit of one a minute would gain nothing; it gets its one token a
/// minute.
fn gain_per_s(rpm: i64) -> f64 {
    let steady = (rpm as f64 - burst(rpm)) / 60.0;
    if steady > 0.0 { steady } else { rpm as f64 / 60.0 }
}

impl Bucket {
    /// A full bucket.
    pub fn full(rpm: i64, now: Timestamp) -> Bucket {
        Bucket { tokens: burst(rpm), refilled_at: now, blocked_until: None }
    }

    /// The same bucket at `now`. A rate that was lowered since takes the surplus away at once.
    #[must_use]
    pub fn refilled(self, rpm: i64, now: Timestamp) -> Bucket {
        let elapsed_s = (now - self.refilled_at).num_milliseconds().max(0) as f64 / 1000.0;
        let tokens = (self.tokens + elapsed_s * gain_per_s(rpm)).min(burst(rpm));
        Bucket { tokens, refilled_at: now.max(self.refilled_at), ..self }
    }

    /// How many whole calls it allows now; it must have been refilled.
    pub fn calls(&self, now: Timestamp) -> i64 {
        match self.blocked_until {
            Some(until) if until > now => 0,
            _ => (self.tokens + 1e-9).floor() as i64,
        }
    }

    /// When it allows `calls` calls; now, if it does already. It must have been refilled.
    pub fn ready_at(&self, rpm: i64, calls: u32, now: Timestamp) -> Timestamp {
        let missing = f64::from(calls).min(burst(rpm)) - self.tokens;
        let wait_ms =
            if missing > 1e-9 { (missing / gain_per_s(rpm) * 1000.0).ceil() as i64 } else { 0 };
        let at = now + chrono::Duration::milliseconds(wait_ms);
        self.blocked_until.map_or(at, |until| until.max(at))
    }
}

/// Takes one token of the bucket of `operation`'s rate, as it is set and throttled now.
///
/// # Errors
/// The outer error when the database does not answer; the inner one tells how long to wait.
pub(crate) async fn take(
    db: &PgPool,
    operation: Operation,
    now: Timestamp,
) -> Result<Result<(), Duration>, sqlx::Error> {
    let setting = operation.rate;
    let mut tx = db.begin().await?;
    let settings = Settings::read(&mut *tx, now).await?;
    let rpm = Throttles::read(&mut tx, &settings, now).await?.rpm(&settings, operation);
    let mut bucket = lock(&mut tx, setting, rpm, now).await?.refilled(rpm, now);
    let taken = bucket.calls(now) >= 1;
    if taken {
        bucket.tokens = (bucket.tokens - 1.0).max(0.0);
    }
    sqlx::query("UPDATE rate_buckets SET tokens = $2, refilled_at = $3 WHERE setting = $1")
        .bind(setting)
        .bind(bucket.tokens)
        .bind(bucket.refilled_at)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    let wait = || (bucket.ready_at(rpm, 1, now) - now).to_std().unwrap_or(Duration::ZERO);
    Ok(if taken { Ok(()) } else { Err(wait()) })
}

/// Holds the operations under these rate settings until `until`, because the provider said so.
pub(crate) async fn block_until(
    db: impl PgExecutor<'_>,
    settings: &[&str],
    until: Timestamp,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO rate_buckets (setting, tokens, refilled_at, blocked_until)
         SELECT setting, 0, $3, $2 FROM unnest($1::text[]) AS s(setting) ORDER BY setting
         ON CONFLICT (setting) DO UPDATE
             SET blocked_until = greatest(rate_buckets.blocked_until, excluded.blocked_until)",
    )
    .bind(settings)
    .bind(until)
    .bind(now)
    .execute(db)
    .await
    .map(drop)
}

async fn lock(
    tx: &mut PgConnection,
    setting: &str,
    rpm: i64,
    now: Timestamp,
) -> Result<Bucket, sqlx::Error> {
    let full = Bucket::full(rpm, now);
    sqlx::query(
        "INSERT INTO rate_buckets (setting, tokens, refilled_at) VALUES ($1, $2, $3)
         ON CONFLICT (setting) DO NOTHING",
    )
    .bind(setting)
    .bind(full.tokens)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    let Json(bucket) =
        sqlx::query_scalar("SELECT to_jsonb(b) FROM rate_buckets b WHERE setting = $1 FOR UPDATE")
            .bind(setting)
            .fetch_one(tx)
            .await?;
    Ok(bucket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, TestClock};

    /// The most calls in any 60 s when every allowed call is made at once, over ten minutes.
    fn most_in_a_minute(rpm: i64) -> usize {
        let clock = TestClock::new();
        let mut bucket = Bucket::full(rpm, clock.now());
        let mut calls = Vec::new();
        for _ in 0..6000 {
            bucket = bucket.refilled(rpm, clock.now());
            while bucket.calls(clock.now()) >= 1 {
                bucket.tokens -= 1.0;
                calls.push(clock.now());
            }
            clock.advance(Duration::from_millis(100));
        }
        let minute = chrono::Duration::seconds(60);
        calls
            .iter()
            .map(|from| calls.iter().filter(|at| **at >= *from && **at < *from + minute).count())
            .max()
            .unwrap_or(0)
    }

    #[test]
    fn op_3_no_minute_exceeds_the_rate() {
        for rpm in [2, 7, 30, 60, 100] {
            let most = most_in_a_minute(rpm);
            assert!(most as i64 <= rpm, "{most} calls in a minute at {rpm} rpm");
            assert!(most as i64 >= rpm * 8 / 10, "only {most} calls in a minute at {rpm} rpm");
        }
    }

    #[test]
    fn retry_after_holds_a_full_bucket() {
        let now = TestClock::new().now();
        let until = now + chrono::Duration::seconds(9);
        let bucket = Bucket { blocked_until: Some(until), ..Bucket::full(60, now) };
        assert_eq!(bucket.calls(now), 0);
        assert_eq!(bucket.ready_at(60, 1, now), until);
    }
}
