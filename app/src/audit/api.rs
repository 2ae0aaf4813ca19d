//! Server functions of the audit log.

use leptos::server;
use serde::{Deserialize, Serialize};
use signalbox_model::Timestamp;
use signalbox_model::audit::AuditEntry;
use signalbox_model::page::Page;

use crate::error::AppError;
use crate::notice::Notice;

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AuditFacts {
    /// The entries asked for.
    pub entries: Page<AuditEntry>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// One page of the audit log.
#[server(prefix = "/api/fn", endpoint = "list_audit", output = crate::codec::Json)]
pub(crate) async fn list_audit(
    #[server(default)] actor: Option<String>,
    #[server(default)] action: Option<String>,
    #[server(default)] q: Option<String>,
    #[server(default)] cursor: Option<i64>,
) -> Result<AuditFacts, AppError> {
    use crate::request::{answer, ctx};
    use signalbox_engine::audit;
    use signalbox_model::audit::AuditFilter;

    let ctx = ctx()?;
    let filter = AuditFilter { actor, action, q, cursor, limit: None };
    Ok(AuditFacts { entries: answer(audit::search(&ctx, &filter).await)?, as_of: ctx.now() })
}

/// Computes the chain anew.
#[server(prefix = "/api/fn", endpoint = "verify_audit", output = crate::codec::Json)]
pub(crate) async fn verify_audit() -> Result<Notice, AppError> {
    use crate::request::{ctx, finish};
    use signalbox_engine::audit;

    let verdict = audit::verify(&ctx()?, None).await.map(|verdict| match verdict.is_intact() {
        true => Notice::done(verdict.words()),
        false => Notice::failed(verdict.words()),
    });
    finish(verdict, "/admin/audit", &[]).await
}
