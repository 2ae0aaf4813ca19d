//! A row of the vault: a key, encrypted, and everything that is told about it, bound to it.

use chrono::DateTime;
use secrecy::{ExposeSecret as _, SecretString};
use signalbox_model::Timestamp;
use signalbox_model::secret::{SecretInfo, last4};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, Row as _};

use super::VaultError;
use super::keyring::Keyring;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Whose key it is.
    pub provider: String,
    /// What is told of it.
    pub info: SecretInfo,
    nonce: Vec<u8>,
    ciphertext: Vec<u8>,
}

impl Row {
    /// A row for `key`, encrypted with the current master key.
    pub(crate) fn seal(
        provider: &str,
        key: &SecretString,
        info: SecretInfo,
        keys: &Keyring,
    ) -> Result<Row, VaultError> {
        let master = keys.current().map_err(VaultError::NoKey)?;
        let info = SecretInfo {
            last4: last4(key.expose_secret()),
            updated_at: as_stored(info.updated_at),
            expires_at: info.expires_at.map(as_stored),
            key_id: master.id().to_owned(),
            ..info
        };
        let (nonce, ciphertext) = master
            .seal(key, &bound(provider, &info))
            .ok_or_else(|| VaultError::Broken { provider: provider.to_owned() })?;
        Ok(Row { provider: provider.to_owned(), info, nonce, ciphertext })
    }

    /// The key in it.
    pub(super) fn open(&self, keys: &Keyring) -> Result<SecretString, VaultError> {
        let provider = self.provider.clone();
        let Some(master) = keys.find(&self.info.key_id) else {
            return Err(VaultError::Locked { provider, key_id: self.info.key_id.clone() });
        };
        master
            .open(&self.nonce, &self.ciphertext, &bound(&self.provider, &self.info))
            .ok_or(VaultError::Broken { provider })
    }

    /// The row of `provider`.
    pub(crate) async fn read(
        db: impl PgExecutor<'_>,
        provider: &str,
    ) -> Result<Option<Row>, sqlx::Error> {
        sqlx::query("SELECT * FROM vault_secrets WHERE provider = $1")
            .bind(provider)
            .try_map(row)
            .fetch_optional(db)
            .await
    }

    /// Every row.
    pub(crate) async fn all(db: impl PgExecutor<'_>) -> Result<Vec<Row>, sqlx::Error> {
        sqlx::query("SELECT * FROM vault_secrets ORDER BY provider")
            .try_map(row)
            .fetch_all(db)
            .await
    }

    /// Every row, locked until the transaction ends.
    pub(super) async fn all_locked(tx: &mut PgConnection) -> Result<Vec<Row>, sqlx::Error> {
        sqlx::query("SELECT * FROM vault_secrets ORDER BY provider FOR UPDATE")
            .try_map(row)
            .fetch_all(tx)
            .await
    }

    /// The version of the next key that is set.
    pub(crate) async fn next_version(tx: &mut PgConnection) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar("SELECT nextval('vault_versions')").fetch_one(tx).await
    }

    /// Stores it, in place of the one before.
    pub(crate) async fn save(&self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO vault_secrets
                 (provider, key_id, nonce, ciphertext, version, last4, expires_at, updated_by, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (provider) DO UPDATE
                 SET key_id = $2, nonce = $3, ciphertext = $4, version = $5, last4 = $6,
                     expires_at = $7, updated_by = $8, updated_at = $9",
        )
        .bind(&self.provider)
        .bind(&self.info.key_id)
        .bind(&self.nonce)
        .bind(&self.ciphertext)
        .bind(self.info.version)
        .bind(&self.info.last4)
        .bind(self.info.expires_at)
        .bind(&self.info.updated_by)
        .bind(self.info.updated_at)
        .execute(tx)
        .await
        .map(drop)
    }

    /// Removes the row of `provider`; what it was.
    pub(crate) async fn remove(
        tx: &mut PgConnection,
        provider: &str,
    ) -> Result<Option<Row>, sqlx::Error> {
        sqlx::query("DELETE FROM vault_secrets WHERE provider = $1 RETURNING *")
            .bind(provider)
            .try_map(row)
            .fetch_optional(tx)
            .await
    }
}

fn row(row: PgRow) -> Result<Row, sqlx::Error> {
    Ok(Row {
        provider: row.try_get("provider")?,
        info: SecretInfo {
            last4: row.try_get("last4")?,
            version: row.try_get("version")?,
            updated_by: row.try_get("updated_by")?,
            updated_at: row.try_get("updated_at")?,
            expires_at: row.try_get("expires_at")?,
            key_id: row.try_get("key_id")?,
        },
        nonce: row.try_get("nonce")?,
        ciphertext: row.try_get("ciphertext")?,
    })
}

/// PostgreSQL keeps microseconds: what is bound must be what comes back.
fn as_stored(at: Timestamp) -> Timestamp {
    DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at)
}

/// What is bound to the key: table, row, field, and everything that people are shown of it. Each part
/// has its length before it, so that no two rows have the same bytes.
fn bound(provider: &str, info: &SecretInfo) -> Vec<u8> {
    let time = |at: Timestamp| at.timestamp_micros().to_string();
    let parts = [
        Some("vault_secrets".to_owned()),
        Some(provider.to_owned()),
        Some("api_key".to_owned()),
        Some(info.key_id.clone()),
        Some(info.version.to_string()),
        info.last4.clone(),
        info.expires_at.map(time),
        Some(info.updated_by.clone()),
        Some(time(info.updated_at)),
    ];
    let mut bytes = Vec::new();
    for part in parts {
        // An absent part has a length that none can have.
        let length = part.as_ref().map_or(u64::MAX, |part| part.len() as u64);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(part.unwrap_or_default().as_bytes());
    }
    bytes
}
