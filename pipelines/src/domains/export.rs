//! The CSV exports of the pipeline (OP-12). The columns are described on `/admin/exports`.

use chrono::SecondsFormat;
use serde_json::json;
use signalbox_engine::exports::{self, CsvStream};
use signalbox_engine::{CommandError, Ctx};
use signalbox_model::Timestamp;
use signalbox_model::actor::Permission;
use signalbox_model::domain::DateFilter;

use crate::domains::store;

/// The domains first seen in the range of `filter`, the newest first.
///
/// # Errors
/// Without [`Permission::ReadResults`], or when the database does not answer.
pub async fn domains_csv(
    ctx: &Ctx,
    filter: DateFilter,
) -> Result<impl CsvStream + use<>, CommandError> {
    ctx.demand(Permission::ReadResults)?;
    let range = filter.since(ctx.now()).map(|since| at_least("d.first_seen_at", since));
    let select = format!(
        "SELECT d.id, csv_cell(d.name) AS domain, csv_cell(d.display_name) AS display_name,
                count(m.id) AS mentions, count(DISTINCT m.post_id) AS posts,
                csv_time(d.first_seen_at) AS first_seen_at, csv_time(d.last_seen_at) AS last_seen_at
         FROM domains d LEFT JOIN domain_mentions m ON m.domain_id = d.id
         WHERE {} GROUP BY d.id ORDER BY d.first_seen_at DESC, d.id DESC",
        range.as_deref().unwrap_or("true"),
    );
    exports::csv(ctx, "domains", json!({ "dateFilter": filter.name() }), select).await
}

/// The mentions of one domain, since a time or all, the newest first.
///
/// # Errors
/// Without [`Permission::ReadResults`]; when there is no such domain; when the database does not
/// answer.
pub async fn mentions_csv(
    ctx: &Ctx,
    domain_id: i64,
    since: Option<Timestamp>,
) -> Result<impl CsvStream + use<>, CommandError> {
    ctx.demand(Permission::ReadResults)?;
    if !store::domain_exists(&ctx.db, domain_id).await? {
        return Err(CommandError::not_found("domain", domain_id));
    }
    let range = since.map(|since| at_least("m.seen_at", since));
    let select = format!(
        "SELECT m.id, csv_cell(p.url) AS post_url, m.source, csv_cell(m.raw_url) AS raw_url,
                csv_cell(m.raw_host) AS raw_host, csv_cell(m.final_url) AS final_url,
                csv_cell(m.final_host) AS final_host, m.spelled_out, csv_time(m.seen_at) AS seen_at
         FROM domain_mentions m JOIN posts p ON p.id = m.post_id
         WHERE m.domain_id = {domain_id} AND {} ORDER BY m.seen_at DESC, m.id DESC",
        range.as_deref().unwrap_or("true"),
    );
    exports::csv(ctx, &format!("mentions of domain {domain_id}"), json!({ "since": since }), select)
        .await
}

/// COPY takes no parameters. A time written by us needs none.
fn at_least(column: &str, since: Timestamp) -> String {
    format!("{column} >= '{}'", since.to_rfc3339_opts(SecondsFormat::Micros, true))
}
