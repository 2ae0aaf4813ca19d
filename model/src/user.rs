//! Users of the console, their open sessions, and the tokens that scripts sign in with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::actor::{Permission, Role};
use crate::problem::FieldError;

/// The longest name of a token, in characters.
pub const TOKEN_NAME_CHARS_MAX: usize = 60;
/// The longest life of a token, in days.
pub const TOKEN_DAYS_MAX: i64 = 365;

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Their e-mail, which is their name here.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// They cannot sign in.
    pub disabled: bool,
    /// They have a one-time password, and must change it first.
    pub must_change_password: bool,
    /// They have a second factor.
    pub second_factor: bool,
    /// When they were invited.
    pub created_at: Timestamp,
    /// When they signed in last.
    pub last_sign_in_at: Option<Timestamp>,
    /// How many of their sessions are open.
    pub sessions: i64,
    /// How many of their tokens work.
    pub tokens: i64,
}

/// A password that works once. Whoever makes one sees it once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OneTimePassword {
    /// Whose.
    pub email: String,
    /// The password.
    pub one_time_password: String,
}

/// A second factor that is being set up, the one time that it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NewFactor {
    /// The secret in base 32, to be typed into an authenticator.
    pub secret: String,
    /// The same as a URL that an authenticator understands: `otpauth://totp/…`.
    pub url: String,
}

/// What an admin does to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserAction {
    /// Gives them another role.
    ChangeRole,
    /// Keeps them out, and ends their sessions.
    Disable,
    /// Lets them in again.
    Enable,
    /// Gives them a one-time password, and ends their sessions.
    ResetPassword,
    /// Ends their sessions.
    EndSessions,
    /// Takes their second factor away, for those who have lost it.
    RemoveSecondFactor,
}

impl UserAction {
    /// The stable name used in JSON and in the audit log.
    pub const fn name(self) -> &'static str {
        match self {
            UserAction::ChangeRole => "change_role",
            UserAction::Disable => "disable",
            UserAction::Enable => "enable",
            UserAction::ResetPassword => "reset_password",
            UserAction::EndSessions => "end_sessions",
            UserAction::RemoveSecondFactor => "remove_second_factor",
        }
    }
}

/// An open session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenSession {
    /// What it is named by: not what opens it.
    pub handle: String,
    /// Whose it is.
    pub email: String,
    /// When they signed in.
    pub began_at: Timestamp,
    /// When it was last seen, to ten minutes.
    pub seen_at: Timestamp,
    /// When it ends, unless it is used before.
    pub expires_at: Timestamp,
    /// Where they signed in.
    pub address: Option<String>,
    /// Their browser, as it calls itself.
    pub agent: Option<String>,
    /// It is the one that asks.
    pub is_this: bool,
}

/// A token: what a script signs in with, as `Authorization: Bearer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiToken {
    /// Its number.
    pub id: i64,
    /// What it is called.
    pub name: String,
    /// Who made it: it acts for them, and never may more than they.
    pub owner: String,
    /// What it may do.
    pub scopes: Vec<Permission>,
    /// Its last four characters.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was last used, to a minute.
    pub last_used_at: Option<Timestamp>,
    /// When somebody ended it.
    pub revoked_at: Option<Timestamp>,
}

/// A token as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Permission>,
    /// For how many days it works, up to [`TOKEN_DAYS_MAX`].
    pub days: i64,
}

/// A token, the one time that it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MadeToken {
    /// The facts of it.
    #[serde(flatten)]
    pub facts: ApiToken,
    /// The token itself.
    pub token: String,
}

impl NewToken {
    /// What is wrong with it.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut problems = Vec::new();
        let chars = self.name.trim().chars().count();
        if chars == 0 || chars > TOKEN_NAME_CHARS_MAX || self.name.chars().any(char::is_control) {
            problems.push(FieldError::new("name", "must have 1 to 60 characters, all visible"));
        }
        if self.scopes.is_empty() {
            problems.push(FieldError::new("scopes", "must name at least one permission"));
        }
        if self.scopes.contains(&Permission::ManageUsers) {
            let detail = "may not contain manage_users: a token that is lost must not make others";
            problems.push(FieldError::new("scopes", detail));
        }
        if !(1..=TOKEN_DAYS_MAX).contains(&self.days) {
            problems.push(FieldError::new("days", "must be from 1 to 365"));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_a_name_an_end_and_something_to_do_but_never_makes_users() {
        let good = NewToken {
            name: "Prometheus".to_owned(),
            scopes: vec![Permission::ReadConsole],
            days: 30,
        };
        assert!(good.problems().is_empty());
        for bad in [
            NewToken { name: " ".to_owned(), ..good.clone() },
            NewToken { scopes: Vec::new(), ..good.clone() },
            NewToken { scopes: vec![Permission::ManageUsers], ..good.clone() },
            NewToken { days: 0, ..good.clone() },
            NewToken { days: 366, ..good },
        ] {
            assert_eq!(bad.problems().len(), 1, "{bad:?}");
        }
    }
}
