//! Why a server function did not do what it was asked.

use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};
use signalbox_model::problem::FieldError;

use crate::codec::JsonText;

/// The error of every server function, in words for the person at the screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum AppError {
    /// Nobody is signed in, or the session has ended.
    #[error("Your session has ended. Sign in again to go on.")]
    Unauthenticated,
    /// The signed-in user may not do this.
    #[error("{detail}")]
    Forbidden {
        /// What is not allowed.
        detail: String,
    },
    /// There is no such thing.
    #[error("{detail}")]
    NotFound {
        /// What was looked for.
        detail: String,
    },
    /// Its present state does not allow it.
    #[error("{detail}")]
    Conflict {
        /// Why not.
        detail: String,
    },
    /// The input is wrong.
    #[error("{detail}")]
    Invalid {
        /// In one sentence.
        detail: String,
        /// Per field.
        errors: Vec<FieldError>,
    },
    /// Too many tries.
    #[error("Too many tries. Wait {retry_after_s} s, then try again.")]
    Throttled {
        /// Seconds until the next try is looked at.
        retry_after_s: u64,
    },
    /// The database does not answer.
    #[error("The database does not answer. Nothing was changed; try again in a moment.")]
    Unavailable,
    /// The server could not be reached or not be understood.
    #[error("The server could not be reached ({detail}). Try again in a moment.")]
    Transport {
        /// What the browser said.
        detail: String,
    },
    /// A defect on our side.
    #[error("Something went wrong on the server. Its log says more.")]
    Internal,
}

impl AppError {
    /// These fields of a form are wrong.
    pub fn invalid(errors: Vec<FieldError>) -> AppError {
        let parts: Vec<_> =
            errors.iter().map(|error| format!("{} {}", error.field, error.detail)).collect();
        AppError::Invalid { detail: format!("Nothing was changed: {}.", parts.join("; ")), errors }
    }

    /// One field of a form is wrong.
    pub fn field(field: &str, detail: &str) -> AppError {
        AppError::invalid(vec![FieldError::new(field, detail)])
    }

    /// Whether the same question may be answered a moment later.
    pub const fn is_outage(&self) -> bool {
        matches!(self, AppError::Unavailable | AppError::Transport { .. })
    }

    /// The HTTP status that says the same.
    pub const fn status(&self) -> u16 {
        match self {
            AppError::Unauthenticated => 401,
            AppError::Forbidden { .. } => 403,
            AppError::NotFound { .. } => 404,
            AppError::Conflict { .. } => 409,
            AppError::Invalid { .. } => 422,
            AppError::Throttled { .. } => 429,
            AppError::Unavailable => 503,
            AppError::Transport { .. } | AppError::Internal => 500,
        }
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonText;

    fn from_server_fn_error(error: ServerFnErrorErr) -> AppError {
        match error {
            ServerFnErrorErr::Args(detail) | ServerFnErrorErr::MissingArg(detail) => {
                AppError::Invalid {
                    detail: format!("The form was not understood: {detail}."),
                    errors: Vec::new(),
                }
            }
            ServerFnErrorErr::ServerError(_) | ServerFnErrorErr::MiddlewareError(_) => {
                AppError::Internal
            }
            other => AppError::Transport { detail: other.to_string() },
        }
    }
}
