//! From the settings to what decides when a breaker opens and closes.

use std::time::Duration;

use signalbox_model::breaker::BreakerSettings;

use crate::breaker::step::{Rates, Tuning};
use crate::breaker::store::MCP;
use crate::settings::Settings;

/// The key of `provider`'s setting `name`: `<provider>_cb_<name>`, or else the MCP provider's.
pub(super) fn key(provider: &str, name: &str) -> String {
    let own = format!("{provider}_cb_{name}");
    if signalbox_model::setting::setting(&own).is_some() { own } else { format!("{MCP}_cb_{name}") }
}

/// The settings of `provider`'s breaker.
pub(super) fn chosen(settings: &Settings, provider: &str) -> BreakerSettings {
    let get = |name: &str| settings.get(&key(provider, name));
    BreakerSettings {
        failure_threshold: get("failure_threshold"),
        cooldown_ms: get("cooldown_ms"),
        half_open_trials: get("half_open_trials"),
        window_calls: get("window_calls"),
        min_calls: get("min_calls"),
        failure_percent: get("failure_percent"),
        slow_percent: get("slow_percent"),
        slow_ms: get("slow_ms"),
    }
}

/// What decides when `provider`'s breaker opens and closes.
pub fn tuning(settings: &Settings, provider: &str) -> Tuning {
    from(&chosen(settings, provider))
}

pub(super) fn from(settings: &BreakerSettings) -> Tuning {
    let whole = |n: i64| i32::try_from(n).unwrap_or(i32::MAX);
    let count = |n: i64| u32::try_from(n).unwrap_or(0);
    Tuning {
        threshold: whole(settings.failure_threshold),
        cooldown: Duration::from_millis(settings.cooldown_ms.unsigned_abs()),
        trials: whole(settings.half_open_trials),
        rates: Rates {
            window: count(settings.window_calls),
            min_calls: count(settings.min_calls),
            failure_percent: count(settings.failure_percent),
            slow_percent: count(settings.slow_percent),
            slow_after: Duration::from_millis(settings.slow_ms.unsigned_abs()),
        },
    }
}
