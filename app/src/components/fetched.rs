//! What was asked of the server and what it answered, without their types: the code that waits,
//! retries and updates is compiled once then, and not once a page.

use std::any::Any;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a page asks for: the arguments of its server function.
#[derive(Clone)]
pub(super) struct Asked {
    source: Arc<dyn Any + Send + Sync>,
    equal: fn(&dyn Any, &dyn Any) -> bool,
}

impl Asked {
    pub(super) fn new<S: PartialEq + Send + Sync + 'static>(source: S) -> Asked {
        let equal = |a: &dyn Any, b: &dyn Any| match (a.downcast_ref::<S>(), b.downcast_ref()) {
            (Some(a), Some(b)) => a == b,
            _ => false,
        };
        Asked { source: Arc::new(source), equal }
    }

    /// The arguments, if they are of this type.
    pub(super) fn source<S: Clone + 'static>(&self) -> Option<S> {
        self.source.downcast_ref().cloned()
    }
}

impl PartialEq for Asked {
    fn eq(&self, other: &Asked) -> bool {
        (self.equal)(&*self.source, &*other.source)
    }
}

/// An answer: fetched here, or sent along with the page as JSON.
#[derive(Clone)]
pub(super) enum Fetched {
    Here(Arc<dyn Any + Send + Sync>, Encode),
    Sent(Arc<str>),
}

type Encode = fn(&dyn Any) -> Option<String>;

impl Fetched {
    pub(super) fn new<T: Serialize + Send + Sync + 'static>(value: T) -> Fetched {
        // Only the server sends answers along: the browser need not know how.
        #[cfg(feature = "ssr")]
        let encode: Encode = |value| serde_json::to_string(value.downcast_ref::<T>()?).ok();
        #[cfg(not(feature = "ssr"))]
        let encode: Encode = |_| None;
        Fetched::Here(Arc::new(value), encode)
    }

    /// The answer, if it is of this type.
    pub(super) fn get<T: DeserializeOwned + Clone + 'static>(&self) -> Option<T> {
        match self {
            Fetched::Here(value, _) => value.downcast_ref().cloned(),
            Fetched::Sent(json) => serde_json::from_str(json).ok(),
        }
    }
}

impl Serialize for Fetched {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
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
