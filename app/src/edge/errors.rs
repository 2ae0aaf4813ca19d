//! The engine's errors as the pages tell them. What a person cannot help goes to the server's log
//! here; the page never shows it.

use signalbox_engine::CommandError;
use signalbox_engine::auth::sign_in::SignInError;

use crate::error::AppError;

impl From<CommandError> for AppError {
    fn from(error: CommandError) -> AppError {
        let detail = error.to_string();
        match error {
            CommandError::Forbidden { .. } => AppError::Forbidden { detail },
            CommandError::NotFound { .. } => AppError::NotFound { detail },
            CommandError::Conflict(_) => AppError::Conflict { detail },
            CommandError::Invalid(errors) => AppError::invalid(errors),
            CommandError::Unavailable(error) => {
                tracing::error!(%error, "the database failed a page or a command");
                AppError::Unavailable
            }
        }
    }
}

impl From<SignInError> for AppError {
    fn from(error: SignInError) -> AppError {
        let detail = error.to_string();
        match error {
            SignInError::Wrong => AppError::Invalid { detail, errors: Vec::new() },
            SignInError::CodeNeeded => AppError::field("code", &detail),
            SignInError::FactorUnreadable => AppError::Conflict { detail },
            SignInError::Throttled { retry_after_s } => AppError::Throttled { retry_after_s },
            SignInError::Unavailable(error) => {
                tracing::error!(%error, "the database failed a sign-in");
                AppError::Unavailable
            }
            SignInError::Session => AppError::Unavailable,
            SignInError::Hash(error) => {
                tracing::error!(%error, "a password could not be checked");
                AppError::Internal
            }
        }
    }
}
