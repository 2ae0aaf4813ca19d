//! `/admin/breakers` (OP-1): every provider's breaker, one in detail, and its back-test.

mod api;
mod back_test;
mod detail;
mod history;
mod page;

pub(crate) use back_test::BackTestPage;
pub(crate) use detail::BreakerPage;
pub(crate) use page::BreakersPage;
