//! `/domains` and `/domains/{id}` (OP-15).

pub(crate) mod api;
mod detail;
mod page;
mod row;

pub(crate) use detail::DomainPage;
pub(crate) use page::DomainsPage;
