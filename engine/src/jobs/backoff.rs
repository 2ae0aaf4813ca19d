//! How long a failed job waits.

use std::time::Duration;

/// The first wait.
const BASE: Duration = Duration::from_secs(5);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(3600);
/// The first and the longest wait after a provider failure, where the breaker does the real
/// waiting.
const PROVIDER: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// The wait after the `failures`-th failure (1-based): it doubles each time, up to an hour, and
/// `jitter` (0 to 1) spreads it over ±20 %, so that jobs that failed together do not return
/// together.
pub(crate) fn after_failure(failures: i16, jitter: f64) -> Duration {
    doubled(BASE, LONGEST, i32::from(failures), jitter)
}

/// The wait after the `interruptions`-th provider failure.
pub(crate) fn after_provider_failure(interruptions: i32, jitter: f64) -> Duration {
    doubled(PROVIDER.0, PROVIDER.1, interruptions, jitter)
}

fn doubled(base: Duration, longest: Duration, times: i32, jitter: f64) -> Duration {
    let doublings = u32::try_from(times.saturating_sub(1)).unwrap_or(0).min(20);
    base.saturating_mul(1 << doublings).min(longest).mul_f64(0.8 + 0.4 * jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour_and_spread() {
        assert_eq!(after_failure(1, 0.5), Duration::from_secs(5));
        assert_eq!(after_failure(3, 0.5), Duration::from_secs(20));
        assert_eq!(after_failure(25, 0.5), Duration::from_secs(3600));
        assert_eq!(after_failure(1, 0.0), Duration::from_secs(4));
        assert_eq!(after_failure(1, 1.0), Duration::from_secs(6));
        assert_eq!(after_provider_failure(40, 0.5), Duration::from_secs(30));
    }
}
