//! `/admin/exports` (OP-12).

mod page;

pub(crate) use page::ExportsPage;
