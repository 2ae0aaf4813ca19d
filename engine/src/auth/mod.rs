//! Who may come in: users, their passwords, and their sessions.

mod password;
pub mod sessions;
pub mod users;
