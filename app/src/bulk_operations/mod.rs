//! Acts on many dead letters at once: `/admin/dead-letter-queue/bulk` previews one,
//! `/admin/dead-letter-queue/operations/{id}` shows how far it is.

pub(crate) mod api;
mod page;
mod preview;
mod row;
mod steps;

pub(crate) use page::BulkOperationPage;
pub(crate) use preview::BulkPreviewPage;
pub(crate) use row::Operations;
