//! `/admin/tokens`: what scripts sign in with.

mod api;
mod page;

pub(crate) use page::TokensPage;
