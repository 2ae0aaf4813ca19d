//! Sweeps: upkeep that the system does by itself, and what came of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::format::plural;

/// A sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sweep {
    /// Takes back the jobs of workers that no longer renew their lease, however young the job is;
    /// a live worker keeps its jobs, however old they are.
    LostWorkers,
    /// Makes the daily partitions of the days ahead.
    Partitions,
    /// Drops what is older than 90 days.
    Retention,
    /// Forgets old idempotency keys.
    IdempotencyKeys,
    /// Forgets expired sessions.
    Sessions,
    /// Removes the dead letters beyond the cap by age and count.
    DeadLetterCap,
    /// Forgets bulk operations that ended long ago.
    BulkOperations,
    /// Forgets the record of calls to providers, and of their breakers' moves.
    ProviderCalls,
    /// Forgets what jobs reported and kept, and who held them, when they have ended.
    JobProgress,
    /// Forgets alerts that were over long ago, and what was said of them.
    Alerts,
}

impl Sweep {
    /// Every sweep, in the order in which they are shown.
    pub const ALL: [Sweep; 10] = [
        Sweep::LostWorkers,
        Sweep::Partitions,
        Sweep::Retention,
        Sweep::IdempotencyKeys,
        Sweep::Sessions,
        Sweep::DeadLetterCap,
        Sweep::BulkOperations,
        Sweep::ProviderCalls,
        Sweep::JobProgress,
        Sweep::Alerts,
    ];

    /// The stable name used in the database and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Sweep::LostWorkers => "lost_workers",
            Sweep::Partitions => "partitions",
            Sweep::Retention => "retention",
            Sweep::IdempotencyKeys => "idempotency_keys",
            Sweep::Sessions => "sessions",
            Sweep::DeadLetterCap => "dead_letter_cap",
            Sweep::BulkOperations => "bulk_operations",
            Sweep::ProviderCalls => "provider_calls",
            Sweep::JobProgress => "job_progress",
            Sweep::Alerts => "alerts",
        }
    }

    /// What it does, and when.
    pub const fn describe(self) -> &'static str {
        match self {
            Sweep::LostWorkers => "Takes back the jobs of lost workers, every second",
            Sweep::Partitions => "Makes the partitions of the next 7 days, every hour",
            Sweep::Retention => "Drops what is older than 90 days, by the schedule cleanup",
            Sweep::IdempotencyKeys => "Forgets idempotency keys after 7 days, every hour",
            Sweep::Sessions => "Forgets expired sessions, every hour",
            Sweep::DeadLetterCap => "Removes dead letters beyond their cap, every hour",
            Sweep::BulkOperations => "Forgets bulk operations after 90 days, every hour",
            Sweep::ProviderCalls => {
                "Forgets calls to providers after 48 h and breakers' moves after 90 days, every hour"
            }
            Sweep::JobProgress => {
                "Forgets the checkpoints and holds of jobs that have ended, and their progress after 7 days, every hour"
            }
            Sweep::Alerts => {
                "Forgets alerts that were over for 90 days, and their messages, every hour"
            }
        }
    }
}

/// What a run of a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "sweep", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Swept {
    /// [`Sweep::LostWorkers`].
    LostWorkers {
        /// Jobs that went back to their queues.
        jobs_taken_back: i64,
    },
    /// [`Sweep::Partitions`].
    Partitions {
        /// Partitions made.
        made: i64,
    },
    /// [`Sweep::Retention`].
    Retention {
        /// Daily partitions of finished jobs, attempts and logs that were dropped.
        partitions_dropped: i64,
        /// Counters that were deleted.
        counters_deleted: i64,
    },
    /// [`Sweep::IdempotencyKeys`].
    IdempotencyKeys {
        /// Keys forgotten.
        forgotten: i64,
    },
    /// [`Sweep::Sessions`].
    Sessions {
        /// Sessions forgotten.
        forgotten: i64,
    },
    /// [`Sweep::DeadLetterCap`].
    DeadLetterCap {
        /// Letters that failed too long ago.
        by_age: i64,
        /// Letters that were too many.
        by_count: i64,
    },
    /// [`Sweep::BulkOperations`].
    BulkOperations {
        /// Operations forgotten.
        forgotten: i64,
    },
    /// [`Sweep::ProviderCalls`].
    ProviderCalls {
        /// Calls forgotten.
        calls_forgotten: i64,
        /// Moves of breakers forgotten.
        moves_forgotten: i64,
    },
    /// [`Sweep::Alerts`].
    Alerts {
        /// Alerts and messages forgotten.
        forgotten: i64,
    },
    /// [`Sweep::JobProgress`].
    JobProgress {
        /// Jobs whose progress was forgotten.
        reports_forgotten: i64,
        /// Jobs whose checkpoint was forgotten.
        checkpoints_forgotten: i64,
        /// Jobs whose hold was forgotten.
        #[serde(default)]
        holds_forgotten: i64,
    },
}

impl Swept {
    /// Whether there was anything to do.
    pub const fn had_effect(self) -> bool {
        match self {
            Swept::LostWorkers { jobs_taken_back: n }
            | Swept::Partitions { made: n }
            | Swept::IdempotencyKeys { forgotten: n }
            | Swept::Sessions { forgotten: n }
            | Swept::BulkOperations { forgotten: n }
            | Swept::Alerts { forgotten: n } => n > 0,
            Swept::DeadLetterCap { by_age, by_count } => by_age > 0 || by_count > 0,
            Swept::ProviderCalls { calls_forgotten, moves_forgotten } => {
                calls_forgotten > 0 || moves_forgotten > 0
            }
            Swept::JobProgress { reports_forgotten, checkpoints_forgotten, holds_forgotten } => {
                reports_forgotten > 0 || checkpoints_forgotten > 0 || holds_forgotten > 0
            }
            Swept::Retention { partitions_dropped, counters_deleted } => {
                partitions_dropped > 0 || counters_deleted > 0
            }
        }
    }

    /// What it did, as part of a sentence.
    pub fn words(self) -> String {
        match self {
            Swept::LostWorkers { jobs_taken_back } => {
                format!("took back {}", plural(jobs_taken_back, "job", "jobs"))
            }
            Swept::Partitions { made } => {
                format!("made {}", plural(made, "partition", "partitions"))
            }
            Swept::Retention { partitions_dropped, counters_deleted } => format!(
                "dropped {} and {}",
                plural(partitions_dropped, "partition", "partitions"),
                plural(counters_deleted, "counter", "counters")
            ),
            Swept::IdempotencyKeys { forgotten } => {
                format!("forgot {}", plural(forgotten, "key", "keys"))
            }
            Swept::Sessions { forgotten } => {
                format!("forgot {}", plural(forgotten, "session", "sessions"))
            }
            Swept::DeadLetterCap { by_age, by_count } => format!(
                "removed {} by age and {by_count} by count",
                plural(by_age, "letter", "letters")
            ),
            Swept::BulkOperations { forgotten } => {
                format!("forgot {}", plural(forgotten, "operation", "operations"))
            }
            Swept::Alerts { forgotten } => {
                format!("forgot {}", plural(forgotten, "alert or message", "alerts and messages"))
            }
            Swept::ProviderCalls { calls_forgotten, moves_forgotten } => format!(
                "forgot {} and {}",
                plural(calls_forgotten, "call", "calls"),
                plural(moves_forgotten, "move", "moves")
            ),
            Swept::JobProgress { reports_forgotten, checkpoints_forgotten, holds_forgotten } => {
                format!(
                    "forgot {}, {} and {}",
                    plural(reports_forgotten, "report", "reports"),
                    plural(checkpoints_forgotten, "checkpoint", "checkpoints"),
                    plural(holds_forgotten, "hold", "holds")
                )
            }
        }
    }
}

/// How a sweep stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SweepStatus {
    /// The sweep.
    pub name: Sweep,
    /// What it does, and when.
    pub description: String,
    /// Its last run. Runs every second are noted once a minute, unless they did something.
    pub run_at: Option<Timestamp>,
    /// How long that took, in milliseconds.
    pub duration_ms: Option<i64>,
    /// What that did; absent if it failed.
    pub report: Option<Swept>,
    /// What the last run did that found anything to do.
    pub effect: Option<Swept>,
    /// When that was.
    pub effect_at: Option<Timestamp>,
    /// The last error.
    pub error: Option<String>,
    /// When that was.
    pub error_at: Option<Timestamp>,
}
