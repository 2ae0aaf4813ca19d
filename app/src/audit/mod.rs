//! `/admin/audit`: what people did.

mod api;
mod page;

pub(crate) use page::AuditPage;
