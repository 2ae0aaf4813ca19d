//! `/admin/dead-letter-queue` (OP-5).

mod api;
mod decision;
mod groups;
mod page;
mod row;
mod table;

pub(crate) use page::DeadLettersPage;
