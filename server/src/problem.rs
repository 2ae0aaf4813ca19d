//! Errors over HTTP: RFC 9457 `application/problem+json`, and how input becomes one.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use signalbox_engine::CommandError;
use signalbox_model::actor::Permission;
use signalbox_model::problem::{FieldError, Problem};

/// The media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What a route answers.
pub type Answer<T> = Result<T, ApiProblem>;

/// A problem as a response. It also travels as a response extension, so that a browser that
/// asked for a page gets a page of it (`middleware/error_pages.rs`).
#[derive(Debug, Clone)]
pub struct ApiProblem {
    /// The problem.
    pub problem: Problem,
    /// Seconds until another try makes sense.
    pub retry_after_s: Option<u64>,
}

impl ApiProblem {
    /// A problem of the kind `slug`.
    pub fn new(
        status: StatusCode,
        slug: &str,
        title: &str,
        detail: impl Into<String>,
    ) -> ApiProblem {
        Problem::new(status.as_u16(), slug, title, detail).into()
    }

    /// The request makes no sense (400).
    pub fn bad_request(errors: Vec<FieldError>, detail: impl Into<String>) -> ApiProblem {
        let mut problem = Problem::new(400, "bad-request", "Bad request", detail);
        problem.errors = errors;
        problem.into()
    }

    /// One query parameter makes no sense (400).
    pub fn bad_parameter(name: &str, detail: impl Into<String>) -> ApiProblem {
        let detail = detail.into();
        ApiProblem::bad_request(vec![FieldError::new(name, detail.clone())], detail)
    }

    /// The input was understood but breaks a rule (422).
    pub fn invalid(errors: Vec<FieldError>) -> ApiProblem {
        CommandError::Invalid(errors).problem().into()
    }

    /// Nobody is signed in (401).
    pub fn unauthenticated() -> ApiProblem {
        let detail = "Sign in first: POST /api/auth/login, then send its cookie.";
        Problem::new(401, "unauthenticated", "Not signed in", detail).into()
    }

    /// The signed-in user may not do this (403).
    pub fn forbidden(detail: impl Into<String>) -> ApiProblem {
        Problem::new(403, "forbidden", "Forbidden", detail).into()
    }

    /// The signed-in user lacks a permission (403).
    pub fn lacks(permission: Permission) -> ApiProblem {
        let what = permission.describe();
        ApiProblem::forbidden(format!("You may not {what}. An admin can give you the role."))
    }

    /// The database does not answer (503).
    pub fn unavailable() -> ApiProblem {
        let detail = "The database is not available. Nothing was changed; try again in a moment.";
        Problem::new(503, "unavailable", "Service unavailable", detail).into()
    }

    /// A defect on our side (500). Says nothing about it: the log does.
    pub fn internal() -> ApiProblem {
        let detail =
            "Something went wrong on the server. Its log has more under this request's id.";
        Problem::new(500, "internal", "Internal error", detail).into()
    }

    /// What a bare `status` means.
    pub fn of_status(status: StatusCode) -> ApiProblem {
        let (slug, detail) = match status {
            StatusCode::NOT_FOUND => ("not-found", "There is nothing at this address."),
            StatusCode::METHOD_NOT_ALLOWED => (
                "method-not-allowed",
                "This address does not take this method; see the Allow header.",
            ),
            StatusCode::PAYLOAD_TOO_LARGE => ("too-large", "The body is larger than 1 MiB."),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                ("unsupported-media-type", "The body must be JSON: content-type application/json.")
            }
            StatusCode::SERVICE_UNAVAILABLE => return ApiProblem::unavailable(),
            status if status.is_server_error() => return ApiProblem::internal(),
            _ => ("request", "The request was not understood."),
        };
        let title = status.canonical_reason().unwrap_or("Error");
        ApiProblem::new(status, slug, title, detail)
    }
}

impl From<Problem> for ApiProblem {
    fn from(problem: Problem) -> ApiProblem {
        ApiProblem { problem, retry_after_s: None }
    }
}

impl From<CommandError> for ApiProblem {
    fn from(error: CommandError) -> ApiProblem {
        if let CommandError::Unavailable(cause) = &error {
            tracing::error!(error = %cause, "the database refused a command");
        }
        error.problem().into()
    }
}

impl IntoResponse for ApiProblem {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.problem).unwrap_or_default();
        let mut response = (status, [(CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}
