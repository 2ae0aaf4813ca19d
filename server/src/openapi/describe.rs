//! How the types of a route's function describe its operation: what it takes by its arguments, what it
//! answers by its result.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::sse::Sse;
use http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde_json::json;
use tower_sessions::Session;

use super::operation::{Operation, Schemas};
use crate::api::input::{Id, Json, Params, Signed};
use crate::api::watcher::Watcher;
use crate::problem::Answer;

/// An argument of a route's function.
pub trait Takes {
    /// Adds to `operation` what it takes from the request.
    fn describe(operation: &mut Operation, schemas: &mut Schemas);
}

/// The result of a route's function.
pub trait Answers {
    /// Adds to `operation` what it answers.
    fn describe(operation: &mut Operation, schemas: &mut Schemas);
}

/// A route's function; `T` is what axum's `Handler` calls it.
pub trait Described<T> {
    /// Its operation.
    fn describe(schemas: &mut Schemas) -> Operation;
}

macro_rules! described {
    ([$($kind:ident)?] $marker:ty; $($argument:ident),*) => {
        impl<$($kind,)? F, R, A, $($argument,)*> Described<$marker> for F
        where
            F: FnOnce($($argument),*) -> R,
            R: Future<Output = A>,
            A: Answers,
            $($argument: Takes,)*
        {
            fn describe(schemas: &mut Schemas) -> Operation {
                let mut operation = Operation::default();
                $($argument::describe(&mut operation, schemas);)*
                A::describe(&mut operation, schemas);
                operation
            }
        }
    };
}

described!([] ((),););
described!([M] (M, T1,); T1);
described!([M] (M, T1, T2,); T1, T2);
described!([M] (M, T1, T2, T3,); T1, T2, T3);
described!([M] (M, T1, T2, T3, T4,); T1, T2, T3, T4);

/// Takes nothing that a caller must know of.
macro_rules! takes_nothing {
    ($($type:ty),*) => {
        $(impl Takes for $type {
            fn describe(_: &mut Operation, _: &mut Schemas) {}
        })*
    };
}

takes_nothing!(HeaderMap, Session, Watcher);

impl<T> Takes for Extension<T> {
    fn describe(_: &mut Operation, _: &mut Schemas) {}
}

impl<S> Takes for State<S> {
    fn describe(_: &mut Operation, _: &mut Schemas) {}
}

impl Takes for Signed {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.refuses = true;
    }
}

impl<T: JsonSchema> Takes for Json<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        operation.refuses = true;
        operation.body = Some(("application/json", schemas.inline::<T>().to_value()));
    }
}

/// Only batches read their body as it comes.
impl Takes for Request<Body> {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.refuses = true;
        operation.body = Some((
            "application/x-ndjson",
            json!({ "type": "string", "description": "One object a line." }),
        ));
    }
}

impl<T: JsonSchema> Takes for Params<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        operation.refuses = true;
        operation.query = schemas.parameters::<T>();
    }
}

impl<T: JsonSchema> Takes for Path<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        operation.refuses = true;
        operation.path.push(schemas.of::<T>());
    }
}

impl Takes for Id {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        Path::<i64>::describe(operation, schemas);
    }
}

impl<T: JsonSchema> Answers for axum::Json<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        operation.answers_json::<T>(200, schemas);
    }
}

/// The one bare status that routes answer.
impl Answers for StatusCode {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.answers(StatusCode::NO_CONTENT.as_u16(), None);
    }
}

impl<T: Answers> Answers for Answer<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        operation.refuses = true;
        T::describe(operation, schemas);
    }
}

impl<S> Answers for Sse<S> {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.answers(200, Some(("text/event-stream", json!({ "type": "string" }))));
    }
}
