//! `/admin/dead-letter-queue` (OP-5).

mod api;
mod groups;
mod mark;
mod page;
mod row;
mod table;

pub(crate) use page::DeadLettersPage;
