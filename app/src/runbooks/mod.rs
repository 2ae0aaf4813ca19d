//! The runbooks that run.

mod api;
mod detail;
mod findings;
mod page;
mod record;

pub(crate) use detail::RunbookPage;
pub(crate) use page::RunbooksPage;
