//! `/admin/jobs` and `/admin/jobs/{id}`.

pub(crate) mod api;
mod bulk;
mod detail;
mod facts;
mod filters;
mod hold;
mod metrics;
mod page;
mod row;
mod timeline;
mod triggers;

pub(crate) use bulk::JobsBulkPage;
pub(crate) use detail::JobPage;
pub(crate) use page::JobsPage;
