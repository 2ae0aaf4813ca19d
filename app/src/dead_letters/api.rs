//! Server functions of the dead letter queue.

use leptos::server;
use serde::{Deserialize, Serialize};
use signalbox_model::Timestamp;
use signalbox_model::bulk_operation::BulkOperation;
use signalbox_model::dead_letter::{DeadLetter, DeadLetterGroups, DeadLetterStatus, GroupMark};
use signalbox_model::error_class::ErrorClass;
use signalbox_model::metrics::DeadLetterCounts;
use signalbox_model::page::Page;
use signalbox_model::saved_view::SavedView;

use crate::error::AppError;
use crate::notice::Notice;

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LettersFacts {
    /// How many there are.
    pub counts: DeadLetterCounts,
    /// Those asked for.
    pub letters: Page<DeadLetter>,
    /// How many have come since the newest of them.
    pub newer: i64,
    /// What was decided about the group that was asked for.
    pub mark: Option<GroupMark>,
    /// The largest groups, whatever was asked for.
    pub groups: DeadLetterGroups,
    /// The newest bulk operations.
    pub operations: Vec<BulkOperation>,
    /// The reader's own views of them.
    pub views: Vec<SavedView>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// One page of dead letters, none newer than `newest`, and what they have in common.
#[server(prefix = "/api/fn", endpoint = "list_dead_letters", output = crate::codec::Json)]
pub(crate) async fn list_dead_letters(
    #[server(default)] status: Option<DeadLetterStatus>,
    #[server(default)] kind: Option<String>,
    #[server(default)] queue: Option<String>,
    #[server(default)] error_class: Option<ErrorClass>,
    #[server(default)] fingerprint: Option<String>,
    #[server(default)] cursor: Option<i64>,
    #[server(default)] newest: Option<i64>,
) -> Result<LettersFacts, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_engine::dead_letters::{bulk, groups};
    use signalbox_engine::{dead_letters, saved_views};
    use signalbox_model::dead_letter::DeadLetterFilter;
    use signalbox_model::saved_view::ViewedList;

    // So many of each are shown.
    const GROUPS: i64 = 20;
    const OPERATIONS: i64 = 5;

    let ctx = ctx()?;
    let filter = DeadLetterFilter { status, kind, queue, error_class, fingerprint, ids: None };
    let newer = match newest {
        Some(newest) => answer(dead_letters::newer(&ctx, &filter, newest).await)?,
        None => 0,
    };
    let mark = match &filter.fingerprint {
        Some(fingerprint) => answer(groups::marked(&ctx, fingerprint).await)?,
        None => None,
    };
    let cursor = cursor.or(newest.map(|newest| newest.saturating_add(1)));
    Ok(LettersFacts {
        newer,
        mark,
        counts: answer(dead_letters::counts(&ctx).await)?,
        letters: answer(dead_letters::list(&ctx, &filter, cursor, None).await)?,
        groups: answer(groups::groups(&ctx, Some(GROUPS)).await)?,
        operations: answer(bulk::list(&ctx, None, Some(OPERATIONS)).await)?.items,
        views: answer(saved_views::list(&ctx, ViewedList::DeadLetters).await)?,
        as_of: ctx.now(),
    })
}

/// Schedules a dead letter's job again.
#[server(prefix = "/api/fn", endpoint = "retry_dead_letter", output = crate::codec::Json)]
pub(crate) async fn retry_dead_letter(id: i64) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::dead_letters;

    let result = dead_letters::retry(&ctx()?, id).await;
    let result = result.map(|job| {
        Notice::done(format!("Job {job} is scheduled again."))
            .link(format!("/admin/jobs/{job}"), "See the job")
    });
    finish(result, "/admin/dead-letter-queue", &[]).await
}

/// Removes a dead letter for good.
#[server(prefix = "/api/fn", endpoint = "delete_dead_letter", output = crate::codec::Json)]
pub(crate) async fn delete_dead_letter(id: i64) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::dead_letters;

    let result = dead_letters::delete(&ctx()?, id).await;
    let result = result.map(|()| {
        Notice::done(format!("Dead letter {id} is deleted."))
            .link("/admin/logs?event=dlq_delete", "See the log")
    });
    finish(result, "/admin/dead-letter-queue", &[]).await
}

/// Decides about an error: `mark` is `resolved`, `ignored`, or empty for neither.
#[server(prefix = "/api/fn", endpoint = "mark_dead_letter_group", output = crate::codec::Json)]
pub(crate) async fn mark_group(
    fingerprint: String,
    mark: String,
    reason: String,
) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::CommandError;
    use signalbox_engine::dead_letters::groups;
    use signalbox_model::dead_letter::Mark;

    let ctx = ctx()?;
    let result = match (mark.as_str(), Mark::from_name(&mark)) {
        ("", _) => groups::mark(&ctx, &fingerprint, None, &reason).await,
        (_, Some(mark)) => groups::mark(&ctx, &fingerprint, Some(mark), &reason).await,
        _ => Err(CommandError::invalid("mark", "must be resolved, ignored or empty")),
    };
    let said = match mark.as_str() {
        "resolved" => "The error counts as resolved. If it comes again, that is news.",
        "ignored" => "The error is ignored: its letters are no alarm.",
        _ => "The error is open again.",
    };
    finish(result.map(|()| Notice::done(said)), "/admin/dead-letter-queue", &[("reason", &reason)])
        .await
}
