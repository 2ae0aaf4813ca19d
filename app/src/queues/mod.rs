//! `/admin/queues` and `/admin/queues/{name}` (AV-6, ST-4).

mod api;
mod detail;
mod page;
mod row;

pub(crate) use detail::QueuePage;
pub(crate) use page::QueuesPage;
