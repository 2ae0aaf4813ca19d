//! Why a server function did not do what it was asked.

use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};
use signalbox_model::problem::FieldError;

use crate::codec::JsonText;

/// The error of every server function, in words for the person at the screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(from = "Wire", into = "Wire")]
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

/// The same as it travels: what reads one struct is a third of what reads an enum of structs.
#[derive(Serialize, Deserialize)]
struct Wire {
    status: u16,
    detail: String,
    #[serde(default)]
    errors: Vec<FieldError>,
    #[serde(default)]
    retry_after_s: u64,
}

impl From<AppError> for Wire {
    fn from(error: AppError) -> Wire {
        let (status, text) = (error.status(), error.to_string());
        let wire = |detail| Wire { status, detail, errors: Vec::new(), retry_after_s: 0 };
        match error {
            AppError::Invalid { detail, errors } => Wire { errors, ..wire(detail) },
            AppError::Throttled { retry_after_s } => Wire { retry_after_s, ..wire(text) },
            AppError::Transport { detail } => wire(detail),
            _ => wire(text),
        }
    }
}

impl From<Wire> for AppError {
    fn from(Wire { status, detail, errors, retry_after_s }: Wire) -> AppError {
        match status {
            401 => AppError::Unauthenticated,
            403 => AppError::Forbidden { detail },
            404 => AppError::NotFound { detail },
            409 => AppError::Conflict { detail },
            422 => AppError::Invalid { detail, errors },
            429 => AppError::Throttled { retry_after_s },
            502 => AppError::Transport { detail },
            503 => AppError::Unavailable,
            _ => AppError::Internal,
        }
    }
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

    fn not_understood(detail: &str) -> AppError {
        let detail = format!("The form was not understood: {detail}.");
        AppError::Invalid { detail, errors: Vec::new() }
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
            AppError::Transport { .. } => 502,
            AppError::Internal => 500,
        }
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonText;

    fn from_server_fn_error(error: ServerFnErrorErr) -> AppError {
        let error = match error {
            ServerFnErrorErr::Args(detail) | ServerFnErrorErr::MissingArg(detail) => {
                AppError::not_understood(&detail)
            }
            // On the server the form could not be read; in the browser, the answer.
            ServerFnErrorErr::Deserialization(detail) | ServerFnErrorErr::Request(detail)
                if cfg!(feature = "ssr") =>
            {
                AppError::not_understood(&detail)
            }
            ServerFnErrorErr::ServerError(_) | ServerFnErrorErr::MiddlewareError(_) => {
                AppError::Internal
            }
            other => AppError::Transport { detail: other.to_string() },
        };
        // No function has seen that form, and so none has set the status.
        #[cfg(feature = "ssr")]
        crate::request::set_status(error.status());
        error
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_error_travels() {
        let detail = "why".to_owned();
        for error in [
            AppError::Unauthenticated,
            AppError::Forbidden { detail: detail.clone() },
            AppError::NotFound { detail: detail.clone() },
            AppError::Conflict { detail: detail.clone() },
            AppError::field("reason", "is missing"),
            AppError::Throttled { retry_after_s: 9 },
            AppError::Transport { detail },
            AppError::Unavailable,
            AppError::Internal,
        ] {
            let json = serde_json::to_string(&error).unwrap();
            assert_eq!(serde_json::from_str::<AppError>(&json).unwrap(), error, "{json}");
        }
    }
}
