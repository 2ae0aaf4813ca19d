//! The audit log by API (AV-11).

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_engine::audit;
use signalbox_model::audit::{AuditEntry, AuditFilter, AuditVerdict};
use signalbox_model::page::Page;

use super::exports::{csv, file_time};
use super::input::{Params, Signed};
use super::output::Csv;
use crate::problem::Answer;

/// `GET /api/admin/audit?actor=&action=&q=&cursor=&limit=`, the newest first.
pub async fn search(
    Signed { ctx, .. }: Signed,
    Params(filter): Params<AuditFilter>,
) -> Answer<axum::Json<Page<AuditEntry>>> {
    Ok(axum::Json(audit::search(&ctx, &filter).await?))
}

/// The query of `GET /api/admin/audit/verify`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    seal: Option<String>,
}

/// `GET /api/admin/audit/verify?seal=`: whether every entry is what it was when it was written, and
/// whether the chain has a seal that somebody has kept.
pub async fn verify(
    Signed { ctx, .. }: Signed,
    Params(Kept { seal }): Params<Kept>,
) -> Answer<axum::Json<AuditVerdict>> {
    Ok(axum::Json(audit::verify(&ctx, seal.as_deref()).await?))
}

/// `GET /api/admin/audit/export`: all of it as CSV, with the seals.
pub async fn export(Signed { ctx, .. }: Signed) -> Answer<Csv> {
    let rows = audit::csv(&ctx).await?;
    Ok(csv(&format!("audit-log_{}.csv", file_time(ctx.now())), rows))
}
