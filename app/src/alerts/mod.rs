//! Alerts: what fires, the rules, and what people were told.

mod api;
mod page;
mod row;
mod rule;

pub(crate) use page::AlertsPage;
pub(crate) use rule::AlertRulePage;
