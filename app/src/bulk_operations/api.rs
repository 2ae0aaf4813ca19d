//! Server functions of the bulk operations.

use leptos::server;
use serde::{Deserialize, Serialize};
use signalbox_model::Timestamp;
use signalbox_model::bulk_operation::{BulkAction, BulkOperation, BulkPreview};

use crate::error::AppError;
use crate::notice::Notice;

/// What the preview shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PreviewFacts {
    /// What would be touched.
    pub preview: BulkPreview,
    /// When this was read.
    pub as_of: Timestamp,
}

/// What the page of one operation shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OperationFacts {
    /// It.
    pub operation: BulkOperation,
    /// When this was read.
    pub as_of: Timestamp,
}

/// How many letters an operation would touch. `filter` is a `DeadLetterFilter` as JSON, so that a
/// form carries it in one field.
#[server(prefix = "/api/fn", endpoint = "preview_bulk_operation", output = crate::codec::Json)]
pub(crate) async fn preview_bulk_operation(
    action: BulkAction,
    filter: String,
) -> Result<PreviewFacts, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_engine::CommandError;
    use signalbox_engine::dead_letters::bulk;
    use signalbox_model::bulk_operation::BulkRequest;

    let ctx = ctx()?;
    let filter = serde_json::from_str(&filter);
    let request = BulkRequest {
        action,
        filter: answer(filter.map_err(|e| CommandError::invalid("filter", e.to_string())))?,
        all: true,
        reason: String::new(),
        rate_per_second: None,
        up_to: None,
    };
    Ok(PreviewFacts { preview: answer(bulk::preview(&ctx, &request).await)?, as_of: ctx.now() })
}

/// Starts an operation, with what its preview showed.
#[server(prefix = "/api/fn", endpoint = "start_bulk_operation", output = crate::codec::Json)]
pub(crate) async fn start_bulk_operation(
    action: BulkAction,
    filter: String,
    up_to: i64,
    #[server(default)] letters: i64,
    confirm: Option<String>,
    reason: String,
    rate_per_second: i64,
) -> Result<Notice, AppError> {
    use crate::request::{answer, confirmed, ctx, finish};
    use signalbox_engine::CommandError;
    use signalbox_engine::dead_letters::bulk;
    use signalbox_model::bulk_operation::BulkRequest;

    let filter = serde_json::from_str(&filter);
    let request = BulkRequest {
        action,
        filter: answer(filter.map_err(|e| CommandError::invalid("filter", e.to_string())))?,
        // Whoever typed how many there are means all of them.
        all: confirm.is_some(),
        reason: reason.clone(),
        rate_per_second: Some(rate_per_second),
        up_to: Some(up_to),
    };
    let ctx = ctx()?;
    let result = match confirmed(confirm.as_deref(), letters) {
        Ok(()) => bulk::start(&ctx, &request).await.map(|operation| operation.id),
        Err(error) => Err(error),
    };
    let page = match &result {
        Ok(id) => address(*id),
        Err(_) => "/admin/dead-letter-queue/bulk".to_owned(),
    };
    let result = result.map(|id| {
        Notice::done(format!(
            "Bulk operation {id} begins in a moment. Until then it can be undone."
        ))
        .link(address(id), "Watch it")
    });
    finish(result, &page, &[("reason", &reason)]).await
}

/// One operation.
#[server(prefix = "/api/fn", endpoint = "read_bulk_operation", output = crate::codec::Json)]
pub(crate) async fn read_bulk_operation(id: i64) -> Result<OperationFacts, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_engine::dead_letters::bulk;

    let ctx = ctx()?;
    Ok(OperationFacts { operation: answer(bulk::read(&ctx, id).await)?, as_of: ctx.now() })
}

/// Undoes or stops an operation.
#[server(prefix = "/api/fn", endpoint = "abort_bulk_operation", output = crate::codec::Json)]
pub(crate) async fn abort_bulk_operation(id: i64) -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::dead_letters::bulk;

    let result = bulk::abort(&ctx()?, id).await;
    let result = result.map(|operation| {
        let cause = operation.stop_cause.unwrap_or_default();
        Notice::done(format!("Bulk operation {id} was {cause}."))
    });
    finish(result, &address(id), &[]).await
}

/// Where an operation is shown.
pub(super) fn address(id: i64) -> String {
    format!("/admin/dead-letter-queue/operations/{id}")
}
