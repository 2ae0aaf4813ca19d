use signalbox_model::Timestamp;
use signalbox_model::actor::{Actor, Permission};
use sqlx::PgPool;

use crate::clock::SharedClock;
use crate::error::CommandError;

/// What a command needs: the database, the time, and who asks.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// The database.
    pub db: PgPool,
    /// The time.
    pub clock: SharedClock,
    /// Who asks.
    pub actor: Actor,
}

impl Ctx {
    /// A context in which `actor` acts.
    pub fn new(db: PgPool, clock: SharedClock, actor: Actor) -> Ctx {
        Ctx { db, clock, actor }
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Goes on only if the actor may do `permission`.
    ///
    /// # Errors
    /// [`CommandError::Forbidden`] if not.
    pub fn demand(&self, permission: Permission) -> Result<(), CommandError> {
        if self.actor.may(permission) {
            Ok(())
        } else {
            Err(CommandError::Forbidden { permission })
        }
    }
}
