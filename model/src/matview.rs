//! Materialized views (OP-9, OP-10): precomputed twins of the views that pages read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Where a read comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ViewSource {
    /// The plain views: computed as they are read.
    #[default]
    Plain,
    /// Their materialized twins: as they were at the last refresh.
    Materialized,
}

/// How fresh what was read is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Freshness {
    /// Where it came from.
    pub source: ViewSource,
    /// The moment whose state it shows.
    pub as_of: Timestamp,
    /// The materialized views are on, but too old: the plain ones were read instead.
    pub fell_back: bool,
}

impl Freshness {
    /// Read from the plain views at `now`.
    pub const fn live(now: Timestamp) -> Freshness {
        Freshness { source: ViewSource::Plain, as_of: now, fell_back: false }
    }

    /// Where it came from, in words.
    pub const fn words(self) -> &'static str {
        match (self.source, self.fell_back) {
            (ViewSource::Materialized, _) => "From the materialized views",
            (ViewSource::Plain, true) => "Live: the materialized views are too old",
            (ViewSource::Plain, false) => "Live",
        }
    }
}

/// One materialized view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Matview {
    /// Its name, such as `mv_domain_totals`.
    pub name: String,
    /// When it was refreshed last.
    pub refreshed_at: Option<Timestamp>,
    /// How old it is, in seconds.
    pub age_s: Option<i64>,
    /// How long that refresh took, in milliseconds.
    pub duration_ms: Option<i64>,
    /// How many rows it has had since.
    pub rows: Option<i64>,
}

/// What happened at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Happened {
    /// When.
    pub at: Timestamp,
    /// What, in words.
    pub what: String,
}

/// The materialized views as the console shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Matviews {
    /// Whether reads are to come from them.
    pub enabled: bool,
    /// Who turned them on or off last; absent while nobody has.
    pub changed_by: Option<String>,
    /// When.
    pub changed_at: Option<Timestamp>,
    /// What a read made now gets.
    pub reading: Freshness,
    /// Older than this, they are not read, in minutes.
    pub max_age_minutes: i64,
    /// Whether a refresh is under way.
    pub refreshing: bool,
    /// Each of them, by name.
    pub views: Vec<Matview>,
    /// The last failure, if no refresh has succeeded since.
    pub failed: Option<Happened>,
    /// Why the last scheduled refresh was skipped, if none has been done since.
    pub skipped: Option<Happened>,
    /// When this was read.
    pub as_of: Timestamp,
}
