//! The settings an operator changes while the system runs (OP-3): one catalogue, from which the
//! validation, the defaults, the API's error texts and the page are made.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::problem::FieldError;

/// One entry of the catalogue. All settings are whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingSpec {
    /// Its key in `system_config`.
    pub key: &'static str,
    /// What it is while nobody changed it.
    pub default: i64,
    /// The least it may be.
    pub min: i64,
    /// The most it may be.
    pub max: i64,
    /// Its unit.
    pub unit: &'static str,
    /// What it does.
    pub description: &'static str,
}

/// What a limit bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Calls in any minute.
    Rate,
    /// Jobs running at once.
    Concurrency,
}

impl SettingSpec {
    /// What it bounds, if it bounds throughput.
    pub fn bound(&self) -> Option<Bound> {
        match self.unit {
            "calls/min" => Some(Bound::Rate),
            "jobs" => Some(Bound::Concurrency),
            _ => None,
        }
    }
}

/// The longest time that a temporary change lasts, in minutes: a week.
pub const EXPIRY_MINUTES_BOUND: i64 = 7 * 24 * 60;

const fn spec(
    key: &'static str,
    default: i64,
    (min, max): (i64, i64),
    unit: &'static str,
    description: &'static str,
) -> SettingSpec {
    SettingSpec { key, default, min, max, unit, description }
}

/// Every setting. Defaults as in OP-3.
pub const SETTINGS: [SettingSpec; 28] = [
    spec(
        "max_concurrent_discovery_jobs",
        5,
        (0, 1000),
        "jobs",
        "Discovery jobs running at once, on all workers together",
    ),
    spec(
        "max_concurrent_harvesting_jobs",
        10,
        (0, 1000),
        "jobs",
        "Harvesting jobs running at once, on all workers together",
    ),
    spec(
        "max_concurrent_extraction_jobs",
        10,
        (0, 1000),
        "jobs",
        "Extraction jobs running at once, on all workers together",
    ),
    spec(
        "discovery_rpm",
        30,
        (1, 100_000),
        "calls/min",
        "Searches sent to the provider in any minute",
    ),
    spec(
        "comments_rpm",
        60,
        (1, 100_000),
        "calls/min",
        "Post and comment reads sent to the provider in any minute",
    ),
    spec(
        "http_enrich_rpm",
        30,
        (1, 100_000),
        "calls/min",
        "Page reads sent to the provider in any minute",
    ),
    spec(
        "discovery_job_timeout_minutes",
        30,
        (1, 1440),
        "min",
        "A discovery job is stopped after this long",
    ),
    spec(
        "harvesting_job_timeout_minutes",
        60,
        (1, 1440),
        "min",
        "A harvesting or extraction job is stopped after this long",
    ),
    spec(
        "mcp_cb_failure_threshold",
        5,
        (1, 1000),
        "failures",
        "Failures in a row that open the MCP breaker",
    ),
    spec(
        "mcp_cb_cooldown_ms",
        60_000,
        (100, 86_400_000),
        "ms",
        "How long the MCP breaker stays open",
    ),
    spec(
        "mcp_cb_half_open_trials",
        1,
        (1, 100),
        "calls",
        "Trial calls at once while the MCP breaker is half open",
    ),
    spec(
        "matview_max_age_minutes",
        15,
        (1, 1440),
        "min",
        "Materialized views older than this are not read; the plain views are",
    ),
    spec(
        "matview_max_active_queries",
        20,
        (0, 10_000),
        "statements",
        "A scheduled refresh of the materialized views is skipped while more are running",
    ),
    spec(
        "mcp_cb_window_calls",
        20,
        (2, 64),
        "calls",
        "The last calls that the MCP breaker's two rates are taken over",
    ),
    spec(
        "mcp_cb_min_calls",
        10,
        (1, 64),
        "calls",
        "No rate opens the MCP breaker before this many calls",
    ),
    spec(
        "mcp_cb_failure_percent",
        0,
        (0, 100),
        "%",
        "Failed calls in the window that open the MCP breaker; 0 looks at failures in a row only",
    ),
    spec(
        "mcp_cb_slow_percent",
        0,
        (0, 100),
        "%",
        "Slow calls in the window that open the MCP breaker; 0 does not look at them",
    ),
    spec(
        "mcp_cb_slow_ms",
        10_000,
        (10, 600_000),
        "ms",
        "A call to the MCP provider that takes longer than this is slow",
    ),
    spec(
        "dlq_bulk_per_second",
        50,
        (1, 1000),
        "letters/s",
        "Dead letters that a bulk operation handles in any second, unless it was asked for another rate",
    ),
    spec(
        "dlq_undo_seconds",
        10,
        (0, 300),
        "s",
        "A bulk operation touches nothing for this long, so that it can be undone",
    ),
    spec(
        "dlq_canary_letters",
        5,
        (1, 1000),
        "letters",
        "A careful retry tries this many first, then twice as many, and so on",
    ),
    spec(
        "dlq_canary_stop_percent",
        20,
        (0, 100),
        "%",
        "A careful retry stops when more than this share of a step has failed again",
    ),
    spec(
        "dlq_max_age_days",
        0,
        (0, 3650),
        "days",
        "Dead letters that failed longer ago than this are removed; 0 keeps them",
    ),
    spec(
        "dlq_max_letters",
        100_000,
        (100, 10_000_000),
        "letters",
        "Beyond this many pending dead letters the oldest are removed",
    ),
    spec(
        "alerts_dry_run",
        0,
        (0, 1),
        "0 or 1",
        "1: what alerts would say outside is written down and not sent",
    ),
    spec(
        "auto_throttle_enabled",
        0,
        (0, 1),
        "0 or 1",
        "1: near a provider's own limit its rates are lowered by themselves, and come back",
    ),
    spec(
        "auto_throttle_threshold_percent",
        80,
        (10, 100),
        "%",
        "The share of a provider's own limit from which on its rates are lowered",
    ),
    spec(
        "backups_kept",
        8,
        (1, 1000),
        "files",
        "Backups of the database that are kept; the newest verified one always is",
    ),
];

/// The catalogue's entry for `key`.
pub fn setting(key: &str) -> Option<&'static SettingSpec> {
    SETTINGS.iter().find(|spec| spec.key == key)
}

/// The catalogue's entry for `key`, if `value` is allowed for it.
///
/// # Errors
/// For an unknown key, the field `key` with all allowed keys; for a bad value, the field `value`
/// with its range.
pub fn check(key: &str, value: i64) -> Result<&'static SettingSpec, FieldError> {
    let Some(spec) = setting(key) else {
        let allowed: Vec<_> = SETTINGS.iter().map(|spec| spec.key).collect();
        return Err(FieldError::new(
            "key",
            format!("unknown key \"{key}\"; allowed are {}", allowed.join(", ")),
        ));
    };
    if (spec.min..=spec.max).contains(&value) {
        Ok(spec)
    } else {
        Err(FieldError::new(
            "value",
            format!("must be a whole number from {} to {} ({})", spec.min, spec.max, spec.unit),
        ))
    }
}

/// The end of a temporary change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Expiry {
    /// When it ends by itself.
    pub at: Timestamp,
    /// What the setting is from then on: its last value without an end.
    pub reverts_to: i64,
}

/// A setting as the console and the API show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Setting {
    /// Its key.
    pub key: String,
    /// What it is now.
    pub value: i64,
    /// What it is while nobody changes it.
    pub default: i64,
    /// The least it may be.
    pub min: i64,
    /// The most it may be.
    pub max: i64,
    /// Its unit.
    pub unit: String,
    /// What it does, or what the last change said about it.
    pub description: String,
    /// Who changed it last.
    pub updated_by: Option<String>,
    /// When.
    pub updated_at: Option<Timestamp>,
    /// When the last change ends by itself, if it does.
    pub expiry: Option<Expiry>,
}

impl Setting {
    /// As it is while nobody changes it.
    pub fn unchanged(spec: &SettingSpec) -> Setting {
        Setting {
            key: spec.key.to_owned(),
            value: spec.default,
            default: spec.default,
            min: spec.min,
            max: spec.max,
            unit: spec.unit.to_owned(),
            description: spec.description.to_owned(),
            updated_by: None,
            updated_at: None,
            expiry: None,
        }
    }

    /// What it bounds, if it bounds throughput.
    pub fn bound(&self) -> Option<Bound> {
        setting(&self.key).and_then(SettingSpec::bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn op_3_an_unknown_key_names_the_allowed_ones() {
        let error = check("max_cats", 1).unwrap_err();
        assert_eq!(error.field, "key");
        assert!(error.detail.contains("discovery_rpm"));
    }

    #[test]
    fn op_3_a_bad_value_names_its_range() {
        let error = check("discovery_rpm", 0).unwrap_err();
        assert_eq!(error.field, "value");
        assert!(error.detail.contains("from 1 to 100000"), "{}", error.detail);
    }

    #[test]
    fn op_3_the_limits_are_the_rates_and_the_concurrencies() {
        for spec in SETTINGS {
            let expected = match spec.key {
                key if key.ends_with("_rpm") => Some(Bound::Rate),
                key if key.starts_with("max_concurrent_") => Some(Bound::Concurrency),
                _ => None,
            };
            assert_eq!(spec.bound(), expected, "{}", spec.key);
        }
    }

    #[test]
    fn every_default_is_within_its_range() {
        for spec in SETTINGS {
            assert!(check(spec.key, spec.default).is_ok(), "{}", spec.key);
        }
    }
}
