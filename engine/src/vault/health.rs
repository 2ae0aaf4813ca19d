//! The vault's health (ST-3): every row is opened, so that one that was changed is found.

use signalbox_model::actor::Permission;
use signalbox_model::secret::{Expiry, VaultHealth, VaultStatus};

use super::row::Row;
use super::{Vault, VaultError};
use crate::{CommandError, Ctx};

/// How the vault is, as this process can open it. Costs as much as there are keys, which is a few.
///
/// # Errors
/// Without [`Permission::ReadConsole`], or when the database does not answer.
pub async fn health(ctx: &Ctx, vault: &Vault) -> Result<VaultHealth, CommandError> {
    ctx.demand(Permission::ReadConsole)?;
    let rows = Row::all(&ctx.db).await?;
    let (mut broken, mut locked) = (Vec::new(), Vec::new());
    for row in &rows {
        match vault.open(row) {
            Ok(_) => {}
            Err(VaultError::Broken { provider }) => broken.push(provider),
            Err(_) => locked.push(row.provider.clone()),
        }
    }
    let keys = vault.keys();
    let current = keys.current();
    let named = |wanted: &dyn Fn(&Row) -> bool| -> Vec<String> {
        rows.iter().filter(|row| wanted(row)).map(|row| row.provider.clone()).collect()
    };
    let status = if !broken.is_empty() {
        VaultStatus::Broken
    } else if current.is_err() || !locked.is_empty() {
        VaultStatus::Locked
    } else {
        VaultStatus::Ok
    };
    Ok(VaultHealth {
        status,
        key_id: current.as_ref().ok().map(|key| key.id().to_owned()),
        no_key: current.as_ref().err().cloned(),
        secrets: i64::try_from(rows.len()).unwrap_or(i64::MAX),
        outdated: named(&|row| current.as_ref().is_ok_and(|key| key.id() != row.info.key_id)),
        expiring: named(&|row| matches!(row.info.expiry(ctx.now()), Expiry::Soon | Expiry::Past)),
        broken,
        locked,
    })
}
