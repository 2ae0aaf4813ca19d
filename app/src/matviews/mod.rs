//! `/admin/matviews` (OP-9, OP-10).

mod api;
mod page;

pub(crate) use page::MatviewsPage;
