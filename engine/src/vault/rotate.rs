//! Another master key: everything is encrypted anew with the current one, after which the old ones can
//! be thrown away.

use serde_json::json;
use signalbox_model::actor::Permission;

use super::Vault;
use super::row::Row;
use crate::audit::{self, Act};
use crate::auth::second_factor;
use crate::{CommandError, Ctx, notify};

/// Encrypts every key anew that is encrypted with an old master key. Returns how many, and the id of
/// the master key that all are encrypted with now.
///
/// # Errors
/// Without [`Permission::ManageProviders`]; when a key cannot be read, which is named, and nothing is
/// changed; when the database does not answer.
pub async fn rotate(ctx: &Ctx, vault: &Vault) -> Result<(i64, String), CommandError> {
    ctx.demand(Permission::ManageProviders)?;
    vault.ready()?;
    let mut tx = ctx.db.begin().await?;
    let rows = Row::all_locked(&mut tx).await?;
    let mut sealed = 0;
    for row in &rows {
        let key = vault.open(row)?;
        let anew = Row::seal(&row.provider, &key, row.info.clone(), &vault.keys())?;
        if anew.info.key_id != row.info.key_id {
            anew.save(&mut tx).await?;
            sealed += 1;
        }
    }
    sealed += second_factor::seal_anew(&mut tx, vault).await?;
    let keys = vault.keys();
    let key_id = keys.current().map(|key| key.id().to_owned()).unwrap_or_default();
    let details = json!({ "keyId": key_id, "encryptedAnew": sealed });
    let act = Act { action: "vault.rotate", subject: "vault", reason: None, details };
    audit::record(&mut tx, ctx, act).await?;
    notify::notify(&mut *tx, notify::CONTROLS).await?;
    tx.commit().await?;
    Ok((sealed, key_id))
}
