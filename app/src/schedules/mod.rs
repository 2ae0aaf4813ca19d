//! `/admin/schedules` (OP-16, so far read only).

mod api;
mod page;

pub(crate) use page::SchedulesPage;
