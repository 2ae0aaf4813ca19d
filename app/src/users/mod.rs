//! `/admin/users`: who may come in, and what they may do.

mod api;
mod detail;
mod page;
mod row;

pub(crate) use detail::UserPage;
pub(crate) use page::UsersPage;
