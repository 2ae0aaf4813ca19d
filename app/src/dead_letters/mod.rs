//! `/admin/dead-letter-queue` (OP-5).

mod api;
mod page;
mod row;

pub(crate) use page::DeadLettersPage;
