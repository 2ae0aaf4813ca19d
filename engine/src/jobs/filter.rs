//! The one condition by which jobs are listed, counted and acted on.

use signalbox_model::job::JobFilter;

use crate::jobs::Registry;
use crate::wanted;

/// The condition of a [`JobFilter`], as SQL over `$1` to `$10`. No job ends before it is enqueued:
/// that is said too, because finished jobs are partitioned by their end.
macro_rules! filter_sql {
    () => {
        "($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR kind = $2)
         AND ($3::text IS NULL OR queue = $3)
         AND ($4::text IS NULL OR strpos(lower(CASE WHEN $5::text[] IS NULL THEN payload::text
                                               ELSE payload #>> $5 END), lower($4)) > 0)
         AND ($5::text[] IS NULL OR payload #> $5 IS NOT NULL)
         AND ($6::text[] IS NULL OR kind = ANY($6))
         AND ($7::text IS NULL OR last_error_class = $7)
         AND ($8::timestamptz IS NULL OR created_at >= $8)
         AND ($8::timestamptz IS NULL OR finished_at IS NULL OR finished_at >= $8)
         AND ($9::timestamptz IS NULL OR created_at < $9)
         AND ($10::bigint[] IS NULL OR id = ANY($10))"
    };
}

/// `$query` with `$1` to `$10` bound to `$filter`; `$registry` knows which kinds call a provider.
macro_rules! bind_filter {
    ($query:expr, $filter:expr, $registry:expr) => {
        $query
            .bind($filter.state.map(signalbox_model::job::JobState::name))
            .bind(crate::wanted($filter.kind.as_deref()))
            .bind(crate::wanted($filter.queue.as_deref()))
            .bind(crate::wanted($filter.q.as_deref()))
            .bind(crate::jobs::filter::path($filter))
            .bind(crate::jobs::filter::kinds($filter, $registry))
            .bind($filter.error_class.map(signalbox_model::error_class::ErrorClass::name))
            .bind($filter.since)
            .bind($filter.until)
            .bind($filter.ids.as_deref())
    };
}

pub(super) use {bind_filter, filter_sql};

/// The field names that the filter's path consists of.
pub(super) fn path(filter: &JobFilter) -> Option<Vec<&str>> {
    Some(wanted(filter.path.as_deref())?.split('.').collect())
}

/// The kinds that call the filter's provider.
pub(super) fn kinds<'a>(filter: &JobFilter, registry: &'a Registry) -> Option<Vec<&'a str>> {
    let provider = wanted(filter.provider.as_deref())?;
    let calls = |spec: &&crate::jobs::handler::KindSpec| {
        spec.calls.is_some_and(|(operation, _)| operation.provider == provider)
    };
    Some(registry.specs().filter(calls).map(|spec| spec.name).collect())
}
