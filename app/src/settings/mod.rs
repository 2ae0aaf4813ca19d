//! `/admin/config` (OP-3).

mod api;
mod page;

pub(crate) use page::SettingsPage;
