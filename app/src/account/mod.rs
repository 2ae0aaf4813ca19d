//! Signing in and out, and one's own password.

pub(crate) mod api;
mod login;
mod page;
mod password;
mod second_factor;
mod sessions;

pub(crate) use login::LoginPage;
pub(crate) use page::AccountPage;
pub(crate) use password::PasswordPage;
pub(crate) use sessions::SessionTable;
