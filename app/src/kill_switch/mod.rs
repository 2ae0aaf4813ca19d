//! `/admin/kill-switch` (OP-4).

mod api;
mod page;

pub(crate) use page::KillSwitchPage;
