//! `/admin/logs` (OP-14).

mod api;
mod page;

pub(crate) use page::LogsPage;
