//! Who may come in: users, their passwords, their sessions, and the tokens of scripts.

mod budget;
mod devices;
pub mod manage;
mod password;
pub mod second_factor;
pub mod sessions;
pub mod sign_in;
pub mod tokens;
pub mod users;

use signalbox_model::Timestamp;
use signalbox_model::kill_switch::reason;
use sqlx::PgPool;

use crate::CommandError;

pub use devices::DEVICE_LIFETIME;

/// The reason that was given for a command on people.
fn given(text: &str) -> Result<&str, CommandError> {
    reason(text).map_err(|detail| CommandError::invalid("reason", detail))
}

/// Forgets what has ended: sessions, counted tries, devices that nobody uses. Returns how much.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn forget_ended(db: &PgPool, now: Timestamp) -> Result<u64, sqlx::Error> {
    Ok(sessions::delete_expired(db, now).await?
        + budget::forget(db, now).await?
        + devices::forget(db, now).await?)
}
