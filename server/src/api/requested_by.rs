//! `requestedBy` (OP-7): says who asks, and cannot say it is somebody else.

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_model::actor::Actor;

use crate::problem::{Answer, ApiProblem};

/// Goes on only if `requested_by` is absent or the signed-in user's own e-mail. The engine stores
/// the signed-in user with the action.
///
/// # Errors
/// 403 for anyone else's.
pub fn check(actor: &Actor, requested_by: Option<&str>) -> Answer<()> {
    match requested_by {
        Some(email) if !email.trim().eq_ignore_ascii_case(&actor.email) => {
            Err(ApiProblem::forbidden(format!(
                "requestedBy must be your own e-mail, {}, or be left out.",
                actor.email
            )))
        }
        _ => Ok(()),
    }
}

/// The body of a command that takes a reason and nothing else.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Because {
    /// A missing reason is refused by the engine, like an empty one.
    #[serde(default)]
    reason: String,
    requested_by: Option<String>,
}

impl Because {
    /// The reason, once it is sure who gives it.
    ///
    /// # Errors
    /// As [`check`].
    pub fn reason(&self, actor: &Actor) -> Answer<&str> {
        check(actor, self.requested_by.as_deref())?;
        Ok(&self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn op_7_requested_by_is_the_signed_in_user_or_absent() {
        let actor = Actor::system("test");
        assert!(check(&actor, None).is_ok());
        assert!(check(&actor, Some("System:Test")).is_ok());
        assert!(check(&actor, Some("other@example.com")).is_err());
        assert!(check(&actor, Some("")).is_err());
    }
}
