//! `/admin/jobs/backfill`.

mod api;
mod page;
mod row;
mod start;

pub(crate) use page::BackfillsPage;
