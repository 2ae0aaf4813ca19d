//! The outside providers: their keys, whether they are on, and the test of their credentials.

pub(crate) mod api;
mod detail;
mod key;
mod page;
mod row;

pub(crate) use detail::ProviderPage;
pub(crate) use page::ProvidersPage;
