//! Telling people outside. A message is written in the transaction that has something to say, and
//! sent after it, again and again until its channel takes it: at least once.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, try_join_all};
use signalbox_model::Timestamp;
use signalbox_model::alert::{Message, MessageState};
use signalbox_model::system_log::LogLevel;
use sqlx::{PgConnection, PgPool};

use super::message;
use crate::clock::SharedClock;
use crate::logs::{self, NewLog};
use crate::settings::Settings;

/// 1 while messages are only written down.
pub const DRY_RUN: &str = "alerts_dry_run";

/// A channel may take this long.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// The first wait after a try that failed; it doubles with each.
const FIRST_WAIT_S: i64 = 5;
/// The longest wait between two tries.
const LONGEST_WAIT_S: i64 = 300;
/// As often is a message tried: for about an hour.
const TRIES: i32 = 16;
/// As many messages are sent in one go.
const AT_ONCE: i64 = 10;

/// A way to tell people.
pub trait Channel: Debug + Send + Sync {
    /// Its stable name, such as `webhook`.
    fn name(&self) -> &'static str;
    /// Where it leads, as far as that may be shown.
    fn leads_to(&self) -> String;
    /// Sends `text`; why it could not, without any secret.
    fn send<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<(), String>>;
}

/// What is outside, as far as alerts are concerned.
#[derive(Debug, Clone, Default)]
pub struct Outside {
    /// Name of this installation.
    pub environment: String,
    /// Where people reach the console, without a slash at its end.
    pub url: Option<String>,
    /// How they are told.
    pub channels: Vec<Arc<dyn Channel>>,
}

impl Outside {
    /// The address of `path` for people; the path alone where nobody said what stands before it.
    pub(super) fn link(&self, path: &str) -> String {
        format!("{}{path}", self.url.as_deref().unwrap_or_default())
    }
}

/// Writes `text` down for every channel.
pub(super) async fn write(
    tx: &mut PgConnection,
    outside: &Outside,
    text: &str,
    now: Timestamp,
) -> Result<Vec<Message>, sqlx::Error> {
    let dry_run = Settings::read(&mut *tx, now).await?.get(DRY_RUN) == 1;
    let names: Vec<_> = outside.channels.iter().map(|channel| Some(channel.name())).collect();
    let (names, state) = match (names.is_empty(), dry_run) {
        (true, _) => (vec![None], MessageState::NoChannel),
        (false, true) => (names, MessageState::DryRun),
        (false, false) => (names, MessageState::Waiting),
    };
    sqlx::query(
        "INSERT INTO alert_messages (at, channel, text, state, next_at)
         SELECT $1, channel, $2, $3, $1 FROM unnest($4::text[]) AS channel RETURNING *",
    )
    .bind(now)
    .bind(text)
    .bind(state.name())
    .bind(names)
    .try_map(message)
    .fetch_all(tx)
    .await
}

/// Sends what waits and is due. Returns how many messages were tried.
///
/// # Errors
/// When the database does not answer; what was sent may be sent again then.
pub async fn deliver(
    db: &PgPool,
    clock: &SharedClock,
    outside: &Outside,
) -> Result<usize, sqlx::Error> {
    // Whoever takes a message puts it off for longer than sending may take: another scheduler
    // leaves it alone, and takes it when this one has died.
    let taken: Vec<(i64, Option<String>, String, i32)> = sqlx::query_as(
        "UPDATE alert_messages SET attempts = attempts + 1, next_at = $1 + interval '1 minute'
         WHERE id IN (SELECT id FROM alert_messages WHERE state = 'waiting' AND next_at <= $1
                      ORDER BY next_at LIMIT $2 FOR UPDATE SKIP LOCKED)
         RETURNING id, channel, text, attempts",
    )
    .bind(clock.now())
    .bind(AT_ONCE)
    .fetch_all(db)
    .await?;
    if taken.is_empty() {
        return Ok(0);
    }
    if Settings::read(db, clock.now()).await?.get(DRY_RUN) == 1 {
        keep(db, taken.iter().map(|(id, ..)| *id).collect()).await?;
        return Ok(0);
    }
    let sending = taken.iter().map(async |(id, name, text, attempts)| {
        let channel =
            outside.channels.iter().find(|channel| Some(channel.name()) == name.as_deref());
        let sent = match channel {
            Some(channel) => tokio::time::timeout(SEND_TIMEOUT, channel.send(text))
                .await
                .unwrap_or_else(|_| Err("no answer within 10 s".to_owned())),
            None => Err("this channel is no longer configured".to_owned()),
        };
        settle(db, *id, *attempts, sent, clock.now()).await
    });
    try_join_all(sending).await?;
    Ok(taken.len())
}

/// Gives messages up that were written before the dry run began.
async fn keep(db: &PgPool, ids: Vec<i64>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE alert_messages SET state = 'dry_run', attempts = attempts - 1 WHERE id = ANY($1)",
    )
    .bind(ids)
    .execute(db)
    .await
    .map(drop)
}

async fn settle(
    db: &PgPool,
    id: i64,
    attempts: i32,
    sent: Result<(), String>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let (state, error) = match sent {
        Ok(()) => (MessageState::Sent, None),
        Err(error) if attempts >= TRIES => (MessageState::Failed, Some(error)),
        Err(error) => (MessageState::Waiting, Some(error)),
    };
    let doubled = FIRST_WAIT_S << attempts.clamp(1, 10).saturating_sub(1);
    let wait = chrono::Duration::seconds(doubled.min(LONGEST_WAIT_S));
    sqlx::query(
        "UPDATE alert_messages SET state = $2, error = $3, next_at = $4,
                sent_at = CASE WHEN $2 = 'sent' THEN $5 END
         WHERE id = $1 AND state = 'waiting' AND attempts = $6",
    )
    .bind(id)
    .bind(state.name())
    .bind(&error)
    .bind(now + wait)
    .bind(now)
    .bind(attempts)
    .execute(db)
    .await?;
    if let (MessageState::Failed, Some(error)) = (state, error) {
        let message = format!("Alert message {id} was given up after {attempts} tries: {error}");
        logs::write(db, now, NewLog::new("alert_message", LogLevel::Error, message)).await?;
    }
    Ok(())
}
