//! Signing in and out, and one's own password.

pub(crate) mod api;
mod login;
mod password;

pub(crate) use login::LoginPage;
pub(crate) use password::PasswordPage;
