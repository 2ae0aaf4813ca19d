//! Sessions in PostgreSQL: the `tower-sessions` interface over the engine's session table.

use async_trait::async_trait;
use chrono::DateTime;
use serde_json::Value;
use signalbox_engine::Ctx;
use signalbox_engine::auth::sessions;
use signalbox_model::Timestamp;
use time::OffsetDateTime;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

/// How often a new id is drawn when one is taken. With 128 random bits once is never needed.
const ID_TRIES: usize = 3;

/// Sessions in the database.
#[derive(Debug, Clone)]
pub struct DbSessions {
    system: Ctx,
}

impl DbSessions {
    /// Sessions in the database of `system`, which expire by its clock.
    pub fn new(system: Ctx) -> DbSessions {
        DbSessions { system }
    }
}

#[async_trait]
impl SessionStore for DbSessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        for _ in 0..ID_TRIES {
            let (data, expires_at) = (data(record), timestamp(record.expiry_date)?);
            let id = record.id.to_string();
            let inserted = sessions::insert(&self.system.db, &id, &data, expires_at).await;
            if inserted.map_err(backend)? {
                return Ok(());
            }
            record.id = Id::default();
        }
        Err(Error::Backend("no free session id was found".to_owned()))
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let (data, expires_at) = (data(record), timestamp(record.expiry_date)?);
        sessions::save(&self.system.db, &record.id.to_string(), &data, expires_at)
            .await
            .map_err(backend)?;
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let found = sessions::load(&self.system.db, &id.to_string(), self.system.now()).await;
        let Some((data, expires_at)) = found.map_err(backend)? else { return Ok(None) };
        let data = match data {
            Value::Object(data) => data.into_iter().collect(),
            _ => return Err(Error::Decode("a session must be a JSON object".to_owned())),
        };
        let expiry_date = OffsetDateTime::from_unix_timestamp(expires_at.timestamp())
            .map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        sessions::delete(&self.system.db, &id.to_string()).await.map_err(backend)?;
        Ok(())
    }
}

fn data(record: &Record) -> Value {
    Value::Object(record.data.clone().into_iter().collect())
}

fn timestamp(time: OffsetDateTime) -> Result<Timestamp> {
    DateTime::from_timestamp(time.unix_timestamp(), time.nanosecond())
        .ok_or_else(|| Error::Encode("the session's expiry is out of range".to_owned()))
}

fn backend(error: impl std::fmt::Display) -> Error {
    Error::Backend(error.to_string())
}
