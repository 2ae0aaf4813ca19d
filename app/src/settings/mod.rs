//! `/admin/config` and `/admin/config/{key}` (OP-3).

mod api;
mod detail;
mod page;
mod preview;
mod row;

pub(crate) use detail::SettingPage;
pub(crate) use page::SettingsPage;
