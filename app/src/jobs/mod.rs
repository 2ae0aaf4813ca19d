//! `/admin/jobs` and `/admin/jobs/{id}`.

pub(crate) mod api;
mod detail;
mod facts;
mod filters;
mod hold;
mod many;
mod metrics;
mod page;
mod row;
mod timeline;
mod triggers;

pub(crate) use detail::JobPage;
pub(crate) use many::JobsBulkPage;
pub(crate) use page::JobsPage;
