//! CSV exports (OP-12), streamed in constant memory.

use axum::body::Body;
use axum::response::IntoResponse as _;
use bytes::Bytes;
use chrono::{NaiveDate, NaiveTime};
use futures::{Stream, TryStreamExt as _};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_model::Timestamp;
use signalbox_model::domain::DateFilter;
use signalbox_pipelines::domains::export;

use super::input::{Id, Params, Signed};
use super::output::Csv;
use crate::problem::{Answer, ApiProblem};

/// The query of `GET /api/domains/export`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DomainsParams {
    date_filter: Option<String>,
}

/// The query of `GET /api/domains/{id}/mentions/export`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MentionsParams {
    since: Option<String>,
}

/// `GET /api/domains/export?dateFilter=all|today|week|month`.
pub async fn domains(
    Signed { ctx, .. }: Signed,
    Params(params): Params<DomainsParams>,
) -> Answer<Csv> {
    let filter = match params.date_filter.as_deref() {
        None => DateFilter::All,
        Some(name) => DateFilter::from_name(name)
            .map_err(|detail| ApiProblem::bad_parameter("dateFilter", detail))?,
    };
    let rows = export::domains_csv(&ctx, filter).await?;
    Ok(csv(&format!("domains_{}_{}.csv", filter.name(), file_time(ctx.now())), rows))
}

/// `GET /api/domains/{id}/mentions/export?since=<ISO 8601>`.
pub async fn mentions(
    Signed { ctx, .. }: Signed,
    Id(id): Id,
    Params(params): Params<MentionsParams>,
) -> Answer<Csv> {
    let since = params.since.as_deref().map(parse_since).transpose()?;
    let range = since.map_or("all".to_owned(), |since| format!("since-{}", file_time(since)));
    let rows = export::mentions_csv(&ctx, id, since).await?;
    Ok(csv(&format!("domain-{id}-mentions_{range}_{}.csv", file_time(ctx.now())), rows))
}

/// A time or a date in ISO 8601. A time without a zone, and a date, are in UTC.
fn parse_since(text: &str) -> Answer<Timestamp> {
    // An unescaped `+` of a zone arrives as a space.
    let text = text.trim().replace(' ', "+");
    let time = text.parse::<Timestamp>().ok();
    let local = || text.parse::<chrono::NaiveDateTime>().ok().map(|time| time.and_utc());
    let date =
        || text.parse::<NaiveDate>().ok().map(|date| date.and_time(NaiveTime::MIN).and_utc());
    time.or_else(local).or_else(date).ok_or_else(|| {
        let detail = "since must be a time or a date in ISO 8601, such as 2026-01-31T08:00:00Z or \
                      2026-01-31";
        ApiProblem::bad_parameter("since", detail)
    })
}

/// A time as it can stand in a file name: `20260131T080000Z`.
pub(super) fn file_time(time: Timestamp) -> String {
    time.format("%Y%m%dT%H%M%SZ").to_string()
}

/// `rows` as a file to be kept.
pub(super) fn csv<E>(
    file_name: &str,
    rows: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
) -> Csv
where
    E: std::error::Error + Send + Sync + 'static,
{
    // The head is sent by then: breaking the stream off is how a client learns of it.
    let rows = rows.inspect_err(|error| tracing::error!(%error, "an export broke off"));
    let disposition = format!("attachment; filename=\"{file_name}\"");
    let headers =
        [(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, disposition)];
    Csv((headers, Body::from_stream(rows)).into_response())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn op_12_since_takes_iso_8601_times_and_dates() {
        for text in [
            "2026-01-31T08:00:00Z",
            "2026-01-31T09:00:00+01:00",
            "2026-01-31T09:00:00 01:00",
            "2026-01-31T08:00:00",
        ] {
            assert_eq!(file_time(parse_since(text).unwrap()), "20260131T080000Z", "{text}");
        }
        assert_eq!(file_time(parse_since("2026-01-31").unwrap()), "20260131T000000Z");
    }

    #[test]
    fn op_12_a_bad_since_says_what_is_allowed() {
        let problem = parse_since("yesterday").unwrap_err().problem;
        assert_eq!(problem.status, 400);
        assert!(problem.detail.contains("ISO 8601"));
    }
}
