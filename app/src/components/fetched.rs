//! What is asked of the server and what it answers, without their types: the code that asks, waits, retries and updates is compiled
//! once then, and not once a page.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use leptos::server_fn::ServerFn;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::AppError;

/// A server function that reads, with its arguments.
pub(crate) trait Question:
    ServerFn<Error = AppError, Output: DeserializeOwned + Serialize + Clone + Send + Sync>
    + Serialize
    + Send
    + 'static
{
}

impl<F> Question for F where
    F: ServerFn<Error = AppError, Output: DeserializeOwned + Serialize + Clone + Send + Sync>
        + Serialize
        + Send
        + 'static
{
}

/// A question as it is sent.
#[derive(Clone, PartialEq)]
pub(crate) struct Asked {
    /// The server function's address.
    pub url: &'static str,
    /// Its arguments, as a form sends them.
    pub form: String,
}

impl Asked {
    pub(super) fn new<F: Question>(question: &F) -> Asked {
        // What cannot be written is missing; the server says so.
        Asked { url: F::url(), form: serde_qs::to_string(question).unwrap_or_default() }
    }
}

/// How a question is answered.
pub(crate) type Fetch = Box<dyn Fn(Asked) -> Fetching + Send + Sync>;
/// The answer under way.
pub(crate) type Fetching = Pin<Box<dyn Future<Output = Result<Fetched, AppError>> + Send>>;

/// An answer: made here, on the server, or sent as JSON.
#[derive(Clone)]
pub(crate) enum Fetched {
    #[cfg(feature = "ssr")]
    Here(Arc<dyn std::any::Any + Send + Sync>, fn(&dyn std::any::Any) -> Option<String>),
    Sent(Arc<str>),
}

impl Fetched {
    #[cfg(feature = "ssr")]
    pub(crate) fn new<T: Serialize + Send + Sync + 'static>(value: T) -> Fetched {
        let encode =
            |value: &dyn std::any::Any| serde_json::to_string(value.downcast_ref::<T>()?).ok();
        Fetched::Here(Arc::new(value), encode)
    }

    /// The answer, if it is of this type.
    pub(super) fn get<T: DeserializeOwned + Clone + 'static>(&self) -> Option<T> {
        match self {
            #[cfg(feature = "ssr")]
            Fetched::Here(value, _) => value.downcast_ref().cloned(),
            Fetched::Sent(json) => serde_json::from_str(json).ok(),
        }
    }
}

impl Serialize for Fetched {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            #[cfg(feature = "ssr")]
            Fetched::Here(value, encode) => encode(&**value)
                .ok_or_else(|| serde::ser::Error::custom("an answer that is not JSON"))?
                .serialize(serializer),
            Fetched::Sent(json) => json.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Fetched {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fetched, D::Error> {
        Ok(Fetched::Sent(String::deserialize(deserializer)?.into()))
    }
}
