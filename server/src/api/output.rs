//! Answers that are not simply 200 and JSON, each a type of its own, so that the API can document
//! what a route answers.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::openapi::describe::Answers;
use crate::openapi::operation::{Operation, Schemas};

/// 202: it will be done.
#[derive(Debug)]
pub struct Accepted<T>(pub T);

impl<T: Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        (StatusCode::ACCEPTED, axum::Json(self.0)).into_response()
    }
}

impl<T: JsonSchema> Answers for Accepted<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        operation.answers_json::<T>(202, schemas);
    }
}

/// 201: it was made.
#[derive(Debug)]
pub struct Created<T>(pub T);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, axum::Json(self.0)).into_response()
    }
}

impl<T: JsonSchema> Answers for Created<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        operation.answers_json::<T>(201, schemas);
    }
}

/// 200 if there is something to tell, and else 204.
#[derive(Debug)]
pub struct OkOrNothing<T>(pub Option<T>);

impl<T: Serialize> IntoResponse for OkOrNothing<T> {
    fn into_response(self) -> Response {
        match self.0 {
            Some(content) => axum::Json(content).into_response(),
            None => StatusCode::NO_CONTENT.into_response(),
        }
    }
}

impl<T: JsonSchema> Answers for OkOrNothing<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        operation.answers_json::<T>(200, schemas);
        operation.answers(204, None);
    }
}

/// 204, with headers of its own.
#[derive(Debug)]
pub struct NoContent(pub Response);

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        self.0
    }
}

impl Answers for NoContent {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.answers(204, None);
    }
}

/// 200, or another good status, with the same content.
#[derive(Debug)]
pub struct OkOr<const STATUS: u16, T> {
    /// Whether it is the other one.
    pub other: bool,
    /// The content.
    pub content: T,
}

/// 202 for what begins a job, 200 for what is done at once.
pub type OkOrAccepted<T> = OkOr<202, T>;

/// 503 for a report that says what is not there.
pub type OkOrUnavailable<T> = OkOr<503, T>;

impl<const STATUS: u16, T: Serialize> IntoResponse for OkOr<STATUS, T> {
    fn into_response(self) -> Response {
        let other = StatusCode::from_u16(STATUS).unwrap_or(StatusCode::OK);
        let status = if self.other { other } else { StatusCode::OK };
        (status, axum::Json(self.content)).into_response()
    }
}

impl<const STATUS: u16, T: JsonSchema> Answers for OkOr<STATUS, T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        operation.answers_json::<T>(200, schemas);
        operation.answers_json::<T>(STATUS, schemas);
    }
}

/// A text of another media type.
macro_rules! text_answer {
    ($(#[$about:meta])* $name:ident, $media_type:literal) => {
        $(#[$about])*
        #[derive(Debug)]
        pub struct $name(pub Response);

        impl IntoResponse for $name {
            fn into_response(self) -> Response {
                self.0
            }
        }

        impl Answers for $name {
            fn describe(operation: &mut Operation, _: &mut Schemas) {
                operation.answers(200, Some(($media_type, json!({ "type": "string" }))));
            }
        }
    };
}

text_answer!(
    /// A CSV file.
    Csv,
    "text/csv"
);
text_answer!(
    /// A Markdown file.
    Markdown,
    "text/markdown"
);
text_answer!(
    /// Figures, or any other plain text.
    Plain,
    "text/plain"
);
text_answer!(
    /// A page.
    Page,
    "text/html"
);
text_answer!(
    /// JSON that was written before.
    JsonText,
    "application/json"
);
