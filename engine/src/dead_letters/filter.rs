//! The one condition by which letters are listed, counted and acted on.

/// The condition of a `DeadLetterFilter`, as SQL over `$1` to `$6`.
macro_rules! filter_sql {
    () => {
        "($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR kind = $2) \
         AND ($3::text IS NULL OR error_class = $3) AND ($4::text IS NULL OR fingerprint = $4) \
         AND ($5::bigint[] IS NULL OR id = ANY($5)) AND ($6::text IS NULL OR queue = $6)"
    };
}

/// `$query` with `$1` to `$6` bound to `$filter`.
macro_rules! bind_filter {
    ($query:expr, $filter:expr) => {
        $query
            .bind($filter.status.map(signalbox_model::dead_letter::DeadLetterStatus::name))
            .bind(crate::wanted($filter.kind.as_deref()))
            .bind($filter.error_class.map(signalbox_model::error_class::ErrorClass::name))
            .bind(crate::wanted($filter.fingerprint.as_deref()))
            .bind($filter.ids.as_deref())
            .bind(crate::wanted($filter.queue.as_deref()))
    };
}

pub(super) use {bind_filter, filter_sql};
