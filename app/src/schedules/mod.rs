//! `/admin/schedules` and `/admin/schedules/{name}` (OP-16): schedules, and the upkeep beside them.

mod api;
mod detail;
mod page;
mod row;
mod times;

pub(crate) use detail::SchedulePage;
pub(crate) use page::SchedulesPage;
