//! `/admin/workers`: the workers and the scheduler (ST-4).

mod api;
mod page;
mod row;

pub(crate) use page::WorkersPage;
