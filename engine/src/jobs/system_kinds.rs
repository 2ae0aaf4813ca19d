//! The built-in kinds, for tests, benchmarks and a first try.

use std::time::Duration;

use serde::Deserialize;
use signalbox_model::error_class::ErrorClass;

use crate::jobs::context::JobContext;
use crate::jobs::handler::{Job, JobError, KindSpec, RegistryBuilder, Timeout};

const QUEUE: &str = "system";

/// The longest `system.sleep`, in milliseconds: an hour.
const SLEEP_BOUND_MS: u64 = 3_600_000;

const fn spec(name: &'static str, max_attempts: i16) -> KindSpec {
    KindSpec {
        name,
        queue: QUEUE,
        max_attempts,
        timeout: Timeout::Fixed(Duration::from_secs(7200)),
        concurrency: None,
        calls: None,
    }
}

pub(crate) fn register(builder: &mut RegistryBuilder) {
    builder.add::<Noop>(()).add::<Sleep>(()).add::<Fail>(());
}

/// `system.noop`: does nothing. Takes any payload.
#[derive(Debug, Deserialize)]
struct Noop {}

impl Job for Noop {
    type Resources = ();
    const SPEC: KindSpec = spec("system.noop", 3);

    async fn run(self, _: &JobContext, (): &()) -> Result<(), JobError> {
        Ok(())
    }
}

/// `system.sleep`: waits, and says every second how long it has waited.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sleep {
    ms: u64,
}

impl Job for Sleep {
    type Resources = ();
    const SPEC: KindSpec = spec("system.sleep", 3);

    async fn run(self, cx: &JobContext, (): &()) -> Result<(), JobError> {
        let ms = self.ms.min(SLEEP_BOUND_MS);
        let seconds = i64::try_from(ms / 1000).unwrap_or(i64::MAX);
        for slept in 0..seconds {
            cx.progress(slept, seconds, format!("{slept} of {seconds} s")).await;
            cx.sleep(Duration::from_secs(1)).await;
            cx.check_stop()?;
        }
        cx.sleep(Duration::from_millis(ms % 1000)).await;
        cx.check_stop()
    }
}

/// `system.fail`: fails, with a message and a class. One attempt, so that it is in the dead letter
/// queue at once; `maxAttempts` gives it more.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fail {
    message: String,
    class: Option<ErrorClass>,
}

impl Job for Fail {
    type Resources = ();
    const SPEC: KindSpec = spec("system.fail", 1);

    async fn run(self, _: &JobContext, (): &()) -> Result<(), JobError> {
        Err(JobError::retry(self.class.unwrap_or(ErrorClass::Internal), self.message))
    }
}
