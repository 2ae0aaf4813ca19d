//! What a provider's answers say of its own limit, and how that gets from the client that reads
//! them to the call that is under way.

use std::cell::Cell;
use std::time::Duration;

/// What an answer says of the provider's own limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Calls that the provider allows in its window.
    pub limit: u64,
    /// Calls that are left of them.
    pub remaining: u64,
    /// When its next window begins.
    pub resets_in: Duration,
}

impl Allowance {
    /// How much of the limit is used, in whole percent, rounded down.
    pub fn used_percent(&self) -> i64 {
        let used = self.limit.saturating_sub(self.remaining);
        let percent = (u128::from(used) * 100).checked_div(u128::from(self.limit)).unwrap_or(100);
        i64::try_from(percent).unwrap_or(100)
    }
}

tokio::task_local! {
    /// What the answers to the call under way have said.
    static HEARD: Cell<Option<Allowance>>;
}

/// Tells the call under way what an answer to it says of the provider's own limit; the last one
/// counts. A client of a provider calls this for every answer that says anything. Outside a call
/// it does nothing.
pub fn note(allowance: Allowance) {
    // Nobody listens outside a call.
    HEARD.try_with(|heard| heard.set(Some(allowance))).ok();
}

/// The outcome of `call`, and what was noted during it.
pub(crate) async fn heard_during<T>(call: impl Future<Output = T>) -> (T, Option<Allowance>) {
    let listening = async {
        let outcome = call.await;
        (outcome, HEARD.with(Cell::take))
    };
    HEARD.scope(Cell::new(None), listening).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowance(limit: u64, remaining: u64) -> Allowance {
        Allowance { limit, remaining, resets_in: Duration::from_secs(30) }
    }

    #[test]
    fn the_share_used_is_never_over_a_hundred() {
        for (limit, remaining, used) in
            [(60, 60, 0), (60, 9, 85), (60, 0, 100), (0, 0, 100), (5, 9, 0)]
        {
            assert_eq!(allowance(limit, remaining).used_percent(), used, "{remaining} of {limit}");
        }
        assert_eq!(allowance(u64::MAX, 1).used_percent(), 99);
    }

    #[tokio::test]
    async fn each_call_hears_its_own_answers_and_the_last_of_them() {
        note(allowance(1, 1));
        let loud = heard_during(async {
            note(allowance(60, 9));
            tokio::task::yield_now().await;
            note(allowance(60, 8));
        });
        let quiet = heard_during(async { tokio::task::yield_now().await });
        let (loud, quiet) = tokio::join!(loud, quiet);
        assert_eq!((loud.1, quiet.1), (Some(allowance(60, 8)), None));
    }
}
