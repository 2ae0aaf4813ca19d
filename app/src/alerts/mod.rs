//! Alerts: what fires, the rules, and what people were told.

mod api;
mod back_test;
mod page;
mod row;
mod rule;

pub(crate) use back_test::AlertBackTestPage;
pub(crate) use page::AlertsPage;
pub(crate) use rule::AlertRulePage;
